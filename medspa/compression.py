"""Pages are sent compressed. Pictures are not: they are compressed already."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class CompressedPages(GZipMiddleware):
    """Django's own compression, which adds random bytes so that a page's length tells nothing (BREACH), for text."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not response.get("Content-Type", "").startswith(("text/", "application/xml")):
            return response
        return super().process_response(request, response)
