"""When a visit is cancelled, who waits for such a time is shown, and is booked by one press."""

import re
from datetime import UTC, date, datetime, time, timedelta
from html import unescape

import pytest
import time_machine

from appointments import workflow
from appointments.models import AppointmentRequest, Message, PreferredTime, TimeOff
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"
WEDNESDAY_NINE = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)  # in Tucson
NOON = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday_noon")]


def waits(name: str, *preferred: tuple[str, str], **answers) -> AppointmentRequest:
    times = [PreferredTime(weekdays=weekdays, part=part) for weekdays, part in preferred]
    row = factories.appointment_request(full_name=name, preferred_times=times, **answers)
    workflow.waitlist(row, by=factories.receptionist(), seen=1)
    row.refresh_from_db()
    return row


@pytest.fixture
def cancelled(clinic):
    row = factories.booked(starts_at=WEDNESDAY_NINE)
    workflow.cancel(row, by=factories.receptionist(), seen=row.version)
    row.refresh_from_db()
    return row


def page(desk, row: AppointmentRequest) -> str:
    return desk.get(f"{QUEUE}{row.pk}/change/").content.decode()


def words(text: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", text)).split())


def suggested(text: str) -> list[str]:
    return re.findall(r"<span>Book <bdi>([^<]+)</bdi></span>", text)


def test_who_asked_for_such_a_time_is_listed_the_longest_wait_first(desk, cancelled):
    with time_machine.travel(NOON - timedelta(days=2)):
        waits("Longest", ("0123456", "am"), ("5", "pm"))
    with time_machine.travel(NOON - timedelta(days=1)):
        waits("Any time")
    waits("Latest", ("2", "am"))
    waits("Afternoons", ("2", "pm"))
    waits("Saturdays", ("5", "am"))
    waits("Ninety minutes", ("2", "am"), treatment=factories.treatment(procedure_minutes=90))
    factories.appointment_request(full_name="Not on the list")

    assert suggested(page(desk, cancelled)) == ["Longest", "Any time", "Latest"]
    assert "Free again: Wed, Nov 25, 9 am" in words(page(desk, cancelled))


def test_one_press_books_it_and_the_time_is_offered_to_nobody_else(desk, cancelled):
    row = waits("Ana Ruiz", ("2", "am"))
    form = page(desk, cancelled).split("freed-heading")[2].split("</section>")[0]
    fields = dict(re.findall(r'name="(seen|slot|minutes)" value="([^"]+)"', form))
    answer = desk.post(re.search(r'action="([^"]+)"', form)[1], fields)

    row.refresh_from_db()
    assert (answer.status_code, answer["Location"]) == (303, f"{QUEUE}{row.pk}/change/")
    assert (row.status, row.appointments.get().starts_at) == ("booked", WEDNESDAY_NINE)
    assert Message.objects.filter(appointment_request=row, kind="booked").exists()
    assert "Free again" not in page(desk, cancelled)


def test_a_treatment_takes_its_own_minutes_of_the_time(desk, clinic):
    row = factories.appointment_request()
    visit = {"provider": factories.provider(), "starts_at": WEDNESDAY_NINE, "minutes": 90}
    workflow.book(row, by=factories.receptionist(), seen=1, **visit)
    workflow.cancel(row, by=factories.receptionist(), seen=2)
    waits("Short", ("2", "am"), treatment=factories.treatment(procedure_minutes=45))
    assert 'name="minutes" value="45"' in page(desk, row)


def test_nobody_is_suggested_twice_for_two_fitting_times_and_no_more_than_five(desk, cancelled):
    for number in range(7):
        waits(f"Ana {number}", ("2", "am"), ("0123456", "am"))
    found = suggested(page(desk, cancelled))
    assert len(found) == len(set(found)) == 5


def test_the_time_is_not_offered_once_it_is_taken_or_passed_or_the_provider_is_off(desk, cancelled):
    visit = cancelled.appointments.get()
    assert "Nobody on the waiting list asked for such a time." in words(page(desk, cancelled))
    with time_machine.travel(WEDNESDAY_NINE + timedelta(minutes=1)):
        desk.force_login(factories.receptionist())
        assert "Free again" not in page(desk, cancelled)
    off = TimeOff.objects.create(provider=visit.provider, starts_on=date(2026, 11, 25), ends_on=date(2026, 11, 25))
    assert "Free again" not in page(desk, cancelled)
    off.delete()
    other = {"provider": visit.provider, "starts_at": WEDNESDAY_NINE + timedelta(minutes=20), "minutes": 30}
    workflow.book(factories.appointment_request(), by=factories.receptionist(), seen=1, **other)
    assert "Free again" not in page(desk, cancelled)


def test_who_may_not_book_sees_no_suggestion(client, cancelled):
    waits("Ana Ruiz", ("2", "am"))
    client.force_login(factories.user("appointments.view_appointmentrequest"))
    assert "Free again" not in page(client, cancelled)


def test_a_visit_that_still_stands_gives_nothing_away(desk, clinic):
    assert "Free again" not in page(desk, factories.booked(starts_at=WEDNESDAY_NINE))


@pytest.mark.parametrize(
    ("at", "part"), [(time(11, 59), "am"), (time(12), "pm"), (time(16, 59), "pm"), (time(17), "eve")]
)
def test_a_moment_belongs_to_one_part_of_the_day(at, part):
    moment = datetime.combine(date(2026, 11, 25), at)
    fitting = [code for code in ("am", "pm", "eve") if PreferredTime(weekdays="2", part=code).fits(moment)]
    assert fitting == [part]
    assert not PreferredTime(weekdays="013456", part=part).fits(moment)
