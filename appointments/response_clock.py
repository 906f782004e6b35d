"""By when the clinic answers, counted in opening time, and how that is said to the patient.

Set once when a request arrives; the desk's queue and the patient's page speak from the same clock.
"""

from datetime import datetime, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from medspa.models import Clinic
from medspa.opening_times import clock_time

STEP_MINUTES = 30  # what is promised is rounded up to this, so that it can be said and kept
WITHOUT_HOURS = timedelta(days=2)


def respond_by(clinic: Clinic, arrived_at: datetime) -> datetime:
    """When an answer to a request of `arrived_at` is due: aware, in UTC.

    The clinic's target minutes run only while it is open, over nights, weekends, closures and both
    daylight-saving changes. A clinic that gives no opening hours has two days.
    """
    left = timedelta(minutes=clinic.response_target_minutes)
    for spell in clinic.open_spells(arrived_at):
        begins = max(spell.opens, arrived_at)
        if begins + left <= spell.closes:
            return begins + left
        left -= spell.closes - begins
    return arrived_at + WITHOUT_HOURS


def promise(clinic: Clinic, due: datetime, now: datetime) -> str:
    """`due` as the end of "We will answer ...": "today by 5 pm", "by 10 am on Tuesday, November 24".

    In the clinic's time zone, rounded up to the half hour. Empty when `due` has passed: nothing can be promised then.
    """
    if due < now:
        return ""
    late = due.astimezone(clinic.zone)
    over = timedelta(minutes=late.minute % STEP_MINUTES, seconds=late.second, microseconds=late.microsecond)
    if over:
        late += timedelta(minutes=STEP_MINUTES) - over
    today = now.astimezone(clinic.zone).date()
    at = clock_time(late.time())
    if late.date() == today:
        return _("today by %(time)s") % {"time": at}
    if late.date() == today + timedelta(days=1):
        return _("tomorrow by %(time)s") % {"time": at}
    return _("by %(time)s on %(day)s") % {"time": at, "day": date_format(late.date(), "l, F j")}


def spoken(clinic: Clinic, at: datetime) -> str:
    """A moment as patients and staff read it: "Tuesday, November 24 at 9:30 am", in the clinic's time zone."""
    local = at.astimezone(clinic.zone)
    return _("%(day)s at %(time)s") % {"day": date_format(local.date(), "l, F j"), "time": clock_time(local.time())}
