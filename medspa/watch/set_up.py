"""Whether the site is set up so that patients can rely on it, and what it is made of. In sentences, with what to do."""

import tomllib
from email.utils import parseaddr
from functools import cache
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from medspa.late import Late
from medspa.models import Clinic
from medspa.watch.running import DOCS, Finding

migrations = Late("django.db.migrations.executor")

HERE = {"localhost", "127.0.0.1", "::1"}
NOBODYS = (".example", "example.com", "example.org", "example.net", "localhost", ".invalid", ".test")  # RFC 2606


def how_it_is_set_up() -> list[Finding]:
    """What people have set, and may have forgotten."""
    return [_mail_server(), _addresses(), _keys(), _https(), _clinic(), _migrations()]


def what_it_is() -> dict[str, str]:
    """Facts without a judgement."""
    return {
        "Version": version(),
        "Database": f"{connection.display_name} {_database_version()}, {filesizeformat(_database_bytes())}",
        "Folder": str(settings.VAR_DIR),
    }


@cache
def version() -> str:
    file = Path(settings.BASE_DIR) / "pyproject.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))["project"]["version"]


def _mail_server() -> Finding:
    about, example = "Mail server", "smtp+tls://user:password@host:587"
    if not settings.EMAIL_BACKEND.endswith("smtp.EmailBackend"):
        words = "There is none: mail is only written down on this machine and reaches nobody."
        return Finding(about, words, f"Set EMAIL_URL, such as {example}, and start the site anew.")
    if settings.EMAIL_USE_TLS or settings.EMAIL_USE_SSL:
        return Finding(about, f"Mail goes to {settings.EMAIL_HOST}, encrypted on the way.")
    if settings.EMAIL_HOST in HERE:
        return Finding(about, "Mail goes to a mail server on this machine.")
    words = f"Mail goes to {settings.EMAIL_HOST} in the open: names and private links can be read on the way."
    return Finding(about, words, f"Set EMAIL_URL to the server's encrypted door, such as {example}.")


def _addresses() -> Finding:
    given = {"DEFAULT_FROM_EMAIL": settings.DEFAULT_FROM_EMAIL, "DESK_EMAIL": settings.DESK_EMAIL}
    unreal = [name for name, written in given.items() if _is_nobodys(written)]
    sender, desk = parseaddr(settings.DEFAULT_FROM_EMAIL)[1], parseaddr(settings.DESK_EMAIL)[1]
    words = f"Patients get mail from {sender}; the front desk is told at {desk}."
    verb = "is" if len(unreal) == 1 else "are"
    advice = f"{' and '.join(unreal)} {verb} still an example that reaches nobody. Set the clinic's own."
    return Finding("Mail addresses", words, advice if unreal else "")


def _is_nobodys(written: str) -> bool:
    host = parseaddr(written)[1].rpartition("@")[2].lower()
    return not host or host.endswith(NOBODYS)


def _keys() -> Finding:
    if settings.KEYS_ARE_GIVEN:
        words = (
            "SECRET_KEY and DATA_KEYS are set. Keep a copy of DATA_KEYS apart from the backups: nothing opens without."
        )
        return Finding("Keys", words)
    words = "The site made its own, which lie beside the data that they seal: who takes the disk takes both."
    return Finding("Keys", words, f"Set SECRET_KEY and DATA_KEYS, as {DOCS} says, before patients write to you.")


def _https() -> Finding:
    if settings.SERVED_BY_HTTPS:
        return Finding("Address of the site", f"Patients reach the site at {settings.SITE_URL}, encrypted.")
    words = f"Links in mail begin with {settings.SITE_URL}: what patients send can be read on the way."
    return Finding(
        "Address of the site", words, f"Put a web server with a certificate in front, as {DOCS} says, and set SITE_URL."
    )


def _clinic() -> Finding:
    clinic = Clinic.objects.first()
    if clinic is None:
        return Finding("The clinic's facts", "The clinic is not open yet.", "Run manage.py open_clinic.")
    if not clinic.placeholders:
        return Finding("The clinic's facts", "No placeholder is left.")
    page = reverse("admin:medspa_clinic_change", args=[clinic.pk])
    return Finding(
        "The clinic's facts", " ".join(clinic.placeholders), "Put in the clinic's own.", page, "Open the clinic's page"
    )


def _migrations() -> Finding:
    executor = migrations.MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if not missing:
        return Finding("Database", "It is as this version needs it.")
    words = f"{len(missing)} of this version's changes have not been made to it."
    return Finding("Database", words, "Run manage.py migrate, then start the site and the sender anew.")


def _database_version() -> str:
    return ".".join(str(number) for number in connection.get_database_version())


def _database_bytes() -> int:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_database_size(current_database())")
            return cursor.fetchone()[0]
    name = str(connection.settings_dict["NAME"])
    return sum(file.stat().st_size for file in (Path(name), Path(f"{name}-wal")) if file.exists())
