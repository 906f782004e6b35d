"""Finished pages, kept as bytes and answered before Django is asked. It stands around Django, as WSGI.

A page is kept only if its view says so (`finished`, `shown_until`) and only as everybody sees it: Django is asked for
it without the visitor's cookies, query and headers, so that nothing of one visitor can reach another. Whoever has a
session cookie gets every page from Django. What is kept is dropped the moment the content's version changes, which
is looked at four times a second, and when the clock makes it untrue, unless the database is away just then.
"""

import gzip
import hashlib
import io
import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl

import brotli
from django.conf import settings
from django.db import Error, close_old_connections, connection
from django.http.request import split_domain_port, validate_host
from django.urls import Resolver404, resolve
from django.utils.translation import override

from medspa.languages import language_of
from treatments.models import ContentVersion, Standing

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
View = TypeVar("View", bound=Callable)
Key, Found = TypeVar("Key"), TypeVar("Found")

LOOK_EVERY_SECONDS = 0.25
MOST_PAGES, MOST_BYTES_OF_A_PAGE = 500, 2_000_000
SHOWN_UNTIL = "treatments.shown_until"
UNTIL_CHANGED = float("inf")
KEPT_OF_A_REQUEST = {"SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "PATH_INFO", "HTTP_HOST"}
KEPT_OF_A_REQUEST |= {"HTTP_X_FORWARDED_PROTO"}
TRACKING = {"fbclid", "gclid", "gbraid", "wbraid", "dclid", "gad_source", "gad_campaignid", "msclkid", "ttclid"}
TRACKING |= {"twclid", "igshid", "mc_cid", "mc_eid", "yclid", "srsltid", "_gl", "ref", "hsa_acc"}
ABOUT_THE_BODY = {"content-length", "content-encoding", "content-type", "vary", "etag", "cache-control"}
OF_ONE_ANSWER = {"x-request-id"}
MOST_MEMOS = 500  # of what visitors may write: hosts, lists of encodings

log = logging.getLogger(__name__)


def finished(view: View) -> View:
    """Marks a view whose pages are alike for everybody who has no session."""
    view.is_finished = True  # type: ignore[attr-defined]
    return view


def shown_until(environ: Environ, until: datetime | None) -> None:
    """Called by a view that is `finished`: its answer may be kept until then, or until content changes."""
    environ[SHOWN_UNTIL] = until.timestamp() if until else UNTIL_CHANGED


class Body(NamedTuple):
    """One page in one encoding: what is sent with it, and what is sent to those who have it already."""

    etag: str
    content: bytes
    headers: Headers
    headers_unchanged: Headers


class Page(NamedTuple):
    """A finished page. It is true from `since` to `until`, in seconds since 1970, while the version is the same."""

    version: str
    since: float
    until: float
    bodies: dict[str, Body]

    def answer(self, environ: Environ, start_response: Callable) -> Iterable[bytes]:
        body = self.bodies[encoding_for(environ.get("HTTP_ACCEPT_ENCODING", ""))]
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known is not None and (known == body.etag or _names(known, body.etag)):
            start_response("304 Not Modified", [*body.headers_unchanged])
            return []
        start_response("200 OK", [*body.headers])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body.content]


