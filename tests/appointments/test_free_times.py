"""Which times are offered for a visit: hours, time off, closures, what is booked, and both changes of the clocks."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appointments import free_times, workflow
from appointments.models import Appointment, AppointmentRequest, PreferredTime, ProviderHours, TimeOff
from medspa.models import Closure
from tests import factories

TUCSON = ZoneInfo("America/Phoenix")
NOW = datetime(2026, 11, 24, 12, 5, tzinfo=TUCSON)  # a Tuesday

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def tuesday_noon(clinic):
    with time_machine.travel(NOW, tick=False):
        yield


def offered(row: AppointmentRequest, minutes: int = 30, now: datetime = NOW, zone: ZoneInfo = TUCSON, **options):
    """What is offered, as `provider or *` -> `Tue 24 12:30`."""
    clinic = factories.Clinic.objects.current()
    found = free_times.offers(row, minutes=minutes, clinic=clinic, now=now, **options)
    return {
        str(offer.provider or "*"): [f"{at.starts_at.astimezone(zone):%a %d %H:%M}" for at in offer.times]
        for offer in found
    }


def asks(*preferred: tuple[str, str]) -> AppointmentRequest:
    times = [PreferredTime(weekdays=weekdays, part=part) for weekdays, part in preferred]
    return factories.appointment_request(preferred_times=times)


def take(provider, starts_at: datetime, minutes: int = 30) -> AppointmentRequest:
    row = factories.appointment_request()
    workflow.book(
        row,
        by=factories.receptionist(),
        seen=1,
        provider=provider,
        starts_at=starts_at.astimezone(UTC),
        minutes=minutes,
        anyway=True,
    )
    return row


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=TUCSON)


def test_the_nearest_quarter_hours_come_two_a_day_and_two_hours_apart():
    factories.provider(name="Lena")
    assert offered(asks()) == {"Lena": ["Tue 24 12:30", "Tue 24 14:30", "Wed 25 09:00", "Wed 25 11:00"]}


def test_what_the_patient_asked_for_comes_first_and_is_not_offered_again():
    factories.provider(name="Lena")
    found = offered(asks(("1234", "am")))
    assert list(found) == ["*", "Lena"]
    assert found["*"] == [
        "Wed 25 09:00", "Wed 25 11:00", "Thu 26 09:00", "Thu 26 11:00", "Fri 27 09:00", "Fri 27 11:00",
    ]  # fmt: skip
    assert not set(found["*"]) & set(found["Lena"])


def test_each_provider_is_offered_and_a_moment_that_suits_with_one_of_them():
    lena = factories.provider(name="Lena")
    factories.provider(name="Mo")
    factories.provider(name="Gone", is_active=False)
    take(lena, at(28, 9), 480)
    found = offered(asks(("5", "am")))
    assert list(found) == ["*", "Lena", "Mo"]
    clinic = factories.Clinic.objects.current()
    first = free_times.offers(asks(("5", "am")), minutes=30, clinic=clinic, now=NOW)[0].times
    assert [(f"{time.starts_at.astimezone(TUCSON):%a %d %H}", str(time.provider)) for time in first[:3]] == [
        ("Sat 28 09", "Mo"),
        ("Sat 28 11", "Mo"),
        ("Sat 05 09", "Lena"),
    ]


def test_what_is_booked_is_not_offered_and_a_long_visit_needs_a_long_gap():
    lena = factories.provider(name="Lena")
    take(lena, at(24, 12, 30), 90)
    take(lena, at(24, 15, 20), 20)
    assert offered(asks())["Lena"][0] == "Tue 24 14:00"
    assert offered(asks(), minutes=80)["Lena"][0] == "Tue 24 14:00"
    assert offered(asks(), minutes=90)["Lena"][0] == "Wed 25 09:00"
    assert offered(asks(), minutes=60)["Lena"][:2] == ["Tue 24 14:00", "Tue 24 16:00"]
    assert offered(asks(), minutes=480)["Lena"][0] == "Wed 25 09:00"


def test_the_visit_that_is_moved_does_not_stand_in_its_own_way():
    lena = factories.provider(name="Lena")
    row = take(lena, at(24, 12, 30), 270)
    assert offered(row)["Lena"][0].startswith("Wed")
    visit = Appointment.objects.get()
    assert offered(row, but=visit)["Lena"][0] == "Tue 24 12:30"


def test_a_cancelled_visit_gives_its_time_back():
    lena = factories.provider(name="Lena")
    row = take(lena, at(24, 12, 30), 270)
    row.refresh_from_db()
    workflow.cancel(row, by=factories.receptionist(), seen=row.version)
    assert offered(asks())["Lena"][0] == "Tue 24 12:30"


def test_a_provider_with_hours_works_those_and_not_the_clinics():
    lena = factories.provider(name="Lena")
    ProviderHours.objects.create(provider=lena, weekday=3, starts_at=time(18), ends_at=time(20))
    ProviderHours.objects.create(provider=lena, weekday=3, starts_at=time(10, 10), ends_at=time(11))
    assert offered(asks()) == {"Lena": ["Thu 26 10:15", "Thu 26 18:00", "Thu 03 10:15", "Thu 03 18:00"]}


def test_closures_and_time_off_are_left_out():
    lena = factories.provider(name="Lena")
    Closure.objects.create(starts_on=date(2026, 11, 26), ends_on=date(2026, 11, 27))
    TimeOff.objects.create(provider=lena, starts_on=date(2026, 11, 28), ends_on=date(2026, 11, 30))
    part = {"starts_at": time(9), "ends_at": time(16)}
    TimeOff.objects.create(provider=lena, starts_on=date(2026, 11, 25), ends_on=date(2026, 11, 25), **part)
    TimeOff.objects.create(provider=lena, starts_on=date(2026, 11, 23), ends_on=date(2026, 11, 24))
    assert offered(asks()) == {"Lena": ["Wed 25 16:00", "Tue 01 09:00", "Tue 01 11:00", "Wed 02 09:00"]}


def test_nothing_is_offered_that_begins_at_once_or_after_sixty_days():
    lena = factories.provider(name="Lena")
    assert offered(asks(), now=at(24, 12, 0))["Lena"][0] == "Tue 24 12:15"
    TimeOff.objects.create(provider=lena, starts_on=date(2026, 11, 24), ends_on=date(2027, 1, 22))
    assert offered(asks()) == {"Lena": ["Sat 23 09:00", "Sat 23 11:00"]}
    TimeOff.objects.create(provider=lena, starts_on=date(2027, 1, 23), ends_on=date(2027, 1, 23))
    assert offered(asks()) == {}


def test_nobody_works_where_there_are_no_hours():
    factories.clinic(weekdays=())
    factories.provider()
    assert offered(asks()) == {}


@pytest.mark.parametrize(
    ("day", "eight_hours_from"),
    [
        (date(2027, 3, 14), ["Sun 14 00:00", "Sun 21 00:00"]),  # eight hours from midnight to nine
        (date(2026, 11, 1), ["Sun 01 00:00", "Sun 01 01:00"]),  # ten of them, one o'clock twice
    ],
)
def test_a_night_in_which_the_clocks_change_has_its_own_length(day, eight_hours_from):
    zone = ZoneInfo("America/New_York")
    factories.clinic(weekdays=[6], opens_at=time(0), closes_at=time(9), time_zone="America/New_York")
    factories.provider(name="Lena")
    eve = datetime.combine(day, time(0), zone).astimezone(UTC) - timedelta(hours=1)
    assert offered(asks(), minutes=480, now=eve, zone=zone)["Lena"][:2] == eight_hours_from


def test_the_number_of_queries_does_not_depend_on_how_much_is_booked():
    lena = factories.provider(name="Lena")
    row = asks(("1234", "am"))

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as caught:
            offered(AppointmentRequest.objects.get(pk=row.pk))
        return len(caught)

    few = queries()
    for number in range(5):
        TimeOff.objects.create(provider=factories.provider(), starts_on=date(2026, 12, 1), ends_on=date(2026, 12, 2))
        take(lena, at(25, 9) + timedelta(days=7 * number))
    assert queries() == few <= 9


@pytest.mark.parametrize(
    ("start", "minutes", "said"),
    [
        (at(25, 9), 30, ""),
        (at(25, 16, 30), 30, ""),
        (at(25, 16, 45), 30, "Lena does not work through that time."),
        (at(25, 8, 45), 30, "Lena does not work through that time."),
        (at(23, 10), 30, "Lena does not work through that time."),  # a Monday
        (at(26, 10), 30, "The clinic is closed then: Thanksgiving."),
        (at(27, 10), 30, "Lena is off then: Nov 27, 2026, 10 am to 11 am."),
        (at(27, 9, 30), 30, ""),
        (at(27, 11), 30, ""),
    ],
)
def test_why_a_provider_does_not_work_is_said(clinic, start, minutes, said):
    lena = factories.provider(name="Lena")
    Closure.objects.create(starts_on=date(2026, 11, 26), ends_on=date(2026, 11, 26), reason="Thanksgiving")
    hours = {"starts_at": time(10), "ends_at": time(11)}
    TimeOff.objects.create(provider=lena, starts_on=date(2026, 11, 27), ends_on=date(2026, 11, 27), **hours)
    clinic = factories.Clinic.objects.current()
    assert free_times.why_not(lena, start, start + timedelta(minutes=minutes), clinic) == said


def test_what_is_offered_can_be_booked():
    """Every time offered passes the rules of booking, whatever the hours are."""
    lena = factories.provider(name="Lena")
    ProviderHours.objects.create(provider=lena, weekday=2, starts_at=time(7, 20), ends_at=time(9, 5))
    clinic = factories.Clinic.objects.current()
    for time_free in free_times.offers(asks(("2", "am")), minutes=45, clinic=clinic, now=NOW)[0].times:
        row = factories.appointment_request()
        visit = {"provider": lena, "starts_at": time_free.starts_at, "minutes": 45}
        workflow.book(row, by=factories.receptionist(), seen=1, **visit)
    assert Appointment.objects.count() > 3


@pytest.mark.parametrize(
    ("minutes", "calming", "lengths"),
    [(30, (None, None), [30]), (30, (30, 60), [30, 60, 75, 90]), (45, (0, 0), [45]), (30, (10, 20), [30, 40, 50])],
)
def test_a_visit_is_as_long_as_the_treatment_with_or_without_the_calming_one(minutes, calming, lengths):
    least, most = calming
    row = factories.treatment(procedure_minutes=minutes, calming_minutes_min=least, calming_minutes_max=most)
    assert row.visit_lengths == lengths
