"""How many HTTP requests Django answered, and how soon: counted by each process of a server, read as one sum.

The counts lie in memory that all processes of a server share, because it is made before they are forked. Each process
writes into a row of its own, so that none waits for another. The kernel gives the row back when a process ends,
however it ends, and the next one goes on counting in it: nothing that was counted is lost. A server that starts its
processes without forking has counts for each of them.
"""

import fcntl
import mmap
import os
import tempfile
import threading
from collections.abc import Iterator
from typing import NamedTuple

ROUTES = (
    "home",
    "treatments",
    "request-an-appointment",
    "my-request",
    "privacy",
    "accessibility",
    "calendar",
    "admin",
    "healthz",
    "metrics",
    "media",
    "static",
    "none",  # no page of ours has the address
    "other",  # what only programs read
)
METHODS = ("GET", "HEAD", "POST", "OTHER")
STATUSES = ("1xx", "2xx", "3xx", "4xx", "5xx")
BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds; longer than the last is counted too
MOST_PROCESSES = 128

ANSWERED = len(ROUTES) * len(METHODS) * len(STATUSES)
TIMES = len(BOUNDS) + 2  # for each route: how many within each bound, how many longer, and nanoseconds in all
CELLS = ANSWERED + len(ROUTES) * TIMES
CELL_BYTES = 8


class Times(NamedTuple):
    """How soon the answers of a route came: how many within each of BOUNDS but not the one before, and longer."""

    spread: list[int]
    seconds: float


class Counts:
    """Counts of one server. Made before its processes are forked; any number of threads may count in each."""

    def __init__(self) -> None:
        size = MOST_PROCESSES * CELLS * CELL_BYTES
        self.file = _file_without_a_name()
        os.ftruncate(self.file, size)
        self.cells = memoryview(mmap.mmap(self.file, size)).cast("Q")
        self.lock = threading.Lock()
        self.process: int | None = None
        self.row: int | None = None

    def add(self, route: str, method: str, status: int, nanoseconds: int) -> None:
        """One more answer. `route` is one of ROUTES."""
        place = ROUTES.index(route)
        kind = METHODS.index(method) if method in METHODS else METHODS.index("OTHER")
        answered = (place * len(METHODS) + kind) * len(STATUSES) + min(max(status // 100, 1), len(STATUSES)) - 1
        first = ANSWERED + place * TIMES
        seconds = nanoseconds / 1e9
        bucket = next((number for number, bound in enumerate(BOUNDS) if seconds <= bound), len(BOUNDS))
        with self.lock:
            row = self._own_row()
            if row is None:
                return
            self.cells[row + answered] += 1
            self.cells[row + first + bucket] += 1
            self.cells[row + first + TIMES - 1] += nanoseconds

    def answered(self) -> Iterator[tuple[str, str, str, int]]:
        """Route, method, class of status, and how many there were. What there never was is left out."""
        places = ((route, method, status) for route in ROUTES for method in METHODS for status in STATUSES)
        for cell, place in enumerate(places):
            if number := self._sum(cell):
                yield *place, number

    def times(self) -> Iterator[tuple[str, Times]]:
        for place, route in enumerate(ROUTES):
            *spread, nanoseconds = (self._sum(ANSWERED + place * TIMES + cell) for cell in range(TIMES))
            if any(spread):
                yield route, Times(spread, nanoseconds / 1e9)

    def forget_own(self) -> None:
        """Forget what this process counted, such as what it asked itself to warm up."""
        with self.lock:
            row = self._own_row()
            for cell in range(CELLS if row is not None else 0):
                self.cells[(row or 0) + cell] = 0

    def _sum(self, cell: int) -> int:
        return sum(self.cells[cell::CELLS])

    def _own_row(self) -> int | None:
        """Where this process counts. None if there are more of them than rows: then it is not counted."""
        if self.process != os.getpid():
            self.process, self.row = os.getpid(), self._take_row()
        return self.row

    def _take_row(self) -> int | None:
        for number in range(MOST_PROCESSES):
            try:
                fcntl.lockf(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, number)
            except OSError:
                continue
            return number * CELLS
        return None


def _file_without_a_name() -> int:
    """In memory where there is such a thing (Linux), so that a full disk is no matter. Open while the process lives."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("counts")
    descriptor, name = tempfile.mkstemp()
    os.unlink(name)
    return descriptor


def route_group(pattern: str) -> str:
    """Which of ROUTES an address's pattern belongs to, in either language."""
    first = pattern.removeprefix("es/").partition("/")[0]
    return first if first in ROUTES else "home" if not first else "other"


counts = Counts()
