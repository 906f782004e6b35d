"""The visit itself: book it, move it, cancel it, and tell the patient."""

from collections.abc import Callable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from appointments import notifications, scheduling
from appointments.models import Appointment, AppointmentRequest, Event, Message, Status
from appointments.response_clock import respond_by, spoken
from appointments.workflow.moves import MoveNotAllowed, insist, swap, write_down
from appointments.workflow.telling import tell
from medspa.models import Clinic
from treatments.models import Provider


@transaction.atomic
def book(
    appointment_request: AppointmentRequest,
    *,
    by: User,
    seen: int,
    provider: Provider,
    starts_at: datetime,
    minutes: int,
    anyway: bool = False,
    now: datetime | None = None,
) -> Appointment:
    """Book the visit and queue its mail. Raises SlotTaken, which leaves the request as it was.

    Raises NotWorking likewise when the clinic is closed or the provider off then, unless `anyway`.
    """
    now = now or timezone.now()
    responded = Coalesce(F("first_response_at"), Value(now))
    booked = {"status": Status.BOOKED, "first_response_at": responded, "next_action_at": None, "calls_in_vain": 0}
    swap("book", appointment_request, by=by, seen=seen, now=now, **booked)
    appointment = scheduling.reserve(
        appointment_request, provider=provider, starts_at=starts_at, minutes=minutes, now=now, anyway=anyway
    )
    _tell(notifications.booked, appointment_request, appointment, Event.Kind.BOOKED, by=by, now=now)
    return appointment


@transaction.atomic
def reschedule(
    appointment_request: AppointmentRequest,
    *,
    by: User,
    seen: int,
    provider: Provider,
    starts_at: datetime,
    minutes: int,
    anyway: bool = False,
    now: datetime | None = None,
) -> Appointment:
    """Move the visit to another time and queue its mail. Raises SlotTaken and NotWorking as `book` does.

    That answers a wish for another time.
    """
    now = swap("reschedule", appointment_request, by=by, seen=seen, now=now, next_action_at=None)
    appointment = scheduling.move(
        _standing(appointment_request), provider=provider, starts_at=starts_at, minutes=minutes, now=now, anyway=anyway
    )
    _tell(notifications.rescheduled, appointment_request, appointment, Event.Kind.RESCHEDULED, by=by, now=now)
    return appointment


@transaction.atomic
def keep(
    appointment_request: AppointmentRequest, *, by: User, seen: int, note: str = "", now: datetime | None = None
) -> None:
    """Leave the visit as it is: the patient asked for another time and keeps this one."""
    now = now or timezone.now()
    insist("keep", appointment_request, by=by, now=now)
    swap("keep", appointment_request, by=by, seen=seen, now=now, next_action_at=None)
    write_down(appointment_request, Event.Kind.KEPT, by=by, now=now, note=note)


@transaction.atomic
def cancel(
    appointment_request: AppointmentRequest, *, by: User, seen: int, note: str = "", now: datetime | None = None
) -> None:
    """Cancel the visit, give its time back and queue its mail. The request waits again, with a new clock."""
    now = now or timezone.now()
    due = respond_by(Clinic.objects.current(), now)
    waits = {"status": Status.CONTACTING, "next_action_at": due}
    swap("cancel", appointment_request, by=by, seen=seen, now=now, **waits)
    appointment = _standing(appointment_request)
    scheduling.release(appointment, status=Appointment.Status.CANCELLED)
    _tell(notifications.cancelled, appointment_request, appointment, Event.Kind.CANCELLED, by=by, now=now, note=note)


@transaction.atomic
def arrive(appointment_request: AppointmentRequest, *, by: User, seen: int, now: datetime | None = None) -> None:
    """The patient has come, and so knows of the visit. MoveNotAllowed on another day than the visit's."""
    now = swap("arrive", appointment_request, by=by, seen=seen, now=now, to_tell_since=None, next_action_at=None)
    insist("arrive", appointment_request, by=by, now=now)
    scheduling.release(_standing(appointment_request), status=Appointment.Status.ARRIVED)
    write_down(appointment_request, Event.Kind.ARRIVED, by=by, now=now)


@transaction.atomic
def no_show(
    appointment_request: AppointmentRequest, *, by: User, seen: int, note: str = "", now: datetime | None = None
) -> None:
    """The patient did not come, and is mailed. The request waits for a call again.

    MoveNotAllowed before the visit begins.
    """
    now = now or timezone.now()
    due = respond_by(Clinic.objects.current(), now)
    waits = {"status": Status.CONTACTING, "next_action_at": due}
    waits["to_tell_since"] = None  # the visit that was not told of is over
    swap("no_show", appointment_request, by=by, seen=seen, now=now, **waits)
    insist("no_show", appointment_request, by=by, now=now)
    appointment = _standing(appointment_request)
    scheduling.release(appointment, status=Appointment.Status.NOSHOW)
    clinic = Clinic.objects.current()
    details = spoken(clinic, appointment.starts_at)
    write_down(appointment_request, Event.Kind.NOSHOW, by=by, now=now, details=details, note=note)
    if news := notifications.missed(appointment_request, clinic, appointment):
        tell(appointment_request, news, clinic, now=now)  # without an address, the request waits for a call anyway


def _standing(appointment_request: AppointmentRequest) -> Appointment:
    appointment = appointment_request.booked_appointment()
    if appointment is None:
        raise MoveNotAllowed("No appointment is booked.")
    return appointment


def _tell(
    wording: Callable[[AppointmentRequest, Clinic, Appointment], Message | None],
    appointment_request: AppointmentRequest,
    appointment: Appointment,
    kind: Event.Kind,
    *,
    by: User,
    now: datetime,
    note: str = "",
) -> None:
    """Write down what became of the visit, and queue the patient's mail in place of older news."""
    clinic = Clinic.objects.current()
    details = f"{spoken(clinic, appointment.starts_at)}, {appointment.minutes} minutes, {appointment.provider}"
    write_down(appointment_request, kind, by=by, now=now, details=details, note=note)
    news = wording(appointment_request, clinic, appointment)
    tell(appointment_request, news, clinic, now=now, may_surprise=kind != Event.Kind.BOOKED)
