"""Several people at once: one succeeds, nothing is doubled, and the others are told."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from appointments import outbox, workflow
from appointments.models import Appointment, AppointmentRequest, Event, Message
from appointments.scheduling import SlotTaken
from tests import factories

NINE = datetime(2030, 1, 8, 16, 0, tzinfo=UTC)
pytestmark = pytest.mark.django_db(transaction=True)


def test_the_same_form_sent_eight_times_at_once_is_one_request(at_once):
    factories.clinic()
    form = factories.form_answers(treatment="unsure", message=None)

    answers = at_once(lambda client: client.post(reverse("appointments:request_form"), form), [Client()] * 8)

    assert [answer.status_code for answer in answers] == [303] * 8
    assert len({answer["Location"] for answer in answers}) == 1
    only = AppointmentRequest.objects.get()
    assert (only.events.count(), only.messages.count(), only.preferred_times.count()) == (1, 2, 2)


def test_a_reference_that_somebody_has_is_drawn_again(monkeypatch):
    drawn = iter(["ABC-1234", "ABC-1234", "ABC-1235"])
    monkeypatch.setattr("appointments.workflow.receiving.new_reference", lambda: next(drawn))

    rows = [factories.appointment_request() for _ in range(2)]

    assert [row.reference for row in rows] == ["ABC-1234", "ABC-1235"]
    assert [row.messages.count() for row in AppointmentRequest.objects.all()] == [2, 2]


def test_eight_staff_who_press_book_at_once_make_one_event_and_one_mail(at_once):
    waiting, room = factories.appointment_request(), factories.provider()
    staff = [factories.receptionist() for _ in range(8)]

    def press(person):
        seen_by_them = AppointmentRequest.objects.get(pk=waiting.pk)
        workflow.book(seen_by_them, by=person, seen=1, provider=room, starts_at=NINE, minutes=30)

    outcomes = at_once(press, staff)

    refused = [outcome for outcome in outcomes if outcome is not None]
    assert [type(outcome) for outcome in refused] == [workflow.MoveNotAllowed] * 7
    winner = Event.objects.get(kind="booked").by
    assert all(winner.username in str(outcome) and "Booked" in str(outcome) for outcome in refused)
    assert Message.objects.filter(kind="booked").count() == 1
    assert Appointment.objects.count() == 1


def test_eight_staff_who_claim_at_once_leave_one_owner_and_one_event(at_once):
    waiting = factories.appointment_request()

    def press(person):
        workflow.claim(AppointmentRequest.objects.get(pk=waiting.pk), by=person, seen=1)

    outcomes = at_once(press, [factories.receptionist() for _ in range(8)])

    assert outcomes.count(None) == 1
    waiting.refresh_from_db()
    assert waiting.claimed_by == Event.objects.get(kind="claimed").by
    assert waiting.version == 2


def test_twelve_who_want_one_slot_leave_one_appointment(at_once):
    person, room = factories.receptionist(), factories.provider()
    waiting = [factories.appointment_request() for _ in range(12)]

    def book(row):
        workflow.book(row, by=person, seen=1, provider=room, starts_at=NINE, minutes=30)

    outcomes = at_once(book, waiting)

    assert outcomes.count(None) == 1
    assert [type(outcome) for outcome in outcomes if outcome] == [SlotTaken] * 11
    taken = Appointment.objects.get()
    assert all(outcome.other == taken for outcome in outcomes if outcome)
    assert AppointmentRequest.objects.filter(status="new", version=1).count() == 11


def test_two_visits_swapped_into_each_others_time_never_overlap(at_once):
    person, room = factories.receptionist(), factories.provider()
    rows = [factories.appointment_request() for _ in range(2)]
    for hour, row in zip((16, 17), rows, strict=True):
        workflow.book(row, by=person, seen=1, provider=room, starts_at=NINE.replace(hour=hour), minutes=60)

    def swap(pair):
        row, hour = pair
        workflow.reschedule(
            row, by=person, seen=2, provider=room, starts_at=NINE.replace(hour=hour, minute=30), minutes=60
        )

    at_once(swap, [(rows[0], 16), (rows[1], 15)])

    first, second = Appointment.objects.order_by("starts_at")
    assert first.ends_at <= second.starts_at


def test_eight_workers_on_one_outbox_send_each_message_once(at_once, settings, tmp_path):
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    for _ in range(10):
        factories.appointment_request()

    outcomes = at_once(lambda _worker: outbox.send_due(), range(8))

    assert sum(outcomes) == 20
    sent = "".join(file.read_text() for file in tmp_path.iterdir())
    ids = [line for line in sent.splitlines() if line.startswith("Message-ID:")]
    assert len(ids) == len(set(ids)) == 20
    assert not Message.objects.unsent().exists()
