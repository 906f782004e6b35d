"""When providers are free: their hours or the clinic's, without time off and without what is booked.

However many appointments there ever were, two queries answer: who works when, and the visits to come.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import Func, IntegerField

from appointments.models import Appointment, AppointmentRequest
from medspa.models import Clinic
from medspa.opening_times import Hours, Spell, open_spells
from treatments.models import Provider

DAY = timedelta(days=1)
STEP = timedelta(minutes=15)  # visits are offered on the quarter hours; every zone's clock is whole quarters from UTC
QUARTER = 15 * 60  # seconds
HORIZON = timedelta(days=60)
LONGEST_VISIT = timedelta(hours=8)
ASKED_FOR, NEAREST, A_DAY = 6, 4, 2  # how many times are offered: in each group, and of one day in it
APART = timedelta(hours=2)  # at least, between two of one day: 9 am and 9:15 am are no choice


class Epoch(Func):
    """A moment as whole seconds since 1970: ten thousand of them are read sooner than as datetimes."""

    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **options: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="CAST(strftime('%%%%s', %(expressions)s) AS INTEGER)")

    def as_postgresql(self, compiler: Any, connection: Any, **options: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template="floor(extract(epoch FROM %(expressions)s))::bigint")


class FreeTime(NamedTuple):
    """A visit could begin then. Sorts by time, and by the provider's name where that is the same."""

    starts_at: datetime
    name: str
    provider: Provider


class Offer(NamedTuple):
    """Free times under one heading, the soonest first."""

    provider: Provider | None  # None: what the patient asked for, whoever it is with
    times: list[FreeTime]


def offers(
    appointment_request: AppointmentRequest,
    *,
    minutes: int,
    clinic: Clinic,
    now: datetime,
    but: Appointment | None = None,
) -> list[Offer]:
    """Times free for `minutes`: first those that the patient asked for, then the nearest of each provider.

    The visit `but` does not stand in its own way. Times are within 60 days, no more than two of one day in an
    offer, two hours apart, and none is offered twice. An offer without any time is left out.
    """
    preferred = list(appointment_request.preferred_times.all())
    tables = _timetables(clinic, now, minutes * 60, but)

    def suits(time: FreeTime) -> bool:
        local = time.starts_at.astimezone(clinic.zone)
        return any(preference.fits(local) for preference in preferred)

    asked_for = _few(filter(suits, _anybody(tables)), ASKED_FOR, clinic) if preferred else []
    found = [Offer(None, asked_for)]
    for table in tables:
        others = (time for time in table.free() if not _beside(time, asked_for))
        found.append(Offer(table.provider, _few(others, NEAREST, clinic)))
    return [offer for offer in found if offer.times]


def why_not(provider: Provider, starts_at: datetime, ends_at: datetime, clinic: Clinic) -> str:
    """Why the provider does not work through that time, in words for the desk; empty if nothing speaks against it.

    Other visits are not looked at: the database refuses those.
    """
    day = starts_at.astimezone(clinic.zone).date()
    for closure in clinic.closures.all():
        if closure.starts_on <= day <= closure.ends_on:
            return f"The clinic is closed then: {closure.reason or closure}."
    for off in provider.time_off.filter(starts_on__lte=day + DAY, ends_on__gte=day):
        if _overlap(off.spell(clinic.zone), Spell(starts_at, ends_at)):
            return f"{provider} is off then: {off.when}."
    spell = next(_working(provider, clinic, starts_at), None)
    if spell is None or not spell.opens <= starts_at < ends_at <= spell.closes:
        return f"{provider} does not work through that time."
    return ""


