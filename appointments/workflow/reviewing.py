"""The health check is read and judged by those who may: each reading is written down."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

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
