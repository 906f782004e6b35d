"""One finished page: its content in every encoding that a visitor may take, and from when until when it is true."""

import gzip
import hashlib
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import brotli

if TYPE_CHECKING:  # pages are read before Django is loaded, too
    from treatments.models import Standing

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
View = TypeVar("View", bound=Callable)
Key, Found = TypeVar("Key"), TypeVar("Found")

MOST_BYTES_OF_A_PAGE = 2_000_000
SHOWN_UNTIL = "treatments.shown_until"
UNTIL_CHANGED = float("inf")
ABOUT_THE_BODY = {"content-length", "content-encoding", "content-type", "vary", "etag", "cache-control"}
OF_ONE_ANSWER = {"x-request-id"}
MOST_MEMOS = 500  # of what visitors may write: hosts, lists of encodings
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "gzip": lambda content: gzip.compress(content, 9, mtime=0),
    "br": lambda content: brotli.compress(content, quality=10),
}


class Memo(dict[Key, Found]):
    """What was found out about something that a visitor wrote. Emptied when it is full."""

    def keep(self, key: Key, value: Found) -> Found:
        if len(self) >= MOST_MEMOS:
            self.clear()
        self[key] = value
        return value


_encodings: Memo[str, str] = Memo()


class Body(NamedTuple):
    """One page in one encoding: what is sent with it, and what is sent to those who have it already."""

    etag: str
    content: bytes
    headers: Headers
    headers_unchanged: Headers


class Bodies(dict[str, Body]):
    """A page's bodies by encoding, each made when it is first asked for: compressing takes as long as the page did."""

    def __init__(self, content: bytes, written: Headers, kept: Headers):
        self.content, self.written, self.kept = content, written, kept
        self.digest = hashlib.sha256(content).hexdigest()[:32]

    def __missing__(self, encoding: str) -> Body:
        """Two threads may make the same body; it is the same one."""
        content = PACKERS[encoding](self.content)
        etag = f'"{self.digest}-{encoding}"' if encoding else f'"{self.digest}"'
        unchanged = [*self.kept, ("ETag", etag)]
        headers = [*unchanged, *self.written, ("Content-Length", str(len(content)))]
        if encoding:
            headers.append(("Content-Encoding", encoding))
        return self.setdefault(encoding, Body(etag, content, headers, unchanged))


class Page(NamedTuple):
    """A finished page. It is true from `since` to `until`, in seconds since 1970, while the version is the same."""

    version: str
    since: float
    until: float
    bodies: Bodies

    def answer(self, environ: Environ, start_response: Callable) -> Iterable[bytes]:
        status, headers, chunks = self.chosen(environ)
        start_response(status, [*headers])
        return chunks

    def chosen(self, environ: Environ) -> tuple[str, Headers, tuple[bytes, ...]]:
        """The answer, by what the request says of encodings, of what is known already, and of its method."""
        body = self.bodies[encoding_for(environ.get("HTTP_ACCEPT_ENCODING", ""))]
        known = environ.get("HTTP_IF_NONE_MATCH")
        if known is not None and (known == body.etag or _names(known, body.etag)):
            return "304 Not Modified", body.headers_unchanged, ()
        return "200 OK", body.headers, () if environ["REQUEST_METHOD"] == "HEAD" else (body.content,)


def finished(view: View) -> View:
    """Marks a view whose pages are alike for everybody who has no session."""
    view.is_finished = True  # type: ignore[attr-defined]
    return view


def shown_until(environ: Environ, until: datetime | None) -> None:
    """Called by a view whose pages are `finished`: its answer may be kept until then, or until content changes."""
    environ[SHOWN_UNTIL] = until.timestamp() if until else UNTIL_CHANGED


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


def finish(
    status: str, headers: Headers, content: bytes, environ: Environ, standing: "Standing", since: float
) -> Page | None:
    """The page as it may be kept, or None if it must not be. `since` is when Django was asked for it."""
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
    until = min(environ[SHOWN_UNTIL], standing.until.timestamp() if standing.until else UNTIL_CHANGED)
    return Page(standing.version, since, until, Bodies(content, written, kept))
