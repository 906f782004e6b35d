"""What the patient is told by mail: it waits a few minutes, and until it goes the desk may hold it back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from appointments import notifications, outbox
from appointments.models import AppointmentRequest, Event, Message, Status
from appointments.response_clock import follow_up
from appointments.workflow.moves import MoveNotAllowed, insist, swap, write_down
from appointments.workflow.telling import goes_at
from medspa.models import Clinic


@transaction.atomic
def write(
    appointment_request: AppointmentRequest,
    *,
    by: User,
    seen: int,
    subject: str,
    text: str,
    now: datetime | None = None,
) -> None:
    """Mail the patient words of the desk's own. MoveNotAllowed for a patient without an address.

    It is an answer: the first one stops the clock, and a new request is being contacted from then on. What still waits
    is due again when the ladder would have it after one more call in vain, because now the patient is to answer; but
    nobody was called, so no call in vain is counted. The history keeps the words, sealed, without the patient's link.
    """
    now, clinic = now or timezone.now(), Clinic.objects.current()
    begun = {Status.NEW: Status.CONTACTING}.get(Status(appointment_request.status), F("status"))
    changes = _answered(appointment_request, clinic, now)
    swap("write", appointment_request, by=by, seen=seen, now=now, status=begun, **changes)
    insist("write", appointment_request, by=by, now=now)
    kept = f"{subject}\n\n{text}".replace(appointment_request.private_token, "…")
    write_down(appointment_request, Event.Kind.WRITTEN, by=by, now=now, note=kept)
    reply = notifications.reply(appointment_request, clinic, subject=subject, text=text)
    outbox.queue(reply, due_at=goes_at(clinic, now))


@transaction.atomic
def hold_back(
    appointment_request: AppointmentRequest, *, by: User, seen: int, message: int, now: datetime | None = None
) -> None:
    """Keep the mail with the key `message` from going. MoveNotAllowed once a worker has taken it in hand.

    It is the mail that is compared and swapped: the minutes run, so whatever else was done to the request since it
    was seen is no hindrance. A reply that does not go was no answer: what waits is due again at once.
    """
    mail = _of(appointment_request, message)
    now = _swap_whatever_was_seen("hold_back", appointment_request, by=by, now=now)
    if not outbox.hold_back(mail, now=now):
        raise MoveNotAllowed(_why_it_stays_so(mail))
    write_down(appointment_request, Event.Kind.HELD, by=by, now=now, details=str(mail))
    if mail.kind == Message.Kind.REPLY:
        _take_back_the_answer(appointment_request, mail, now)


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
    if mail.kind == Message.Kind.REPLY:
        _change(appointment_request, **_answered(appointment_request, Clinic.objects.current(), now))


@transaction.atomic
def send_again(
    appointment_request: AppointmentRequest, *, by: User, seen: int, message: int, now: datetime | None = None
) -> None:
    """Try the mail with the key `message` now that could not be delivered. MoveNotAllowed if it goes by itself."""
    mail = _of(appointment_request, message, list(Message.Kind))
    now = _swap_whatever_was_seen("send_again", appointment_request, by=by, now=now)
    if not outbox.send_again(mail, now=now):
        raise MoveNotAllowed(_why_it_stays_so(mail))
    write_down(appointment_request, Event.Kind.SENT_AGAIN, by=by, now=now, details=str(mail))


def _answered(appointment_request: AppointmentRequest, clinic: Clinic, now: datetime) -> dict[str, Any]:
    """What a reply changes: the first answer is given, and what waits is due when the ladder's next call would be."""
    changes: dict[str, Any] = {"first_response_at": Coalesce(F("first_response_at"), Value(now))}
    if appointment_request.is_waiting:
        changes["next_action_at"] = follow_up(clinic, appointment_request.calls_in_vain + 1, now)
    return changes


def _take_back_the_answer(appointment_request: AppointmentRequest, mail: Message, now: datetime) -> None:
    written = appointment_request.events.get(kind=Event.Kind.WRITTEN, version=mail.version)
    if appointment_request.first_response_at == written.at:
        _change(appointment_request, first_response_at=None)
    if appointment_request.is_waiting:
        _change(appointment_request, next_action_at=now)


def _change(appointment_request: AppointmentRequest, **changes: Any) -> None:
    AppointmentRequest.objects.filter(pk=appointment_request.pk).update(**changes)
    appointment_request.refresh_from_db()


def _of(
    appointment_request: AppointmentRequest, key: int, kinds: Sequence[Message.Kind] = Message.BY_A_MOVE
) -> Message:
    mail = appointment_request.messages.filter(pk=key, kind__in=kinds).first()
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
