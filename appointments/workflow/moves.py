"""The table of moves, and the steps that every verb shares: swap, then write down."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from appointments.models import Appointment, AppointmentRequest, ClosedReason, Event, Message, Status
from medspa.models import Clinic
from medspa.opening_times import clock_time

OPEN = frozenset({Status.NEW, Status.CONTACTING, Status.WAITLISTED, Status.BOOKED})
UNBOOKED = OPEN - {Status.BOOKED}
ANY = OPEN | {Status.CLOSED}
PERMISSION = "appointments.work_appointmentrequest"
READS_HEALTH = "appointments.view_healthanswer"


EARLIEST = timedelta(hours=12)  # before a visit; whoever comes earlier has come on another day


def _whatever(_row: AppointmentRequest, _user: User, _now: datetime) -> bool:
    return True


def _is_not_theirs(row: AppointmentRequest, user: User, _now: datetime) -> bool:
    return row.claimed_by_id != user.pk


def _may_be_called(row: AppointmentRequest, _user: User, _now: datetime) -> bool:
    return row.is_open or row.to_tell_since is not None


def _can_be_mailed(row: AppointmentRequest, _user: User, _now: datetime) -> bool:
    return bool(row.email)


def _is_to_come(row: AppointmentRequest, _user: User, _now: datetime) -> bool:
    visit = row.booked_appointment()
    return visit is not None and visit.status == Appointment.Status.BOOKED


def _may_arrive(row: AppointmentRequest, user: User, now: datetime) -> bool:
    visit = row.booked_appointment()
    return visit is not None and _is_to_come(row, user, now) and visit.starts_at - now < EARLIEST


def _has_begun(row: AppointmentRequest, _user: User, now: datetime) -> bool:
    visit = row.booked_appointment()
    return visit is not None and visit.has_begun(now)


def _is_missed(row: AppointmentRequest, user: User, now: datetime) -> bool:
    visit = row.booked_appointment()
    return visit is not None and _is_to_come(row, user, now) and visit.starts_at <= now


def _has_others_alike(row: AppointmentRequest, _user: User, _now: datetime) -> bool:
    return AppointmentRequest.objects.alike(row).filter(duplicate_of=None).exists()


def _has_mail_to_hold_back(row: AppointmentRequest, _user: User, _now: datetime) -> bool:
    return any(message.can_be_held_back for message in row.messages.all())


def _has_mail_held_back(row: AppointmentRequest, _user: User, _now: datetime) -> bool:
    return any(message.held_back for message in row.messages.all())


def _has_mail_that_failed(row: AppointmentRequest, _user: User, _now: datetime) -> bool:
    return any(message.can_be_sent_again for message in row.messages.all())


def _asks_for_another_time(row: AppointmentRequest, _user: User, _now: datetime) -> bool:
    return row.asks_for_another_time


def _is_to_be_reviewed(row: AppointmentRequest, _user: User, _now: datetime) -> bool:
    return row.review_since is not None


@dataclass(frozen=True)
class Move:
    """One button at the desk: from which statuses it may be pressed, and what it leads to."""

    label: str
    allowed_in: frozenset[Status]
    will: str  # what happens, said before it is confirmed
    mails: Message.Kind | None = None
    permission: str = PERMISSION
    only_if: Callable[[AppointmentRequest, User, datetime], bool] = _whatever
    is_of_a_mail: bool = False  # its button stands beside the mail, not among the others


MOVES = {
    "claim": Move("Claim", OPEN, "The request is yours until somebody else claims it.", only_if=_is_not_theirs),
    "log_call": Move(
        "Log a call",
        OPEN | {Status.CLOSED},
        "The call is written down. A new request counts as begun.",
        only_if=_may_be_called,
    ),
    "write": Move(
        "Write an e-mail",
        OPEN,
        "The patient is mailed your words once you have seen how they go. A new request counts as begun.",
        Message.Kind.REPLY,
        only_if=_can_be_mailed,
    ),
    "book": Move("Book", UNBOOKED, "The time is taken for this patient.", Message.Kind.BOOKED),
    "reschedule": Move(
        "Change the time",
        frozenset({Status.BOOKED}),
        "The old time is given back.",
        Message.Kind.RESCHEDULED,
        only_if=_is_to_come,
    ),
    "keep": Move(
        "Keep the time",
        frozenset({Status.BOOKED}),
        "The visit stays as it is, and the patient's wish for another time is answered.",
        only_if=_asks_for_another_time,
    ),
    "cancel": Move(
        "Cancel the appointment",
        frozenset({Status.BOOKED}),
        "The time is given back, and the request waits for an answer again.",
        Message.Kind.CANCELLED,
        only_if=_is_to_come,
    ),
    "arrive": Move(
        "Arrived",
        frozenset({Status.BOOKED}),
        "The patient is here. Press “Took place” once the visit is over.",
        only_if=_may_arrive,
    ),
    "fulfil": Move(
        "Took place",
        frozenset({Status.BOOKED}),
        "The visit is fulfilled, and the request is closed.",
        Message.Kind.AFTERCARE,
        only_if=_has_begun,
    ),
    "no_show": Move(
        "Did not come",
        frozenset({Status.BOOKED}),
        "The visit is missed. The request waits for a call again, with a new clock.",
        Message.Kind.MISSED,
        only_if=_is_missed,
    ),
    "review": Move(
        "Review the health check",
        OPEN,
        "The desk sees what you decide. The patient's answers stay with those who may read them.",
        permission=READS_HEALTH,
        only_if=_is_to_be_reviewed,
    ),
    "waitlist": Move(
        "Put on the waiting list",
        frozenset({Status.NEW, Status.CONTACTING}),
        "The request leaves the queue until a time is free.",
    ),
    "merge": Move(
        "Merge",
        UNBOOKED,
        "This request is closed as a copy of the other one. Both keep their histories and name each other.",
        only_if=_has_others_alike,
    ),
    "close": Move("Close", OPEN, "The request leaves the queue. An appointment still to come is cancelled."),
    "reopen": Move("Reopen", frozenset({Status.CLOSED}), "The request waits for an answer again, with a new clock."),
    "add_note": Move("Add a note", ANY, "The note stands in the history. It cannot be changed."),
    "hold_back": Move("Hold back", ANY, "The mail does not go.", only_if=_has_mail_to_hold_back, is_of_a_mail=True),
    "send_after_all": Move("Send after all", ANY, "The mail goes now.", only_if=_has_mail_held_back, is_of_a_mail=True),
    "send_again": Move("Send again", ANY, "The mail is tried now.", only_if=_has_mail_that_failed, is_of_a_mail=True),
}


class MoveNotAllowed(Exception):
    """The request is no longer as the caller saw it, or its status does not allow the move. Says who did what."""


def allowed_moves(appointment_request: AppointmentRequest, user: User, now: datetime | None = None) -> dict[str, Move]:
    """The moves that the request's status and the person's permissions allow now."""
    return {
        name: move
        for name, move in MOVES.items()
        if appointment_request.status in move.allowed_in
        and user.has_perm(move.permission)
        and move.only_if(appointment_request, user, now or timezone.now())
    }


def will_mail(name: str, appointment_request: AppointmentRequest, now: datetime | None = None) -> Message.Kind | None:
    """Which mail the move would send to a patient whose address is known; None if none."""
    if name == "close" and (appointment := appointment_request.booked_appointment()):
        return None if appointment.has_begun(now) else Message.Kind.CANCELLED
    if MOVES[name].mails == Message.Kind.AFTERCARE and not has_aftercare(appointment_request):
        return None
    return MOVES[name].mails


def has_aftercare(appointment_request: AppointmentRequest) -> bool:
    """Whether the treatment has recovery notes to lead the patient to."""
    treatment = appointment_request.treatment
    return treatment is not None and treatment.is_published and treatment.recovery_notes.exists()


def ended(reason: str, now: datetime) -> dict[str, Any]:
    """What closing changes, whoever does it: nothing about the request waits any more."""
    over = dict.fromkeys(["next_action_at", "to_tell_since", "review_since"])
    return {"status": Status.CLOSED, "closed_reason": ClosedReason(reason), "ended_at": now, **over}


def swap(
    name: str,
    appointment_request: AppointmentRequest,
    *,
    by: User,
    seen: int,
    now: datetime | None,
    **changes: Any,
) -> datetime:
    """Compare and swap, and say when. Whoever acts first on an unclaimed request has claimed it."""
    changes = {"claimed_by": Coalesce(F("claimed_by"), Value(by.pk)), **changes}
    as_seen = AppointmentRequest.objects.filter(
        pk=appointment_request.pk, version=seen, status__in=MOVES[name].allowed_in
    )
    if not as_seen.update(version=F("version") + 1, **changes):
        raise MoveNotAllowed(_what_happened(appointment_request, seen))
    appointment_request.refresh_from_db()
    return now or timezone.now()


def insist(name: str, appointment_request: AppointmentRequest, *, by: User, now: datetime) -> None:
    """Right after the swap: raise MoveNotAllowed, which undoes it, unless what the move asks for is so."""
    if not MOVES[name].only_if(appointment_request, by, now):
        raise MoveNotAllowed(f"“{MOVES[name].label}” is not possible now.")


def write_down(
    appointment_request: AppointmentRequest,
    kind: Event.Kind,
    *,
    by: User | None,
    now: datetime,
    details: str = "",
    note: str = "",
) -> None:
    Event.objects.create(
        appointment_request=appointment_request,
        kind=kind,
        at=now,
        by=by,
        version=appointment_request.version,
        details=details[:300],
        note=note,
    )


def _what_happened(appointment_request: AppointmentRequest, seen: int) -> str:
    since = appointment_request.events.filter(version__gt=seen).select_related("by").exclude(kind=Event.Kind.NOTED)
    zone = Clinic.objects.current().zone
    deeds = [
        f"{_name(event.by)} was first, at {clock_time(event.at.astimezone(zone).time())}: {event}"
        + (f" ({event.details})" if event.details else "")
        for event in since
    ]
    return ". ".join(deeds) or "The request is in a state that does not allow this."


def _name(user: User | None) -> str:
    return (user.get_full_name() or user.get_username()) if user else "The patient"
