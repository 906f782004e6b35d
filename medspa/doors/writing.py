"""What happens at the door is written down."""

from datetime import datetime

from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from medspa import origin
from medspa.models import Attempt, DoorEvent


def write_down(kind: DoorEvent.Kind, user: User | None, *, by: User | None = None) -> None:
    """From where, is known here. `by` where a colleague did it."""
    DoorEvent.objects.create(kind=kind, user=user, by=by, address=origin.current())


def tidy(now: datetime, *, events_before: datetime) -> None:
    """What no limit counts and no session needs any more goes, and events from `events_before`."""
    Attempt.objects.stale(now).delete()
    Session.objects.filter(expire_date__lt=now).delete()
    DoorEvent.objects.let_go(events_before)
