"""A database file from a backup takes the place of the present one, in one step."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from django.db import connection

from medspa.backups.archive import Manifest
from medspa.backups.copies import Tell, facts_of_sqlite, reading_sqlite
from medspa.backups.refusal import BackupRefused
from medspa.backups.turns import write_down

BESIDE = ("-wal", "-shm")


def database() -> Path:
    return Path(connection.settings_dict["NAME"])


def what_is_there() -> list[str]:
    file = database()
    if not file.exists():
        return []
    try:
        with closing(sqlite3.connect(file)) as old:
            is_empty = old.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    except sqlite3.DatabaseError:
        is_empty = False  # damaged, or busy
    return [] if is_empty else [f"the database {file}"]


def insist_on_nobody() -> None:
    """Raise BackupRefused while another program has the database open. Afterwards one file is all of it."""
    connection.close()
    file = database()
    if who := who_has_open(file):
        raise BackupRefused(f"The site is running on this database (process {who}). Stop it first.")
    if not file.exists():
        return
    try:
        with closing(sqlite3.connect(file, timeout=1)) as old:
            old.execute("PRAGMA journal_mode=DELETE")  # granted to whoever is alone
    except sqlite3.OperationalError as error:
        if "locked" in str(error):
            raise BackupRefused("The site is running on this database. Stop it first.") from None
    except sqlite3.DatabaseError:
        pass  # it is damaged, which is why somebody brings a backup


def who_has_open(file: Path) -> int | None:
    """Another process that has the file open, as far as this user may see (Linux)."""
    names = {str(file.resolve()), *(f"{file.resolve()}{ending}" for ending in BESIDE)}
    for process in Path("/proc").glob("[0-9]*"):
        if process.name == str(os.getpid()):
            continue
        with suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with suppress(OSError):
                    if os.readlink(descriptor) in names:
                        return int(process.name)
    return None


@contextmanager
def brought_in(copy: Path, manifest: Manifest, stamp: str, tell: Tell) -> Iterator[Callable[[], str]]:
    """Yields what changes the database, once the copy was compared with what the manifest says of it."""
    file = database()
    staged = file.with_name(f"{file.name}.restoring")
    try:
        shutil.move(copy, staged)
        with closing(sqlite3.connect(staged, isolation_level=None)) as found:
            tell("comparing the database")
            facts_of_sqlite(found)
            reading = reading_sqlite(found)
            reading.insist_on_rows(manifest.rows)
            reading.insist_on_seals()
        with staged.open("rb") as whole:
            os.fsync(whole.fileno())
        yield lambda: _change(file, staged, stamp)
    finally:
        staged.unlink(missing_ok=True)


def _change(file: Path, staged: Path, stamp: str) -> str:
    insist_on_nobody()  # who came meanwhile would go on writing into what is put aside
    aside = file.with_name(f"{file.name}.{stamp}")
    if file.exists():
        os.link(file, aside)
        for ending in BESIDE:  # only of a database that is damaged: a sound one was folded into one file
            with suppress(FileNotFoundError):
                os.rename(f"{file}{ending}", f"{aside}{ending}")
    os.replace(staged, file)
    write_down(file.parent)
    return str(aside) if aside.exists() else ""
