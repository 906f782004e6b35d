"""A line in which those who want to write wait for their turn: the threads of a process in order, processes in turn.

SQLite lets one writer in at a time and has the others ask again after ever longer pauses, so that whoever is out of
luck waits while others who came later go by. Here the first thread of each process asks at short and equal intervals,
by a lock on a file that the kernel takes back when a process dies; the other threads sleep until it is their turn.

A second lock is that of whoever is next. Without it a process that leaves would let its own next thread in at once,
before anybody else had asked again.
"""

import fcntl
import os
import threading
import time
from collections import deque
from functools import cache
from pathlib import Path

PAUSE_SECONDS = 0.0005


class Line:
    """The line before one database. `join` and `leave` are called by the same thread."""

    def __init__(self, file: Path):
        self.file = file
        self.waiting: deque[threading.Event] = deque()
        self.guard = threading.Lock()
        self.held: int | None = None
        self.process = os.getpid()

    def join(self, seconds: float) -> bool:
        """Wait for the turn, at most so long. False if it did not come; then nobody stands in line any more."""
        ends_at, mine = time.monotonic() + seconds, threading.Event()
        with self.guard:
            self._begin_anew_after_fork()
            self.waiting.append(mine)
            if self.waiting[0] is mine:
                mine.set()
        if mine.wait(seconds) and self._take(ends_at):
            return True
        self._step_out(mine)
        return False

    def leave(self) -> None:
        """The turn is over: the next one's begins."""
        held, self.held = self.held, None
        if held is not None:
            os.close(held)
        with self.guard:
            mine = self.waiting[0] if self.waiting else None
        if mine:
            self._step_out(mine)

    def _take(self, ends_at: float) -> bool:
        is_next = _locked(self.file.with_name(f"{self.file.name}-next"), ends_at)
        if is_next is None:
            return False
        try:
            self.held = _locked(self.file, ends_at)
        finally:
            os.close(is_next)
        return self.held is not None

    def _step_out(self, mine: threading.Event) -> None:
        with self.guard:
            self.waiting.remove(mine)
            if self.waiting:
                self.waiting[0].set()

    def _begin_anew_after_fork(self) -> None:
        """A child has none of the threads that waited, and not the turn of its parent."""
        if self.process != os.getpid():
            self.waiting.clear()
            self.held, self.process = None, os.getpid()


def _locked(file: Path, ends_at: float) -> int | None:
    """A descriptor that has the lock on the file until it is closed. None if it was not to be had by then."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > ends_at:
                os.close(descriptor)
                return None
            time.sleep(PAUSE_SECONDS)
        else:
            return descriptor


@cache
def line_before(database: str) -> Line:
    """One for each database and process. Its two files lie beside the database."""
    return Line(Path(f"{database}-line"))
