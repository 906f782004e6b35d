"""The site's own pages: what is said when something goes wrong, and the files that programs read.

A page that reports trouble must not make more of it: it reads neither the request's body nor its user, and it
stands even while the database is away.
"""

import logging
import sys
from datetime import timedelta
from http import HTTPStatus

from django.conf import settings
from django.db import Error, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.http import require_safe

from appointments import outbox, spool
from appointments.models import STUCK_AFTER
from medspa import backups, request_id, watch
from medspa.counts import counts
from medspa.languages import NAMES, other_language, same_page
from medspa.models import Clinic, ClinicNotOpenedYet, Sign

log = logging.getLogger(__name__)

BARE_PAGE = '<!doctype html><html lang="{language}"><title>{words}</title><h1>{words}</h1><p>{advice}</p>'
AWAY = (InterfaceError, OperationalError)
RETRY_AFTER_SECONDS = 60
SECURITY_TXT_LASTS = timedelta(days=180)  # RFC 9116 asks for less than a year


def known_clinic() -> Clinic | None:
    """The clinic; while the database is away, as this process last read it. None if it never did."""
    try:
        return Clinic.objects.current()
    except (Error, ClinicNotOpenedYet):
        log.warning("The clinic could not be read for a page that reports trouble")
    return Clinic.last_read


def bad_request(request: HttpRequest, exception: Exception | None) -> HttpResponse:
    return _report(request, HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception | None) -> HttpResponse:
    return _report(request, HTTPStatus.FORBIDDEN)


def page_not_found(request: HttpRequest, exception: Exception | None) -> HttpResponse:
    return _report(request, HTTPStatus.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """A database that is away comes back by itself: 503 says so to programs that read the answer."""
    if not isinstance(sys.exc_info()[1], AWAY):
        return _report(request, HTTPStatus.INTERNAL_SERVER_ERROR)
    answer = _report(request, HTTPStatus.SERVICE_UNAVAILABLE, clinic=Clinic.last_read)
    answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def _report(request: HttpRequest, status: HTTPStatus, clinic: Clinic | None = None) -> HttpResponse:
    try:
        words = {"clinic": clinic or known_clinic(), "other_language": other_language(request.path)}
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            words["number"] = request_id.shown()
        page = render_to_string(f"{min(status, HTTPStatus.INTERNAL_SERVER_ERROR):d}.html", words)
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
    """200 while the database answers, and mail and kept requests move, else 503. No patient data.

    An old backup is told, and takes nobody off the air.
    """
    try:
        waited, backup = outbox.oldest_due_seconds(), backups.freshness(timezone.now())
        sender = Sign.objects.age_seconds(Sign.SENDER, timezone.now())
    except Error:
        state = {"status": "the database does not answer", "database": "away", "outbox_oldest_seconds": None}
        state["requests_kept"] = spool.waiting() + spool.set_aside()
        return JsonResponse(state, status=HTTPStatus.SERVICE_UNAVAILABLE)
    trouble = "mail is stuck" if waited > STUCK_AFTER.total_seconds() else ""
    if spool.set_aside() or spool.oldest_seconds() > STUCK_AFTER.total_seconds():
        trouble = "kept requests are stuck"
    state = {"status": trouble or "ok", "database": "ok", "outbox_oldest_seconds": waited}
    state["requests_kept"] = spool.waiting() + spool.set_aside()
    state |= {"backup": backup.word, "backup_age_seconds": backup.age_seconds, "sender_age_seconds": sender}
    return JsonResponse(state, status=HTTPStatus.SERVICE_UNAVAILABLE if trouble else HTTPStatus.OK)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For a program that says METRICS_TOKEN, as `Authorization: Bearer …`. For everybody else there is no such page."""
    scheme, _space, given = request.headers.get("Authorization", "").partition(" ")
    is_right = constant_time_compare(given.strip(), settings.METRICS_TOKEN)
    if not (settings.METRICS_TOKEN and scheme.lower() == "bearer" and is_right):
        raise Http404
    return HttpResponse(watch.as_prometheus(counts), content_type=watch.CONTENT_TYPE)
