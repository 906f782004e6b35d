"""The days at the desk: who is seen when and by whom, and when the clinic is open. Nothing is booked here.

A day and a week take the same few queries, however many visits they have.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from typing import NamedTuple

from appointments.models import Appointment, AppointmentQuerySet, AppointmentRequest, TimeOff
from medspa.models import Clinic
from medspa.opening_times import clock_time
from treatments.models import Provider

FIRST, LAST = date(2000, 1, 1), date(2199, 12, 31)  # no diary is kept beyond; the days beside them can be named too


class Visit(NamedTuple):
    appointment: Appointment
    begins: str  # `9:30 am`, on the clinic's clock
    missed_before: int = 0

    @property
    def appointment_request(self) -> AppointmentRequest:
        return self.appointment.appointment_request


class Column(NamedTuple):
    """One provider's part of a day."""

    provider: Provider
    visits: list[Visit]
    off: list[TimeOff]


@dataclass
class Day:
    """One day by the clinic's own calendar. What was cancelled has given its time back and does not stand here."""

    on: date
    is_today: bool
    opening: str
    is_closed: bool
    visits: list[Visit] = field(default_factory=list)
    off: list[TimeOff] = field(default_factory=list)
    columns: list[Column] = field(default_factory=list)


def day_named(words: str, clinic: Clinic, now: datetime | None = None) -> date:
    """The day that an address names, `2026-11-24`; today where it names none."""
    try:
        day = date.fromisoformat(words)
    except ValueError:
        return clinic.today(now)
    return day if FIRST <= day <= LAST else clinic.today(now)


def read_day(clinic: Clinic, on: date, now: datetime | None = None) -> Day:
    """The day in columns: of every provider who takes appointments, and of whoever else has a visit then."""
    [day] = _read(clinic, [on], now)
    missed = _missed_before(day.visits)
    day.visits = [visit._replace(missed_before=missed[visit.appointment.pk]) for visit in day.visits]
    visits_of = defaultdict(list)
    for visit in day.visits:
        visits_of[visit.appointment.provider_id].append(visit)
    day.columns = [
        Column(provider, visits_of[provider.pk], [off for off in day.off if off.provider_id == provider.pk])
        for provider in Provider.objects.all()
        if provider.is_active or visits_of[provider.pk]
    ]
    return day


def read_week(clinic: Clinic, on: date, now: datetime | None = None) -> list[Day]:
    """The seven days from Monday to Sunday around a day."""
    monday = on - timedelta(days=on.weekday())
    return _read(clinic, [monday + timedelta(days=number) for number in range(7)], now)


def _read(clinic: Clinic, dates: list[date], now: datetime | None) -> list[Day]:
    today = clinic.today(now)
    days = {on: Day(on, on == today, *_opening(clinic, on)) for on in dates}
    visits = visits_on(dates[0], dates[-1], zone=clinic.zone).with_what_the_desk_says()
    for appointment in visits.order_by("starts_at", "provider__name", "pk"):
        begins = appointment.starts_at.astimezone(clinic.zone)
        days[begins.date()].visits.append(Visit(appointment, clock_time(begins.time())))
    for off in TimeOff.objects.filter(starts_on__lte=dates[-1], ends_on__gte=dates[0]).select_related("provider"):
        for day in days.values():
            if off.starts_on <= day.on <= off.ends_on:
                day.off.append(off)
    return [*days.values()]


def visits_on(first: date, last: date, *, zone: tzinfo) -> AppointmentQuerySet:
    """What begins on these days, both inclusive, on the clocks of `zone`."""
    begin, end = midnight(first, zone), midnight(last + timedelta(days=1), zone)
    return Appointment.objects.beginning_between(begin, end).not_cancelled()


def midnight(on: date, zone: tzinfo) -> datetime:
    """When the day begins: aware."""
    return datetime.combine(on, time.min, zone)


def _opening(clinic: Clinic, on: date) -> tuple[str, bool]:
    """The opening hours or why there are none, and whether that means closed."""
    if closure := clinic.closure_on(on):
        return f"Closed: {closure.reason}" if closure.reason else "Closed", True
    hours = clinic.hours_on(on)
    return hours or "Closed", not hours


def _missed_before(visits: Iterable[Visit]) -> dict[int, int]:
    """How many visits each visit's patient has missed before it, by its key."""
    shown = [visit.appointment for visit in visits]
    missed = Appointment.objects.missed_by_those_of(shown).select_related("appointment_request")
    misses = [(_patient(row), row.starts_at) for row in missed]
    return {row.pk: sum(patient == _patient(row) and at < row.starts_at for patient, at in misses) for row in shown}


def _patient(visit: Appointment) -> str:
    """Whoever has this telephone number; where there is none, whoever made this request."""
    row = visit.appointment_request
    return row.phone_e164 or row.reference
