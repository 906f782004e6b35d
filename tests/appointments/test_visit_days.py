"""The day of the visit: who came, who did not, and what the desk sees of it the next time."""

import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine

from appointments import workflow
from appointments.models import Appointment, AppointmentRequest, Message
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"
VISIT = datetime(2026, 11, 24, 21, 0, tzinfo=UTC)  # Tuesday, 2 pm in Tucson
HOUR = timedelta(hours=1)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic")]


@pytest.fixture
def visit():
    with time_machine.travel(VISIT - 2 * HOUR, tick=False):
        return factories.booked(starts_at=VISIT, phone="520 555 0188", email="mo@example.com")


def press(desk, row, name, **answers):
    answer = desk.post(f"{QUEUE}{row.pk}/move/{name}/", {"seen": row.version, **answers})
    row.refresh_from_db()
    return answer


def words(answer):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


@pytest.fixture
def at(client, receptionist):
    """At another moment, with the receptionist signed in anew: yesterday's session has ended."""

    @contextmanager
    def travel(moment):
        with time_machine.travel(moment, tick=False):
            client.force_login(receptionist)
            yield

    return travel


def test_a_patient_arrives_and_the_visit_is_fulfilled(desk, at, visit):
    with at(VISIT - HOUR / 4):
        assert press(desk, visit, "arrive").status_code == 303
        assert (visit.status, visit.appointments.get().status) == ("booked", "arrived")
        press(desk, visit, "fulfil")

    assert (visit.status, visit.closed_reason, visit.appointments.get().status) == ("closed", "completed", "fulfilled")


def test_a_visit_is_fulfilled_by_one_move(desk, at, visit):
    with at(VISIT - HOUR):
        assert "/move/fulfil/" not in desk.get(f"{QUEUE}{visit.pk}/change/").content.decode()
        with pytest.raises(workflow.MoveNotAllowed):
            workflow.fulfil(visit, by=factories.receptionist(), seen=visit.version)
    visit.refresh_from_db()
    with at(VISIT + HOUR):
        assert "Took place" in words(desk.get(f"{QUEUE}{visit.pk}/change/"))
        assert press(desk, visit, "fulfil", note="All well").status_code == 303

    assert (visit.status, visit.closed_reason, visit.appointments.get().status) == ("closed", "completed", "fulfilled")
    assert visit.events.last().note == "All well"


def test_a_visit_that_is_over_is_not_forgotten(desk, at, visit):
    def listed() -> str:
        return words(desk.get(QUEUE, {"state": "over"}))

    with at(VISIT + HOUR / 4):
        assert visit.reference not in desk.get(QUEUE, {"state": "over"}).content.decode()
        assert "Visits over 0" in listed()
    with at(VISIT + HOUR):
        assert "Visits over 1" in listed()
        assert visit.full_name in listed()
        press(desk, visit, "fulfil")
        assert "Visits over 0" in listed()


def test_who_came_and_was_not_treated_came_all_the_same(desk, at, visit):
    with at(VISIT):
        press(desk, visit, "arrive")
        press(desk, visit, "close", reason="not_a_candidate")

    assert visit.appointments.get().status == "fulfilled"
    assert not Message.objects.filter(kind="cancelled").exists()


def test_a_missed_visit_waits_for_a_call_with_a_new_clock(desk, at, visit):
    with at(VISIT + HOUR):
        press(desk, visit, "no_show", note="Not answering")

    assert (visit.status, visit.appointments.get().status) == ("contacting", "noshow")
    assert visit.next_action_at == VISIT + 2 * HOUR
    assert visit.respond_by < visit.next_action_at  # the first promise is not made anew
    assert visit.events.last().note == "Not answering"
    with at(VISIT + HOUR):
        assert AppointmentRequest.objects.to_answer().get() == visit


