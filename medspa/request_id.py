"""The number of the HTTP request that is being answered: what a visitor was told, and the lines of the log about it."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")
SHOWN_LETTERS = 8  # of it to people, who may have to read it out; the log is found by its beginning

_now: ContextVar[str] = ContextVar("request_id", default="")


def taken_or_made(given: str) -> str:
    """`given` where it is a plain word of 8 to 64 letters and digits, else one of our own that nobody has had."""
    return given if SANE.fullmatch(given) else secrets.token_hex(8)


def current() -> str:
    """ "" outside of a request."""
    return _now.get()


def shown() -> str:
    """As people are shown it."""
    return current()[:SHOWN_LETTERS]


@contextmanager
def answering(number: str) -> Iterator[None]:
    """While inside, `current()` is `number`."""
    token = _now.set(number)
    try:
        yield
    finally:
        _now.reset(token)
