"""The site's own pages: what is said when something goes wrong, and the files that programs read.

A page that reports trouble must not make more of it: it reads neither the request's body nor its user, and it
stands even while the database is away.
"""

import logging
from datetime import timedelta
from http import HTTPStatus

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from appointments import outbox
from appointments.models import STUCK_AFTER
from medspa import backups, request_id, watch
from medspa.counts import counts
from medspa.languages import NAMES, other_language, same_page
from medspa.models import Clinic, ClinicNotOpenedYet, Sign

log = logging.getLogger(__name__)

BARE_PAGE = '<!doctype html><html lang="{language}"><title>{words}</title><h1>{words}</h1><p>{advice}</p>'
SECURITY_TXT_LASTS = timedelta(days=180)  # RFC 9116 asks for less than a year


def known_clinic() -> Clinic | None:
    """The clinic; while the database is away, as this process last read it. None if it never did."""
    try:
        return Clinic.objects.current()
    except (DatabaseError, InterfaceError, ClinicNotOpenedYet):
        log.warning("The clinic could not be read for a page that reports trouble")
    return Clinic.last_read


def bad_request(request: HttpRequest, exception: Exception | None) -> HttpResponse:
    return _report(request, HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception | None) -> HttpResponse:
    return _report(request, HTTPStatus.FORBIDDEN)


def page_not_found(request: HttpRequest, exception: Exception | None) -> HttpResponse:
    return _report(request, HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    return _report(request, HTTPStatus.INTERNAL_SERVER_ERROR)


def _report(request: HttpRequest, status: HTTPStatus) -> HttpResponse:
    try:
        words = {"clinic": known_clinic(), "other_language": other_language(request.path)}
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            words["number"] = request_id.shown()
        page = render_to_string(f"{status:d}.html", words)
    except Exception:  # whatever broke the page that is reported may break this one as well
        log.exception("The page for status %d could not be shown", status)
        words, advice = _("Something went wrong on our side"), _("Try again in a few minutes.")
        page = BARE_PAGE.format(language=get_language(), words=words, advice=advice)
    return HttpResponse(page, status=status)


@require_safe
@cache_control(max_age=3600)
def robots_txt(request: HttpRequest) -> HttpResponse:
    lines = [
        "User-agent: *",
        f"Disallow: {reverse('admin:index')}",
        *[f"Disallow: {same_page('/my-request/', language)}" for language in NAMES],
        "Disallow: /calendar/",
        f"Sitemap: {settings.SITE_URL}{reverse('sitemap')}",
    ]
    return _plain(lines)


@require_safe
@cache_control(max_age=3600)
def security_txt(request: HttpRequest) -> HttpResponse:
    """Where to report a weakness of the site (RFC 9116)."""
    clinic = known_clinic()
    until = (timezone.now() + SECURITY_TXT_LASTS).replace(minute=0, second=0, microsecond=0)
    lines = [
        f"Contact: mailto:{clinic.email}" if clinic and clinic.email else f"Contact: {settings.SITE_URL}/",
        f"Expires: {until:%Y-%m-%dT%H:%M:%SZ}",
        "Preferred-Languages: en, es",
        f"Canonical: {settings.SITE_URL}{reverse('security_txt')}",
    ]
    return _plain(lines)


def _plain(lines: list[str]) -> HttpResponse:
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; charset=utf-8")


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while the database answers and mail moves, else 503. An old backup is told, and takes nobody off the air.

    No patient data.
    """
    try:
        waited, backup = outbox.oldest_due_seconds(), backups.freshness(timezone.now())
        sender = Sign.objects.age_seconds(Sign.SENDER, timezone.now())
    except (DatabaseError, InterfaceError):
        state = {"status": "the database does not answer", "database": "away", "outbox_oldest_seconds": None}
        return JsonResponse(state, status=HTTPStatus.SERVICE_UNAVAILABLE)
    stuck = waited > STUCK_AFTER.total_seconds()
    state = {"status": "mail is stuck" if stuck else "ok", "database": "ok", "outbox_oldest_seconds": waited}
    state |= {"backup": backup.word, "backup_age_seconds": backup.age_seconds, "sender_age_seconds": sender}
    return JsonResponse(state, status=HTTPStatus.SERVICE_UNAVAILABLE if stuck else HTTPStatus.OK)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For a program that says METRICS_TOKEN, as `Authorization: Bearer …`. For everybody else there is no such page."""
    scheme, _space, given = request.headers.get("Authorization", "").partition(" ")
    is_right = constant_time_compare(given.strip(), settings.METRICS_TOKEN)
    if not (settings.METRICS_TOKEN and scheme.lower() == "bearer" and is_right):
        raise Http404
    return HttpResponse(watch.as_prometheus(counts), content_type=watch.CONTENT_TYPE)
