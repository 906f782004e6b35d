"""What time alone brings about: reminders, the apology, the digest; each once, however often it is looked at."""

from datetime import UTC, datetime, time, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError

from appointments import outbox, workflow
from appointments.models import AppointmentRequest, Message
from medspa.models import hours_before_a_visit
from tests import factories

NOON = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)  # Tuesday
VISIT = datetime(2026, 12, 8, 17, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
EIGHT = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)  # Wednesday, 8 am in Tucson

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(NOON, tick=False):
        yield


def rounds(at, times=2):
    with time_machine.travel(at, tick=False):
        for _ in range(times):
            workflow.make_rounds()


def steps(row):
    return list(row.messages.filter(kind="reminder").order_by("pk").values_list("step", flat=True))


def booked(**answers):
    return factories.booked(starts_at=VISIT, now=NOON, **answers)


# Reminders


def test_a_visit_is_reminded_of_48_and_3_hours_before_and_once_each():
    row = booked()
    rounds(VISIT - 49 * HOUR)
    assert steps(row) == []
    rounds(VISIT - 48 * HOUR)
    rounds(VISIT - 10 * HOUR)
    assert steps(row) == [48]
    rounds(VISIT - 3 * HOUR)
    rounds(VISIT - HOUR)
    rounds(VISIT + HOUR)
    assert steps(row) == [48, 3]
    assert "Tuesday, December 8 at 10 am" in row.messages.filter(kind="reminder").first().text


def test_the_clinic_says_when():
    factories.clinic(reminder_hours="24")
    row = booked()
    rounds(VISIT - 25 * HOUR)
    assert steps(row) == []
    rounds(VISIT - 24 * HOUR)
    assert steps(row) == [24]
    factories.clinic(reminder_hours="")
    other = factories.booked(starts_at=VISIT + HOUR, now=NOON)
    rounds(VISIT - HOUR)
    assert steps(other) == []


@pytest.mark.parametrize("hours", ["3, 48", "48, 48", "0", "-1", "x", "48,", "999999", "4.5"])
def test_hours_that_make_no_sense_are_refused(hours):
    with pytest.raises(ValidationError):
        hours_before_a_visit(hours)


def test_whoever_booked_within_the_two_days_is_reminded_three_hours_before_alone():
    row = factories.booked(starts_at=NOON + 20 * HOUR)
    rounds(NOON + HOUR)
    assert steps(row) == []
    rounds(NOON + 17 * HOUR)
    assert steps(row) == [3]


def test_a_visit_that_is_moved_is_reminded_of_anew():
    row = booked()
    rounds(VISIT - 47 * HOUR)
    row = AppointmentRequest.objects.get(pk=row.pk)
    later = {"provider": row.booked_appointment().provider, "starts_at": VISIT + 96 * HOUR, "minutes": 30}
    with time_machine.travel(VISIT - 46 * HOUR, tick=False):
        workflow.reschedule(row, by=row.claimed_by, seen=row.version, anyway=True, **later)
    rounds(VISIT + 48 * HOUR)
    assert steps(row) == [48, 48]


@pytest.mark.parametrize("move", ["cancel", "arrive"])
def test_nobody_is_reminded_of_a_visit_that_is_cancelled_or_has_come(move):
    row = booked()
    with time_machine.travel(VISIT - 4 * HOUR, tick=False):
        getattr(workflow, move)(row, by=row.claimed_by, seen=row.version)
    rounds(VISIT - 3 * HOUR)
    assert steps(row) == []


def test_after_an_outage_the_last_of_several_reminders_goes_alone():
    row = booked()
    rounds(VISIT - 2 * HOUR)
    assert steps(row) == [3]


def test_a_reminder_that_waits_for_the_mail_server_gives_way_to_later_news():
    row = booked()
    rounds(VISIT - 47 * HOUR)
    with time_machine.travel(VISIT - 46 * HOUR, tick=False):
        row = AppointmentRequest.objects.get(pk=row.pk)
        workflow.cancel(row, by=row.claimed_by, seen=row.version)
        assert row.messages.get(kind="reminder").state == "cancelled"


