"""The machine's clock steps forward and back, by hours and by years: nothing is sent twice, lost or stuck for long."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.test import Client
from django.utils import timezone

from appointments import outbox, workflow
from appointments.management.commands import send_messages
from appointments.models import AppointmentRequest, Event, Message
from medspa.doors import LockedOut, try_once
from medspa.models import Attempt
from medspa.staff_site import sessions
from tests import factories
from treatments import exported_pages
from treatments.models import Treatment

NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)  # Tuesday noon in Tucson
HOUR, DAY, YEARS = timedelta(hours=1), timedelta(days=1), timedelta(days=4 * 365)
GOOD = "tall-green-saguaro"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clinic(db):
    return factories.clinic(morning_digest_at=None)


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


# Mail


@pytest.mark.parametrize("ahead", [2 * HOUR, 3 * DAY, YEARS])
def test_a_mail_that_was_written_while_the_clock_was_ahead_goes_at_the_next_round(clock, ahead, mailoutbox):
    clock.shift(ahead)
    factories.appointment_request()
    clock.shift(-ahead)
    assert outbox.send_due() == 0

    workflow.make_rounds()
    assert outbox.send_due() == 2
    assert outbox.send_due() == 0
    assert len(mailoutbox) == 2


@pytest.mark.parametrize(
    "steps", [[YEARS, -YEARS], [-YEARS, YEARS], [HOUR, -2 * HOUR, HOUR], [-DAY, 3 * DAY, -2 * DAY]]
)
def test_whatever_the_clock_does_each_mail_goes_once(clock, steps, mailoutbox):
    for step in steps:
        factories.appointment_request()
        workflow.make_rounds()
        outbox.send_due()
        clock.shift(step)
        workflow.make_rounds()
        outbox.send_due()
    workflow.make_rounds()
    outbox.send_due()
    ids = [mail.extra_headers["Message-ID"] for mail in mailoutbox]
    assert len(ids) == len(set(ids)) == 2 * len(steps) == Message.objects.filter(sent_at__isnull=False).count()


@pytest.mark.parametrize("ahead", [HOUR, YEARS])
def test_what_a_sender_had_in_hand_when_it_died_waits_for_one_claim_and_no_longer(clock, ahead):
    clock.shift(ahead)
    factories.appointment_request()
    for pk, seen in Message.objects.values_list("pk", "due_at"):
        assert outbox._claim(pk, seen, timezone.now())
    clock.shift(-ahead)

    workflow.make_rounds()
    assert outbox.send_due() == 0  # a sender that lives would still have it in hand
    clock.shift(outbox.CLAIM + timedelta(seconds=1))
    workflow.make_rounds()
    assert outbox.send_due() == 2


def test_what_was_put_off_while_the_clock_was_ahead_is_tried_again(clock, settings):
    settings.EMAIL_BACKEND = "no.such.Backend"
    factories.appointment_request()
    clock.shift(YEARS)
    Message.objects.update(attempts=3, error="452 later", due_at=timezone.now() + HOUR, queued_at=timezone.now())
    clock.shift(-YEARS)
    workflow.make_rounds()
    assert Message.objects.due(timezone.now()).count() == 2


def test_what_waits_as_it_should_is_left_alone(clock):
    """A claim, a mail that the desk may still hold back, and one that is put off for a day."""
    factories.appointment_request()
    factories.appointment_request()
    claimed, held, put_off, _other = Message.objects.all()
    later = {claimed.pk: outbox.CLAIM, held.pk: HOUR, put_off.pk: DAY}
    Message.objects.filter(pk=claimed.pk).update(sending_since=NOW, attempts=1)
    Message.objects.filter(pk=put_off.pk).update(attempts=7, error="452 mailbox full")
    for pk, wait in later.items():
        Message.objects.filter(pk=pk).update(due_at=NOW + wait)
    workflow.make_rounds()
    assert {pk: due_at - NOW for pk, due_at in Message.objects.values_list("pk", "due_at") if pk in later} == later


# The desk's clock


@pytest.mark.parametrize("ahead", [DAY, YEARS])
def test_a_request_that_came_in_while_the_clock_was_ahead_is_called_today(clock, ahead, clinic):
    clock.shift(ahead)
    row = factories.appointment_request()
    clock.shift(-ahead)
    workflow.make_rounds()

    row.refresh_from_db()
    assert row.created_at == NOW
    assert NOW < row.next_action_at == row.respond_by <= NOW + timedelta(minutes=clinic.response_target_minutes)
    clock.shift(DAY)
    assert row in AppointmentRequest.objects.to_call_now(timezone.now())
    call_command("check_integrity")


def test_a_call_that_was_put_off_by_years_and_news_of_years_to_come_are_due_now(clock, clinic):
    row = factories.appointment_request(email="")
    AppointmentRequest.objects.update(next_action_at=NOW + YEARS, to_tell_since=NOW + YEARS)
    workflow.make_rounds()
    row.refresh_from_db()
    assert row.next_action_at <= NOW + timedelta(minutes=clinic.response_target_minutes)
    assert row in AppointmentRequest.objects.to_tell(NOW)


def test_requests_of_a_clock_that_is_right_keep_their_times(clock):
    row = factories.appointment_request()
    before = AppointmentRequest.objects.values().get(pk=row.pk)
    clock.shift(-timedelta(minutes=2))  # as two machines differ
    workflow.make_rounds()
    assert AppointmentRequest.objects.values().get(pk=row.pk) == before


def test_forms_that_came_in_while_the_clock_was_ahead_use_up_nobodys_budget_for_years(clock, settings, client):
    settings.SUBMIT_LIMIT_PER_HOUR = 3
    form = {"full_name": "Ana", "phone": "520 555 0100", "contact_by": "text"}
    clock.shift(YEARS)
    for _ in range(4):
        client.post("/request-an-appointment/", form)
    assert AppointmentRequest.objects.spam().count() == 1
    clock.shift(-YEARS)
    workflow.make_rounds()
    clock.shift(HOUR + timedelta(seconds=1))
    client.post("/request-an-appointment/", form)
    assert AppointmentRequest.objects.spam().count() == 1
    assert AppointmentRequest.objects.count() == 5


def test_the_log_keeps_its_order_whatever_the_clock_said(clock):
    for step in (YEARS, -YEARS, -DAY, DAY):
        factories.appointment_request()
        clock.shift(step)
    told = list(Event.objects.in_order().values_list("position", flat=True))
    assert told == sorted(told)
    call_command("check_integrity")


# Letting go


def test_a_clock_that_is_years_ahead_lets_go_of_nothing_by_itself(clock, receptionist, caplog):
    row = factories.appointment_request()
    workflow.close(row, by=receptionist, seen=row.version, reason="patient_declined", note="")
    clock.shift(2 * YEARS)
    factories.appointment_request()  # somebody comes by while the clock is wrong
    assert send_messages.let_go_of_some() == 0
    assert "Is the clock right?" in caplog.text
    assert AppointmentRequest.objects.filter(erased_at=None).count() == 2


def test_a_site_that_has_lived_through_the_years_lets_go(clock, receptionist):
    row = factories.appointment_request()
    workflow.close(row, by=receptionist, seen=row.version, reason="patient_declined", note="")
    for _ in range(2):
        clock.shift(YEARS)
        factories.appointment_request()
    clock.shift(2 * DAY)
    assert send_messages.let_go_of_some() == 1
    row.refresh_from_db()
    assert row.erased_at


# The door


def test_tries_of_a_clock_that_was_ahead_lock_nobody_out_for_years(clock):
    clock.shift(YEARS)
    for _ in range(5):
        try_once("ana", "203.0.113.1")
    with pytest.raises(LockedOut):
        try_once("ana", "203.0.113.1")
    clock.shift(-YEARS)
    assert try_once("ana", "203.0.113.1")
    assert Attempt.objects.stale(timezone.now()).count() == 5


def test_a_clock_that_is_set_back_by_minutes_opens_no_further_tries(clock):
    for _ in range(5):
        try_once("ana", "203.0.113.1")
    clock.shift(-timedelta(minutes=10))
    with pytest.raises(LockedOut):
        try_once("ana", "203.0.113.1")


@pytest.fixture
def desk(clock):
    factories.receptionist(username="ana", password=GOOD)
    return come_in(Client())


def come_in(client):
    client.post("/admin/login/", {"username": "ana", "password": GOOD})
    return client


@pytest.mark.parametrize("ahead", [HOUR, YEARS])
def test_a_session_of_the_future_has_ended_and_one_comes_in_again_at_once(clock, desk, ahead):
    clock.shift(-ahead)
    assert desk.get("/admin/").status_code == 302
    assert come_in(desk).get("/admin/").status_code == 200
    clock.shift(timedelta(minutes=16))
    assert desk.get("/admin/").status_code == 302


def test_a_clock_that_jumps_ahead_signs_out_and_one_comes_in_again_at_once(clock, desk):
    clock.shift(YEARS)
    assert desk.get("/admin/").status_code == 302
    assert come_in(desk).get("/admin/").status_code == 200


def test_a_clock_that_is_set_back_by_a_minute_signs_nobody_out_and_lengthens_nothing(clock, desk):
    clock.shift(-timedelta(minutes=1))
    assert desk.get("/admin/").status_code == 200
    clock.shift(timedelta(minutes=15, seconds=1))
    assert desk.get("/admin/").status_code == 302


def test_a_password_given_in_the_future_proves_nothing_now(clock):
    proved = SimpleNamespace(session={"proved_at": (NOW + YEARS).timestamp()})
    assert not sessions.has_just_proved(proved)
    clock.shift(YEARS)
    assert sessions.has_just_proved(proved)


# Pages


def test_exported_pages_of_a_clock_that_was_ahead_are_written_anew(clock, tmp_path, monkeypatch):
    monkeypatch.setattr("django.core.signals.request_started.receivers", [])
    monkeypatch.setattr("django.core.signals.request_finished.receivers", [])
    coming = factories.treatment(slug="coming", name="Coming later")
    Treatment.objects.filter(pk=coming.pk).update(publish_at=NOW + DAY)
    page = tmp_path / "pages/treatments/coming/index.html"
    clock.shift(YEARS)
    ahead = exported_pages.export(get_wsgi_application(), tmp_path)
    assert page.exists()
    clock.shift(-YEARS)
    assert not exported_pages.is_fresh(ahead, timezone.now())
    exported_pages.export(get_wsgi_application(), tmp_path)
    assert not page.exists()
