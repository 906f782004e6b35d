"""News of a visit for a patient without an e-mail address: told by telephone, and never forgotten."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine

from appointments import workflow
from appointments.models import AppointmentRequest
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"
TUESDAY_NOON = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
NEXT_TUESDAY = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon_stands_still():
    with time_machine.travel(TUESDAY_NOON, tick=False):
        yield


def booked(**answers):
    return factories.booked(**{"email": "", "contact_by": "call", "starts_at": NEXT_TUESDAY, **answers})


def make(move, row, **how):
    row = AppointmentRequest.objects.get(pk=row.pk)
    return getattr(workflow, move)(row, by=row.claimed_by, seen=row.version, **how)


def since(row):
    return AppointmentRequest.objects.get(pk=row.pk).to_tell_since


def names(page):
    return re.findall(r'<th class="field-name">.*?<bdi>(.*?)</bdi>', page)


def words(answer):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


# What sets it, and what clears it


def test_a_visit_that_cannot_be_mailed_is_to_be_told():
    row = booked()
    assert row.to_tell_since == since(row) == TUESDAY_NOON
    assert not row.messages.filter(kind="booked").exists()


def test_a_patient_with_an_address_is_mailed_and_not_on_the_list():
    row = booked(email="ana@example.com", contact_by="email")
    make("cancel", row)
    assert since(row) is None
    assert row.messages.filter(kind="cancelled").exists()


def test_who_asked_to_be_called_is_called_about_what_may_surprise_and_mailed_as_well():
    row = booked(email="ana@example.com", contact_by="call")
    assert since(row) is None  # the time was agreed with them, and the mail confirms it
    make("cancel", row)
    assert since(row) == TUESDAY_NOON
    assert row.messages.filter(kind="cancelled").exists()


def test_a_request_that_was_only_received_is_not_to_be_told():
    assert since(factories.appointment_request(email="")) is None


@pytest.mark.parametrize(
    ("move", "how"),
    [
        ("reschedule", {"starts_at": NEXT_TUESDAY + timedelta(days=1), "minutes": 30}),
        ("cancel", {}),
        ("close", {"reason": "other"}),
    ],
)
def test_each_later_news_is_to_be_told_anew(move, how):
    row = booked()
    make("log_call", row, reached="answered")
    if move == "reschedule":
        how = how | {"provider": row.booked_appointment().provider}
    later = TUESDAY_NOON + timedelta(hours=1)

    assert since(row) is None
    make(move, row, now=later, **how)
    assert since(row) == later


def test_it_waits_since_the_first_news_that_nobody_told():
    row = booked()
    make("cancel", row, now=TUESDAY_NOON + timedelta(hours=1))
    assert since(row) == TUESDAY_NOON


@pytest.mark.parametrize(
    ("reached", "left"),
    [("answered", None), ("voicemail", TUESDAY_NOON), ("no_answer", TUESDAY_NOON), ("wrong", TUESDAY_NOON)],
)
def test_only_a_call_that_reached_the_patient_tells_them(reached, left):
    row = booked()
    make("log_call", row, reached=reached)
    assert since(row) == left


def test_closing_leaves_nothing_old_to_tell():
    row = booked()
    make("cancel", row)
    assert since(row) == TUESDAY_NOON
    make("close", row, reason="unreachable")
    assert since(row) is None


def test_who_has_come_knows_and_so_does_who_was_missed():
    here, missed = booked(starts_at=TUESDAY_NOON), booked(starts_at=TUESDAY_NOON)
    make("arrive", here)
    make("no_show", missed)
    assert (since(here), since(missed)) == (None, None)


def test_a_closed_request_is_called_only_while_there_is_something_to_tell():
    row = booked()
    make("close", row, reason="other")
    make("log_call", row, reached="no_answer")
    make("log_call", row, reached="answered")
    row.refresh_from_db()
    assert (row.status, row.to_tell_since, row.next_action_at) == ("closed", None, None)

    with pytest.raises(workflow.MoveNotAllowed):
        make("log_call", row, reached="answered")
    row.refresh_from_db()
    assert row.version == row.events.latest("version").version
    assert "log_call" not in workflow.allowed_moves(row, row.claimed_by)


@pytest.mark.django_db(transaction=True)
def test_eight_who_press_at_once_leave_one_call(at_once):
    row = booked()
    staff = [factories.receptionist() for _ in range(8)]

    def press(person):
        seen_by_them = AppointmentRequest.objects.get(pk=row.pk)
        workflow.log_call(seen_by_them, by=person, seen=2, reached="answered")

    outcomes = at_once(press, staff)
    assert outcomes.count(None) == 1
    assert row.events.filter(kind="called").count() == 1
    assert since(row) is None


# At the desk


def test_the_tab_shows_who_is_to_be_told_the_longest_wait_first(desk):
    factories.appointment_request(full_name="Waits", email="")
    booked(full_name="Mailed", email="ana@example.com")
    later, first = booked(full_name="Later"), booked(full_name="First")
    make("log_call", later, reached="answered")
    make("cancel", later, now=TUESDAY_NOON)
    closed = booked(full_name="Closed")
    for row, hours in ((first, 3), (closed, 2)):
        make("log_call", row, reached="answered")
        make("close", row, reason="other", now=TUESDAY_NOON - timedelta(hours=hours))

    answer = desk.get(QUEUE, {"state": "to_tell"})
    assert names(answer.content.decode()) == ["First", "Closed", "Later"]
    assert "To tell by phone 3 To review 0 Visits over 0 Spam 0 All" in words(answer)
    assert "Not told for 3 hours" in words(answer)
    assert "Requests: to tell by phone" in words(answer)
    assert names(desk.get(QUEUE).content.decode()) == ["Waits", "Later"]


@pytest.mark.parametrize("rows", [1, 30])
def test_the_tab_takes_as_many_queries_for_one_row_as_for_thirty(desk, django_assert_num_queries, rows):
    for number in range(rows):
        booked(starts_at=NEXT_TUESDAY + timedelta(weeks=number))
    with django_assert_num_queries(9):
        page = desk.get(QUEUE, {"state": "to_tell"}).content.decode()
    assert len(names(page)) == min(rows, 25)


def test_one_press_on_the_requests_page_says_that_the_patient_knows(desk):
    row = booked()
    address = f"{QUEUE}{row.pk}/change/"
    page = desk.get(address).content.decode()
    assert "Not told yet: call to tell the patient" in page
    assert 'name="reached" value="answered">I told the patient</button>' in page
    seen = re.search(r'name="seen" value="(\d+)"', page)[1]

    done = desk.post(f"{QUEUE}{row.pk}/move/log_call/", {"seen": seen, "reached": "answered"}, follow=True)
    assert "Call: Answered." in words(done)
    assert "Not told yet" not in words(done)
    assert "To tell by phone 0" in words(desk.get(QUEUE))


def test_the_press_is_there_on_a_closed_request_too(desk):
    row = booked()
    make("close", row, reason="other")
    assert "I told the patient" in words(desk.get(f"{QUEUE}{row.pk}/change/"))
    desk.post(f"{QUEUE}{row.pk}/move/log_call/", {"seen": row.version + 1, "reached": "answered"})
    told = words(desk.get(f"{QUEUE}{row.pk}/change/"))
    assert "Not told yet" not in told
    assert "Log a call" not in told


def test_who_may_only_read_sees_the_news_and_no_button(client, clinic):
    row = booked()
    client.force_login(factories.user("appointments.view_appointmentrequest"))
    told = words(client.get(f"{QUEUE}{row.pk}/change/"))
    assert "Not told yet" in told
    assert "I told the patient" not in told


def test_the_message_after_booking_says_that_nobody_was_mailed(desk, receptionist):
    row = factories.appointment_request(email="", contact_by="call")
    visit = {"provider": factories.provider().pk, "day": "2026-11-25", "time": "10:00", "minutes": 30, "seen": 1}
    told = words(desk.post(f"{QUEUE}{row.pk}/move/book/", visit, follow=True))
    assert "No e-mail address is known: tell the patient by phone." in told
    assert "Not told yet: call to tell the patient" in told
