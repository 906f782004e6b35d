"""Booking at the desk: a free time picked, another one typed, and a time at which nobody works."""

import re
from datetime import UTC, date, datetime, time, timedelta
from html import unescape

import pytest
from django.db import transaction

from appointments import workflow
from appointments.forms import TimeOffForm
from appointments.models import Appointment, AppointmentRequest, Message, PreferredTime, TimeOff
from appointments.scheduling import NotWorking, SlotTaken
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"
WEDNESDAY_NINE = datetime(2026, 11, 25, 16, 0, tzinfo=UTC)  # in Tucson

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday_noon")]


@pytest.fixture
def lena(clinic):
    return factories.provider(name="Lena")


def show(desk, row: AppointmentRequest, name: str = "book", **chosen) -> str:
    return desk.get(f"{QUEUE}{row.pk}/move/{name}/", chosen).content.decode()


def press(desk, row: AppointmentRequest, name: str = "book", **answers):
    answer = desk.post(f"{QUEUE}{row.pk}/move/{name}/", {"seen": row.version, "minutes": "30", **answers})
    row.refresh_from_db()
    return answer


def words(page) -> str:
    page = page if isinstance(page, str) else page.content.decode()
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def slots(page: str) -> list[str]:
    return re.findall(r'name="slot"[^>]* value="([^"]+@[^"]+)"', page)


def test_a_request_is_booked_from_the_list_in_five_presses(desk, lena):
    row = factories.appointment_request(full_name="Ana Ruiz")
    queue = desk.get(QUEUE).content.decode()
    page = desk.get(re.search(rf'href="({QUEUE}{row.pk}/change/[^"]*)"', queue)[1]).content.decode()  # one
    form = desk.get(re.search(r'href="([^"]+/move/book/)"', page)[1]).content.decode()  # two
    answer = press(desk, row, slot=slots(form)[0])  # three and four: a time, and Book
    assert answer.status_code == 303
    assert (row.status, row.appointments.get().starts_at) == ("booked", WEDNESDAY_NINE)
    assert Message.objects.filter(kind="booked").exists()


def test_the_page_shows_first_what_the_patient_asked_for(desk, lena):
    factories.provider(name="Mo")
    row = factories.appointment_request(preferred_times=[PreferredTime(weekdays="5", part="pm")])
    said = words(show(desk, row))
    assert said.index("What the patient asked for Sat, Nov 28, noon Lena") < said.index("Soonest with Lena Tue, Nov 24")
    assert "Soonest with Mo" in said


def test_nothing_is_chosen_beforehand_and_nothing_free_is_said(desk, lena):
    row = factories.appointment_request()
    assert "checked" not in show(desk, row)
    assert "Choose one of the times, or enter another one" in words(press(desk, row, provider=lena.pk))
    assert "Enter the day" in words(press(desk, row, slot="another"))
    TimeOff.objects.create(provider=lena, starts_on=date(2026, 11, 1), ends_on=date(2027, 3, 1))
    assert "Nobody has 30 minutes free within the next 60 days." in words(show(desk, row))


def test_the_length_is_chosen_from_those_of_the_treatment_and_the_times_follow(desk, lena):
    treatment = factories.treatment(procedure_minutes=30, calming_minutes_min=30, calming_minutes_max=60)
    row = factories.appointment_request(treatment=treatment)
    page = show(desk, row, minutes="90")
    assert re.findall(r'href="\?minutes=(\d+)"', page) == ["30", "60", "75", "90"]
    assert 'href="?minutes=90" aria-current="true"' in page
    press(desk, row, slot=slots(page)[0], minutes="90")
    assert row.appointments.get().minutes == 90


@pytest.mark.parametrize("minutes", ["0", "soon", "99999999999999999999", "-5", "30.5"])
def test_a_length_that_is_nonsense_is_answered_with_the_usual_one(desk, lena, minutes):
    assert slots(show(desk, factories.appointment_request(), minutes=minutes))


def test_a_time_that_a_link_has_chosen_is_ticked(desk, lena):
    row = factories.appointment_request()
    chosen = f"{lena.pk}@2026-11-25T16:00Z"
    assert re.search(rf'value="{chosen}" checked', show(desk, row, slot=chosen))
    assert row.version == 1


@pytest.mark.parametrize(
    ("slot", "said"),
    [
        ("{}@2026-11-24T18:00Z", "That time has passed"),
        ("{}@2026-11-24", "Choose one of the times"),
        ("{}@noon", "Choose one of the times"),
        ("{}@", "Choose one of the times"),
        ("999@2026-11-25T16:00Z", "Choose one of the times"),
        ("9999999999999999999999@2026-11-25T16:00Z", "Choose one of the times"),
        ("@2026-11-25T16:00Z", "Choose one of the times"),
        ("{}@9999-12-31T23:59-23:59", "Choose one of the times"),
        ("{}@0001-01-01T00:00+23:59", "Choose one of the times"),
        ("{}@2029-11-25T16:00Z", "Choose a time within the next two years"),
        ("\x00", "Null characters are not allowed."),
        ("🕘", "Choose one of the times"),
        ("x" * 100, "Ensure this value has at most 60 characters"),
    ],
)
def test_a_time_that_cannot_be_is_refused(desk, lena, slot, said):
    row = factories.appointment_request()
    answer = press(desk, row, slot=slot.format(lena.pk))
    assert answer.status_code == 422
    assert said in words(answer)
    assert row.status == "new"


