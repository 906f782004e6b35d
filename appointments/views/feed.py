"""What a staff member's calendar program reads."""

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from appointments import calendar_feeds, calendar_files
from appointments.views.answers import known_to_nobody_else


@never_cache
@require_safe
def calendar_feed(request: HttpRequest, token: str) -> HttpResponse:
    """For a staff member's calendar program, which cannot sign in. An address that opens nothing is not found."""
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        raise PermissionDenied  # the address has been told to the whole way by now: a redirect would hide that
    reader = calendar_feeds.reader_behind(token)
    if reader is None:
        raise Http404
    response = HttpResponse(calendar_feeds.file_for(reader), content_type=calendar_files.CONTENT_TYPE)
    response["Content-Disposition"] = 'attachment; filename="appointments.ics"'  # not the token
    return known_to_nobody_else(response)
