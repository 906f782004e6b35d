"""What time alone brings about: reminders before a visit, an apology when the clock has run out, the morning's digest.

Called again and again by the message sender, in any number of processes. Each mail is queued with the mark that it was,
in one transaction, so that no round mails anything twice.
"""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from appointments import notifications, outbox
from appointments.models import WAITING, Appointment, AppointmentRequest, Message
from appointments.workflow.clock import set_right
from appointments.workflow.telling import tell
from medspa.models import Clinic

MORNING = timedelta(hours=2)  # a digest that cannot go by then is no longer this morning's
RECENTLY = timedelta(days=1)  # nobody is told of a lateness that is older


def make_rounds(now: datetime | None = None) -> None:
    """Do what is due now."""
    now, clinic = now or timezone.now(), Clinic.objects.current()
    set_right(clinic, now)
    remind(clinic, now)
    if clinic.apologizes_when_late:
        apologize(clinic, now)
    send_digest(clinic, now)


def remind(clinic: Clinic, now: datetime) -> None:
    """Tell every patient whose visit is as near as the clinic's reminders say, once for each of them.

    Whoever set the time when it was that near already is not reminded of it. After an outage the last of several that
    were missed goes alone.
    """
    ladder = clinic.reminder_ladder
    if not ladder:
        return
    ahead = Appointment.objects.filter(
        status=Appointment.Status.BOOKED, starts_at__gt=now, starts_at__lte=now + timedelta(hours=ladder[0])
    )
    for visit in ahead.select_related("appointment_request"):
        left = visit.starts_at - now
        hours = min(hours for hours in ladder if left <= timedelta(hours=hours))
        was_set_before = visit.agreed_at < visit.starts_at - timedelta(hours=hours)
        if was_set_before and (visit.reminded_hours is None or visit.reminded_hours > hours):
            _remind_once(visit, hours, clinic, now)


@transaction.atomic
def _remind_once(visit: Appointment, hours: int, clinic: Clinic, now: datetime) -> None:
    # The request first, as every other verb locks, so that nobody waits for each other crosswise.
    row = AppointmentRequest.objects.select_for_update().get(pk=visit.appointment_request_id)
    unmoved = Appointment.objects.filter(pk=visit.pk, sequence=visit.sequence, status=Appointment.Status.BOOKED)
    unmoved = unmoved.filter(Q(reminded_hours=None) | Q(reminded_hours__gt=hours))
    if unmoved.update(reminded_hours=hours):
        tell(row, notifications.reminder(row, clinic, visit, hours), clinic, now=now, at_once=True)


def apologize(clinic: Clinic, now: datetime) -> None:
    """Mail those whose first answer is late, once. Whom the desk has tried to reach is not told that it has not."""
    told = Message.objects.filter(appointment_request=OuterRef("pk"), kind=Message.Kind.LATE)
    late = AppointmentRequest.objects.filter(
        next_action_at__gt=now - RECENTLY,
        next_action_at__lt=now,
        status__in=WAITING,
        first_response_at=None,
        calls_in_vain=0,
    )
    for key in late.exclude(email="").filter(~Exists(told)).values_list("pk", flat=True):
        with transaction.atomic():
            row = AppointmentRequest.objects.select_for_update().get(pk=key)
            if row.status in WAITING and not row.messages.filter(kind=Message.Kind.LATE).exists():
                outbox.queue(notifications.late(row, clinic))


def send_digest(clinic: Clinic, now: datetime) -> None:
    """Tell the desk in the morning of an open day how much waits, once. Nothing waits: nothing is sent."""
    local = now.astimezone(clinic.zone)
    day, at = local.date(), clinic.morning_digest_at
    if at is None or not clinic.hours_on(day) or clinic.closure_on(day):
        return
    begins = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    if not begins <= local < begins + MORNING:
        return
    if Message.objects.filter(kind=Message.Kind.DIGEST, version=day.toordinal()).exists():
        return
    standing = AppointmentRequest.objects.standing(now, None)
    numbers = {"count": standing.to_answer, "late": standing.late}
    numbers |= {"to_tell": standing.to_tell, "to_review": standing.to_review}
    if any(numbers.values()):
        try:
            with transaction.atomic():
                outbox.queue(notifications.digest(clinic, day=day, **numbers))
        except IntegrityError:
            return  # another process was first
