"""When a week of opening hours is open: arithmetic on days and hours, no database.

Wall-clock hours belong to the clinic's time zone; what comes out is aware, in UTC, so that minutes can be
counted across both daylight-saving changes.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

LOOK_AHEAD_DAYS = 370  # longer than any closure a clinic would announce


class Hours(NamedTuple):
    """One spell of one weekday. `weekday` counts from Monday = 0, as `date.weekday()` does."""

    weekday: int
    opens_at: time
    closes_at: time


class Spell(NamedTuple):
    """A stretch of open time, aware, in UTC, closed at its end."""

    opens: datetime
    closes: datetime


def open_spells(
    week: Iterable[Hours], closed: Iterable[tuple[date, date]], zone: ZoneInfo, after: datetime
) -> Iterator[Spell]:
    """Every spell that ends after `after`, in order; the first may have begun already.

    `closed` holds first and last day, both inclusive. Spells that touch or overlap come out as one.
    """
    hours_of: dict[int, list[Hours]] = {}
    for hours in sorted(week):
        hours_of.setdefault(hours.weekday, []).append(hours)
    closures = list(closed)
    today = after.astimezone(zone).date()
    pending: Spell | None = None
    for offset in range(-1, LOOK_AHEAD_DAYS):
        day = today + timedelta(days=offset)
        if any(first <= day <= last for first, last in closures):
            continue
        for hours in hours_of.get(day.weekday(), []):
            spell = _spell(day, hours, zone)
            if pending and spell.opens <= pending.closes:
                pending = Spell(pending.opens, max(pending.closes, spell.closes))
                continue
            if pending and pending.closes > after:
                yield pending
            pending = spell
    if pending and pending.closes > after:
        yield pending


def _spell(day: date, hours: Hours, zone: ZoneInfo) -> Spell:
    return Spell(
        datetime.combine(day, hours.opens_at, zone).astimezone(UTC),
        datetime.combine(day, hours.closes_at, zone).astimezone(UTC),
    )


def day_names(weekdays: Iterable[int]) -> str:
    """`Tuesday to Friday`, `Monday, Wednesday and Friday`, `Saturday`."""
    runs = [list(run) for run in _runs(sorted(set(weekdays)))]
    names = [
        _("%(first)s to %(last)s") % {"first": WEEKDAYS[run[0]], "last": WEEKDAYS[run[-1]]}
        if len(run) > 2
        else _(" and ").join(str(WEEKDAYS[day]) for day in run)
        for run in runs
    ]
    if all(len(run) < 3 for run in runs):
        names = [str(WEEKDAYS[day]) for run in runs for day in run]
    if len(names) < 2:
        return "".join(names)
    return _("%(several)s and %(last)s") % {"several": ", ".join(names[:-1]), "last": names[-1]}


def _runs(days: list[int]) -> Iterator[Iterator[int]]:
    for _key, pairs in groupby(enumerate(days), lambda pair: pair[1] - pair[0]):
        yield (day for _index, day in pairs)


def clock_time(at: time) -> str:
    """`9 am`, `5:30 pm`, `noon`: as the front desk says it."""
    if (at.hour, at.minute) == (12, 0):
        return _("noon")
    hour = at.hour % 12 or 12
    minutes = f":{at.minute:02}" if at.minute else ""
    words = _("%(clock)s am") if at.hour < 12 else _("%(clock)s pm")
    return words % {"clock": f"{hour}{minutes}"}
