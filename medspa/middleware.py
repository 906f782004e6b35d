"""Each answer in the language of its address, whichever part of the site gives it."""

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import translation

from medspa.languages import language_of


class LanguageOfTheAddress:
    """Outermost, so that a request that the next room already refuses is refused in its own language."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with translation.override(language_of(request.path_info)):
            return self.get_response(request)