class FinishedPages:
    """The WSGI application `django`, with its finished pages kept. One for each process; any number of threads."""

    def __init__(self, django: Callable):
        self.django = django
        self.pages: dict[tuple[str, bool], Page] = {}
        self.standing: Standing | None = None
        self.looked_at = float("-inf")
        self.looking = threading.Lock()
        self.is_away = False  # the database, when it was last asked

    def __call__(self, environ: Environ, start_response: Callable) -> Iterable[bytes]:
        if not is_for_everybody(environ):
            return self.django(environ, start_response)
        is_secure = comes_by(
            environ.get("HTTP_HOST"), environ["wsgi.url_scheme"], environ.get("HTTP_X_FORWARDED_PROTO")
        )
        if is_secure is None:
            return self.django(environ, start_response)
        key = environ["PATH_INFO"], is_secure
        seen = None
        if time.monotonic() - self.looked_at >= LOOK_EVERY_SECONDS and self.looking.acquire(blocking=False):
            if self.is_away:  # nobody waits for it, as one would for seconds where it is unplugged
                threading.Thread(target=self._look_aside, kwargs={"alone": True}, daemon=True).start()
            else:
                seen = self._look_aside()
        page = self.pages.get(key)
        if page and self.standing and page.version == self.standing.version and page.since <= time.time() < page.until:
            return page.answer(environ, start_response)
        if not is_finished_at(key[0]):
            return self.django(environ, start_response)
        return self._make(key, seen, environ, start_response)

    def _make(
        self, key: tuple[str, bool], seen: Standing | None, environ: Environ, start_response: Callable
    ) -> Iterable[bytes]:
        """Read first what the content's version is: what changes while the page is made, makes it an old one."""
        if seen is None and not self.is_away:
            with self.looking:
                seen = None if self.is_away else self._look()
        last = self.pages.get(key)
        if seen is None and last and self.standing and last.version == self.standing.version:
            return last.answer(environ, start_response)  # late by the clock, while the database is away
        since = time.time()
        bare = as_everybody(environ)
        status, headers, content = answer_of(self.django, bare)
        page = finish(status, headers, content, bare, seen, since) if seen else None
        if page is None:
            start_response(status, headers)
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [content]
        while len(self.pages) >= MOST_PAGES and key not in self.pages:
            self.pages.pop(next(iter(self.pages)), None)
        self.pages[key] = page
        return page.answer(environ, start_response)

    def _look(self) -> Standing | None:
        """The content's standing as the database has it now; the last one known while the database is away."""
        self.looked_at, was_away = time.monotonic(), self.is_away
        try:
            close_old_connections()
            self.standing, self.is_away = ContentVersion.objects.standing(), False
        except Error as trouble:
            self.is_away = True
            if not was_away:
                log.warning("The content's version could not be read: %s", type(trouble).__name__)
            return None
        return self.standing

    def _look_aside(self, *, alone: bool = False) -> Standing | None:
        """`_look`, by whoever holds `looking`, which is let go; `alone` in a thread of its own."""
        try:
            return self._look()
        finally:
            self.looking.release()
            if alone:
                connection.close()


def is_for_everybody(environ: Environ) -> bool:
    """A look at a page by somebody who is not signed in, and whose query says nothing that a page depends on."""
    cookies, query = environ.get("HTTP_COOKIE"), environ.get("QUERY_STRING")
    return (
        environ["REQUEST_METHOD"] in ("GET", "HEAD")
        and not (cookies and settings.SESSION_COOKIE_NAME in cookies)
        and not environ.get("SCRIPT_NAME")
        and (not query or only_tracks(query))
    )


def only_tracks(query: str) -> bool:
    names = {name for name, _value in parse_qsl(query, keep_blank_values=True, max_num_fields=None)}
    return all(name in TRACKING or name.startswith("utm_") for name in names) and bool(names)


class _Memo(dict[Key, Found]):
    """What was found out about something that a visitor wrote. Emptied when it is full."""

    def keep(self, key: Key, value: Found) -> Found:
        if len(self) >= MOST_MEMOS:
            self.clear()
        self[key] = value
        return value


_doors: _Memo[tuple, bool | None] = _Memo()
_encodings: _Memo[str, str] = _Memo()


def comes_by(host: str | None, scheme: str, forwarded: str | None) -> bool | None:
    """Whether the visitor came by HTTPS, in the way that Django tells it. None: Django has to look for itself.

    That is so for a host that is not ours, and for HTTP where the site is served by HTTPS alone.
    """
    door = host, scheme, forwarded
    return _doors[door] if door in _doors else _doors.keep(door, _comes_by(*door))


