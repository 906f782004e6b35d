"""A request ends, or is taken up again."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from appointments import notifications, outbox, scheduling
from appointments.models import Appointment, AppointmentRequest, ClosedReason, Event, Message, Status
from appointments.response_clock import respond_by
from appointments.workflow.moves import MoveNotAllowed, ended, has_aftercare, insist, swap, write_down
from appointments.workflow.telling import tell
from medspa.models import Clinic


@transaction.atomic
def close(
    appointment_request: AppointmentRequest,
    *,
    by: User,
    seen: int,
    reason: str,
    note: str = "",
    now: datetime | None = None,
) -> None:
    """End the request with a reason of ClosedReason.

    A visit is fulfilled if the patient had arrived or the reason is that it took place, else cancelled; the patient
    is mailed about one still to come, and after one that took place how to recover. Without an address that is left
    to tell by telephone, and nothing older is.
    `completed` needs a visit that has begun: MoveNotAllowed otherwise.
    """
    now = now or timezone.now()
    swap("close", appointment_request, by=by, seen=seen, now=now, **ended(reason, now))
    appointment = appointment_request.booked_appointment()
    begun = appointment is not None and appointment.has_begun(now)
    if reason == ClosedReason.COMPLETED and not begun:
        raise MoveNotAllowed("The visit has not begun yet, so it cannot be closed as having taken place.")
    if appointment and not begun:
        scheduling.release(appointment, status=Appointment.Status.CANCELLED)
        clinic = Clinic.objects.current()
        news = notifications.cancelled(appointment_request, clinic, appointment)
        tell(appointment_request, news, clinic, now=now, may_surprise=True)
    elif appointment:
        took_place = reason == ClosedReason.COMPLETED or appointment.status == Appointment.Status.ARRIVED
        status = Appointment.Status.FULFILLED if took_place else Appointment.Status.CANCELLED
        scheduling.release(appointment, status=status)
        if reason == ClosedReason.COMPLETED and has_aftercare(appointment_request):
            clinic = Clinic.objects.current()
            tell(appointment_request, notifications.aftercare(appointment_request, clinic), clinic, now=now)
    details = str(ClosedReason(reason).label)
    write_down(appointment_request, Event.Kind.CLOSED, by=by, now=now, details=details, note=note)


def fulfil(
    appointment_request: AppointmentRequest, *, by: User, seen: int, note: str = "", now: datetime | None = None
) -> None:
    """The visit took place, and the request ends. MoveNotAllowed before the visit begins."""
    close(appointment_request, by=by, seen=seen, reason=ClosedReason.COMPLETED, note=note, now=now)


@transaction.atomic
def not_spam(appointment_request: AppointmentRequest, *, by: User, seen: int, now: datetime | None = None) -> None:
    """Bring back what was filed as spam, with a new clock. A patient who got no receipt gets it now."""
    now, clinic = now or timezone.now(), Clinic.objects.current()
    insist("not_spam", appointment_request, by=by, now=now)
    due = respond_by(clinic, now)
    waits = {"status": Status.NEW, "next_action_at": due, "closed_reason": "", "ended_at": None, "calls_in_vain": 0}
    is_first = not appointment_request.messages.filter(kind=Message.Kind.RECEIVED).exists()
    if is_first:
        waits["respond_by"] = due
    swap("not_spam", appointment_request, by=by, seen=seen, now=now, **waits)
    write_down(appointment_request, Event.Kind.NOT_SPAM, by=by, now=now)
    if is_first:
        outbox.queue(notifications.received(appointment_request, clinic))


@transaction.atomic
def reopen(
    appointment_request: AppointmentRequest, *, by: User, seen: int, note: str, now: datetime | None = None
) -> None:
    """Take a closed request up again, with a new clock. `note` says why."""
    now = now or timezone.now()
    due = respond_by(Clinic.objects.current(), now)
    waits = {"status": Status.CONTACTING, "next_action_at": due, "calls_in_vain": 0}
    swap(
        "reopen",
        appointment_request,
        by=by,
        seen=seen,
        now=now,
        closed_reason="",
        ended_at=None,
        duplicate_of=None,
        **waits,
    )
    write_down(appointment_request, Event.Kind.REOPENED, by=by, now=now, note=note)
