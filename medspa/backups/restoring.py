"""Bringing a backup back: everything is looked at first, and what was there is put aside, never deleted.

The database changes in one step. Files that the backup has are laid beside the present ones before it, and files that
it does not have are put aside after it: killed at any moment, this leaves the old clinic or the new one, each with all
its files.
"""

import filecmp
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

from django.conf import settings
from django.db import connection

from medspa.backups import into_postgres, into_sqlite
from medspa.backups.archive import DATABASE, MEDIA, Manifest, read_archive
from medspa.backups.copies import Tell
from medspa.backups.facts import insist_on_keys, still_to_run
from medspa.backups.making import folders
from medspa.backups.refusal import BackupRefused
from medspa.backups.turns import alone


class Restored(NamedTuple):
    manifest: Manifest
    still_to_run: list[str]  # migrations
    put_aside: list[str]  # where what was there before lies now


def verify(file: Path, key: str) -> Manifest:
    """Read a backup from end to end. Raises BackupRefused unless it could be brought back here; changes nothing."""
    return _insist(read_archive(_existing(file), key, lambda _name: None))


def restore(file: Path, *, key: str, overwrite: bool, now: datetime, tell: Tell) -> Restored:
    """Bring `file` back. Raises BackupRefused where it cannot be; then nothing was changed.

    A database or photos that are there already are put aside if `overwrite` says so, and refused otherwise.
    """
    into = into_postgres if connection.vendor == "postgresql" else into_sqlite
    stamp = f"before_restore_{now.astimezone(UTC):%Y%m%dt%H%M%Sz}"
    with alone(settings.VAR_DIR), _unpacked(file, key, tell) as (folder, manifest):
        if not overwrite and (there := [*into.what_is_there(), *_files_there()]):
            raise BackupRefused(f"There is a clinic here already: {', '.join(there)}. --overwrite puts it aside.")
        into.insist_on_nobody()
        with into.brought_in(folder / DATABASE, manifest, stamp, tell) as change:
            _lay_beside(folder)
            os.sync()
            aside = [change()]
        aside += _put_aside(folder, manifest, stamp)
    return Restored(manifest, still_to_run(manifest.migrations), [place for place in aside if place])


def _existing(file: Path) -> Path:
    try:
        file.open("rb").close()
    except (FileNotFoundError, IsADirectoryError):
        raise BackupRefused(f"There is no backup {file}.") from None
    except OSError as error:
        raise BackupRefused(f"{file} cannot be read here: {error.strerror}.") from None
    return file


def _insist(manifest: Manifest) -> Manifest:
    if manifest.vendor != connection.vendor:
        names = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
        raise BackupRefused(
            f"The backup is of {names.get(manifest.vendor)}, and DATABASE_URL names {names.get(connection.vendor)}. "
            "Bring it back there, then carry the site over with: manage.py move_to_postgres"
        )
    still_to_run(manifest.migrations)
    insist_on_keys(manifest.sealed)
    return manifest


@contextmanager
def _unpacked(file: Path, key: str, tell: Tell) -> Iterator[tuple[Path, Manifest]]:
    """The members in a folder, once all of them were looked at. The folder goes afterwards."""
    folder = Path(settings.VAR_DIR) / "restoring"
    shutil.rmtree(folder, ignore_errors=True)  # of a restore that was killed
    folder.mkdir(mode=0o700)

    def destination(name: str) -> BinaryIO:
        tell(f"reading {name}")
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path.open("xb")

    try:
        yield folder, _insist(read_archive(_existing(file), key, destination))
    except OSError as error:
        raise BackupRefused(f"The backup was not brought back: {error.strerror or type(error).__name__}.") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _files_there() -> list[str]:
    media = folders()[MEDIA]
    return [f"photos in {media}"] if next(_files(media), None) else []


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _lay_beside(folder: Path) -> None:
    """What the backup has and the clinic has not. A file of the same name and other content waits until afterwards."""
    for name, home in folders().items():
        for path in sorted(_files(folder / name)):
            place = home / path.relative_to(folder / name)
            if not place.exists():
                _lay(path, place)


def _put_aside(folder: Path, manifest: Manifest, stamp: str) -> list[str]:
    """Photos that the backup has not, or has otherwise. What waits in the spool stays: nobody else has it."""
    home = folders()[MEDIA]
    aside = home.with_name(f"{home.name}.{stamp}")
    ours = {home.parent / name.replace(MEDIA, home.name, 1) for name, _size, _sum in manifest.members}
    for path in sorted(_files(home)):
        other = folder / MEDIA / path.relative_to(home)
        changed = other.exists() and not filecmp.cmp(path, other, shallow=False)
        if path not in ours or changed:
            _lay(path, aside / path.relative_to(home))
        if changed:
            _lay(other, path)
    return [str(aside)] if aside.exists() else []


def _lay(path: Path, place: Path) -> None:
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.move(path, place)
