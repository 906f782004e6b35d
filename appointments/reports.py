"""How the desk does: how soon patients are answered, how many come. Numbers, never names.

A request counts in the week in which it was made, on the clinic's calendar from Monday on; a visit in the week in
which it was to be. Spam, copies and requests entered in error were never asked, and count nowhere. The time to the
first answer runs on the clock on the wall, nights included; whether it was in time is told by `respond_by`, which
counts opening time. Both are measured for requests from the website alone.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from math import ceil
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef

from appointments.models import Appointment, AppointmentRequest, ClosedReason, Event
from medspa.models import Clinic
from treatments.models import Treatment

NEVER_ASKED = (ClosedReason.SPAM, ClosedReason.DUPLICATE, ClosedReason.ENTERED_IN_ERROR)
Source = AppointmentRequest.Source
UNSURE = "Not sure, would like advice"


class Asked(NamedTuple):
    """One request as far as the reports read it."""

    created_at: datetime
    first_response_at: datetime | None
    respond_by: datetime
    treatment_id: int | None
    source: str
    was_booked: bool


@dataclass
class Line:
    """The numbers of one week, one treatment or all of it."""

    name: str
    asked: int = 0
    due: int = 0  # answered, or the promised time has passed
    in_time: int = 0
    booked: int = 0
    visits: int = 0  # that were to be, and were kept or missed
    missed: int = 0
    waits: list[timedelta] = field(default_factory=list)  # of those that were answered

    def add(self, row: Asked, now: datetime) -> None:
        answered = row.first_response_at
        self.asked += 1
        self.booked += row.was_booked
        if row.source != Source.WEB:
            return  # whoever asks at the desk is answered in the same breath: no wait to be measured
        self.due += answered is not None or row.respond_by < now
        self.in_time += answered is not None and answered <= row.respond_by
        if answered is not None:
            self.waits.append(answered - row.created_at)

    @property
    def answered(self) -> int:
        return len(self.waits)

    @property
    def median_minutes(self) -> int | None:
        return self._percentile(50)

    @property
    def ninetieth_minutes(self) -> int | None:
        return self._percentile(90)

    @property
    def in_time_percent(self) -> int | None:
        return _percent(self.in_time, self.due)

    @property
    def booked_percent(self) -> int | None:
        return _percent(self.booked, self.asked)

    @property
    def missed_percent(self) -> int | None:
        return _percent(self.missed, self.visits)

    def _percentile(self, percent: int) -> int | None:
        """The nearest rank: the least wait that `percent` of 100 did not exceed, in whole minutes, rounded up."""
        if not self.waits:
            return None
        wait = sorted(self.waits)[ceil(len(self.waits) * percent / 100) - 1]
        return ceil(wait.total_seconds() / 60)


@dataclass(frozen=True)
class Report:
    begins: date
    ends: date
    whole: Line
    weeks: list[Line]  # every week of it, the oldest first
    treatments: list[Line]  # those that were asked for, the most asked first
    sources: list[Line]  # likewise


def report(clinic: Clinic, *, weeks: int, now: datetime) -> Report:
    """The last `weeks` calendar weeks of the clinic, this one among them, in three queries."""
    this_monday = clinic.today(now) - timedelta(days=clinic.today(now).weekday())
    mondays = [this_monday - timedelta(weeks=back) for back in reversed(range(weeks))]
    begins = datetime.combine(mondays[0], time.min, clinic.zone)
    names = {None: UNSURE, **dict(Treatment.objects.values_list("pk", "name"))}
    every_week = {name: Line(name) for name in map(_week, mondays)}
    groups = [
        _Group(every_week, lambda row: _week_of(row.created_at, clinic)),
        _Group({}, lambda row: names[row.treatment_id]),
        _Group({}, lambda row: str(Source(row.source).label)),
    ]
    whole = Line("All")
    for row in _asked(begins, now):
        for line in [whole, *(group.line_of(row) for group in groups)]:
            line.add(row, now)
    for starts_at, treatment_id, source, status in _visits(begins, now):
        whose = (_week_of(starts_at, clinic), names[treatment_id], str(Source(source).label))
        for line in [whole, *(group.named(name) for group, name in zip(groups, whose, strict=True))]:
            line.visits += 1
            line.missed += status == Appointment.Status.NOSHOW
    treatments, sources = (
        sorted(group.lines.values(), key=lambda line: (-line.asked, line.name)) for group in groups[1:]
    )
    return Report(mondays[0], clinic.today(now), whole, list(groups[0].lines.values()), treatments, sources)


class _Group(NamedTuple):
    """Lines by one thing that requests differ in."""

    lines: dict[str, Line]
    name_of: Callable[[Asked], str]

    def line_of(self, row: Asked) -> Line:
        return self.named(self.name_of(row))

    def named(self, name: str) -> Line:
        return self.lines.setdefault(name, Line(name))


def _asked(begins: datetime, now: datetime) -> Iterable[Asked]:
    rows = AppointmentRequest.objects.filter(created_at__gte=begins, created_at__lte=now)
    booked = Event.objects.filter(appointment_request=OuterRef("pk"), kind=Event.Kind.BOOKED)
    columns = ("created_at", "first_response_at", "respond_by", "treatment_id", "source")
    found = rows.exclude(closed_reason__in=NEVER_ASKED).order_by().values_list(*columns, Exists(booked))
    return (Asked(*row) for row in found.iterator(chunk_size=5000))


def _visits(begins: datetime, now: datetime) -> Iterable[tuple[datetime, Any, str, str]]:
    over = (Appointment.Status.FULFILLED, Appointment.Status.NOSHOW)
    visits = Appointment.objects.filter(starts_at__gte=begins, starts_at__lte=now, status__in=over).order_by()
    return visits.values_list(
        "starts_at", "appointment_request__treatment_id", "appointment_request__source", "status"
    ).iterator(chunk_size=5000)


def _week_of(at: datetime, clinic: Clinic) -> str:
    day = clinic.today(at)
    return _week(day - timedelta(days=day.weekday()))


def _week(monday: date) -> str:
    return monday.isoformat()


def _percent(part: int, whole: int) -> int | None:
    return round(100 * part / whole) if whole else None
