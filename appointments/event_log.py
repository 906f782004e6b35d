"""How an event is written: at the end of a chain, each link sealed to the one before.

An event's digest is SHA-256 over what it says and the digest before it, so that a row changed, taken out or put in
between shows from there on. The newest link is kept sealed with DATA_KEYS: whoever can write to the database but does
not hold the keys cannot make the chain end anywhere else. The note stays outside: it is sealed by itself, and it goes
when a patient's details are erased. The database refuses the rest (`database_rules`).
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db import connection, transaction

from appointments.models import AppointmentRequest, Event, EventChain
from medspa import new_rows, origin
from medspa.sealed import CannotUnseal, seal, unseal

LONGEST_DETAILS = 2400
AT_ONCE = 1000
CHAIN = EventChain._meta.db_table


class Ends(NamedTuple):
    """Where the chain ends, and after which event it begins: events go after six years, the oldest first."""

    position: int = 0
    digest: str = ""
    begins_after: int = 0
    digest_before: str = ""


def append(
    kind: Event.Kind,
    *,
    by: User | None,
    now: datetime,
    appointment_request: AppointmentRequest | None = None,
    details: str = "",
    note: str = "",
    records: int = 1,
) -> Event:
    """Write down what `by` did (None: the patient, or a command), from where, and to how many records.

    Part of the caller's transaction: what is undone was never written. One event at a time is written, so do this last.
    """
    event = Event(
        appointment_request=appointment_request,
        kind=kind,
        at=now,
        by=by,
        version=appointment_request.version if appointment_request else 0,
        details=details[:LONGEST_DETAILS],
        note=note,
        has_note=bool(note),
        address=(origin.current() or None) if by else None,
        records=records,
    )
    append_all([event])
    return event


def append_several(kind: Event.Kind, told: Sequence[tuple[str, int]], *, by: User, now: datetime) -> None:
    """Write down several things that `by` did at once: for each its details, and to how many records."""
    address = origin.current() or None
    events = [
        Event(kind=kind, at=now, by=by, version=0, details=one[:LONGEST_DETAILS], address=address, records=many)
        for one, many in told
    ]
    if events:
        append_all(events)


@transaction.atomic(savepoint=False)
def append_all(events: Sequence[Event]) -> None:
    """Write unsaved events in their order."""
    ends = _held()
    position, digest = ends.position, ends.digest
    for position, event in enumerate(events, start=ends.position + 1):  # noqa: B007  (the last one counts)
        event.position = position
        event.digest = digest = next_digest(digest, event)
    for begin in range(0, len(events), AT_ONCE):
        new_rows.insert(*events[begin : begin + AT_ONCE])
    _keep(ends._replace(position=position, digest=digest))


def begin() -> None:
    """Lay down the end of an empty chain, by which wrong keys are noticed. Safe to repeat."""
    with transaction.atomic():
        if _held() == Ends():
            _keep(Ends())


def insist_on_keys() -> None:
    """Raise CannotUnseal, with one line for the owner, unless DATA_KEYS opens this database."""
    EventChain.objects.first()  # unsealed on reading


@transaction.atomic
def forget_before(moment: datetime, at_most: int) -> int:
    """Let go of the oldest events, none younger than `moment`, and say how many. The database has the last word."""
    ends = _held()
    oldest = list(Event.objects.in_order()[:at_most])
    gone = [event for number, event in enumerate(oldest) if all(older.at < moment for older in oldest[: number + 1])]
    if not gone:
        return 0
    Event.objects.let_go([event.pk for event in gone])
    _keep(ends._replace(begins_after=gone[-1].position, digest_before=gone[-1].digest))
    return len(gone)


def complaints() -> Iterator[str]:
    """One line for each place where the log is not as it was written. Nothing: it is whole."""
    try:
        chain = EventChain.objects.first()
    except CannotUnseal as trouble:
        yield str(trouble)
        return
    ends = _read(chain.ends if chain else "")
    position, digest = ends.begins_after, ends.digest_before
    for event in Event.objects.in_order().iterator(chunk_size=AT_ONCE):
        if event.position != position + 1:
            yield f"Events {position + 1} to {event.position - 1} are missing"
        elif event.digest != next_digest(digest, event):
            yield f"Event {event.position} of {event.at:%Y-%m-%d %H:%M} is not as it was written"
        if event.note and not event.has_note:
            yield f"Event {event.position} has a note that was not written with it"
        position, digest = event.position, event.digest
    if (position, digest) != (ends.position, ends.digest):
        yield f"The log ends with event {position}, but {ends.position} was the last one written"


def next_digest(before: str, event: Any) -> str:
    """`event` is of Event, or of what Event was when a migration ran."""
    facts = [
        before,
        event.position,
        event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        event.kind,
        event.appointment_request_id,
        event.by_id,
        event.version,
        event.details,
        event.has_note,
        event.address,
        event.records,
    ]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _held() -> Ends:
    """Whoever asks holds the end of the chain until the transaction is over."""
    held = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT ends FROM {CHAIN} WHERE id = 1{held}")
        found = cursor.fetchone()
    if found:
        return _read(unseal(found[0]))
    return _read(EventChain.objects.select_for_update().get_or_create(pk=1)[0].ends)


def _read(ends: str) -> Ends:
    return Ends(*json.loads(ends)) if ends else Ends()


def _keep(ends: Ends) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {CHAIN} SET ends = %s WHERE id = 1", [seal(json.dumps(ends))])
