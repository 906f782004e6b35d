"""The form, what is answered when its words cannot be stored, and the privacy notice."""

import logging
from datetime import datetime
from http import HTTPStatus

from django.core.exceptions import BadRequest, PermissionDenied
from django.db import Error
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from appointments import privacy, spool
from appointments.forms import TRAP, UNSURE, AppointmentRequestForm, Flood, keep, store
from appointments.response_clock import promise, respond_by
from appointments.views.answers import kept_for_now, see_other
from medspa.languages import addresses
from medspa.models import Clinic
from treatments.finished_page import finished, shown_until

log = logging.getLogger(__name__)


TYPED = ("full_name", "phone", "email", "message")
RETRY_AFTER_SECONDS = 60


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def request_form(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _receive(request)
    form = AppointmentRequestForm()
    wanted = request.GET.get("treatment", "")
    form.initial["treatment"] = wanted if wanted in {*form.treatments, UNSURE} else _only_one(form.treatments)
    return _show_form(request, form)


def _receive(request: HttpRequest) -> HttpResponse:
    """Into the database, or into the spool, or back to the patient with every word and the telephone number."""
    sent_at = timezone.now()
    try:
        form = AppointmentRequestForm(request.POST)
    except Error:
        log.exception("A form came before this process has ever seen the database")
        return _give_back(request)
    if not form.is_valid():
        return _show_form(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        appointment_request = store(form, address=request.origin)
    except Flood:
        trouble = _("Very many requests have come from your connection. Yours is not stored yet: try again later")
        return _refuse(request, form, trouble, HTTPStatus.TOO_MANY_REQUESTS)
    except Error:
        log.exception("The database refused a request")
        return _keep(request, form, sent_at)
    return see_other("appointments:my_request", appointment_request.private_token)


def _keep(request: HttpRequest, form: AppointmentRequestForm, sent_at: datetime) -> HttpResponse:
    try:
        token = keep(form, address=request.origin, sent_at=sent_at)
    except spool.NotKept as trouble:
        log.error("A request could not be kept in the spool either: %s", trouble)
        words = _("We could not save your request just now. Your answers are still here: send them again in a minute")
        return _refuse(request, form, words, HTTPStatus.SERVICE_UNAVAILABLE)
    log.warning("A request is kept in the spool")
    return kept_for_now(request, token, form.clinic, HTTPStatus.ACCEPTED)


@finished
@require_safe
def privacy_notice(request: HttpRequest) -> HttpResponse:
    kept = {name: privacy.months(name) for name in ("unbooked", "spam", "mail")}
    kept |= {f"{name}_years": privacy.months(name) // 12 for name in ("booked", "events")}
    clinic = Clinic.objects.current()
    shown_until(request.META, clinic.alike_until())
    return render(request, "appointments/privacy.html", {"kept": kept, "clinic": clinic, **addresses(request.path)})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was open for too long, or a browser that kept no cookie: the answers are shown again."""
    if request.resolver_match and request.resolver_match.view_name == "appointments:request_form":
        try:
            form = AppointmentRequestForm(request.POST)
        except UnreadablePostError:
            raise BadRequest("The answers broke off on their way") from None
        except Error:
            return _give_back(request)
        trouble = _("This page was open for too long. Your answers are still here: send them again")
        return _refuse(request, form, trouble, HTTPStatus.FORBIDDEN)
    raise PermissionDenied


def _give_back(request: HttpRequest) -> HttpResponse:
    """Without any help of the database: what was typed, and a button that sends it again."""
    fields = AppointmentRequestForm.base_fields
    typed = [(fields[name].label, request.POST[name]) for name in TYPED if request.POST.get(name)]
    carried = [(name, value) for name in [*fields, TRAP] for value in request.POST.getlist(name)]
    words = {"typed": typed, "carried": carried, "clinic": Clinic.last_read}
    answer = render(request, "appointments/not_stored.html", words, status=HTTPStatus.SERVICE_UNAVAILABLE)
    answer["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return answer


def _refuse(request: HttpRequest, form: AppointmentRequestForm, trouble: str, status: HTTPStatus) -> HttpResponse:
    """Show what was typed once more, with what went wrong and the telephone number where there is one."""
    if number := form.clinic.telephone:
        trouble = _("%(trouble)s, or call %(number)s") % {"trouble": trouble, "number": number}
    form.add_error(None, trouble)
    return _show_form(request, form, status=status)


def _show_form(request: HttpRequest, form: AppointmentRequestForm, status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    now, clinic = timezone.now(), form.clinic
    words = {
        "form": form,
        "clinic": clinic,
        "promise": promise(clinic, respond_by(clinic, now), now),
        **addresses(request.path),
    }
    return render(request, "appointments/request_form.html", words, status=status)


def _only_one(treatments: dict) -> str:
    return next(iter(treatments)) if len(treatments) == 1 else ""
