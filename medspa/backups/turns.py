"""One backup or restore at a time for each clinic on a machine."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medspa.backups.refusal import BackupRefused


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Raises BackupRefused where another has the turn. The kernel takes the lock back when a process dies."""
    descriptor = os.open(folder / "backup-lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRefused("Another backup or restore is under way. Nothing was done.") from None
        yield
    finally:
        os.close(descriptor)


def write_down(folder: Path) -> None:
    """What was renamed or removed in `folder` stays so, whatever happens to the power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError:
        pass  # some file systems of USB sticks and network drives know no such thing
    finally:
        os.close(descriptor)
