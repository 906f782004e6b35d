"""Finished pages that a server left behind when it ended, answered by the next one while it still loads Django.

They are answered only while they are what Django would say: made by the same program in the same environment of the
same content, before the clock makes them untrue, to somebody of whom nothing is known. And for a second at most, since
only Django looks whether content changes meanwhile. So nothing here may import Django.
"""

import hashlib
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from medspa.environment import PROJECT
from treatments.finished_page import Bodies, Environ, Page

FILE = "first-pages.json"  # in VAR_DIR
SHOWN_SECONDS = 1
DRAFT_SECONDS = 60  # longer than anybody writes at one
MADE_BY = ("medspa", "treatments", "appointments", "templates")
CONTENT_VERSION = "SELECT version FROM treatments_contentversion"


class Door(NamedTuple):
    """How a visitor comes to whom these pages may be shown: by the site's own address, and by its own scheme."""

    host: str
    scheme: str
    is_behind_proxy: bool  # which says by which scheme the visitor came

    def is_open_to(self, environ: Environ) -> bool:
        forwarded = environ.get("HTTP_X_FORWARDED_PROTO") if self.is_behind_proxy else None
        return (
            environ["REQUEST_METHOD"] in ("GET", "HEAD")
            and environ.get("HTTP_HOST") == self.host
            and (forwarded or environ["wsgi.url_scheme"]) == self.scheme
            and "HTTP_COOKIE" not in environ
            and not environ.get("QUERY_STRING")
            and not environ.get("SCRIPT_NAME")
        )


class FirstPages:
    """The WSGI application that answers with them. What it does not know, it asks the one that `load` brings."""

    def __init__(self, door: Door, written: bytes, load: Callable[[], Callable]):
        self.door, self.written, self.load = door, written, load
        self.shown_until = time.monotonic() + SHOWN_SECONDS

    def __call__(self, environ: Environ, start_response: Callable) -> Iterable[bytes]:
        if time.monotonic() < self.shown_until and self.door.is_open_to(environ):
            page = self.pages.get(environ["PATH_INFO"])
            if page and page.since <= time.time() < page.until:
                return page.answer(environ, start_response)
        return self.load()(environ, start_response)

    @cached_property
    def pages(self) -> dict[str, Page]:
        return {path: _read_page(*values) for path, values in json.loads(self.written).items()}


class Origin(NamedTuple):
    """What pages are made by, to be found out before the first one is made: a program may be replaced while it runs."""

    asked: list[str]  # names, of which the environment said something then
    sum: str


def origin(folder: Path, asked: Iterable[str]) -> Origin:
    """Every file of the program as it lies there now, and what the environment says. `folder` is VAR_DIR."""
    found = hashlib.sha256(sys.version.encode())
    for name in (names := sorted(asked)):
        found.update(f"{name}={os.environ.get(name)}\0".encode())
    for file in [*_program(), PROJECT / "requirements.txt", folder / "static" / "staticfiles.json"]:
        stat = file.stat() if file.exists() else None
        found.update(f"{file} {stat and (stat.st_size, stat.st_mtime_ns)}\0".encode())
    return Origin(names, found.hexdigest())


def leave(file: Path, pages: Mapping[str, Page], version: str, door: Door, made_by: Origin) -> None:
    """Leave those of `pages` that are of the content's `version`. All or nothing. Raises OSError."""
    there = {path: _written_page(page) for path, page in pages.items() if page.version == version}
    written = json.dumps(there).encode()
    about = {"made_by": made_by, "version": version, "door": door, "sha256": hashlib.sha256(written).hexdigest()}
    _clear_away_drafts(file)
    with tempfile.NamedTemporaryFile(dir=file.parent, prefix=file.name, delete=False) as draft:
        try:
            draft.write(json.dumps(about).encode() + b"\n" + written)
            draft.flush()
            os.replace(draft.name, file)
        except OSError:
            os.unlink(draft.name)
            raise


def _clear_away_drafts(file: Path) -> None:
    """Those of servers that were killed while they wrote."""
    for draft in file.parent.glob(f"{file.name}?*"):
        with suppress(FileNotFoundError):  # another one was quicker
            if draft.stat().st_mtime < time.time() - DRAFT_SECONDS:
                draft.unlink()


def left_behind(file: Path, database: Path, load: Callable[[], Callable]) -> FirstPages | None:
    """What the server before left in `file`, unless Django may say something else by now, or it was damaged."""
    try:
        words, _line, written = file.read_bytes().partition(b"\n")
        about = json.loads(words)
        made_by = Origin(*about["made_by"])
        is_true = (
            about["sha256"] == hashlib.sha256(written).hexdigest()
            and about["version"] == _content_version(database)
            and made_by == origin(file.parent, made_by.asked)
        )
        return FirstPages(Door(*about["door"]), written, load) if is_true else None
    except (OSError, ValueError, LookupError, TypeError, sqlite3.Error):
        return None


def _program() -> Iterator[Path]:
    for name in MADE_BY:
        for folder, below, files in os.walk(PROJECT / name):
            below[:] = sorted(set(below) - {"__pycache__"})
            yield from (Path(folder, file) for file in sorted(files))


def _content_version(database: Path) -> str:
    with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True, timeout=0)) as connection:
        return connection.execute(CONTENT_VERSION).fetchone()[0]


def _written_page(page: Page) -> list:
    bodies = page.bodies
    return [page.version, page.since, page.until, bodies.content.decode(), bodies.written, bodies.kept]


def _read_page(version: str, since: float, until: float, content: str, written: list, kept: list) -> Page:
    bodies = Bodies(content.encode(), [*map(tuple, written)], [*map(tuple, kept)])
    return Page(version, since, until, bodies)
