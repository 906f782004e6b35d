"""What the owner should look at twice: many records in one hour, and looking while the clinic is closed."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.contrib.auth.models import User
from django.db.models import Count, Sum
from django.db.models.functions import TruncHour

from appointments.models import Event
from medspa.models import Clinic

MANY = 200  # records shown to one person in an hour: eight full pages of the queue, or 200 requests opened one by one
AROUND_OPENING = timedelta(hours=1)  # a desk begins before the door opens


class Hour(NamedTuple):
    """One person's looking in one hour of the clinic's clock."""

    person: User
    begins: datetime
    looks: int
    records: int
    is_many: bool
    is_out_of_hours: bool


def unusual_hours(clinic: Clinic, since: datetime) -> list[Hour]:
    """The newest first. Two queries, however long the log is."""
    rows = (
        Event.objects.looks()
        .filter(at__gte=since, by__isnull=False)
        .annotate(hour=TruncHour("at", tzinfo=clinic.zone))
        .values("by", "hour")
        .annotate(looks=Count("pk"), shown=Sum("records"))
        .order_by("-hour", "by")
    )
    people = User.objects.in_bulk({row["by"] for row in rows})
    hours = [
        Hour(
            people[row["by"]],
            row["hour"],
            row["looks"],
            row["shown"],
            row["shown"] >= MANY,
            _is_out_of_hours(clinic, row["hour"]),
        )
        for row in rows
    ]
    return [hour for hour in hours if hour.is_many or hour.is_out_of_hours]


def _is_out_of_hours(clinic: Clinic, hour: datetime) -> bool:
    """Whether the clinic is closed during the hour, and the hour before and after it."""
    quarter = timedelta(minutes=15)
    first, last = hour - AROUND_OPENING, hour + timedelta(hours=1) + AROUND_OPENING
    moments = [first + quarter * step for step in range((last - first) // quarter)]
    return not any(clinic.is_open(moment) for moment in moments)
