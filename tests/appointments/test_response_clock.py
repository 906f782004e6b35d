"""By when we answer: opening minutes over nights, weekends, closures and clock changes."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from appointments.response_clock import promise, respond_by, spoken
from medspa.models import Closure
from tests import factories

pytestmark = pytest.mark.django_db
TUCSON = ZoneInfo("America/Phoenix")
NEW_YORK = ZoneInfo("America/New_York")


def tucson(day, hour, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=TUCSON)


@pytest.mark.parametrize(
    ("arrives", "due"),
    [
        (tucson(24, 10), tucson(24, 11)),  # Tuesday morning, open
        (tucson(24, 16, 30), tucson(25, 9, 30)),  # half an hour before closing: the rest runs the next morning
        (tucson(24, 16), tucson(24, 17)),  # just fits
        (tucson(24, 22), tucson(25, 10)),  # at night
        (tucson(24, 8, 59), tucson(24, 10)),  # before opening
        (tucson(28, 16, 45), tucson(1, 9, 45).replace(month=12)),  # Saturday evening: Sunday and Monday are closed
        (tucson(23, 12), tucson(24, 10)),  # a closed Monday
    ],
)
def test_the_target_runs_in_opening_time_only(clinic, arrives, due):
    assert respond_by(clinic, arrives) == due


def test_closures_do_not_count(clinic):
    Closure.objects.create(starts_on=date(2026, 11, 26), ends_on=date(2026, 11, 27), reason="Thanksgiving")
    clinic = type(clinic).objects.current()

    assert respond_by(clinic, tucson(25, 16, 30)) == tucson(28, 9, 30)


def test_a_long_target_runs_over_several_days():
    clinic = factories.clinic(response_target_minutes=20 * 60)

    assert respond_by(clinic, tucson(24, 9)) == tucson(26, 13)


@pytest.mark.parametrize(
    ("saturday", "due"),
    [
        (datetime(2026, 3, 7, 23, 30, tzinfo=NEW_YORK), datetime(2026, 3, 8, 3, 30, tzinfo=NEW_YORK)),
        (datetime(2026, 10, 31, 23, 30, tzinfo=NEW_YORK), datetime(2026, 11, 1, 1, 30, fold=1, tzinfo=NEW_YORK)),
    ],
)
def test_minutes_are_real_minutes_when_the_clocks_change(saturday, due):
    """A clinic that closes for one second at midnight: three hours are three hours, whatever the wall clock says."""
    clinic = factories.clinic(
        weekdays=range(7),
        opens_at=time(0),
        closes_at=time(23, 59, 59),
        time_zone="America/New_York",
        response_target_minutes=180,
    )
    assert respond_by(clinic, saturday) - due.astimezone(UTC) == timedelta(seconds=1)


def test_a_clinic_without_hours_answers_within_two_days():
    clinic = factories.clinic(weekdays=[])

    assert respond_by(clinic, tucson(24, 10)) == tucson(26, 10)


@pytest.mark.parametrize(
    ("due", "words"),
    [
        (tucson(24, 16, 40), "today by 5 pm"),
        (tucson(24, 12), "today by noon"),
        (tucson(24, 11), "today by 11 am"),
        (tucson(24, 11, 1), "today by 11:30 am"),
        (tucson(25, 9, 30), "tomorrow by 9:30 am"),
        (tucson(28, 10), "by 10 am on Saturday, November 28"),
        (tucson(24, 9, 59), ""),
    ],
)
def test_the_promise_is_said_in_the_clinics_time_and_never_too_early(clinic, due, words):
    assert promise(clinic, due.astimezone(UTC), tucson(24, 10)) == words


def test_a_moment_is_spoken_in_the_clinics_time(clinic):
    assert spoken(clinic, datetime(2026, 11, 24, 16, 30, tzinfo=UTC)) == "Tuesday, November 24 at 9:30 am"
