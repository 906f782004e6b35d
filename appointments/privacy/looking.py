"""Who looked: each view, list, search and export of patients' data is written down before it is shown."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.utils import timezone

from appointments import event_log
from appointments.models import AppointmentRequest, Event

IN_ONE_EVENT = 200  # references that fit into an event's details


def looked_at(
    appointment_request: AppointmentRequest, *, by: User, what: str = "", now: datetime | None = None
) -> None:
    """One request's page was opened. `what` says which, in our words."""
    event_log.append(
        Event.Kind.SEEN, by=by, now=now or timezone.now(), appointment_request=appointment_request, details=what
    )


def listed(rows: Iterable[AppointmentRequest], *, by: User, what: str, now: datetime | None = None) -> None:
    """Several requests were shown together: `what` names the list. An empty list tells nothing, and is not kept."""
    references = list(dict.fromkeys(row.reference for row in rows))
    told = [(f"{what}: {' '.join(some)}", len(some)) for some in _chunks(references)]
    event_log.append_several(Event.Kind.LISTED, told, by=by, now=now or timezone.now())


def searched(words: str, *, by: User, now: datetime | None = None) -> None:
    """Somebody looked for `words`, which are a patient's as a rule: they are kept sealed."""
    event_log.append(Event.Kind.SEARCHED, by=by, now=now or timezone.now(), note=words, records=0)


def exported(what: str, *, by: User | None, records: int, now: datetime | None = None) -> None:
    """A file or a listing left the desk. `by` is None at the console."""
    event_log.append(Event.Kind.EXPORTED, by=by, now=now or timezone.now(), details=what, records=records)


def _chunks(references: Sequence[str]) -> Iterable[Sequence[str]]:
    return [references[start : start + IN_ONE_EVENT] for start in range(0, len(references), IN_ONE_EVENT)]
