"""What patients do themselves, on their private page: cancel, ask for other times, answer the health check.

A patient has no version to compare: the desk's claims and calls do not concern them. What they saw of the visit is
compared instead, so that nobody cancels a time that they did not know of.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from appointments import notifications, outbox, scheduling
from appointments.models import (
    Appointment,
    AppointmentRequest,
    ClosedReason,
    Event,
    HealthAnswer,
    PreferredTime,
    Status,
)
from appointments.response_clock import respond_by, spoken
from appointments.workflow.moves import MoveNotAllowed, ended, write_down
from appointments.workflow.telling import tell
from medspa.models import Clinic


class Answered(NamedTuple):
    """One question of the health check as it was put, and the answer (of HealthAnswer.Answer)."""

    question: str
    staff_advice: str
    answer: str


@transaction.atomic
def withdraw(appointment_request: AppointmentRequest, *, visit: str, now: datetime | None = None) -> None:
    """The patient no longer wants to come: the visit is cancelled, the request closed, patient and desk are mailed.

    `visit` is the visit that the patient saw (`visit_code`). Idempotent: a closed request stays as it is.
    MoveNotAllowed once the visit has begun, or where it is no longer the one that was seen.
    """
    now = now or timezone.now()
    _lock(appointment_request)
    if not appointment_request.is_open:
        return
    appointment = _as_seen(appointment_request, visit, now)
    _change(appointment_request, **ended(ClosedReason.PATIENT_DECLINED, now))
    clinic = Clinic.objects.current()
    details = ""
    if appointment:
        scheduling.release(appointment, status=Appointment.Status.CANCELLED)
        details = spoken(clinic, appointment.starts_at)
        if news := notifications.cancelled(appointment_request, clinic, appointment):
            tell(appointment_request, news, clinic, now=now, at_once=True)
    write_down(appointment_request, Event.Kind.WITHDRAWN, by=None, now=now, details=details)
    outbox.queue(notifications.desk_change(appointment_request, clinic))


@transaction.atomic
def ask_for_times(
    appointment_request: AppointmentRequest,
    *,
    visit: str,
    preferred_times: Sequence[PreferredTime],
    message: str = "",
    now: datetime | None = None,
) -> None:
    """The patient could come at these times, and no longer at those named before. The desk is mailed.

    A booked visit stands until a new time is agreed, and the request waits for an answer with a clock of its own.
    Idempotent: the same wish twice is one. MoveNotAllowed on a closed request, once the visit has begun, or where it is
    no longer the one that was seen (`visit_code`).
    """
    now = now or timezone.now()
    _lock(appointment_request)
    if not appointment_request.is_open:
        raise MoveNotAllowed("The request is closed.")
    _as_seen(appointment_request, visit, now)
    if _is_the_same_wish(appointment_request, preferred_times, message):
        return
    clinic = Clinic.objects.current()
    changes: dict[str, Any] = {}
    if appointment_request.status != Status.WAITLISTED:
        due = respond_by(clinic, now)
        changes = {"next_action_at": min(appointment_request.next_action_at or due, due), "calls_in_vain": 0}
    _change(appointment_request, **changes)
    _replace_times(appointment_request, preferred_times)
    write_down(appointment_request, Event.Kind.ASKED, by=None, now=now, note=message)
    outbox.queue(notifications.desk_change(appointment_request, clinic))


@transaction.atomic
def answer_health_check(
    appointment_request: AppointmentRequest, *, answers: Iterable[Answered], now: datetime | None = None
) -> None:
    """Keep the answers as a further version. A yes or a not-sure is for a clinician to look at; it rejects nobody.

    That stays so when the answers are corrected, until somebody has looked. MoveNotAllowed on a closed request and
    once the visit has begun.
    """
    now, given = now or timezone.now(), list(answers)
    _lock(appointment_request)
    if not can_answer_health_check(appointment_request, now):
        raise MoveNotAllowed("The health check is over.")
    if given == [Answered(row.question, row.staff_advice, row.answer) for row in _latest(appointment_request)]:
        return
    _change(appointment_request)
    rows = [
        HealthAnswer(
            appointment_request=appointment_request,
            version=appointment_request.version,
            position=position,
            answered_at=now,
            **one._asdict(),
        )
        for position, one in enumerate(given, start=1)
    ]
    HealthAnswer.objects.bulk_create(rows)
    if any(row.needs_review for row in rows):
        flag = {"review_since": Coalesce(F("review_since"), Value(now))}
        AppointmentRequest.objects.filter(pk=appointment_request.pk).update(**flag)
        appointment_request.refresh_from_db(fields=["review_since"])
    write_down(appointment_request, Event.Kind.HEALTH_CHECK, by=None, now=now)


def visit_code(appointment_request: AppointmentRequest) -> str:
    """Which visit stands and when, as one word; "" for none. It changes when the visit is moved."""
    appointment = appointment_request.booked_appointment()
    return f"{appointment.pk}-{appointment.sequence}" if appointment else ""


def can_answer_health_check(appointment_request: AppointmentRequest, now: datetime | None = None) -> bool:
    """Until the visit begins."""
    appointment = appointment_request.booked_appointment()
    return appointment_request.is_open and not (appointment and appointment.has_begun(now))


def _lock(appointment_request: AppointmentRequest) -> None:
    """One change of a request at a time, whoever makes it; and it is read anew."""
    AppointmentRequest.objects.select_for_update().get(pk=appointment_request.pk)
    appointment_request.refresh_from_db()


def _as_seen(appointment_request: AppointmentRequest, visit: str, now: datetime) -> Appointment | None:
    appointment = appointment_request.booked_appointment()
    if appointment and appointment.has_begun(now):
        raise MoveNotAllowed("The visit has begun.")
    if visit_code(appointment_request) != visit:
        raise MoveNotAllowed("The visit has another time now.")
    return appointment


def _change(appointment_request: AppointmentRequest, **changes: Any) -> None:
    AppointmentRequest.objects.filter(pk=appointment_request.pk).update(version=F("version") + 1, **changes)
    appointment_request.refresh_from_db()


def _latest(appointment_request: AppointmentRequest) -> list[HealthAnswer]:
    return HealthAnswer.objects.last_given(appointment_request)


def _is_the_same_wish(
    appointment_request: AppointmentRequest, preferred_times: Sequence[PreferredTime], message: str
) -> bool:
    last = appointment_request.events.exclude(kind__in=Event.BETWEEN_MOVES).last()
    if last is None or last.kind != Event.Kind.ASKED or last.note != message:
        return False
    return {time.code for time in appointment_request.preferred_times.all()} == {time.code for time in preferred_times}


def _replace_times(appointment_request: AppointmentRequest, preferred_times: Sequence[PreferredTime]) -> None:
    appointment_request.preferred_times.all().delete()
    for time in preferred_times:
        time.appointment_request = appointment_request
    PreferredTime.objects.bulk_create(preferred_times)
