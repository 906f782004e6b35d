"""Around every answer: its language, where its request came from, and that it is for this site's own pages alone."""

import re
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation
from django.utils.cache import add_never_cache_headers

from medspa import origin
from medspa.languages import language_of

NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class LanguageOfTheAddress:
    """Outermost, so that a request that the next room already refuses is refused in its own language."""

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

    Outermost, so that static files and refusals carry it too. Pictures may be shown elsewhere: links that are shared
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
    """Nobody fills the disk by one long body: files go to the desk alone, and are bounded there as well."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        at_the_desk = request.path_info.startswith("/admin/")
        most = settings.MOST_BYTES_AT_THE_DESK if at_the_desk else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = request.META.get("CONTENT_LENGTH") or "0"
        if length.isdecimal() and int(length) > most:
            raise RequestDataTooBig("The body is too long")
        return self.get_response(request)
