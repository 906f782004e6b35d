"""What is measured of the site while it runs: few numbers, in few questions that indexes answer."""

import shutil
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from appointments import outbox
from appointments.models import MOST_COUNTED, AppointmentRequest, Message
from medspa.models import Sign


class Measures(NamedTuple):
    """Numbers of rows are counted to MOST_COUNTED. A moment is None where the thing never happened."""

    at: datetime
    waiting: int
    overdue: int
    oldest_waiting_at: datetime | None
    mail_due: int
    mail_stuck: int
    mail_failed: int  # given up within a day
    mail_oldest_seconds: int
    mail_sent_at: datetime | None
    sender_at: datetime | None
    backup_at: datetime | None

    def seconds_since(self, moment: datetime | None) -> int:
        """0 for what never was, and where the clock was set back."""
        return max(0, int((self.at - moment).total_seconds())) if moment else 0


class Disk(NamedTuple):
    """The disk that holds everything the clinic owns, in bytes."""

    size: int
    free: int


def measure(now: datetime | None = None) -> Measures:
    """Three questions, whatever has piled up."""
    now = now or timezone.now()
    requests, signs = AppointmentRequest.objects.all(), Sign.objects.moments()
    questions = {"waiting": requests.to_answer(), "overdue": requests.late(now), "mail_due": Message.objects.due(now)}
    bounded = {name: rows.order_by().values("pk")[:MOST_COUNTED] for name, rows in questions.items()}
    trouble = Message.objects.trouble_questions(now)
    found = requests.numbers(**bounded, **trouble, oldest=requests.longest_wait())
    return Measures(
        at=now,
        waiting=found["waiting"],
        overdue=found["overdue"],
        oldest_waiting_at=found["oldest"],
        mail_due=found["mail_due"],
        mail_stuck=found["stuck"],
        mail_failed=found["failed"],
        mail_oldest_seconds=outbox.oldest_due_seconds(now),
        mail_sent_at=signs.get(Sign.MAIL),
        sender_at=signs.get(Sign.SENDER),
        backup_at=signs.get(Sign.BACKUP),
    )


def disk() -> Disk:
    usage = shutil.disk_usage(settings.VAR_DIR)
    return Disk(usage.total, usage.free)
