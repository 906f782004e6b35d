"""What the database refuses is kept in files: one sealed request each, until the worker replays it.

A file lies in `spool/` of VAR_DIR under a name made of digests, which says nothing to whoever lacks the keys. It is
whole or not there, and it goes once the database has the request. What cannot be replayed is set aside in
`spool/aside/` and stays. Nothing here knows what a request is: whoever keeps words says also how they are stored.
"""

import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DataError, Error, IntegrityError

from appointments.models import hash_token
from medspa.sealed import keyed_digest, seal, unseal

MOST_KEPT = 2000  # files of at most 8 kB, the longest answers that there can be: 16 MB
DRAFT = ".draft-"
DRAFT_LIVES_SECONDS = 60 * 60  # what is older was left behind by a process that died

log = logging.getLogger(__name__)


class NotKept(Exception):
    """The disk refused the file, or enough is kept already."""


def keep(words: dict[str, Any], *, token: str, sender: str, most_of_sender: int) -> None:
    """Seal `words` and write them down; when this returns they survive a power cut. Raises NotKept.

    Whatever has the same private `token` is kept once. Of one `sender` no more than `most_of_sender` are kept at a
    time, and of all the world MOST_KEPT, so that nobody fills the disk: a database that is away cannot be asked who
    sent how much within the hour.
    """
    try:
        _make_folder()
        names = [file.name for file in _files()]
        digest = _digest(sender)
        if any(_is_of(name, token) for name in names):
            return
        of_sender = sum(name.startswith(digest) for name in names) if sender else 0
        if len(names) >= MOST_KEPT or of_sender >= most_of_sender:
            raise NotKept("Enough is kept")
        _write(_folder() / f"{digest}-{hash_token(token)}", seal(json.dumps(words, ensure_ascii=False)))
    except OSError as trouble:
        raise NotKept(trouble.strerror) from trouble


def keeps(token: str) -> bool:
    """Whether a request with this private token is kept and not yet replayed."""
    return any(_is_of(file.name, token) for file in _files())


def waiting() -> int:
    """How many requests are to be replayed."""
    return len(_files_in(_folder()))


def oldest_seconds() -> int:
    """For how long the oldest of them has waited; 0 if none does."""
    written = [at for file in _files_in(_folder()) if (at := _written_at(file))]
    return max(0, int(time.time() - min(written))) if written else 0


def set_aside() -> int:
    """How many could not be replayed and wait for somebody who looks."""
    return len(_files_in(_aside()))


def replay(store: Callable[[dict[str, Any]], object], *, stop: Callable[[], bool] = bool) -> int:
    """Hand all that waits to `store`, the oldest first, and say how much it took. A file goes after it was stored.

    `store` is given the same words again if the process dies in between, or by two workers at once: it must be
    idempotent. A database that is still away raises its own error, and everything stays as it is. What cannot be
    replayed for any other reason is set aside, and the next is taken.
    """
    taken = 0
    for file in sorted(_files_in(_folder()), key=_written_at):
        if stop():
            break
        try:
            store(json.loads(unseal(file.read_text())))
        except FileNotFoundError:
            continue  # another worker was first
        except Exception as trouble:
            if isinstance(trouble, Error) and not isinstance(trouble, IntegrityError | DataError):
                raise
            _set_aside(file, trouble)
            continue
        file.unlink(missing_ok=True)
        taken += 1
    return taken


def try_again() -> None:
    """Put what was set aside back in line, and clear away what a process left half written when it died."""
    for file in _files_in(_aside()):
        with suppress(OSError):
            file.rename(_folder() / file.name)
    with suppress(OSError):
        for file in _folder().glob(f"{DRAFT}*"):
            if time.time() - _written_at(file) > DRAFT_LIVES_SECONDS:
                file.unlink(missing_ok=True)


def _folder() -> Path:
    return Path(settings.VAR_DIR) / "spool"


def _aside() -> Path:
    return _folder() / "aside"


def _files() -> Iterator[Path]:
    yield from _files_in(_folder())
    yield from _files_in(_aside())


def _files_in(folder: Path) -> list[Path]:
    try:
        return [Path(entry.path) for entry in os.scandir(folder) if "-" in entry.name and entry.name[0] != "."]
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return []


def _is_of(name: str, token: str) -> bool:
    return name.endswith(f"-{hash_token(token)}")


def _digest(sender: str) -> str:
    return keyed_digest(sender, "spool: from whom").hex()[:16]


def _written_at(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _make_folder() -> None:
    if not _folder().is_dir():
        _folder().mkdir(mode=0o700, exist_ok=True)
        _fsync_folder(_folder().parent)


def _write(file: Path, text: str) -> None:
    descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=DRAFT)
    try:
        with open(descriptor, "w") as draft_file:
            draft_file.write(text)
            draft_file.flush()
            os.fsync(draft_file.fileno())
        os.rename(draft, file)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
    _fsync_folder(file.parent)


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _set_aside(file: Path, trouble: Exception) -> None:
    """Loudly, and without a word of what is in it."""
    log.error(
        "A kept request cannot be replayed and was set aside in spool/aside of VAR_DIR: %s", type(trouble).__name__
    )
    with suppress(OSError):
        _aside().mkdir(mode=0o700, exist_ok=True)
        file.rename(_aside() / file.name)
