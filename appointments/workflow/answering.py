"""Working towards an answer: claim, call, set aside, note."""

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from appointments.models import AppointmentRequest, Event, Status
from appointments.response_clock import follow_up, in_days
from appointments.workflow.moves import insist, swap, write_down
from appointments.workflow.telling import told
from medspa.models import Clinic

REACHED = {"answered": "Answered", "voicemail": "Left a voicemail", "no_answer": "No answer", "wrong": "Wrong number"}
ENOUGH_CALLS = 6  # in vain; from then on the desk suggests closing the request as unreachable


@transaction.atomic
def claim(appointment_request: AppointmentRequest, *, by: User, seen: int, now: datetime | None = None) -> None:
    """Make the request `by`'s own, whoever had it before."""
    now = swap("claim", appointment_request, by=by, seen=seen, now=now, claimed_by=by)
    write_down(appointment_request, Event.Kind.CLAIMED, by=by, now=now)


@transaction.atomic
def log_call(
    appointment_request: AppointmentRequest,
    *,
    by: User,
    seen: int,
    reached: str,
    note: str = "",
    now: datetime | None = None,
) -> None:
    """Write down a call and how it ended (a key of REACHED). A new request is being contacted from then on.

    What still waits is due again: a day after a talk, on the clinic's ladder after a call that reached nobody.
    After a talk nothing is left to tell. MoveNotAllowed on a closed request whose patient knows all.
    """
    now = now or timezone.now()
    begun = {Status.NEW: Status.CONTACTING}.get(Status(appointment_request.status), F("status"))
    talked = reached == "answered"
    changes: dict[str, Any] = {"calls_in_vain": 0} if talked else {"calls_in_vain": F("calls_in_vain") + 1}
    if talked:
        changes["first_response_at"] = Coalesce(F("first_response_at"), Value(now))
    if appointment_request.is_waiting:
        clinic, calls = Clinic.objects.current(), appointment_request.calls_in_vain + 1
        changes["next_action_at"] = in_days(clinic, 1, now) if talked else follow_up(clinic, calls, now)
    swap("log_call", appointment_request, by=by, seen=seen, now=now, status=begun, **changes)
    insist("log_call", appointment_request, by=by, now=now)
    write_down(appointment_request, Event.Kind.CALLED, by=by, now=now, details=REACHED[reached], note=note)
    if talked:
        told(appointment_request)


@transaction.atomic
def waitlist(
    appointment_request: AppointmentRequest, *, by: User, seen: int, note: str = "", now: datetime | None = None
) -> None:
    """Set the request aside until a time is free."""
    now = swap(
        "waitlist", appointment_request, by=by, seen=seen, now=now, status=Status.WAITLISTED, next_action_at=None
    )
    write_down(appointment_request, Event.Kind.WAITLISTED, by=by, now=now, note=note)


@transaction.atomic
def add_note(
    appointment_request: AppointmentRequest, *, by: User, seen: int, note: str, now: datetime | None = None
) -> None:
    """Add words to the history. Notes of several people never stand in each other's way."""
    appointment_request.refresh_from_db()
    write_down(appointment_request, Event.Kind.NOTED, by=by, now=now or timezone.now(), note=note)