def test_another_time_is_typed(desk, lena):
    row = factories.appointment_request()
    press(desk, row, slot="another", provider=lena.pk, day="2026-11-25", time="09:05")
    assert row.appointments.get().starts_at == WEDNESDAY_NINE + timedelta(minutes=5)


def test_a_time_chosen_and_another_one_typed_is_a_question_and_not_a_guess(desk, lena):
    row = factories.appointment_request()
    both = {"slot": f"{lena.pk}@2026-11-25T16:00Z", "provider": lena.pk, "day": "2026-11-27", "time": "10:00"}
    answer = press(desk, row, **both)
    assert "You chose a time and typed another one." in words(answer)
    assert 'value="2026-11-27"' in answer.content.decode()
    assert row.status == "new"
    assert press(desk, row, **{**both, "slot": "another"}).status_code == 303


def test_a_visit_is_moved_to_a_free_time_though_its_own_day_stands_in_the_form(desk, lena):
    row = factories.booked(starts_at=WEDNESDAY_NINE)
    stands = {"day": "2026-11-25", "time": "09:00"}
    page = show(desk, row, "reschedule")
    answer = press(desk, row, "reschedule", slot=slots(page)[-1], provider=lena.pk, **stands)
    assert answer.status_code == 303
    assert row.appointments.get().starts_at > WEDNESDAY_NINE


def test_a_time_that_somebody_took_meanwhile_is_told_beside_the_times_and_is_gone_from_them(desk, lena):
    row, slot = factories.appointment_request(), f"{lena.pk}@2026-11-25T16:00Z"
    press(desk, factories.appointment_request(), slot=slot)
    answer = press(desk, row, slot=slot)
    assert answer.status_code == 422
    assert "Lena is booked then, from 9 am to 9:30 am. Choose another time." in words(answer)
    assert slot not in slots(answer.content.decode())
    assert row.status == "new"


def test_a_time_at_which_nobody_works_is_booked_only_on_a_second_word(desk, lena):
    row = factories.appointment_request()
    monday = {"slot": "another", "provider": lena.pk, "day": "2026-11-30", "time": "10:00"}
    answer = press(desk, row, **monday)
    assert answer.status_code == 422
    assert "Lena does not work through that time. Choose another time, or book it all the same below." in words(answer)
    assert 'type="checkbox" name="anyway"' in answer.content.decode()
    assert (row.status, Appointment.objects.count(), Message.objects.filter(kind="booked").count()) == ("new", 0, 0)
    assert press(desk, row, **monday, anyway="on").status_code == 303


def test_a_visit_is_not_moved_into_time_off_unless_that_is_meant(desk, lena):
    row = factories.booked(starts_at=WEDNESDAY_NINE)
    provider = row.appointments.get().provider
    TimeOff.objects.create(provider=provider, starts_on=date(2026, 11, 27), ends_on=date(2026, 11, 27))
    visit = {"provider": provider.pk, "day": "2026-11-27", "time": "10:00"}
    assert f"{provider} is off then: Nov 27, 2026." in words(press(desk, row, "reschedule", **visit))
    assert row.appointments.get().starts_at == WEDNESDAY_NINE
    assert press(desk, row, "reschedule", **visit, anyway="on").status_code == 303


@pytest.mark.django_db(transaction=True)
def test_of_a_visit_and_time_off_at_the_same_moment_the_second_knows_of_the_first(at_once, tuesday_noon):
    """Either the time off is refused because of the visit, or the visit because of the time off. Never neither."""
    lena, desk = factories.clinic() and factories.provider(name="Lena"), factories.receptionist()
    for day in range(1, 9):
        row, off_on = factories.appointment_request(), date(2026, 12, 1) + timedelta(weeks=day)
        starts_at = datetime.combine(off_on, time(17), UTC)

        def visit(row=row, starts_at=starts_at):
            workflow.book(row, by=desk, seen=1, provider=lena, starts_at=starts_at, minutes=30)

        def off(off_on=off_on):
            return save_time_off(lena, off_on)

        outcomes = at_once(lambda deed: deed(), [visit, off])
        booked = Appointment.objects.filter(starts_at=starts_at).exists()
        away = TimeOff.objects.filter(starts_on=off_on).exists()
        assert booked != away, outcomes
        assert outcomes[0] is None or isinstance(outcomes[0], NotWorking | SlotTaken)


def save_time_off(provider, day: date) -> bool:
    with transaction.atomic():
        form = TimeOffForm({"provider": provider.pk, "starts_on": day, "ends_on": day})
        if form.is_valid():
            form.save()
        return form.is_valid()