def test_whoever_has_a_telephone_alone_is_to_be_called_when_a_reminder_would_have_gone():
    row = booked(email="", contact_by="call")
    row = AppointmentRequest.objects.get(pk=row.pk)
    workflow.log_call(row, by=row.claimed_by, seen=row.version, reached="answered")
    rounds(VISIT - 48 * HOUR)
    row.refresh_from_db()
    assert row.to_tell_since == VISIT - 48 * HOUR
    assert not row.messages.filter(kind="reminder").exists()


# The apology


def test_a_late_answer_is_apologized_for_once_if_the_owner_wants_it():
    row = factories.appointment_request(now=NOON)
    rounds(row.respond_by + HOUR)
    assert not row.messages.filter(kind="late").exists()

    factories.clinic(apologizes_when_late=True)
    rounds(row.respond_by - timedelta(minutes=1))
    assert not row.messages.filter(kind="late").exists()
    rounds(row.respond_by + HOUR)
    row.refresh_from_db()
    workflow.claim(row, by=factories.receptionist(), seen=row.version)  # a version later, it is told all the same
    rounds(row.respond_by + 2 * HOUR)
    assert row.messages.filter(kind="late").count() == 1


@pytest.mark.parametrize("reached", ["answered", "no_answer"])
def test_whom_the_desk_has_tried_to_reach_gets_no_apology(reached):
    factories.clinic(apologizes_when_late=True)
    row = factories.appointment_request(now=NOON)
    workflow.log_call(row, by=factories.receptionist(), seen=1, reached=reached)
    rounds(row.next_action_at + HOUR)
    assert not row.messages.filter(kind="late").exists()


def test_nobody_is_told_of_a_lateness_of_days():
    factories.clinic(apologizes_when_late=True)
    row = factories.appointment_request(now=NOON)
    rounds(row.respond_by + 25 * HOUR)
    assert not row.messages.filter(kind="late").exists()


# The digest


def digests():
    return Message.objects.filter(kind="digest")


def test_the_desk_is_told_in_the_morning_how_much_waits_in_numbers_alone():
    row = factories.appointment_request(now=NOON, full_name="Canary")
    rounds(EIGHT - timedelta(minutes=1))
    assert not digests().exists()
    rounds(EIGHT)
    rounds(EIGHT + HOUR)
    message = digests().get()
    assert message.subject == "Waiting this morning: 1"
    assert "Late: 1." in message.text
    assert "to tell by phone" not in message.text
    assert row.reference not in message.text
    assert message.recipient == "front-desk@localhost"
    with time_machine.travel(EIGHT, tick=False):
        outbox.send_due()
    rounds(EIGHT + 24 * HOUR)
    assert digests().count() == 2


def test_no_digest_goes_when_nothing_waits_or_the_clinic_is_closed_or_the_morning_is_over():
    rounds(EIGHT) if factories.clinic() else None
    factories.appointment_request(now=NOON)
    rounds(EIGHT + 3 * HOUR)
    sunday = EIGHT + timedelta(days=4)
    rounds(sunday)
    clinic = factories.clinic()
    closure = clinic.closures.create(starts_on=EIGHT.date(), ends_on=EIGHT.date())
    rounds(EIGHT)
    assert not digests().exists()
    closure.delete()
    factories.clinic(morning_digest_at=None)
    rounds(EIGHT)
    assert not digests().exists()
    factories.clinic(morning_digest_at=time(9))
    rounds(EIGHT + HOUR)
    assert digests().count() == 1


# At the same moment


@pytest.mark.django_db(transaction=True)
def test_eight_senders_at_once_queue_everything_once(at_once):
    factories.clinic(apologizes_when_late=True)
    visits = [factories.booked(starts_at=EIGHT + (40 + number) * HOUR, now=NOON) for number in range(4)]
    late = factories.appointment_request(now=EIGHT - 16 * HOUR)
    with time_machine.travel(EIGHT + 30 * timedelta(minutes=1), tick=False):
        AppointmentRequest.objects.filter(pk=late.pk).update(next_action_at=EIGHT)
        type(visits[0].booked_appointment()).objects.update(agreed_at=NOON - 100 * HOUR)
        outcomes = at_once(lambda _: workflow.make_rounds(), range(8))
    assert outcomes == [None] * 8
    assert [steps(row) for row in visits] == [[48]] * 4
    assert late.messages.filter(kind="late").count() == 1
    assert digests().count() == 1
