"""What is sealed is read by those who may, and the health check judged: each reading is written down."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from appointments import event_log
from appointments.models import AppointmentRequest, Event, HealthAnswer
from appointments.workflow.moves import insist, swap, write_down

VERDICTS = {"fits": "May come", "talk": "May come after a talk", "wait": "Should wait"}


@transaction.atomic
def read_health_check(
    appointment_request: AppointmentRequest, *, by: User, now: datetime | None = None
) -> list[HealthAnswer]:
    """Every version of the answers, the newest first. Who read them, and when, is written down before."""
    rows = HealthAnswer.objects.filter(appointment_request=appointment_request).order_by("-version", "position")
    write_down(appointment_request, Event.Kind.HEALTH_READ, by=by, now=now or timezone.now())
    return list(rows)


@transaction.atomic
def read_message(
    appointment_request: AppointmentRequest, *, by: User, now: datetime | None = None
) -> list[tuple[datetime, str]]:
    """Everything that the patient wrote, with when, the newest first. Who read it is written down before."""
    event_log.append(Event.Kind.MESSAGE_READ, by=by, now=now or timezone.now(), appointment_request=appointment_request)
    written = [(event.at, event.note) for event in appointment_request.events.filter(kind=Event.Kind.ASKED)]
    return [*reversed([(appointment_request.created_at, appointment_request.message), *written])]


@transaction.atomic
def review(
    appointment_request: AppointmentRequest,
    *,
    by: User,
    seen: int,
    verdict: str,
    note: str = "",
    now: datetime | None = None,
) -> None:
    """A clinician says what the health check means for the visit (a key of VERDICTS). The flag is lifted."""
    now = now or timezone.now()
    insist("review", appointment_request, by=by, now=now)
    swap("review", appointment_request, by=by, seen=seen, now=now, review_since=None)
    write_down(appointment_request, Event.Kind.REVIEWED, by=by, now=now, details=VERDICTS[verdict], note=note)