def test_a_missed_visit_stands_on_the_next_request_of_the_same_phone(desk, at, visit):
    with at(VISIT + HOUR):
        press(desk, visit, "no_show")
        again = factories.appointment_request(phone="+1 (520) 555-0188", email="other@example.com")
        stranger = factories.appointment_request(phone="520 555 0177", email="")
        assert "1 missed visit with this telephone number" in words(desk.get(f"{QUEUE}{again.pk}/change/"))
        assert "missed visit" not in words(desk.get(f"{QUEUE}{stranger.pk}/change/"))


def test_requests_without_a_telephone_share_no_missed_visits(desk, at):
    with at(VISIT - HOUR):
        missed = factories.booked(starts_at=VISIT, phone="", contact_by="email")
    with at(VISIT + HOUR):
        press(desk, missed, "no_show")
        other = factories.appointment_request(phone="", contact_by="email")
        assert Appointment.objects.missed_by(missed).count() == 1
        assert Appointment.objects.missed_by(other).count() == 0


@pytest.mark.parametrize(
    ("moment", "offered"),
    [
        (VISIT - 13 * HOUR, {"reschedule", "cancel"}),
        (VISIT - HOUR, {"reschedule", "cancel", "arrive"}),
        (VISIT, {"reschedule", "cancel", "arrive", "no_show"}),
    ],
)
def test_moves_of_a_visit_are_offered_at_their_time(visit, receptionist, moment, offered):
    moves = workflow.allowed_moves(visit, receptionist, moment)
    assert set(moves) & {"reschedule", "cancel", "arrive", "no_show"} == offered


def test_once_arrived_nothing_is_cancelled_or_missed(visit, receptionist):
    workflow.arrive(visit, by=receptionist, seen=visit.version, now=VISIT)

    moves = workflow.allowed_moves(visit, receptionist, VISIT + HOUR)
    assert set(moves) & {"reschedule", "cancel", "arrive", "no_show"} == set()


@pytest.mark.parametrize(("name", "moment"), [("arrive", VISIT - 13 * HOUR), ("no_show", VISIT - HOUR)])
def test_a_verb_called_out_of_its_time_changes_nothing(visit, receptionist, name, moment):
    before = visit.version
    with pytest.raises(workflow.MoveNotAllowed):
        getattr(workflow, name)(visit, by=receptionist, seen=before, now=moment)

    visit.refresh_from_db()
    assert (visit.version, visit.status, visit.appointments.get().status) == (before, "booked", "booked")


def test_a_second_visit_cannot_stand_while_the_patient_is_there(visit, receptionist):
    workflow.arrive(visit, by=receptionist, seen=visit.version, now=VISIT)

    with pytest.raises(workflow.MoveNotAllowed):
        workflow.book(
            visit, by=receptionist, seen=visit.version, provider=factories.provider(), starts_at=VISIT, minutes=30
        )


@pytest.mark.parametrize("name", ["arrive", "no_show", "merge"])
def test_staff_without_the_permission_are_refused(client, visit, name):
    with time_machine.travel(VISIT, tick=False):
        client.force_login(factories.user("appointments.view_appointmentrequest"))
        assert press(client, visit, name).status_code == 403
        assert f"/move/{name}/" not in client.get(f"{QUEUE}{visit.pk}/change/").content.decode()


@pytest.mark.django_db(transaction=True)
def test_one_says_arrived_and_one_says_missed_and_one_of_them_is_heard(at_once, visit):
    staff = [factories.receptionist() for _ in range(8)]

    def say(turn):
        place, person = turn
        seen = AppointmentRequest.objects.get(pk=visit.pk)
        verb = workflow.arrive if place % 2 else workflow.no_show
        verb(seen, by=person, seen=visit.version, now=VISIT + HOUR)

    outcomes = at_once(say, list(enumerate(staff)))
    assert outcomes.count(None) == 1
    assert {type(outcome) for outcome in outcomes} == {type(None), workflow.MoveNotAllowed}
