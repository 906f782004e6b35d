"""Open connections that nobody uses between two requests: who needs one takes the last that was laid aside.

A connection keeps all of the schema in memory, half a megabyte. So a process has as many as it answers requests at
once, not as many as it has threads. None goes along into a child: SQLite forbids it.
"""

import os
import sqlite3
from collections import defaultdict, deque

_laid_aside: defaultdict[str, deque[sqlite3.Connection]] = defaultdict(deque)
_of_the_parent: list[sqlite3.Connection] = []  # a child may not even close them


def lay_aside(database: str, connection: sqlite3.Connection) -> None:
    _laid_aside[database].append(connection)


def take(database: str) -> sqlite3.Connection | None:
    try:
        return _laid_aside[database].pop()
    except IndexError:
        return None


def close_all() -> None:
    """Those that are laid aside; those in use stay."""
    for database in list(_laid_aside):
        while connection := take(database):
            connection.close()


def _forget() -> None:
    for connections in _laid_aside.values():
        _of_the_parent.extend(connections)
    _laid_aside.clear()


os.register_at_fork(before=close_all, after_in_child=_forget)
