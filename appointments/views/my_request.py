"""The patient's private page: where the request stands, and what the patient can do about it.

GET shows and POST acts, because mail scanners follow links.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from appointments import calendar_files, spool, workflow
from appointments.forms import HealthCheckForm, TimesForm
from appointments.models import AppointmentRequest, HealthAnswer
from appointments.response_clock import promise, spoken
from appointments.views.answers import kept_for_now, known_to_nobody_else, see_other
from medspa.models import Clinic
from treatments.models import Treatment

Page = Callable[[HttpRequest, AppointmentRequest], HttpResponse]
READ, ACT = ["GET", "HEAD"], ["GET", "HEAD", "POST"]


def private(methods: list[str]) -> Callable[[Page], Callable[[HttpRequest, str], HttpResponse]]:
    """A page behind a patient's secret address. A wrong, an ended and an altered address are not found, all alike."""

    def behind_the_address(page: Page) -> Callable[[HttpRequest, str], HttpResponse]:
        # The secret address alone opens the page and no cookie adds to it, so a forged form gains nothing. And as the
        # page names no referrer, a browser names no origin either, which Django's check would refuse.
        @csrf_exempt
        @never_cache
        @require_http_methods(methods)
        @wraps(page)
        def shown(request: HttpRequest, token: str) -> HttpResponse:
            is_kept = spool.keeps(token)  # asked first: it leaves the spool once it is in the database
            try:
                appointment_request = _behind(token)
                if is_kept and appointment_request is None:
                    return kept_for_now(request, token, Clinic.objects.current())
            except Error:
                if is_kept:
                    return kept_for_now(request, token, Clinic.last_read)
                raise
            if appointment_request is None:
                raise Http404
            return known_to_nobody_else(page(request, appointment_request))

        return shown

    return behind_the_address


def _behind(token: str) -> AppointmentRequest | None:
    found = AppointmentRequest.objects.behind(token, timezone.now()).select_related("treatment")
    return found.prefetch_related("preferred_times", "appointments", "treatment__translations").first()


@private(READ)
def my_request(request: HttpRequest, appointment_request: AppointmentRequest) -> HttpResponse:
    clinic, now = Clinic.objects.current(), timezone.now()
    treatment = _treatment(appointment_request)
    answers = HealthAnswer.objects.last_given(appointment_request)
    words = _about(appointment_request, clinic) | {
        "standing": "checked" if appointment_request.is_being_checked else appointment_request.status,
        "treatment": treatment,
        "promise": promise(clinic, due, now) if (due := appointment_request.next_action_at) else "",
        "is_late": appointment_request.is_late(now),
        "may_answer": bool(_questions(treatment)) and workflow.can_answer_health_check(appointment_request, now),
        "has_answered": bool(answers),
        "will_talk": any(answer.needs_review for answer in answers),
        "has_aftercare": workflow.has_aftercare(appointment_request),
    }
    return render(request, "appointments/my_request.html", words)


@private(ACT)
def cancel(request: HttpRequest, appointment_request: AppointmentRequest) -> HttpResponse:
    if not appointment_request.is_open:
        return _back(appointment_request)
    if request.method == "POST":
        try:
            workflow.withdraw(appointment_request, visit=request.POST.get("visit", ""))
        except workflow.MoveNotAllowed:
            return _show(request, appointment_request, "cancel", status=HTTPStatus.CONFLICT)
        return _back(appointment_request)
    return _show(request, appointment_request, "cancel")


@private(ACT)
def times(request: HttpRequest, appointment_request: AppointmentRequest) -> HttpResponse:
    if not appointment_request.is_open:
        return _back(appointment_request)
    clinic = Clinic.objects.current()
    form = TimesForm(request.POST or None, clinic=clinic, appointment_request=appointment_request)
    if request.method != "POST":
        return _show(request, appointment_request, "times", form=form)
    form = TimesForm(request.POST, clinic=clinic, appointment_request=appointment_request)
    if not form.is_valid():
        return _show(request, appointment_request, "times", form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        workflow.ask_for_times(appointment_request, visit=request.POST.get("visit", ""), **form.cleaned_data)
    except workflow.MoveNotAllowed:
        return _show(request, appointment_request, "times", form=form, status=HTTPStatus.CONFLICT)
    return _back(appointment_request)


@private(ACT)
def health_check(request: HttpRequest, appointment_request: AppointmentRequest) -> HttpResponse:
    questions = _questions(_treatment(appointment_request))
    if not questions or not workflow.can_answer_health_check(appointment_request):
        return _back(appointment_request)
    given = HealthAnswer.objects.last_given(appointment_request)
    if request.method != "POST":
        return _show(request, appointment_request, "health", form=HealthCheckForm(questions=questions, given=given))
    form = HealthCheckForm(request.POST, questions=questions, given=given)
    if not form.is_valid():
        return _show(request, appointment_request, "health", form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        workflow.answer_health_check(appointment_request, answers=form.answers)
    except workflow.MoveNotAllowed:
        return _back(appointment_request)  # where it says how things stand
    return _back(appointment_request)


@private(READ)
def visit_file(request: HttpRequest, appointment_request: AppointmentRequest) -> HttpResponse:
    """The visit for the patient's own calendar, while one is booked."""
    appointment = appointment_request.booked_appointment()
    if appointment is None:
        raise Http404
    file = calendar_files.file_for_patient(appointment, appointment_request.reference, Clinic.objects.current())
    response = HttpResponse(file, content_type=f"{calendar_files.CONTENT_TYPE}; method=PUBLISH")
    response["Content-Disposition"] = 'attachment; filename="visit.ics"'
    return response


def _treatment(appointment_request: AppointmentRequest) -> Treatment | None:
    """In the words of the page's language."""
    treatment = appointment_request.treatment
    return treatment.in_words_of(get_language()) if treatment else None


def _questions(treatment: Treatment | None) -> list[tuple[str, str]]:
    """What the health check asks, and the advice for staff that goes with it."""
    return list(treatment.contraindications.values_list("question", "staff_advice")) if treatment else []


def _about(appointment_request: AppointmentRequest, clinic: Clinic) -> dict[str, Any]:
    appointment = appointment_request.booked_appointment()
    return {
        "appointment_request": appointment_request,
        "appointment": appointment,
        "appointment_time": spoken(clinic, appointment.starts_at) if appointment else "",
        "has_begun": appointment is not None and appointment.has_begun(),
        "visit": workflow.visit_code(appointment_request),
        "page": reverse("appointments:my_request", args=[appointment_request.private_token]),
    }


def _show(
    request: HttpRequest,
    appointment_request: AppointmentRequest,
    name: str,
    *,
    form: TimesForm | HealthCheckForm | None = None,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    """The page of one act, on top of how things stand now; CONFLICT says that they have changed meanwhile."""
    words = _about(appointment_request, Clinic.objects.current())
    words |= {"form": form, "has_changed": status == HTTPStatus.CONFLICT}
    return render(request, f"appointments/my_request/{name}.html", words, status=status)


def _back(appointment_request: AppointmentRequest) -> HttpResponse:
    return see_other("appointments:my_request", appointment_request.private_token)
