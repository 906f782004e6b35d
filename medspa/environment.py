"""What the environment may say, and the one clear line when it says nonsense. No line ever quotes a secret or a URL."""

import os
import secrets
import tempfile
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

PROJECT = Path(__file__).resolve().parent.parent
YES = {"1", "true", "yes", "on"}
NO = {"0", "false", "no", "off"}
SECRET_LENGTH = 50
TOKEN_LENGTH = 24
SQLITE_OPTIONS = {
    # A request that was answered is on disk: WAL with synchronous FULL lost none under simulated power cuts.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,  # seconds to wait for another writer
}
SQLITE_HEADER = b"SQLite format 3\0"
SQLITE_EXAMPLE = "Try sqlite:////srv/clinic/clinic.sqlite3."
POSTGRES_EXAMPLE = "Try postgres://user:password@host/name, with %40 for @, %23 for # and %2F for / in the password."
# Of a server that is unplugged nobody hears: without a bound a question to it takes a quarter of an hour to fail.
POSTGRES_PATIENCE = {"connect_timeout": 5, "tcp_user_timeout": 5000}  # seconds; milliseconds
POSTGRES_OPTIONS = {"sslmode", "sslrootcert", "sslcert", "sslkey", "host", "application_name"}
MAIL_EXAMPLE = "Try smtp+tls://user:password@host:587, smtp+ssl://...:465 or smtp://host:25."
MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtp+ssl": 465}


class EnvironmentRefused(ImproperlyConfigured):
    """A setting that cannot be right. The message is one line for the person who set it."""


class Environment:
    """Typed values by name. What is set but empty counts as not set. `asked` are the names that were asked for."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self.asked: set[str] = set()

    def text(self, name: str, default: str = "") -> str:
        self.asked.add(name)
        return self._given.get(name, "").strip() or default

    def flag(self, name: str, default: bool) -> bool:
        word = self.text(name, "1" if default else "0").lower()
        if word not in YES | NO:
            raise EnvironmentRefused(f"{name} is {word!r}. Say 1 or 0.")
        return word in YES

    def number(self, name: str, default: int, *, at_least: int = 0) -> int:
        text = self.text(name, str(default))
        if not text.isdecimal() or int(text) < at_least:
            raise EnvironmentRefused(f"{name} is {text!r}. It must be a whole number, {at_least} or more.")
        return int(text)

    def one_of(self, name: str, choices: list[str]) -> str:
        """The first choice is the default."""
        word = self.text(name, choices[0]).lower()
        if word not in choices:
            raise EnvironmentRefused(f"{name} is {word!r}. It can be {' or '.join(choices)}.")
        return word

    def token(self, name: str) -> str:
        """A word that another program must say to be answered. None by default, a guessable one is refused."""
        word = self.text(name)
        if word and (len(word) < TOKEN_LENGTH or len(set(word)) < 8 or not word.isascii() or " " in word):
            raise EnvironmentRefused(f"{name} is too weak. Use {TOKEN_LENGTH} random letters and digits or more.")
        return word

    def names(self, name: str, default: list[str]) -> list[str]:
        found = [part.strip() for part in self.text(name).split(",")]
        return [part for part in found if part] or default

    def networks(self, name: str) -> list[str]:
        """Addresses and networks, and the word `unix`. Nothing by default."""
        found = self.names(name, [])
        for part in found:
            try:
                ip_network("::1" if part == "unix" else part, strict=False)
            except ValueError:
                problem = f"{name} has {part!r}, which is no address. Try 127.0.0.1, 10.0.0.0/8 or unix."
                raise EnvironmentRefused(problem) from None
        return found

    def time_zone(self, name: str, default: str) -> str:
        zone = self.text(name, default)
        try:
            ZoneInfo(zone)  # opens one file, where a list of all zones opens six hundred
        except (LookupError, ValueError, OSError):
            raise EnvironmentRefused(f"{name} is {zone!r}, which names no time zone. Try America/Phoenix.") from None
        return zone

    def folder(self, name: str, default: str) -> Path:
        """A folder of our own. A relative one is meant from the project's root, wherever a command is started."""
        return private_folder(PROJECT / self.text(name, default))


def private_folder(folder: Path) -> Path:
    """`folder`, made if missing, readable by its owner alone. Raises EnvironmentRefused where it cannot be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentRefused(f"The folder {folder} cannot be made: {error.strerror}. Set VAR_DIR.") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise EnvironmentRefused(f"The folder {folder} cannot be written. Mend its permissions or set VAR_DIR.")
    return folder


def own_secret(name: str, given: str, folder: Path, *, may_make: bool) -> str:
    """The secret from the environment; on a machine that serves only itself, one of our own, kept in `folder`."""
    if given:
        _refuse_weak(name, given)
        return given
    if not may_make:
        raise EnvironmentRefused(f"{name} is not set. A site for other machines needs its own: see README.")
    kept = folder / f"{name.lower()}.txt"
    try:
        if not kept.exists():
            _keep(kept, Fernet.generate_key().decode() if name == "DATA_KEYS" else secrets.token_urlsafe(64))
        found = kept.read_text().strip()
    except (OSError, ValueError) as error:
        raise EnvironmentRefused(f"The file {kept} cannot be read or made: {type(error).__name__}.") from None
    try:
        _refuse_weak(name, found)
    except EnvironmentRefused:
        raise EnvironmentRefused(f"The file {kept} is damaged. Bring it back from a backup.") from None
    return found


def _keep(file: Path, secret: str) -> None:
    """Whole or not at all, and once: of two programs that start together, both go on with the first one's."""
    descriptor, draft = tempfile.mkstemp(dir=file.parent)
    try:
        with open(descriptor, "w") as draft_file:
            draft_file.write(secret)
            draft_file.flush()
            os.fsync(draft_file.fileno())
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        os.unlink(draft)