class _Timetable:
    """One provider's times at which a visit of one length could begin: a bit for each quarter hour from `now` on.

    Exact for visits of any minutes at any minute: a range of quarter hours goes where it would touch one.
    """

    def __init__(self, provider: Provider, now: datetime):
        self.provider, self.first, self.begins = provider, int(now.timestamp()) // QUARTER, 0

    def works(self, opens: int, closes: int, length: int) -> None:
        """From `opens` until `closes`, in seconds since 1970, as `length` is."""
        self.begins |= self._range(-(-opens // QUARTER), (closes - length) // QUARTER + 1)

    def is_taken(self, opens: int, closes: int, length: int) -> None:
        self.begins &= ~self._range((opens - length) // QUARTER + 1, -(-closes // QUARTER))

    def free(self) -> Iterator[FreeTime]:
        """Every quarter hour at which the visit could begin, in order."""
        return (FreeTime(at, self.provider.name, self.provider) for at in _moments(self.begins, self.first))

    def _range(self, start: int, end: int) -> int:
        """The bits of the quarter hours from `start` to before `end`, as many as are not over."""
        start, end = max(start - self.first, 0), max(end - self.first, 0)
        return (1 << end) - (1 << start) if start < end else 0


def _moments(bits: int, first: int) -> Iterator[datetime]:
    while bits:
        lowest = bits & -bits
        bits ^= lowest
        yield datetime.fromtimestamp((first + lowest.bit_length() - 1) * QUARTER, UTC)


def _anybody(tables: list[_Timetable]) -> Iterator[FreeTime]:
    """Every moment at which somebody is free, with the first of them by name."""
    by_name = sorted(tables, key=lambda table: table.provider.name)
    together = 0
    for table in by_name:
        together |= table.begins
    for at in _moments(together, by_name[0].first if by_name else 0):
        place = int(at.timestamp()) // QUARTER
        provider = next(table.provider for table in by_name if table.begins >> place - table.first & 1)
        yield FreeTime(at, provider.name, provider)


def _timetables(clinic: Clinic, now: datetime, length: int, but: Appointment | None) -> list[_Timetable]:
    """Each active provider's, in two queries: who works when, and the visits from now on."""
    providers = Provider.objects.filter(is_active=True).with_lists("hours", "time_off")
    tables = {provider.pk: _Timetable(provider, now) for provider in providers}
    weeks: dict[tuple, list[tuple[int, int]]] = {}
    for table in tables.values():
        week = tuple(Hours(row.weekday, row.starts_at, row.ends_at) for row in table.provider.hours.all())
        if week not in weeks:
            weeks[week] = _spells(table.provider, clinic, now)
        for opens, closes in weeks[week]:
            table.works(opens, closes, length)
        for off in table.provider.time_off.all():
            if off.ends_on >= clinic.today(now):
                away = off.spell(clinic.zone)
                table.is_taken(int(away.opens.timestamp()), int(away.closes.timestamp()), length)
    visits = Appointment.objects.between(now, now + HORIZON + LONGEST_VISIT).filter(provider__in=tables)
    if but is not None:
        visits = visits.exclude(pk=but.pk)
    for provider, begins, ends in visits.order_by().values_list("provider", Epoch("starts_at"), Epoch("ends_at")):
        tables[provider].is_taken(begins, ends, length)
    return list(tables.values())


def _spells(provider: Provider, clinic: Clinic, now: datetime) -> list[tuple[int, int]]:
    """When the provider works, as far as visits are offered, and no sooner than a quarter of an hour from now."""
    soonest, found = now + STEP, []
    for spell in _working(provider, clinic, now):
        if spell.opens > now + HORIZON:
            break
        found.append((int(max(spell.opens, soonest).timestamp()), int(spell.closes.timestamp())))
    return found


def _working(provider: Provider, clinic: Clinic, after: datetime) -> Iterator[Spell]:
    hours = [Hours(row.weekday, row.starts_at, row.ends_at) for row in provider.hours.all()]
    if not hours:
        return clinic.open_spells(after)
    return open_spells(hours, [(row.starts_on, row.ends_on) for row in clinic.closures.all()], clinic.zone, after)


def _overlap(one: Spell, other: Spell) -> bool:
    return one.opens < other.closes and other.opens < one.closes


def _beside(time: FreeTime, others: list[FreeTime]) -> bool:
    """Whether the same provider is offered then already, or not APART from then."""
    return any(time.provider == other.provider and abs(time.starts_at - other.starts_at) < APART for other in others)


def _few(times: Iterable[FreeTime], most: int, clinic: Clinic) -> list[FreeTime]:
    """The first `most` of them, with no more than A_DAY of one day, and those APART."""
    chosen: list[FreeTime] = []
    for time in times:
        same_day = [other for other in chosen if clinic.today(other.starts_at) == clinic.today(time.starts_at)]
        if len(same_day) < A_DAY and all(time.starts_at - other.starts_at >= APART for other in same_day):
            chosen.append(time)
        if len(chosen) == most:
            break
    return chosen
