"""The table of moves, and the steps that every verb shares: swap, then write down."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from appointments import event_log
from appointments.models import AppointmentRequest, ClosedReason, Event, Message, Status
from appointments.workflow import conditions
from medspa.models import Clinic
from medspa.opening_times import clock_time

OPEN = frozenset({Status.NEW, Status.CONTACTING, Status.WAITLISTED, Status.BOOKED})
UNBOOKED = OPEN - {Status.BOOKED}
ANY = OPEN | {Status.CLOSED}
PERMISSION = "appointments.work_appointmentrequest"
READS_HEALTH = "appointments.view_healthanswer"


@dataclass(frozen=True)
class Move:
    """One button at the desk: from which statuses it may be pressed, and what it leads to."""

    label: str
    allowed_in: frozenset[Status]
    will: str  # what happens, said before it is confirmed
    mails: Message.Kind | None = None
    permission: str = PERMISSION
    only_if: Callable[[AppointmentRequest, User, datetime], bool] = conditions.whatever
    is_of_a_mail: bool = False  # its button stands beside the mail, not among the others


MOVES = {
    "claim": Move(
        "Claim", OPEN, "The request is yours until somebody else claims it.", only_if=conditions.is_not_theirs
    ),
    "log_call": Move(
        "Log a call",
        OPEN | {Status.CLOSED},
        "The call is written down. A new request counts as begun.",
        only_if=conditions.may_be_called,
    ),
    "write": Move(
        "Write an e-mail",
        OPEN,
        "The patient is mailed your words once you have seen how they go. A new request counts as begun.",
        Message.Kind.REPLY,
        only_if=conditions.can_be_mailed,
    ),
    "book": Move("Book", UNBOOKED, "The time is taken for this patient.", Message.Kind.BOOKED),
    "reschedule": Move(
        "Change the time",
        frozenset({Status.BOOKED}),
        "The old time is given back.",
        Message.Kind.RESCHEDULED,
        only_if=conditions.is_to_come,
    ),
    "keep": Move(
        "Keep the time",
        frozenset({Status.BOOKED}),
        "The visit stays as it is, and the patient's wish for another time is answered.",
        only_if=conditions.asks_for_another_time,
    ),
    "cancel": Move(
        "Cancel the appointment",
        frozenset({Status.BOOKED}),
        "The time is given back, and the request waits for an answer again.",
        Message.Kind.CANCELLED,
        only_if=conditions.is_to_come,
    ),
    "arrive": Move(
        "Arrived",
        frozenset({Status.BOOKED}),
        "The patient is here. Press “Took place” once the visit is over.",
        only_if=conditions.may_arrive,
    ),
    "fulfil": Move(
        "Took place",
        frozenset({Status.BOOKED}),
        "The visit is fulfilled, and the request is closed.",
        Message.Kind.AFTERCARE,
        only_if=conditions.has_begun,
    ),
    "no_show": Move(
        "Did not come",
        frozenset({Status.BOOKED}),
        "The visit is missed. The request waits for a call again, with a new clock.",
        Message.Kind.MISSED,
        only_if=conditions.is_missed,
    ),
    "review": Move(
        "Review the health check",
        OPEN,
        "The desk sees what you decide. The patient's answers stay with those who may read them.",
        permission=READS_HEALTH,
        only_if=conditions.is_to_be_reviewed,
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
        only_if=conditions.has_others_alike,
    ),
    "close": Move("Close", OPEN, "The request leaves the queue. An appointment still to come is cancelled."),
    "reopen": Move("Reopen", frozenset({Status.CLOSED}), "The request waits for an answer again, with a new clock."),
    "add_note": Move("Add a note", ANY, "The note stands in the history. It cannot be changed."),
    "not_spam": Move(
        "Not spam: bring it back",
        frozenset({Status.CLOSED}),
        "The request waits for an answer with a new clock.",
        Message.Kind.RECEIVED,
        only_if=conditions.is_spam,
    ),
    "export": Move(
        "Hand out the patient's data",
        ANY,
        "You get a file with everything that is kept about the patient. That you did is written down.",
        permission="appointments.export_appointmentrequest",
    ),
    "erase": Move(
        "Erase the patient's data",
        frozenset({Status.CLOSED}),
        "Name, telephone, e-mail, message, answers, mails and notes go for good. What happened stays, naming nobody.",
        permission="appointments.erase_appointmentrequest",
        only_if=conditions.may_be_erased,
    ),
    "place_hold": Move(
        "Legal hold",
        ANY,
        "Nothing of the request is erased until the hold is lifted.",
        permission="appointments.hold_appointmentrequest",
        only_if=conditions.may_be_erased,
    ),
    "lift_hold": Move(
        "Lift the legal hold",
        ANY,
        "The request can be erased again, also by the policy.",
        permission="appointments.hold_appointmentrequest",
        only_if=conditions.is_on_hold,
    ),
    "hold_back": Move(
        "Hold back", ANY, "The mail does not go.", only_if=conditions.has_mail_to_hold_back, is_of_a_mail=True
    ),
    "send_after_all": Move(
        "Send after all", ANY, "The mail goes now.", only_if=conditions.has_mail_held_back, is_of_a_mail=True
    ),
    "send_again": Move(
        "Send again", ANY, "The mail is tried now.", only_if=conditions.has_mail_that_failed, is_of_a_mail=True
    ),
}


class MoveNotAllowed(Exception):
    """The request is no longer as the caller saw it, or its status does not allow the move. Says who did what."""


def allowed_moves(appointment_request: AppointmentRequest, user: User, now: datetime | None = None) -> dict[str, Move]:
    """The moves that the request's status and the person's permissions allow now."""
    return {
        name: move
        for name, move in MOVES.items()
        if appointment_request.status in move.allowed_in
        and appointment_request.erased_at is None
        and user.has_perm(move.permission)
        and move.only_if(appointment_request, user, now or timezone.now())
    }


def will_mail(name: str, appointment_request: AppointmentRequest, now: datetime | None = None) -> Message.Kind | None:
    """Which mail the move would send to a patient whose address is known; None if none."""
    if name == "close" and (appointment := appointment_request.booked_appointment()):
        return None if appointment.has_begun(now) else Message.Kind.CANCELLED
    if name == "not_spam" and appointment_request.messages.filter(kind=Message.Kind.RECEIVED).exists():
        return None
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
        pk=appointment_request.pk, version=seen, status__in=MOVES[name].allowed_in, erased_at=None
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
    event_log.append(kind, by=by, now=now, appointment_request=appointment_request, details=details, note=note)


def _what_happened(appointment_request: AppointmentRequest, seen: int) -> str:
    since = (
        appointment_request.events.moves().filter(version__gt=seen).select_related("by").exclude(kind=Event.Kind.NOTED)
    )
    zone = Clinic.objects.current().zone
    deeds = [
        f"{_name(event.by)} was first, at {clock_time(event.at.astimezone(zone).time())}: {event}"
        + (f" ({event.details})" if event.details else "")
        for event in since
    ]
    return ". ".join(deeds) or "The request is in a state that does not allow this."


def _name(user: User | None) -> str:
    return (user.get_full_name() or user.get_username()) if user else "The patient"
