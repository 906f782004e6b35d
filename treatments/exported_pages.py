"""Finished pages as files, for a web server that needs no Python to send them.

Beside each `index.html` lie its compressed siblings, as nginx (`gzip_static`) and Caddy (`precompressed`) look for
them. A file is never half written, and a page that is gone loses its files.
"""

import io
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import override

from medspa.languages import NAMES, other_language, same_page
from medspa.models import Clinic
from treatments.finished_page import UNTIL_CHANGED, Environ, Page, finish
from treatments.models import ContentVersion, Standing
from treatments.page_cache import answer_of, is_finished_at
from treatments.sitemaps import Pages

ENDINGS = {"": "", "gzip": ".gz", "br": ".br"}
HEADERS_FILE = "headers.conf"  # beside the pages, in nginx's words
TROUBLE = ("away", "too-large", "too-many")  # what a web server says by itself, with the clinic's telephone number
SENT_BY_THE_SERVER = {"content-type", "content-length", "content-encoding", "etag"}


class Exported(NamedTuple):
    """What lies in the folder: from when until when it is true, unless the content's version changes before."""

    standing: Standing
    since: datetime
    until: datetime | None
    pages: int
    removed: int
    files: dict[Path, tuple[int, int]]  # each as it was written: its size, and its time in nanoseconds


def export(django: Callable, folder: Path) -> Exported:
    """Write every finished page below `folder/pages`, and what the web server says when it cannot ask the site below
    `folder/trouble`. Raises OSError if that cannot be done, PageNotFinished if Django
    answers with anything but a page that may be kept; then nothing was removed."""
    since, standing = timezone.now(), ContentVersion.objects.standing()
    if standing is None:
        raise PageNotFinished("There is no content yet. Run: manage.py migrate")
    pages = {path: _finished(django, path, standing) for path in dict.fromkeys(_paths())}
    written: set[Path] = set()
    for path, page in pages.items():
        written |= set(_write(folder / "pages" / path.strip("/"), page))
    for name in TROUBLE:
        for language in NAMES:
            _replace(folder / "trouble" / f"{name}.{language}.html", trouble(name, language).encode())
    for page in [*pages.values()][:1]:
        _replace(folder / HEADERS_FILE, _for_nginx(page).encode())
    removed = _remove_others(folder / "pages", written)
    until = min(page.until for page in pages.values())
    ends = None if until == UNTIL_CHANGED else datetime.fromtimestamp(until, UTC)
    files = {file: _stamp(file) for file in (*written, folder / HEADERS_FILE)}
    return Exported(standing, since, ends, len(pages), removed, files)


class PageNotFinished(RuntimeError):
    """A page that search engines are told of could not be made. The words name its path."""


def is_fresh(exported: Exported | None, now: datetime) -> bool:
    """Whether what was exported is what the site says at `now`, and lies there as it was written. One query."""
    if exported is None or now < exported.since or (exported.until and now >= exported.until):
        return False
    if any(_stamp(file) != stamp for file, stamp in exported.files.items()):
        return False
    standing = ContentVersion.objects.standing(now)
    return standing is not None and standing.version == exported.standing.version


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def visits() -> Iterator[Environ]:
    """One to every page that may be kept and that search engines are told of."""
    yield from map(asked, _paths())


def _paths() -> Iterator[str]:
    yield from (page.path for page in Pages().items() if is_finished_at(page.path))


def _finished(django: Callable, path: str, standing: Standing) -> Page:
    environ = asked(path)
    status, headers, content = answer_of(django, environ)
    page = finish(status, headers, content, environ, standing, since=0)
    if page is None:
        raise PageNotFinished(f"{path} answered {status}")
    return page


def asked(path: str) -> Environ:
    """A visit to `path` by nobody in particular, at the site's own address."""
    site = urlsplit(settings.SITE_URL)
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": site.hostname,
        "SERVER_PORT": str(site.port or (443 if site.scheme == "https" else 80)),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": site.netloc,
        "wsgi.url_scheme": site.scheme,
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        **({"HTTP_X_FORWARDED_PROTO": site.scheme} if settings.SECURE_PROXY_SSL_HEADER else {}),
    }


def trouble(name: str, language: str) -> str:
    """The page about one of TROUBLE."""
    home = same_page("/", language)
    with override(language):
        words = {"clinic": Clinic.objects.current(), "other_language": other_language(home)}
        return render_to_string(f"trouble/{name}.html", words)


def _write(folder: Path, page: Page) -> Iterator[Path]:
    for encoding, ending in ENDINGS.items():
        file = folder / f"index.html{ending}"
        content = page.bodies[encoding].content
        if not file.exists() or file.read_bytes() != content:  # what has not changed keeps its time, and so its ETag
            _replace(file, content)
        yield file


def _replace(file: Path, content: bytes) -> None:
    """All of it or nothing, and readable by the web server's own user."""
    for folder in reversed(file.parents):
        if not folder.is_dir():
            folder.mkdir()
            folder.chmod(0o755)
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    with beside.open("wb") as draft:
        draft.write(content)
        draft.flush()
        os.fsync(draft.fileno())  # before it gets its name, so that a power cut leaves no half page under it
    beside.chmod(0o644)
    beside.replace(file)


def _remove_others(folder: Path, written: set[Path]) -> int:
    others = [file for file in folder.rglob("*") if file.is_file() and file not in written]
    for file in others:
        file.unlink(missing_ok=True)
    for below in sorted((one for one in folder.rglob("*") if one.is_dir()), reverse=True):
        if not any(below.iterdir()):
            below.rmdir()
    return len([file for file in others if file.name == "index.html"])


def _for_nginx(page: Page) -> str:
    lines = [
        "# The headers of every finished page. Written by manage.py export_pages; include it where pages are sent."
    ]
    for name, value in page.bodies[""].headers:
        if name.lower() not in SENT_BY_THE_SERVER:
            said = value.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'add_header {name} "{said}" always;')
    return "\n".join([*lines, ""])
