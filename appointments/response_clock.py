"""By when the clinic answers, counted in opening time, and how that is said to the patient.

Set once when a request arrives; the desk's queue and the patient's page speak from the same clock.
"""

from datetime import UTC, date, datetime, time, timedelta

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from medspa.models import Clinic
from medspa.opening_times import clock_time

STEP_MINUTES = 30  # what is promised is rounded up to this, so that it can be said and kept
NOON = time(12)
WITHOUT_HOURS = timedelta(days=2)
SAME_DAY = timedelta(hours=3)  # between two calls of one day


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


def follow_up(clinic: Clinic, calls: int, at: datetime) -> datetime:
    """When to try again after the last of `calls` calls that reached nobody: aware, in UTC, while the clinic is open.

    The clinic's own ladder says after how many days; its last step repeats.
    """
    ladder = clinic.follow_up_ladder
    return in_days(clinic, ladder[min(calls, len(ladder)) - 1], at)


def in_days(clinic: Clinic, days: int, at: datetime) -> datetime:
    """The first open moment from this time of day on, `days` later; three hours later for the same day."""
    then = at + SAME_DAY if days == 0 else at.astimezone(clinic.zone) + timedelta(days=days)
    then = then.astimezone(UTC)
    spell = next(clinic.open_spells(then), None)
    return max(spell.opens, then) if spell else then


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
    by = _by(late.time())
    if late.date() == today:
        return _("today %(by_time)s") % {"by_time": by}
    if late.date() == today + timedelta(days=1):
        return _("tomorrow %(by_time)s") % {"by_time": by}
    return _("%(by_time)s on %(day)s") % {"by_time": by, "day": _day(late.date())}


def spoken(clinic: Clinic, at: datetime) -> str:
    """A moment as patients and staff read it: "Tuesday, November 24 at 9:30 am", in the clinic's time zone."""
    local = at.astimezone(clinic.zone)
    return f"{_day(local.date())} {_at(local.time())}"


# The hour decides the article in Spanish: a la 1 p. m., a las 2 p. m., al mediodía. So each is said whole.


def _by(at: time) -> str:
    if at == NOON:
        return _("by noon")
    return ngettext("by %(time)s", "by %(time)s", at.hour % 12) % {"time": clock_time(at)}


def _at(at: time) -> str:
    if at == NOON:
        return _("at noon")
    return ngettext("at %(time)s", "at %(time)s", at.hour % 12) % {"time": clock_time(at)}


def _day(day: date) -> str:
    # Translators: as in https://docs.djangoproject.com/en/5.2/ref/templates/builtins/#date
    return date_format(day, pgettext("a day without its year", "l, F j"))
