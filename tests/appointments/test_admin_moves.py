"""Every move at the desk: what its page says, what it does, and what happens when somebody was first."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.contrib.admin.models import LogEntry

from appointments import workflow
from appointments.forms import MOVE_FORMS
from appointments.models import Appointment, AppointmentRequest, ClosedReason, Event, Message
from appointments.scheduling import SlotTaken
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"
TUESDAY_NOON = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
VISIT = {"day": "2026-12-08", "time": "09:00", "minutes": "30"}
NINE_IN_TUCSON = datetime(2026, 12, 8, 16, 0, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday_noon")]


def page_of(row: AppointmentRequest) -> str:
    return f"{QUEUE}{row.pk}/change/"


def press(desk, row: AppointmentRequest, name: str, **answers):
    """Press a button as somebody who saw the request as `row` has it."""
    answers.setdefault("seen", row.version)
    answer = desk.post(f"{QUEUE}{row.pk}/move/{name}/", answers)
    row.refresh_from_db()
    return answer


def words(answer) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def closed(reason: str = "other", **answers) -> AppointmentRequest:
    row = factories.appointment_request(**answers)
    workflow.close(row, by=factories.receptionist(), seen=row.version, reason=reason)
    return row


def test_every_move_has_a_form():
    assert set(MOVE_FORMS) == set(workflow.MOVES)


@pytest.mark.parametrize(
    ("name", "before", "answers", "status", "kind"),
    [
        ("claim", factories.appointment_request, {}, "new", "claimed"),
        ("log_call", factories.appointment_request, {"reached": "voicemail", "note": "Twice"}, "contacting", "called"),
        ("book", factories.appointment_request, VISIT, "booked", "booked"),
        ("reschedule", factories.booked, VISIT, "booked", "rescheduled"),
        ("cancel", factories.booked, {"note": "Ill"}, "contacting", "cancelled"),
        ("waitlist", factories.appointment_request, {}, "waitlisted", "waitlisted"),
        ("close", factories.appointment_request, {"reason": "spam"}, "closed", "closed"),
        ("reopen", closed, {"note": "A mistake"}, "contacting", "reopened"),
        ("add_note", closed, {"note": "Likes mornings"}, "closed", "noted"),
    ],
)
def test_a_move_is_made_logged_and_told(desk, receptionist, name, before, answers, status, kind):
    row = before()
    if name in ("book", "reschedule"):
        answers = {**answers, "provider": factories.provider().pk}

    shown = desk.get(f"{QUEUE}{row.pk}/move/{name}/")
    assert shown.status_code == 200
    assert workflow.MOVES[name].will in words(shown)
    assert AppointmentRequest.objects.get(pk=row.pk).version == row.version  # nothing happened yet

    answer = press(desk, row, name, **answers)

    assert (answer.status_code, answer["Location"]) == (303, page_of(row))
    assert row.status == status
    event = row.events.last()
    assert (event.kind, event.by, event.note) == (kind, receptionist, answers.get("note", ""))
    assert LogEntry.objects.get().get_change_message() == f"{workflow.MOVES[name].label}."
    assert str(event) in words(desk.get(page_of(row)))


@pytest.mark.parametrize("reason", [reason for reason in ClosedReason.values if reason != ClosedReason.COMPLETED])
def test_a_request_is_closed_for_each_reason(desk, reason):
    row = factories.appointment_request()
    press(desk, row, "close", reason=reason, note="Why")
    assert (row.status, row.closed_reason) == ("closed", reason)


def test_a_visit_that_took_place_closes_its_request(desk):
    row = factories.booked()
    assert "completed" not in desk.get(f"{QUEUE}{row.pk}/move/close/").content.decode()
    assert press(desk, row, "close", reason="completed").status_code == 422

    with time_machine.travel(datetime(2030, 1, 8, 18, 0, tzinfo=UTC), tick=False):
        desk.force_login(row.claimed_by)
        assert press(desk, row, "close", reason="completed").status_code == 422
        press(desk, row, "fulfil")

    assert (row.status, row.closed_reason) == ("closed", "completed")
    assert row.appointments.get().status == "fulfilled"


def test_a_visit_is_booked_on_the_clinics_clock(desk):
    row = factories.appointment_request()
    press(desk, row, "book", provider=factories.provider().pk, **VISIT)
    visit = row.appointments.get()
    assert (visit.starts_at, visit.minutes) == (NINE_IN_TUCSON, 30)


@pytest.mark.parametrize(
    ("before", "name", "email", "said"),
    [
        (factories.appointment_request, "book", "ana@example.com", "We mail ana@example.com : “Your visit is booked ("),
        (factories.appointment_request, "book", "", "No e-mail address is known: tell the patient by phone."),
        (factories.booked, "reschedule", "ana@example.com", "We mail ana@example.com : “Your visit has a new time ("),
        (factories.booked, "cancel", "ana@example.com", "We mail ana@example.com : “Your visit is cancelled ("),
        (factories.booked, "close", "ana@example.com", "We mail ana@example.com : “Your visit is cancelled ("),
        (factories.appointment_request, "close", "ana@example.com", "Nobody is mailed."),
        (factories.appointment_request, "claim", "ana@example.com", "Nobody is mailed."),
    ],
)
def test_a_page_says_beforehand_who_is_mailed_what(desk, before, name, email, said):
    row = before(email=email)
    assert said in words(desk.get(f"{QUEUE}{row.pk}/move/{name}/"))


@pytest.mark.parametrize(
    ("email", "told"),
    [
        ("ana@example.com", "The patient is told by e-mail."),
        ("", "No e-mail address is known: tell the patient by phone."),
    ],
)
def test_what_is_said_afterwards_is_what_was_mailed(desk, email, told):
    row = factories.appointment_request(email=email)
    answer = press(desk, row, "book", provider=factories.provider().pk, **VISIT)

    assert told in words(desk.get(answer["Location"]))
    assert [message.recipient for message in Message.objects.filter(kind="booked")] == [email][: bool(email)]


def test_nothing_of_the_patient_travels_in_a_cookie(desk):
    row = factories.appointment_request(full_name="Canary", email="canary@example.com", phone="520 555 0177")
    answer = press(desk, row, "log_call", reached="answered", note="Canary sang")
    assert not re.search("canary|0177|sang", answer.cookies.output(), re.IGNORECASE)


def test_whoever_comes_second_is_told_what_the_first_did_and_changes_nothing(desk):
    row = factories.appointment_request()
    eva = factories.receptionist(first_name="Eva", last_name="Lang")
    seen = row.version
    workflow.close(row, by=eva, seen=seen, reason="duplicate")

    answer = press(desk, row, "book", seen=seen, provider=factories.provider().pk, **VISIT)

    assert (answer.status_code, answer["Location"]) == (303, page_of(row))
    told = words(desk.get(answer["Location"]))
    assert "Nothing was changed. Eva Lang was first" in told
    assert "The same request was made twice" in told
    assert (row.status, row.closed_reason) == ("closed", "duplicate")
    assert not Appointment.objects.exists()
    assert not LogEntry.objects.exists()


def test_a_move_that_is_still_possible_is_shown_again_on_top_of_the_news(desk):
    row, seen = factories.appointment_request(), 1
    workflow.log_call(row, by=factories.receptionist(first_name="Eva"), seen=seen, reached="voicemail")

    answer = press(desk, row, "waitlist", seen=seen, note="Mornings only")

    assert answer.status_code == 409
    assert "Nothing was changed. Eva was first" in words(answer)
    assert "Mornings only</textarea>" in answer.content.decode()
    assert row.status == "contacting"
    again = re.search(r'name="seen" value="(\d+)"', answer.content.decode())[1]
    assert press(desk, row, "waitlist", seen=again, note="Mornings only").status_code == 303
    assert row.status == "waitlisted"


def test_a_note_is_kept_when_its_move_has_become_impossible(desk):
    row, seen = factories.appointment_request(), 1
    workflow.close(row, by=factories.receptionist(first_name="Eva"), seen=seen, reason="other")

    answer = press(desk, row, "log_call", seen=seen, reached="answered", note="Wants Fridays")

    assert answer.status_code == 409
    assert f'action="{QUEUE}{row.pk}/move/add_note/"' in answer.content.decode()
    assert "Wants Fridays</textarea>" in answer.content.decode()
    assert "Eva was first" in words(answer)


def test_a_taken_slot_leaves_the_request_as_it_was_and_keeps_what_was_typed(desk):
    room = factories.provider(name="Treatment room")
    other = factories.appointment_request()
    press(desk, other, "book", provider=room.pk, **VISIT)
    row = factories.appointment_request()

    answer = press(desk, row, "book", provider=room.pk, day="2026-12-08", time="09:15", minutes="45")

    assert answer.status_code == 422
    assert "Treatment room is booked then, from 9 am to 9:30 am. Choose another time." in words(answer)
    page = answer.content.decode()
    assert 'value="2026-12-08"' in page
    assert 'value="09:15"' in page
    assert 'value="45"' in page
    assert '<span class="chip chip--new">' in page
    assert "<title>Error: Book" in " ".join(page.split()).replace("<title> ", "<title>")
    assert (row.status, row.version) == ("new", 1)
    assert row.events.moves().count() == 1


def test_a_slot_that_was_taken_and_is_free_again_is_still_refused(clinic):
    room = factories.provider()
    form = MOVE_FORMS["book"](
        {"seen": 1, "provider": room.pk, **VISIT}, appointment_request=factories.appointment_request()
    )
    assert form.is_valid()
    form.refuse(SlotTaken(None))
    assert form.errors["time"] == ["That time was taken a moment ago. Choose another time"]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"day": "", "time": "", "provider": ""}, "Choose one of the times, or enter another one"),
        ({"day": "", "time": "", "provider": "", "slot": "another"}, "Enter the day"),
        ({"day": ""}, "Enter the day"),
        ({"minutes": ""}, "Enter how many minutes the visit takes"),
        ({"time": ""}, "Enter when the visit starts"),
        ({"provider": ""}, "Choose who sees the patient"),
        ({"provider": "999"}, "Choose who sees the patient"),
        ({"minutes": "4"}, "A visit takes at least 5 minutes"),
        ({"minutes": "481"}, "A visit takes at most 480 minutes"),
        ({"minutes": "soon"}, "Enter the minutes as a whole number, like 30"),
        ({"day": "2026-11-23"}, "Choose a day that has not passed"),
        ({"day": "2026-11-24", "time": "11:59"}, "Choose a time that has not passed"),
        ({"day": "9999-12-31"}, "Choose a day within the next two years"),
        ({"day": "tomorrow"}, "Enter the day as year-month-day"),
        ({"seen": ""}, "Open this page again"),
        ({"seen": "9" * 30}, "Ensure this value is less than"),
    ],
)
def test_a_visit_that_cannot_be_says_what_to_do(desk, answers, said):
    visit = {"day": "2026-12-01", "time": "09:00", "minutes": "30", "provider": factories.provider().pk, **answers}
    row = factories.appointment_request()
    answer = press(desk, row, "book", **visit)
    assert answer.status_code == 422
    assert said in words(answer)
    assert row.status == "new"


@pytest.mark.parametrize(("day", "time"), [("2027-03-14", "02:30"), ("2027-11-07", "01:30")])
def test_an_hour_that_the_clocks_skip_or_repeat_is_refused(client, receptionist, day, time):
    factories.clinic(time_zone="America/Denver")
    row = factories.appointment_request()
    client.force_login(receptionist)
    visit = {"day": day, "time": time, "minutes": "30", "provider": factories.provider().pk}
    answer = press(client, row, "book", **visit)
    assert "The clocks change then. Choose another time" in words(answer)
    assert not Appointment.objects.exists()


def test_a_visit_opens_with_the_treatments_minutes_and_the_only_provider(desk):
    room = factories.provider()
    factories.provider(is_active=False)
    row = factories.appointment_request(treatment=factories.treatment(procedure_minutes=50))
    page = desk.get(f"{QUEUE}{row.pk}/move/book/").content.decode()
    assert 'value="50"' in page
    assert f'<option value="{room.pk}" selected>' in page
    assert page.count("<option") == 1
    assert "Tuesday to Friday mornings" in page


def test_a_visit_is_moved_from_where_it_stands(desk):
    row = factories.booked(starts_at=NINE_IN_TUCSON + timedelta(minutes=30))
    page = desk.get(f"{QUEUE}{row.pk}/move/reschedule/").content.decode()
    assert all(f'value="{value}"' in page for value in ("2026-12-08", "09:30", "30"))


@pytest.mark.parametrize(("name", "said"), [("reopen", "Enter why it is reopened"), ("add_note", "Enter the note")])
def test_a_note_is_asked_for_where_it_is_needed(desk, name, said):
    row = closed()
    assert said in words(press(desk, row, name, note=" \x00 "))
    assert row.status == "closed"


def test_a_note_keeps_its_lines_and_loses_what_nobody_can_type(desk):
    row = factories.appointment_request()
    press(desk, row, "add_note", note="one\r\n\x00two")
    assert row.events.last().note == "one\ntwo"
    assert "2000 characters or fewer" in words(press(desk, row, "add_note", note="x" * 2001))
    assert Event.objects.filter(kind="noted").count() == 1


@pytest.mark.parametrize("name", workflow.MOVES)
def test_a_move_needs_its_own_permission(client, clinic, name):
    row = factories.appointment_request()
    client.force_login(factories.user("appointments.view_appointmentrequest"))
    assert client.get(f"{QUEUE}{row.pk}/move/{name}/").status_code == 403
    assert press(client, row, name, note="x", reason="spam", reached="answered").status_code == 403
    assert row.version == 1
    assert "/move/" not in client.get(page_of(row)).content.decode()


@pytest.mark.parametrize("permission", ["appointments.work_appointmentrequest", "medspa.change_clinic"])
def test_a_move_needs_the_right_to_see_requests(client, clinic, permission):
    row = factories.appointment_request()
    client.force_login(factories.user(permission))
    assert press(client, row, "claim").status_code == 403


def test_a_move_that_does_not_exist_or_has_no_request_is_not_found(desk):
    row = factories.appointment_request()
    assert desk.get(f"{QUEUE}{row.pk}/move/delete/").status_code == 404
    assert desk.get(f"{QUEUE}999/move/claim/").status_code == 404
    assert desk.get(f"{QUEUE}{'9' * 30}/move/claim/").status_code == 404
    assert desk.get(f"{QUEUE}999/change/").status_code == 404


def test_a_page_for_a_move_that_is_not_possible_now_leads_back_with_a_word(desk, receptionist):
    row = factories.appointment_request()
    back = desk.get(f"{QUEUE}{row.pk}/move/reopen/", follow=True)
    assert back.redirect_chain == [(page_of(row), 303)]
    assert "“Reopen” is not possible while the request's status is: new." in words(back)

    press(desk, row, "claim")
    assert "yours already" in words(desk.get(f"{QUEUE}{row.pk}/move/claim/", follow=True))
