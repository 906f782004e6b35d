"""The patient's side: the form, the private page, the privacy notice; and the feed that calendar programs read."""

import logging
from http import HTTPStatus

from django.core.exceptions import BadRequest, PermissionDenied
from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, UnreadablePostError
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from appointments import calendar_feeds, calendar_files
from appointments.forms import UNSURE, AppointmentRequestForm
from appointments.models import AppointmentRequest
from appointments.response_clock import promise, respond_by, spoken
from medspa.languages import addresses
from medspa.models import Clinic

log = logging.getLogger(__name__)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def request_form(request: HttpRequest) -> HttpResponse:
    clinic = Clinic.objects.current()
    if request.method != "POST":
        form = AppointmentRequestForm(clinic=clinic)
        wanted = request.GET.get("treatment", "")
        form.initial["treatment"] = wanted if wanted in {*form.treatments, UNSURE} else _only_one(form.treatments)
        return _show_form(request, form, clinic)
    form = AppointmentRequestForm(request.POST, clinic=clinic)
    if not form.is_valid():
        return _show_form(request, form, clinic, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        appointment_request = form.save()
    except DatabaseError:
        log.exception("A request could not be stored")
        trouble = _("We could not save your request just now. Your answers are still here: send them again in a minute")
        return _refuse(request, form, clinic, trouble, HTTPStatus.SERVICE_UNAVAILABLE)
    return _see_other("appointments:my_request", appointment_request.private_token)


@never_cache
@require_safe
def my_request(request: HttpRequest, token: str) -> HttpResponse:
    """The patient's private page. A wrong, old or altered link is simply not found."""
    found = AppointmentRequest.objects.behind(token, timezone.now()).select_related("treatment")
    shown = found.prefetch_related("preferred_times", "appointments", "treatment__translations")
    appointment_request = shown.first()
    if appointment_request is None:
        raise Http404
    clinic, now = Clinic.objects.current(), timezone.now()
    appointment, treatment = appointment_request.booked_appointment(), appointment_request.treatment
    response = render(
        request,
        "appointments/my_request.html",
        {
            "appointment_request": appointment_request,
            "treatment": treatment.in_words_of(get_language()) if treatment else None,
            "promise": promise(clinic, due, now) if (due := appointment_request.next_action_at) else "",
            "is_late": appointment_request.is_late(now),
            "appointment": appointment,
            "appointment_time": spoken(clinic, appointment.starts_at) if appointment else "",
        },
    )
    return _known_to_nobody_else(response)


@never_cache
@require_safe
def calendar_feed(request: HttpRequest, token: str) -> HttpResponse:
    """For a staff member's calendar program, which cannot sign in. An address that opens nothing is not found."""
    reader = calendar_feeds.reader_behind(token)
    if reader is None:
        raise Http404
    response = HttpResponse(calendar_feeds.file_for(reader), content_type=calendar_files.CONTENT_TYPE)
    response["Content-Disposition"] = 'attachment; filename="appointments.ics"'  # not the token
    return _known_to_nobody_else(response)


@require_safe
def privacy_notice(request: HttpRequest) -> HttpResponse:
    return render(request, "appointments/privacy.html", addresses(request.path))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was open for too long, or a browser that kept no cookie: the answers are shown again."""
    if request.resolver_match and request.resolver_match.view_name == "appointments:request_form":
        clinic = Clinic.objects.current()
        try:
            form = AppointmentRequestForm(request.POST, clinic=clinic)
        except UnreadablePostError:
            raise BadRequest("The answers broke off on their way") from None
        trouble = _("This page was open for too long. Your answers are still here: send them again")
        return _refuse(request, form, clinic, trouble, HTTPStatus.FORBIDDEN)
    raise PermissionDenied


def _refuse(
    request: HttpRequest, form: AppointmentRequestForm, clinic: Clinic, trouble: str, status: HTTPStatus
) -> HttpResponse:
    """Show what was typed once more, with what went wrong and the telephone number where there is one."""
    if clinic.telephone:
        trouble = _("%(trouble)s, or call %(number)s") % {"trouble": trouble, "number": clinic.telephone}
    form.add_error(None, trouble)
    return _show_form(request, form, clinic, status=status)


def _show_form(
    request: HttpRequest, form: AppointmentRequestForm, clinic: Clinic, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    now = timezone.now()
    words = {
        "form": form,
        "promise": promise(clinic, respond_by(clinic, now), now),
        **addresses(request.path),
    }
    return render(request, "appointments/request_form.html", words, status=status)


def _known_to_nobody_else(response: HttpResponse) -> HttpResponse:
    """For a page at a secret address: the address goes to no other site and into no index."""
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


def _only_one(treatments: dict) -> str:
    return next(iter(treatments)) if len(treatments) == 1 else ""


def _see_other(name: str, *args: str) -> HttpResponse:
    response = HttpResponseRedirect(reverse(name, args=args))
    response.status_code = HTTPStatus.SEE_OTHER
    return response
