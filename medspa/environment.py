"""What the environment may say, and the one clear line when it says nonsense."""

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

import environ
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

SQLITE_OPTIONS = {
    # A request that was answered is on disk: WAL with synchronous FULL lost none under simulated power cuts.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,  # seconds to wait for another writer
}
SECRET_LENGTH = 50


class EnvironmentRefused(ImproperlyConfigured):
    """A setting that cannot be right. The message is one line for the person who set it."""


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
        raise EnvironmentRefused(f"{name} is not set. A site for other machines needs its own: see README, Environment.")
    kept = folder / f"{name.lower()}.txt"
    try:
        with open(kept, "x", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(Fernet.generate_key().decode() if name == "DATA_KEYS" else secrets.token_urlsafe(64))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        pass
    return kept.read_text().strip()


def _refuse_weak(name: str, given: str) -> None:
    if name == "DATA_KEYS":
        try:
            [Fernet(key) for key in given.split(",")]
        except ValueError:
            raise EnvironmentRefused("DATA_KEYS must be Fernet keys, newest first, with commas between.") from None
    elif len(given) < SECRET_LENGTH or len(set(given)) < 5 or given.startswith("django-insecure"):
        raise EnvironmentRefused(f"{name} is too weak. Use {SECRET_LENGTH} random characters or more.")


def read_database(env: environ.Env, folder: Path) -> dict:
    """The database that DATABASE_URL names, else SQLite in `folder`, with what makes each of them durable."""
    url = env.str("DATABASE_URL", "")
    if not url:
        database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "clinic.sqlite3")}
    elif urlsplit(url).scheme not in {"sqlite", "postgres", "postgresql"}:
        raise EnvironmentRefused("DATABASE_URL must begin with sqlite:// or postgres://.")
    else:
        try:
            database = env.db_url("DATABASE_URL")
        except (ValueError, ImproperlyConfigured):
            raise EnvironmentRefused("DATABASE_URL cannot be read. Try postgres://user:password@host/name.") from None
    if not database["NAME"]:
        raise EnvironmentRefused("DATABASE_URL names no database. Try postgres://user:password@host/name.")
    database["CONN_MAX_AGE"] = None  # kept open; opening one costs more than the write
    database["CONN_HEALTH_CHECKS"] = True
    if database["ENGINE"].endswith("sqlite3"):
        database.setdefault("OPTIONS", {}).update(SQLITE_OPTIONS)
    return database


def read_mail(env: environ.Env, folder: Path) -> dict:
    """Django's EMAIL_ settings from EMAIL_URL, else files in `folder`."""
    if not env.str("EMAIL_URL", ""):
        return {
            "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "EMAIL_FILE_PATH": str(private_folder(folder / "mail")),
        }
    try:
        mail = env.email_url("EMAIL_URL")
    except (KeyError, ValueError, ImproperlyConfigured):
        raise EnvironmentRefused("EMAIL_URL cannot be read. Try smtp+tls://user:password@host:587.") from None
    return {"EMAIL_TIMEOUT": 20, **{name: value for name, value in mail.items() if name.startswith("EMAIL_")}}
