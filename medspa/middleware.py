"""Around every answer: its number and its line in the log, its language, where its request came from, and that it is
for this site's own pages alone.
"""

import logging
import re
import time
from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import add_never_cache_headers

from medspa import origin, request_id
from medspa.counts import counts, route_group
from medspa.languages import language_of

METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


access = logging.getLogger("medspa.access")


class OnRecord:
    """Every request has a number, which its answer tells, is counted, and has a line in the log if LOG_FORMAT is json.

    The line says which kind of page it was, never whose: no address of the page, no query, nothing of the visitor.
    Outermost, so that nothing is left out. The number is taken from `X-Request-ID` if one of our own proxies says so.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter_ns()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        if given and not origin.is_from_a_proxy(request.META, settings.TRUSTED_PROXIES):
            given = ""
        request.number = number = request_id.taken_or_made(given)
        with request_id.answering(number):
            answer = self.get_response(request)
            answer["X-Request-ID"] = number
            self._write_down(request, answer.status_code, time.perf_counter_ns() - began)
        return answer

    def _write_down(self, request: HttpRequest, status: int, nanoseconds: int) -> None:
        method, route = request.method if request.method in METHODS else "OTHER", route_of(request)
        counts.add(route_group(route), method, status, nanoseconds)
        if access.isEnabledFor(logging.INFO):
            facts = {"method": method, "route": route, "status": status, "milliseconds": round(nanoseconds / 1e6, 1)}
            access.info("%s %s answered %d", method, route, status, extra={"facts": facts})


def route_of(request: HttpRequest) -> str:
    """The pattern of the address, such as `my-request/<token>/`; "none" where nothing of ours has it."""
    if match := request.resolver_match:
        return match.route or "home"
    return "static/" if request.path_info.startswith(settings.STATIC_URL) else "none"


class LanguageOfTheAddress:
    """Far outside, so that a request that the next room already refuses is refused in its own language."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with translation.override(language_of(request.path_info)):
            return self.get_response(request)


class WhereItComesFrom:
    """`request.origin`, and `origin.current()` for the rooms that know no request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        request.origin = origin.client_address(request.META, settings.TRUSTED_PROXIES)
        with origin.coming_from(request.origin):
            return self.get_response(request)


class ForThisSiteAlone:
    """No other site embeds an answer or shares a process with it, and what is a person's is kept nowhere.

    Far outside, so that static files and refusals carry it too. Pictures may be shown elsewhere: links that are shared
    bring theirs along.
    """

    PERSONAL = re.compile(r"/(es/)?(admin|my-request|calendar)/")

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self.get_response(request)
        is_picture = request.path_info.startswith(settings.MEDIA_URL)
        answer.headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if is_picture else "same-origin")
        answer.headers.setdefault("Cross-Origin-Embedder-Policy", "require-corp")
        answer.headers.setdefault("X-Frame-Options", "DENY")
        answer.headers.setdefault("Content-Security-Policy", NOTHING)  # of what is no page
        if self.PERSONAL.match(request.path_info) and "no-store" not in answer.headers.get("Cache-Control", ""):
            del answer.headers["Cache-Control"]
            add_never_cache_headers(answer)
        return answer


class BoundedBodies:
    """Nobody fills the disk by one long body: files go to the desk alone, and are bounded there as well.

    What nobody has read of a body when the answer stands, as after a refusal, is read and thrown away, up to the desk's
    bound. Otherwise the connection would break under whoever is still sending, and he might never see the answer.
    """

    PIECE = 64 * 1024  # bytes

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        at_the_desk = request.path_info.startswith("/admin/")
        most = settings.MOST_BYTES_AT_THE_DESK if at_the_desk else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = request.META.get("CONTENT_LENGTH") or "0"
        try:
            if length.isdecimal() and int(length) > most:
                raise RequestDataTooBig("The body is too long")
            return self.get_response(request)
        finally:
            self._throw_away_the_rest(request)

    def _throw_away_the_rest(self, request: HttpRequest) -> None:
        with suppress(UnreadablePostError):  # nobody is there any more
            for _ in range(0, settings.MOST_BYTES_AT_THE_DESK, self.PIECE):
                if not request.read(self.PIECE):
                    break
