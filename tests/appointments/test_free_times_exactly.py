"""Free times against an oracle that looks at each quarter hour, each spell and each visit, one by one."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appointments import free_times
from appointments.models import Appointment, ProviderHours, TimeOff
from medspa.models import Clinic, Closure, OpeningHours
from tests import factories

CHANGES = {  # each a few days before the clocks change, or would
    "America/New_York": [datetime(2026, 10, 30, 13, 7, tzinfo=UTC), datetime(2027, 3, 12, 13, 59, 59, tzinfo=UTC)],
    "America/Phoenix": [datetime(2026, 10, 30, 16, 0, tzinfo=UTC)],
    "Australia/Lord_Howe": [datetime(2027, 4, 1, 1, 2, tzinfo=UTC)],  # by half an hour
}
MOMENTS = [(zone, now) for zone, moments in CHANGES.items() for now in moments]
QUARTER = timedelta(minutes=15)

spans = st.tuples(st.integers(0, 23 * 4), st.integers(1, 40)).map(
    lambda span: (span[0] * 15, min(span[0] * 15 + span[1] * 15, 1439))
)
weeks = st.lists(st.tuples(st.integers(0, 6), spans), max_size=7, unique_by=lambda row: (row[0], row[1][0]))
visits = st.lists(st.tuples(st.integers(0, 12 * 24 * 60), st.integers(1, 480)), max_size=25)
days = st.lists(st.tuples(st.integers(-2, 12), st.integers(0, 3)), max_size=3)


def clock(minute):
    return time(minute // 60, minute % 60)


def spells_of(rows, zone, first_day):
    """Wall-clock hours as moments, day by day, joined where they meet."""
    found = []
    for offset in range(-1, 75):
        day = first_day + timedelta(days=offset)
        for weekday, (opens, closes) in rows:
            if weekday == day.weekday():
                pair = (datetime.combine(day, clock(minute), zone).astimezone(UTC) for minute in (opens, closes))
                found.append((*pair, day))
    return sorted(found)


def oracle(zone, now, week, closed, away, taken, minutes):
    """Every quarter hour at which a visit could begin, the slow way."""
    first_day = now.astimezone(zone).date()
    shut = {first_day + timedelta(days=start + more) for start, length in closed for more in range(length + 1)}
    open_minutes = [(opens, closes) for opens, closes, day in spells_of(week, zone, first_day) if day not in shut]
    joined = []
    for opens, closes in open_minutes:
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        else:
            joined.append((opens, closes))
    obstacles = [*taken, *away]
    length, free = timedelta(minutes=minutes), []
    for opens, closes in joined:
        if closes <= now or opens > now + timedelta(days=60):
            continue
        at = datetime.fromtimestamp(-(-max(opens, now + QUARTER).timestamp() // 900) * 900, UTC)
        while at + length <= closes:
            if all(end <= at or start >= at + length for start, end in obstacles):
                free.append(at)
            at += QUARTER
    return free


@pytest.mark.django_db
@pytest.mark.parametrize(("zone", "now"), MOMENTS)
@given(
    clinic_week=weeks,
    own_week=weeks,
    booked=visits,
    closed=days,
    off=days,
    minutes=st.sampled_from([15, 20, 30, 50, 95]),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_offered_is_what_is_free(zone, now, clinic_week, own_week, booked, closed, off, minutes):
    place = ZoneInfo(zone)
    first_day = now.astimezone(place).date()
    clinic, provider = written(zone, first_day, clinic_week, own_week, closed, off)
    taken = apart((now + timedelta(minutes=start), now + timedelta(minutes=start + length)) for start, length in booked)
    request = factories.appointment_request()
    Appointment.objects.bulk_create(
        Appointment(appointment_request=request, provider=provider, starts_at=start, ends_at=end, status="fulfilled")
        for start, end in taken
    )
    away = [
        tuple(datetime.combine(day, time(), place).astimezone(UTC) for day in (first, last + timedelta(days=1)))
        for first, last in (
            (first_day + timedelta(days=start), first_day + timedelta(days=start + more)) for start, more in off
        )
    ]
    with CaptureQueriesContext(connection) as queries:
        (table,) = free_times._timetables(clinic, now, minutes * 60, None)
        found = [time.starts_at for time in table.free()]
    assert len(queries) == 2
    assert found == oracle(place, now, own_week or clinic_week, closed, away, taken, minutes)


def written(zone, first_day, clinic_week, own_week, closed, off):
    Clinic.objects.update_or_create(pk=1, defaults={"time_zone": zone})
    for model in (Appointment, OpeningHours, Closure, ProviderHours, TimeOff):
        model.objects.all().delete()
    free_times.Provider.objects.all().delete()
    provider = factories.provider()
    OpeningHours.objects.bulk_create(
        OpeningHours(weekday=day, opens_at=clock(opens), closes_at=clock(closes))
        for day, (opens, closes) in clinic_week
    )
    ProviderHours.objects.bulk_create(
        ProviderHours(provider=provider, weekday=day, starts_at=clock(opens), ends_at=clock(closes))
        for day, (opens, closes) in own_week
    )
    Closure.objects.bulk_create(Closure(starts_on=first, ends_on=last) for first, last in periods(first_day, closed))
    TimeOff.objects.bulk_create(
        TimeOff(
            provider=provider,
            starts_on=first_day + timedelta(days=start),
            ends_on=first_day + timedelta(days=start + more),
        )
        for start, more in off
    )
    return Clinic.objects.current(), provider


def periods(first_day, spans):
    """First and last day of each, both inclusive."""
    return [(first_day + timedelta(days=start), first_day + timedelta(days=start + more)) for start, more in spans]


def apart(spans):
    """Those that do not overlap an earlier one, as the database insists."""
    chosen = []
    for start, end in sorted(spans):
        if not chosen or start >= chosen[-1][1]:
            chosen.append((start, end))
    assert all(one[1] <= other[0] for one, other in pairwise(chosen))
    return chosen
