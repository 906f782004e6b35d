"""A consistent copy of the database as one file, while the site goes on writing.

SQLite by its own online backup, within one read transaction: in WAL mode nobody waits for it, and nothing that is
written meanwhile makes it begin again. PostgreSQL by pg_dump, of a snapshot from which the rows are counted too.
"""

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from django.db import connection

from medspa.backups.facts import Facts, Reading
from medspa.backups.refusal import BackupRefused

Tell = Callable[[str], None]
PAGES_AT_ONCE = 2000  # a step of some 8 MB, after which progress is told
KEPT_SCHEMAS = "before_restore_*"
IN_LIBPQS_WORDS = {
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "host": "PGHOST",
    "port": "PGPORT",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "connect_timeout": "PGCONNECT_TIMEOUT",
}


def copy_database(to: Path, tell: Tell) -> tuple[str, Facts]:
    """Copy the site's database into the new file `to`; the version of its server, and what it says of itself."""
    return _dump(to, tell) if connection.vendor == "postgresql" else _copy_sqlite(to, tell)


def size_of_database() -> int:
    """Bytes that a copy may take, roughly."""
    if connection.vendor != "postgresql":
        return Path(connection.settings_dict["NAME"]).stat().st_size
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def _copy_sqlite(to: Path, tell: Tell) -> tuple[str, Facts]:
    name = connection.settings_dict["NAME"]
    with (
        closing(sqlite3.connect(f"file:{name}?mode=rw", uri=True, isolation_level=None)) as site,
        closing(sqlite3.connect(to, isolation_level=None)) as copy,
    ):
        copy.execute("PRAGMA synchronous=OFF")  # it is read once, at once, and thrown away
        site.execute("BEGIN")
        site.execute("SELECT count(*) FROM sqlite_master").fetchall()  # from here on, one snapshot
        site.backup(
            copy,
            pages=PAGES_AT_ONCE,
            progress=lambda _status, left, of: tell(f"database: {100 * (of - left) // max(of, 1)} %"),
        )
        site.execute("COMMIT")
        copy.execute("PRAGMA journal_mode=DELETE")  # one file
        return sqlite3.sqlite_version, facts_of_sqlite(copy)


def facts_of_sqlite(copy: sqlite3.Connection) -> Facts:
    """Raises BackupRefused where SQLite finds the file unsound."""
    if (found := copy.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise BackupRefused(f"The database is not sound. SQLite says: {found}")
    return reading_sqlite(copy).facts()


def reading_sqlite(copy: sqlite3.Connection) -> Reading:
    return Reading("sqlite", lambda statement: copy.execute(statement).fetchall())


def _dump(to: Path, tell: Tell) -> tuple[str, Facts]:
    with psycopg.connect(**_parameters()) as site:
        site.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        version = site.info.server_version // 10000
        pg_dump = tool("pg_dump", version)
        (snapshot,) = site.execute("SELECT pg_export_snapshot()").fetchone() or ("",)
        command = [pg_dump, "--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--no-comments"]
        command += ["--no-password", f"--exclude-schema={KEPT_SCHEMAS}", f"--snapshot={snapshot}", f"--file={to}"]
        with subprocess.Popen(command, env=environment(), stderr=subprocess.PIPE, text=True) as dumping:
            while _is_running(dumping):
                tell(f"database: {to.stat().st_size // 1_000_000 if to.exists() else 0} MB")
            if dumping.returncode:
                words = (dumping.stderr.read() if dumping.stderr else "").strip()
                raise BackupRefused(f"The database was not copied. {first_line(words)}")
        facts = Reading("postgresql", lambda statement: site.execute(statement).fetchall()).facts()
        return str(version), facts


def _is_running(process: subprocess.Popen) -> bool:
    try:
        process.wait(timeout=0.5)
    except subprocess.TimeoutExpired:
        return True
    return False


def first_line(words: str) -> str:
    """Of what a program of PostgreSQL says, the line that says what is wrong: others may quote rows."""
    lines = words.splitlines()
    return next((line for line in lines if "error" in line.lower()), lines[0] if lines else "It does not say why.")


def tool(name: str, server: int) -> str:
    """Where PostgreSQL's program `name` is, at least as new as the server. Raises BackupRefused if it is not there."""
    advice = f"Install PostgreSQL's client programs of version {server} or newer."
    if not (found := shutil.which(name)):
        raise BackupRefused(f"The program {name} is not installed. {advice}")
    said = subprocess.run([found, "--version"], capture_output=True, text=True).stdout
    version = re.search(r"\b(\d+)", said)
    if not version or int(version[1]) < server:
        raise BackupRefused(f"The program {name} is older than the server, which is version {server}. {advice}")
    return found


def environment() -> dict[str, str]:
    """By which PostgreSQL's programs find the site's database. No password on a command line, which others can read."""
    ours = {IN_LIBPQS_WORDS[name]: str(value) for name, value in _parameters().items() if name in IN_LIBPQS_WORDS}
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | ours


def _parameters() -> dict[str, Any]:
    given = connection.get_connection_params()
    return {name: value for name, value in given.items() if name in IN_LIBPQS_WORDS and value}
