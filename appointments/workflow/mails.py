"""What a move tells the patient: it waits a few minutes, and until it goes the desk may hold it back."""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from appointments import outbox
from appointments.models import AppointmentRequest, Event, Message
from appointments.workflow.moves import MoveNotAllowed, swap, write_down
from medspa.models import Clinic


def tell(message: Message | None, clinic: Clinic, *, now: datetime) -> None:
    """Queue what a move tells the patient, so that the desk can still think better of it."""
    outbox.queue(message, due_at=now + timedelta(minutes=clinic.hold_mail_minutes))


@transaction.atomic
def hold_back(
    appointment_request: AppointmentRequest, *, by: User, seen: int, message: int, now: datetime | None = None
) -> None:
    """Keep the mail with the key `message` from going. MoveNotAllowed once a worker has taken it in hand.

    It is the mail that is compared and swapped: the minutes run, so whatever else was done to the request since it
    was seen is no hindrance.
    """
    mail = _of(appointment_request, message)
    now = _swap_whatever_was_seen("hold_back", appointment_request, by=by, now=now)
    if not outbox.hold_back(mail, now=now):
        raise MoveNotAllowed(_why_it_stays_so(mail))
    write_down(appointment_request, Event.Kind.HELD, by=by, now=now, details=str(mail))


@transaction.atomic
def send_after_all(
    appointment_request: AppointmentRequest, *, by: User, seen: int, message: int, now: datetime | None = None
) -> None:
    """Send the mail with the key `message` at once, though it was held back. MoveNotAllowed if it no longer is."""
    mail = _of(appointment_request, message)
    now = _swap_whatever_was_seen("send_after_all", appointment_request, by=by, now=now)
    if not outbox.send_after_all(mail, now=now):
        raise MoveNotAllowed(_why_it_stays_so(mail))
    write_down(appointment_request, Event.Kind.SENT_ANYWAY, by=by, now=now, details=str(mail))


def _of(appointment_request: AppointmentRequest, key: int) -> Message:
    mail = appointment_request.messages.filter(pk=key, kind__in=Message.BY_A_MOVE).first()
    if mail is None:
        raise MoveNotAllowed("There is no such mail.")
    return mail


def _swap_whatever_was_seen(
    name: str, appointment_request: AppointmentRequest, *, by: User, now: datetime | None
) -> datetime:
    locked = AppointmentRequest.objects.select_for_update()
    version = locked.values_list("version", flat=True).get(pk=appointment_request.pk)
    return swap(name, appointment_request, by=by, seen=version, now=now)


def _why_it_stays_so(mail: Message) -> str:
    mail.refresh_from_db()
    if mail.held_back:
        return "It is held back already."
    if mail.withdrawn_at:
        return "It was withdrawn, because later news took its place."
    if mail.given_up_at or mail.error:
        return "It was tried already and could not be delivered."
    return "It has been sent already." if mail.attempts else "It is about to be sent."
