"""What patients do themselves: cancel, ask for other times, answer the health check; and how the desk reviews it."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from appointments import outbox, workflow
from appointments.models import AppointmentRequest, Event, HealthAnswer, Message, PreferredTime
from appointments.response_clock import respond_by
from appointments.workflow import Answered
from medspa.models import Clinic
from tests import factories

VISIT = datetime(2030, 1, 8, 17, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False):
        yield


def anew(row):
    return AppointmentRequest.objects.get(pk=row.pk)


def visit_of(row):
    return workflow.visit_code(row)


def times(*codes):
    return [PreferredTime(weekdays=days, part=part) for days, part in (code.split("-") for code in codes)]


def answers(*given):
    return [Answered(f"Question {number}?", "Ask the clinician.", answer) for number, answer in enumerate(given)]


# Cancelling


def test_a_patient_cancels_a_visit_and_both_sides_hear_of_it():
    row = factories.booked(email="ana@example.com")
    outbox.send_due()
    visit = row.booked_appointment()

    workflow.withdraw(row, visit=visit_of(row))

    row, visit = anew(row), type(visit).objects.get(pk=visit.pk)
    assert (row.status, row.closed_reason, row.ended_at) == ("closed", "patient_declined", NOON)
    assert (visit.status, visit.sequence) == ("cancelled", 1)
    event = row.events.last()
    assert (event.kind, event.by, event.version) == ("withdrawn", None, row.version)
    waiting = row.messages.unsent()
    assert {message.kind for message in waiting} == {"cancelled", "desk_change"}
    assert all(message.due_at <= NOON for message in waiting)
    assert "METHOD:CANCEL" in waiting.get(kind="cancelled").calendar
    assert row.to_tell_since is None


def test_a_request_without_a_visit_is_withdrawn_and_only_the_desk_is_mailed():
    row = factories.appointment_request()
    workflow.withdraw(row, visit="")
    assert anew(row).status == "closed"
    assert row.messages.filter(kind="desk_change").exists()
    assert not row.messages.filter(kind="cancelled").exists()


def test_cancelling_twice_is_cancelling_once():
    row = factories.booked()
    code = visit_of(row)
    workflow.withdraw(row, visit=code)
    workflow.withdraw(anew(row), visit=code)
    assert row.events.filter(kind="withdrawn").count() == 1


def test_a_visit_that_was_moved_meanwhile_is_not_cancelled_unseen():
    row = factories.booked()
    seen, visit = visit_of(row), row.booked_appointment()
    moved = {"provider": visit.provider, "starts_at": VISIT + timedelta(hours=2), "minutes": 30, "anyway": True}
    workflow.reschedule(anew(row), by=row.claimed_by, seen=row.version, **moved)

    with pytest.raises(workflow.MoveNotAllowed):
        workflow.withdraw(row, visit=seen)
    with pytest.raises(workflow.MoveNotAllowed):
        workflow.ask_for_times(row, visit=seen, preferred_times=times("5-am"))
    assert anew(row).status == "booked"
    workflow.withdraw(row, visit=visit_of(anew(row)))
    assert anew(row).status == "closed"


def test_a_visit_that_has_begun_is_not_cancelled_by_the_patient():
    row = factories.booked()
    with pytest.raises(workflow.MoveNotAllowed):
        workflow.withdraw(row, visit=visit_of(row), now=VISIT)
    assert anew(row).status == "booked"


# Asking for other times


def test_a_booked_visit_stands_while_another_time_is_asked_for_and_the_clock_runs():
    row = factories.booked()
    workflow.ask_for_times(row, visit=visit_of(row), preferred_times=times("5-am"), message="Only after ten")

    row = anew(row)
    assert row.asks_for_another_time
    assert row.booked_appointment().starts_at == VISIT
    assert row.next_action_at == respond_by(Clinic.objects.current(), NOON)
    assert [time.code for time in row.preferred_times.all()] == ["5-am"]
    assert row.events.last().note == "Only after ten"
    assert AppointmentRequest.objects.to_answer().get() == row
    assert AppointmentRequest.objects.standing(NOON, None).to_answer == 1
    assert row.messages.filter(kind="desk_change").exists()


@pytest.mark.parametrize("move", ["keep", "reschedule", "cancel"])
def test_the_desk_answers_the_wish_for_another_time(move):
    row = factories.booked()
    workflow.ask_for_times(row, visit=visit_of(row), preferred_times=times("5-am"))
    row = anew(row)
    visit = row.booked_appointment()
    moved = {"provider": visit.provider, "starts_at": VISIT + timedelta(hours=2), "minutes": 30, "anyway": True}
    getattr(workflow, move)(row, by=row.claimed_by, seen=row.version, **(moved if move == "reschedule" else {}))
    assert not anew(row).asks_for_another_time


def test_whoever_arrives_no_longer_waits_for_another_time():
    row = factories.booked()
    workflow.ask_for_times(row, visit=visit_of(row), preferred_times=times("5-am"))
    workflow.arrive(row, by=row.claimed_by, seen=row.version, now=VISIT)
    assert anew(row).next_action_at is None


def test_a_wish_that_nobody_has_is_not_answered():
    row = factories.booked()
    with pytest.raises(workflow.MoveNotAllowed):
        workflow.keep(row, by=row.claimed_by, seen=row.version)
    assert "keep" not in workflow.allowed_moves(row, row.claimed_by)


def test_a_patient_whom_nobody_reached_and_who_answers_is_due_anew():
    row = factories.appointment_request()
    person = factories.receptionist()
    for _ in range(3):
        workflow.log_call(row, by=person, seen=row.version, reached="no_answer")
    assert row.next_action_at > NOON + timedelta(days=2)

    workflow.ask_for_times(row, visit="", preferred_times=times("5-am", "1234-pm"))

    row = anew(row)
    assert (row.calls_in_vain, row.status) == (0, "contacting")
    assert row.next_action_at == respond_by(Clinic.objects.current(), NOON)
    assert row.preferred_times.count() == 2


def test_times_added_on_the_waiting_list_keep_the_place_there():
    row = factories.appointment_request()
    workflow.waitlist(row, by=factories.receptionist(), seen=1)
    workflow.ask_for_times(row, visit="", preferred_times=times("5-am"))
    assert (anew(row).status, anew(row).next_action_at) == ("waitlisted", None)


def test_the_same_wish_twice_is_one_wish():
    row = factories.appointment_request()
    for _ in range(2):
        workflow.ask_for_times(anew(row), visit="", preferred_times=times("5-am"), message="Late is better")
    assert row.events.filter(kind="asked").count() == 1
    workflow.ask_for_times(anew(row), visit="", preferred_times=times("5-pm"), message="Late is better")
    assert row.events.filter(kind="asked").count() == 2


def test_a_closed_request_is_asked_nothing():
    row = factories.appointment_request()
    workflow.withdraw(row, visit="")
    with pytest.raises(workflow.MoveNotAllowed):
        workflow.ask_for_times(row, visit="", preferred_times=times("5-am"))
    with pytest.raises(workflow.MoveNotAllowed):
        workflow.answer_health_check(row, answers=answers("no"))


# The health check


def test_an_answer_that_is_not_no_is_for_a_clinician_and_rejects_nobody():
    fits, unsure = factories.appointment_request(), factories.appointment_request()
    workflow.answer_health_check(fits, answers=answers("no", "no"))
    workflow.answer_health_check(unsure, answers=answers("no", "unsure"))
    assert (anew(fits).review_since, anew(unsure).review_since) == (None, NOON)
    assert anew(unsure).status == "new"
    assert AppointmentRequest.objects.to_review().get() == unsure


def test_every_version_of_the_answers_stays_and_the_flag_with_them():
    row = factories.appointment_request()
    workflow.answer_health_check(row, answers=answers("yes", "no"))
    workflow.answer_health_check(row, answers=answers("no", "no"))
    workflow.answer_health_check(row, answers=answers("no", "no"))  # pressed twice

    assert [row.answer for row in HealthAnswer.objects.order_by("version", "position")] == ["yes", "no", "no", "no"]
    assert [row.answer for row in HealthAnswer.objects.last_given(row)] == ["no", "no"]
    assert anew(row).review_since == NOON  # lifted by a person alone
    with pytest.raises(TypeError):
        HealthAnswer.objects.first().save()


def test_what_was_asked_stays_as_it_was_asked():
    treatment = factories.treatment()
    reason = treatment.contraindications.create(page_words="you wait", question="Do you wait?", staff_advice="Wait.")
    row = factories.appointment_request(treatment=treatment)
    workflow.answer_health_check(row, answers=[Answered(reason.question, reason.staff_advice, "yes")])
    reason.question, reason.staff_advice = "Changed?", "Changed."
    reason.save()
    assert HealthAnswer.objects.values_list("question", "staff_advice").get() == ("Do you wait?", "Wait.")


def test_the_answers_are_sealed_in_the_database():
    row = factories.appointment_request()
    workflow.answer_health_check(row, answers=answers("unsure"))
    with connection.cursor() as cursor:
        cursor.execute("SELECT answer FROM appointments_healthanswer")
        (stored,) = cursor.fetchone()
    assert "unsure" not in stored
    assert HealthAnswer.objects.get().answer == "unsure"


def test_answers_are_taken_until_the_visit_begins():
    row = factories.booked()
    workflow.answer_health_check(row, answers=answers("no"), now=VISIT - timedelta(minutes=1))
    with pytest.raises(workflow.MoveNotAllowed):
        workflow.answer_health_check(row, answers=answers("yes"), now=VISIT)


def test_reading_is_written_down_and_a_review_lifts_the_flag():
    clinician = factories.user(workflow.READS_HEALTH, workflow.PERMISSION)
    row = factories.appointment_request()
    workflow.answer_health_check(row, answers=answers("yes"))
    assert "review" not in workflow.allowed_moves(row, factories.receptionist())
    assert "review" in workflow.allowed_moves(row, clinician)

    for _ in range(2):
        assert [one.answer for one in workflow.read_health_check(row, by=clinician)] == ["yes"]
    assert [event.by for event in row.events.filter(kind="health_read")] == [clinician, clinician]

    workflow.review(row, by=clinician, seen=row.version, verdict="talk", note="Call first")
    assert anew(row).review_since is None
    assert (row.events.last().kind, row.events.last().details) == ("reviewed", "May come after a talk")


def test_no_event_and_no_mail_says_what_was_answered():
    row = factories.appointment_request(email="ana@example.com")
    workflow.answer_health_check(row, answers=answers("yes", "unsure"))
    assert Event.objects.get(kind="health_check").details == ""
    assert set(Message.objects.values_list("kind", flat=True)) == {"received", "desk_notice"}


# At the same moment


@pytest.mark.django_db(transaction=True)
def test_of_eight_presses_on_cancel_one_cancels(at_once):
    row = factories.booked(email="ana@example.com")
    code = visit_of(row)
    outcomes = at_once(lambda _: workflow.withdraw(anew(row), visit=code), range(8))
    assert outcomes == [None] * 8
    assert row.events.filter(kind="withdrawn").count() == 1
    assert row.messages.filter(kind="cancelled").count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_patient_cancels_while_the_desk_moves_the_visit(at_once):
    row = factories.booked(email="ana@example.com")
    code, visit = visit_of(row), row.booked_appointment()

    def act(person):
        if person is None:
            return workflow.withdraw(anew(row), visit=code)
        moved = {"provider": visit.provider, "starts_at": VISIT + timedelta(hours=2), "minutes": 30, "anyway": True}
        return workflow.reschedule(anew(row), by=person, seen=2, **moved)

    outcomes = at_once(act, [None, row.claimed_by])
    refused = [isinstance(outcome, workflow.MoveNotAllowed) for outcome in outcomes]
    assert sorted(refused) == [False, True]
    assert anew(row).status == ("booked" if refused[0] else "closed")


@pytest.mark.django_db(transaction=True)
def test_eight_health_checks_at_once_are_eight_versions_or_fewer(at_once):
    row = factories.appointment_request()
    given = [answers("yes" if number % 2 else "no", "no") for number in range(8)]
    assert at_once(lambda one: workflow.answer_health_check(anew(row), answers=one), given) == [None] * 8
    versions = set(HealthAnswer.objects.values_list("version", flat=True))
    assert HealthAnswer.objects.count() == 2 * len(versions)
    assert anew(row).version == row.events.latest("version").version
    assert anew(row).review_since is not None