def _refuse_weak(name: str, given: str) -> None:
    if name == "DATA_KEYS":
        try:
            [Fernet(key) for key in given.split(",")]
        except ValueError:
            raise EnvironmentRefused("DATA_KEYS must be Fernet keys, newest first, with commas between.") from None
    elif len(given) < SECRET_LENGTH or len(set(given)) < 5 or given.startswith("django-insecure"):
        raise EnvironmentRefused(f"{name} is too weak. Use {SECRET_LENGTH} random characters or more.")


def read_site_url(given: str, hosts: list[str], *, is_local: bool, port: int) -> str:
    """Where patients find the site, without a slash at the end: links in mail begin with it."""
    if not given:
        if not is_local and ("*" in hosts[0] or hosts[0].startswith(".")):
            raise EnvironmentRefused("SITE_URL is not set, and ALLOWED_HOSTS does not say which name it is.")
        return f"http://127.0.0.1:{port}" if is_local else f"https://{hosts[0]}"
    parts = _split("SITE_URL", given, "Try https://clinic.example.")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.query:
        raise EnvironmentRefused(f"SITE_URL is {given!r}. Try https://clinic.example.")
    return given.rstrip("/")


def read_database(url: str, folder: Path) -> dict[str, Any]:
    """The database that DATABASE_URL names, else SQLite in `folder`, with what makes each of them durable."""
    kept_open = {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}  # opening one costs more than the write
    if not url:
        return _sqlite(folder / "clinic.sqlite3") | kept_open
    parts = _split("DATABASE_URL", url, SQLITE_EXAMPLE if url.startswith("sqlite:") else POSTGRES_EXAMPLE)
    if parts.scheme in {"postgres", "postgresql"}:
        return _postgres(parts) | kept_open
    if parts.scheme != "sqlite":
        raise EnvironmentRefused("DATABASE_URL must begin with sqlite:// or postgres://.")
    name = unquote(parts.path[1:])
    if parts.netloc or not name or name == ":memory:":
        raise EnvironmentRefused(f"DATABASE_URL names no file. {SQLITE_EXAMPLE}")
    return _sqlite(PROJECT / name) | kept_open


def _sqlite(file: Path) -> dict[str, Any]:
    if file.is_dir():
        raise EnvironmentRefused(f"The database {file} is a folder. DATABASE_URL must name a file.")
    if not file.parent.is_dir():
        raise EnvironmentRefused(f"There is no folder {file.parent} for the database. Make it or mend DATABASE_URL.")
    if not os.access(file.parent, os.W_OK | os.X_OK) or (file.exists() and not os.access(file, os.R_OK | os.W_OK)):
        raise EnvironmentRefused(f"The database {file} cannot be written. Mend the permissions of it and its folder.")
    if file.exists() and file.stat().st_size:
        with open(file, "rb") as database:
            if database.read(len(SQLITE_HEADER)) != SQLITE_HEADER:
                raise EnvironmentRefused(f"The file {file} is no SQLite database. Nothing was changed.")
    return {"ENGINE": "medspa.sqlite", "NAME": str(file), "OPTIONS": dict(SQLITE_OPTIONS)}


def _postgres(parts: SplitResult) -> dict[str, Any]:
    name, options = unquote(parts.path[1:]), dict(parse_qsl(parts.query))
    if not name or "/" in name or parts.fragment:
        raise EnvironmentRefused(f"DATABASE_URL names no database. {POSTGRES_EXAMPLE}")
    if unknown := sorted(set(options) - POSTGRES_OPTIONS):
        raise EnvironmentRefused(f"DATABASE_URL has the option {unknown[0]!r}, which is not known here.")
    address = parts.netloc.rpartition("@")[2]  # not .hostname, which loses the capitals of a socket's folder
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(address.removesuffix(f":{parts.port}").rstrip(":").strip("[]")),
        "PORT": str(parts.port or ""),
        "OPTIONS": {**POSTGRES_PATIENCE, **options},
    }


def read_mail(url: str, folder: Path) -> dict[str, Any]:
    """Django's EMAIL_ settings from EMAIL_URL, else files in `folder`."""
    parts = _split("EMAIL_URL", url, MAIL_EXAMPLE)
    backends = "django.core.mail.backends"
    if not url or parts.scheme == "filemail":
        files = private_folder(PROJECT / unquote(parts.path[1:]) if parts.path[1:] else folder / "mail")
        return {"EMAIL_BACKEND": f"{backends}.filebased.EmailBackend", "EMAIL_FILE_PATH": str(files)}
    if parts.scheme == "consolemail":
        return {"EMAIL_BACKEND": f"{backends}.console.EmailBackend"}
    if parts.scheme not in MAIL_PORTS or not parts.hostname or parts.path.strip("/") or parts.fragment:
        raise EnvironmentRefused(f"EMAIL_URL cannot be read. {MAIL_EXAMPLE}")
    return {
        "EMAIL_BACKEND": f"{backends}.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or MAIL_PORTS[parts.scheme],
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtp+ssl",
        "EMAIL_TIMEOUT": 20,
    }


def _split(name: str, url: str, example: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        if parts.port == 0:  # reading .port raises where it is no number at all
            raise ValueError
    except ValueError:
        raise EnvironmentRefused(f"{name} cannot be read. {example}") from None
    return parts
