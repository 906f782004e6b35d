"""When providers are free: their hours or the clinic's, without time off and without what is booked.

However many appointments there ever were, five queries answer: providers, hours, time off, clinic, visits to come.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from heapq import merge
from itertools import groupby
from typing import NamedTuple

from django.db.models import Prefetch

from appointments.models import Appointment, AppointmentRequest, TimeOff
from medspa.models import Clinic
from medspa.opening_times import Hours, Spell, open_spells
from treatments.models import Provider

DAY = timedelta(days=1)
STEP = timedelta(minutes=15)  # visits are offered on the quarter hours
HORIZON = timedelta(days=60)
LONGEST_VISIT = timedelta(hours=8)
ASKED_FOR, NEAREST, A_DAY = 6, 4, 2  # how many times are offered: in each group, and of one day in it
APART = timedelta(hours=2)  # at least, between two of one day: 9 am and 9:15 am are no choice


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
    tables = [_Timetable(provider, clinic, taken) for provider, taken in _taken(clinic, now, but)]
    length = timedelta(minutes=minutes)

    def suits(time: FreeTime) -> bool:
        local = time.starts_at.astimezone(clinic.zone)
        return any(preference.fits(local) for preference in preferred)

    anybody = _once(merge(*(table.free(length, now) for table in tables)))
    asked_for = _few(filter(suits, anybody), ASKED_FOR, clinic) if preferred else []
    found = [Offer(None, asked_for)]
    for table in tables:
        others = (time for time in table.free(length, now) if not _beside(time, asked_for))
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
    """One provider's working time and what of it is taken."""

    def __init__(self, provider: Provider, clinic: Clinic, taken: list[Spell]):
        self.provider, self.clinic, self.taken = provider, clinic, taken
        self.ends = [spell.closes for spell in taken]

    def free(self, length: timedelta, now: datetime) -> Iterator[FreeTime]:
        """Every quarter hour at which a visit of this length could begin, in order."""
        for spell in _working(self.provider, self.clinic, now):
            if spell.opens > now + HORIZON:
                return
            at = _on_the_quarter(max(spell.opens, now + STEP))
            while at + length <= spell.closes:
                if obstacle := self._in_the_way(at, at + length):
                    at = _on_the_quarter(obstacle.closes)
                    continue
                yield FreeTime(at, self.provider.name, self.provider)
                at += STEP

    def _in_the_way(self, begins: datetime, ends: datetime) -> Spell | None:
        following = bisect_right(self.ends, begins)
        if following < len(self.taken) and self.taken[following].opens < ends:
            return self.taken[following]
        return None


def _taken(clinic: Clinic, now: datetime, but: Appointment | None) -> list[tuple[Provider, list[Spell]]]:
    """Each active provider with what is taken from now on: visits and time off, in order, joined where they meet."""
    coming = TimeOff.objects.filter(ends_on__gte=clinic.today(now), starts_on__lte=clinic.today(now + HORIZON))
    providers = Provider.objects.filter(is_active=True).prefetch_related("hours", Prefetch("time_off", coming))
    taken = {provider: [off.spell(clinic.zone) for off in provider.time_off.all()] for provider in providers}
    visits = Appointment.objects.between(now, now + HORIZON + LONGEST_VISIT).filter(provider__in=taken)
    by_pk = {provider.pk: provider for provider in taken}
    for pk, provider_id, begins, ends in visits.values_list("pk", "provider_id", "starts_at", "ends_at"):
        if but is None or pk != but.pk:
            taken[by_pk[provider_id]].append(Spell(begins, ends))
    return [(provider, _joined(spells)) for provider, spells in taken.items()]


def _working(provider: Provider, clinic: Clinic, after: datetime) -> Iterator[Spell]:
    hours = [Hours(row.weekday, row.starts_at, row.ends_at) for row in provider.hours.all()]
    if not hours:
        return clinic.open_spells(after)
    return open_spells(hours, [(row.starts_on, row.ends_on) for row in clinic.closures.all()], clinic.zone, after)


def _joined(spells: list[Spell]) -> list[Spell]:
    joined: list[Spell] = []
    for spell in sorted(spells):
        if joined and spell.opens <= joined[-1].closes:
            joined[-1] = Spell(joined[-1].opens, max(spell.closes, joined[-1].closes))
        else:
            joined.append(spell)
    return joined


def _overlap(one: Spell, other: Spell) -> bool:
    return one.opens < other.closes and other.opens < one.closes


def _on_the_quarter(at: datetime) -> datetime:
    """`at`, or the next quarter hour after it. Every zone's clock is whole quarters from UTC."""
    return at + (datetime.min.replace(tzinfo=UTC) - at) % STEP


def _beside(time: FreeTime, others: list[FreeTime]) -> bool:
    """Whether the same provider is offered then already, or not APART from then."""
    return any(time.provider == other.provider and abs(time.starts_at - other.starts_at) < APART for other in others)


def _once(times: Iterable[FreeTime]) -> Iterator[FreeTime]:
    """One provider for each moment."""
    return (next(group) for _at, group in groupby(times, lambda time: time.starts_at))


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
