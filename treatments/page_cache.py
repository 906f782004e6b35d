"""Finished pages, kept as bytes and answered before Django is asked. It stands around Django, as WSGI.

A page is kept only if its view says so (`finished`, `shown_until`) and only as everybody sees it: Django is asked for
it without the visitor's cookies, query and headers, so that nothing of one visitor can reach another. Whoever has a
session cookie gets every page from Django. What is kept is dropped the moment the content's version changes, which
is looked at four times a second, and when the clock makes it untrue, unless the database is away just then.
"""

import io
import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.db import Error, close_old_connections, connection
from django.http.request import split_domain_port, validate_host
from django.urls import Resolver404, resolve
from django.utils.translation import override

from medspa.languages import language_of
from treatments.finished_page import Environ, Headers, Memo, Page, finish
from treatments.models import ContentVersion, Standing

LOOK_EVERY_SECONDS = 0.25
MOST_PAGES = 500
KEPT_OF_A_REQUEST = {"SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "REMOTE_ADDR", "PATH_INFO", "HTTP_HOST"}
KEPT_OF_A_REQUEST |= {"HTTP_X_FORWARDED_PROTO"}
TRACKING = {"fbclid", "gclid", "gbraid", "wbraid", "dclid", "gad_source", "gad_campaignid", "msclkid", "ttclid"}
TRACKING |= {"twclid", "igshid", "mc_cid", "mc_eid", "yclid", "srsltid", "_gl", "ref", "hsa_acc"}

Ready = tuple[str, float, float, str, Headers, tuple[bytes, ...]]  # version, since, until; status, headers, content

log = logging.getLogger(__name__)


class FinishedPages:
    """The WSGI application `django`, with its finished pages kept. One for each process; any number of threads.

    `visits` are to the pages that shall be here already when the database goes away: they are made by `make_all`, and
    again whenever content has changed.
    """

    def __init__(self, django: Callable, visits: Callable[[], Iterable[Environ]] = tuple):
        self.django, self.visits = django, visits
        self.pages: dict[tuple[str, bool], Page] = {}
        self.ready: Memo[tuple, Ready] = Memo()  # by all that an answer depends on
        self.version: str | None = None  # the content's, when it was last looked at
        self.looked_at = float("-inf")
        self.looking = threading.Lock()
        self.is_away = False  # the database, when it was last asked

    def __call__(self, environ: Environ, start_response: Callable) -> Iterable[bytes]:
        asked = all_that_an_answer_depends_on(environ)
        if (ready := self.ready.get(asked)) and time.monotonic() - self.looked_at < LOOK_EVERY_SECONDS:
            version, since, until, status, headers, chunks = ready
            if version == self.version and since <= time.time() < until:
                start_response(status, [*headers])
                return chunks
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
        if page and page.version == self.version and page.since <= time.time() < page.until:
            if not environ.get("HTTP_COOKIE") and not environ.get("QUERY_STRING"):  # each visitor has others
                self.ready.keep(asked, (page.version, page.since, page.until, *page.chosen(environ)))
            return page.answer(environ, start_response)
        if not is_finished_at(key[0]):
            return self.django(environ, start_response)
        return self._make(key, seen, environ, start_response)

    def make_all(self) -> None:
        """Make each page of `visits` that is not here. Raises `django.db.Error` if the database is away."""
        for visit in self.visits():
            self(visit, lambda status, headers, exc_info=None: None)

    def forked(self) -> None:
        """In a process that was just forked: whoever held the lock in the other one is not here to let it go."""
        self.looking = threading.Lock()

    def _make_again(self) -> None:
        """Content has changed, and the database may go before somebody asks for each page. In a thread of its own."""
        try:
            self.make_all()
        except Error:
            pass  # it went too soon; each page is made when it is asked for
        finally:
            connection.close()

    def _make(
        self, key: tuple[str, bool], seen: Standing | None, environ: Environ, start_response: Callable
    ) -> Iterable[bytes]:
        """Read first what the content's version is: what changes while the page is made, makes it an old one."""
        if seen is None and not self.is_away:
            with self.looking:
                seen = None if self.is_away else self._look()
        last = self.pages.get(key)
        if seen is None and last and last.version == self.version:
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
        """The content's standing as the database has it now; None while the database is away."""
        self.looked_at, was_away, before = time.monotonic(), self.is_away, self.version
        try:
            close_old_connections()
            standing, self.is_away = ContentVersion.objects.standing(), False
        except Error as trouble:
            self.is_away = True
            if not was_away:
                log.warning("The content's version could not be read: %s", type(trouble).__name__)
            return None
        finally:
            close_old_connections()
        self.version = standing.version if standing else None
        if before != self.version:
            self.ready.clear()
            if before and self.version:
                threading.Thread(target=self._make_again, daemon=True).start()
        return standing

    def _look_aside(self, *, alone: bool = False) -> Standing | None:
        """`_look`, by whoever holds `looking`, which is let go; `alone` in a thread of its own."""
        try:
            return self._look()
        finally:
            self.looking.release()
            if alone:
                connection.close()


def all_that_an_answer_depends_on(environ: Environ) -> tuple:
    """Nothing else of a request is looked at here. What is alike in all of it has the same answer, while it is true."""
    get = environ.get
    visitor = get("HTTP_COOKIE"), get("HTTP_HOST"), get("HTTP_X_FORWARDED_PROTO"), environ["wsgi.url_scheme"]
    page = environ["REQUEST_METHOD"], environ["PATH_INFO"], get("QUERY_STRING"), get("SCRIPT_NAME")
    return visitor, page, get("HTTP_ACCEPT_ENCODING"), get("HTTP_IF_NONE_MATCH")


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


_doors: Memo[tuple, bool | None] = Memo()


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