def _comes_by(host: str | None, scheme: str, forwarded: str | None) -> bool | None:
    if not host or not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return None
    is_secure = scheme == "https"
    if settings.SECURE_PROXY_SSL_HEADER and forwarded is not None:
        if forwarded not in ("http", "https"):
            return None
        is_secure = forwarded == "https"
    return None if settings.SECURE_SSL_REDIRECT and not is_secure else is_secure


def encoding_for(accepted: str) -> str:
    """The best of ours that the visitor takes: `br`, `gzip`, or none. RFC 9110, 12.5.3."""
    return _encodings[accepted] if accepted in _encodings else _encodings.keep(accepted, _encoding_for(accepted))


def _encoding_for(accepted: str) -> str:
    taken = {}
    for one in accepted.lower().split(","):
        name, _semicolon, weight = one.partition(";")
        taken[name.strip()] = not weight.replace(" ", "").startswith("q=0") or weight.strip(" q=.0") != ""
    return next((name for name in ("br", "gzip") if taken.get(name, taken.get("*", False))), "")


def _names(known: str, etag: str) -> bool:
    """If-None-Match is a list, compared weakly. RFC 9110, 13.1.2."""
    return known.strip() == "*" or etag in [one.strip().removeprefix("W/") for one in known.split(",")]


def is_finished_at(path: str) -> bool:
    """Whether the view at `path` makes pages that may be kept."""
    if not path.isascii():
        return False
    with override(language_of(path)):
        try:
            return getattr(resolve(path).func, "is_finished", False)
        except Resolver404:
            return False


def as_everybody(environ: Environ) -> Environ:
    """The same page, asked for by nobody in particular."""
    bare = {name: value for name, value in environ.items() if name in KEPT_OF_A_REQUEST or name.startswith("wsgi.")}
    asked = {"REQUEST_METHOD": "GET", "SCRIPT_NAME": "", "QUERY_STRING": "", "wsgi.input": io.BytesIO()}
    return bare | asked


def answer_of(application: Callable, environ: Environ) -> tuple[str, Headers, bytes]:
    began: list[Any] = []
    chunks = application(environ, lambda status, headers, exc_info=None: began.extend((status, headers)))
    try:
        content = b"".join(chunks)
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    return began[0], began[1], content


def finish(
    status: str, headers: Headers, content: bytes, environ: Environ, standing: Standing, since: float
) -> Page | None:
    """The page in all its encodings, or None if it must not be kept."""
    said = {name.lower(): value for name, value in headers}
    varies = {name.strip().lower() for name in said.get("vary", "").split(",") if name}
    if (
        SHOWN_UNTIL not in environ
        or not status.startswith("200 ")
        or "set-cookie" in said
        or not varies <= {"cookie", "accept-encoding"}  # it was asked for without either
        or {"no-store", "private"} & {word.strip() for word in said.get("cache-control", "").split(",")}
        or len(content) > MOST_BYTES_OF_A_PAGE
    ):
        return None
    kept = [(name, value) for name, value in headers if name.lower() not in ABOUT_THE_BODY | OF_ONE_ANSWER]
    kept += [("Vary", "Accept-Encoding"), ("Cache-Control", "no-cache")]
    written = [("Content-Type", said["content-type"])]
    digest = hashlib.sha256(content).hexdigest()[:32]
    bodies = {
        name: _body(packed, name, digest, kept, written)
        for name, packed in (
            ("", content),
            ("gzip", gzip.compress(content, 9, mtime=0)),
            ("br", brotli.compress(content, quality=10)),
        )
    }
    until = min(environ[SHOWN_UNTIL], standing.until.timestamp() if standing.until else UNTIL_CHANGED)
    return Page(standing.version, since, until, bodies)


def _body(content: bytes, encoding: str, digest: str, kept: Headers, written: Headers) -> Body:
    etag = f'"{digest}-{encoding}"' if encoding else f'"{digest}"'
    unchanged = [*kept, ("ETag", etag)]
    headers = [*unchanged, *written, ("Content-Length", str(len(content)))]
    if encoding:
        headers.append(("Content-Encoding", encoding))
    return Body(etag, content, headers, unchanged)
