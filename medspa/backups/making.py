"""Making a backup: everything that the clinic owns in one file, whole or not there at all.

Not in it: DATA_KEYS and SECRET_KEY, which would open it, and what can be made anew: static files, exported pages.
"""

import errno
import hashlib
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, NamedTuple
from urllib.parse import urlsplit

import psycopg
from django.conf import settings
from django.db import connection

from medspa.backups.archive import DATABASE, MEDIA, SPOOL, ArchiveWriter, Manifest
from medspa.backups.copies import Tell, copy_database, first_line, size_of_database
from medspa.backups.refusal import BackupRefused
from medspa.backups.turns import alone, write_down
from medspa.models import Sign

ENDING, LOCKED, UNFINISHED = ".tar.gz", ".locked", ".unfinished"
LEFT_FREE = 64 * 1024 * 1024  # bytes on the site's own disk, which goes on taking requests
ABANDONED = timedelta(days=1)


class Made(NamedTuple):
    file: Path
    size: int  # bytes
    sha256: str
    manifest: Manifest


def back_up(place: Path, *, key: str, keep: int = 0, now: datetime, tell: Tell) -> Made:
    """Make a backup at `place`: a new file, or a folder, where it gets a dated name and only the newest `keep` stay.

    `keep` 0 keeps all. Raises BackupRefused; then there is no new file, and no older one is gone.
    """
    folder = place if place.is_dir() else place.parent
    _refuse_place(place, folder)
    with alone(settings.VAR_DIR):
        file = _free_name(folder, now, key) if place.is_dir() else place
        unfinished = folder / f".{file.name}{UNFINISHED}"
        try:
            with _room_for_copy() as copy, _private(unfinished) as out:
                manifest = _write(out, copy, key=key, now=now, tell=tell)
                out.flush()
                os.fsync(out.fileno())
            size, sha256 = unfinished.stat().st_size, _sum_of(unfinished)
            os.rename(unfinished, file)
        except (OSError, sqlite3.Error, psycopg.Error) as error:
            raise BackupRefused(f"{_why(error)} No backup was made.") from None
        finally:
            unfinished.unlink(missing_ok=True)
        write_down(folder)
        Sign.objects.leave(Sign.BACKUP, at=now, about=f"{file.name}, {size} bytes, SHA-256 {sha256}")
        if place.is_dir():
            _tidy(folder, keep, now)
    return Made(file, size, sha256, manifest)


def newest_in(folder: Path) -> Path | None:
    """The newest backup of this site in a folder."""
    ours = _ours(folder)
    return ours[-1] if ours else None


def _refuse_place(place: Path, folder: Path) -> None:
    if not folder.is_dir():
        raise BackupRefused(f"There is no folder {folder}. Is the disk for backups mounted?")
    if place.exists() and not place.is_dir():
        raise BackupRefused(f"There is a file {place} already. Name a new one, or a folder.")


def _write(out: BinaryIO, copy: Path, *, key: str, now: datetime, tell: Tell) -> Manifest:
    """Files first, then the database, then files that came meanwhile: each that the database names is there.

    A request in the spool goes into the database and only then from the spool: it is in one of both, or in both.
    """
    had = set[str]()
    with ArchiveWriter(out, key) as archive:
        _add_files(archive, had, tell)
        server, facts = copy_database(copy, tell)
        with copy.open("rb") as source:
            archive.add(DATABASE, source, copy.stat().st_size)
        _add_files(archive, had, tell)
        manifest = Manifest(settings.SITE_URL, now.isoformat(), connection.vendor, server, *facts)
        archive.finish(manifest)
    return manifest


def _add_files(archive: ArchiveWriter, had: set[str], tell: Tell) -> None:
    for member, folder in folders().items():
        for path in sorted(folder.rglob("*")):
            name = f"{member}/{path.relative_to(folder).as_posix()}"
            if name in had or path.name.startswith(".") or path.is_symlink() or not path.is_file():
                continue  # had, or not yet whole
            with suppress(FileNotFoundError), path.open("rb") as source:  # it may have been removed this moment
                archive.add(name, source, os.fstat(source.fileno()).st_size)
                had.add(name)
                tell(f"files: {len(had)}")


def folders() -> dict[str, Path]:
    """What is kept beside the database: photos, and requests that wait while it takes none."""
    return {MEDIA: Path(settings.MEDIA_ROOT), SPOOL: Path(settings.VAR_DIR) / "spool"}


@contextmanager
def _room_for_copy() -> Iterator[Path]:
    """A place for the plain copy of the database: on the site's own disk, which has it anyway. Gone afterwards."""
    folder = Path(settings.VAR_DIR) / "backing-up"
    shutil.rmtree(folder, ignore_errors=True)  # of a backup that was killed
    free, needed = shutil.disk_usage(settings.VAR_DIR).free, size_of_database() + LEFT_FREE
    if free < needed:
        words = "{} MB are free in {}, and a copy of the database needs {} MB. No backup was made."
        raise BackupRefused(words.format(free // 1_000_000, settings.VAR_DIR, needed // 1_000_000))
    folder.mkdir(mode=0o700)
    try:
        yield folder / DATABASE
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _private(file: Path) -> BinaryIO:
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb")


def _sum_of(file: Path) -> str:
    """Of the file as it is read back, not as it was meant."""
    with file.open("rb") as written:
        return hashlib.file_digest(written, "sha256").hexdigest()


def _why(error: Exception) -> str:
    if not isinstance(error, OSError):
        return f"The database says: {first_line(str(error))}."
    if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
        return "The disk is full."
    return f"{error.strerror or type(error).__name__}."


def _site() -> str:
    return re.sub(r"[^a-z0-9.-]", "-", (urlsplit(settings.SITE_URL).hostname or "clinic").lower())


def _free_name(folder: Path, now: datetime, key: str) -> Path:
    stem = f"{_site()}-{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"
    names = (f"{stem}{number}{ENDING}{LOCKED if key else ''}" for number in ("", "-2", "-3", "-4", "-5"))
    return next(folder / name for name in names if not (folder / name).exists())


def _ours(folder: Path) -> list[Path]:
    """Backups of this site that got their name from us, the oldest first."""
    name = re.compile(rf"{re.escape(_site())}-(\d{{4}}-\d\d-\d\dT\d{{6}}Z)(-\d)?{re.escape(ENDING)}({LOCKED})?")
    return sorted(file for file in folder.iterdir() if name.fullmatch(file.name))


def _tidy(folder: Path, keep: int, now: datetime) -> None:
    """Remove what is older than the newest `keep`, and what a killed backup left."""
    for file in _ours(folder)[: -keep if keep else 0]:
        file.unlink(missing_ok=True)
    for file in folder.glob(f".{_site()}-*{UNFINISHED}"):
        if datetime.fromtimestamp(file.stat().st_mtime, UTC) < now - ABANDONED:
            file.unlink(missing_ok=True)
    write_down(folder)
