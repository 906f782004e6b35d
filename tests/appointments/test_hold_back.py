"""A mail about a visit waits a few minutes, in which the desk may hold it back."""

import re
import time
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.core import mail

from appointments import outbox, workflow
from appointments.models import AppointmentRequest, Message
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"
VISIT = {"day": "2026-12-08", "time": "09:00", "minutes": "30"}
NOON = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday_noon")]


@pytest.fixture
def clinic(db):
    return factories.clinic(hold_mail_minutes=3)


@pytest.fixture
def booked(clinic, receptionist):
    return factories.booked(by=receptionist, email="ana@example.com")


def page_of(row) -> str:
    return f"{QUEUE}{row.pk}/change/"


def words(answer) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def press(desk, row, name, **answers):
    return desk.post(f"{QUEUE}{row.pk}/move/{name}/", {"seen": row.version, **answers}, follow=True)


def news(row) -> Message:
    return row.messages.get(kind__in=Message.BY_A_MOVE)


def mailed() -> list[str]:
    outbox.send_due()
    return [sent.subject.split(" (")[0] for sent in mail.outbox if sent.to == ["ana@example.com"]]


def test_the_receipt_goes_at_once_and_news_of_the_visit_three_minutes_later(booked):
    assert mailed() == [f"We have your request {booked.reference}"]
    assert len(mail.outbox) == 2  # the desk's notice too
    with time_machine.travel(NOON + timedelta(minutes=2, seconds=50)):
        assert len(mailed()) == 1
    with time_machine.travel(NOON + timedelta(minutes=3, seconds=10)):
        assert mailed()[1:] == ["Your visit is booked"]


@pytest.mark.parametrize("minutes", [0, 1, 60])
def test_the_clinic_says_how_long_a_mail_waits(minutes, receptionist):
    factories.clinic(hold_mail_minutes=minutes)
    row = factories.booked(by=receptionist)
    assert news(row).due_at.replace(second=0, microsecond=0) == NOON + timedelta(minutes=minutes)


def test_longer_than_an_hour_is_refused(clinic):
    clinic.hold_mail_minutes = 61
    with pytest.raises(Exception, match="less than or equal to 60"):
        clinic.full_clean()


def test_each_move_that_mails_waits(clinic, receptionist):
    row = factories.booked(by=receptionist)
    later = {"provider": factories.provider(), "starts_at": datetime(2030, 1, 9, 17, 0, tzinfo=UTC), "minutes": 30}
    workflow.reschedule(row, by=receptionist, seen=2, **later)
    workflow.cancel(row, by=receptionist, seen=3)
    workflow.book(row, by=receptionist, seen=4, **later)
    workflow.close(row, by=receptionist, seen=5, reason="patient_declined")
    waits = {kept.kind: kept.due_at - kept.created_at for kept in row.messages.filter(kind__in=Message.BY_A_MOVE)}
    assert set(waits) == {"booked", "rescheduled", "cancelled"}
    assert all(timedelta(minutes=2, seconds=59) < wait <= timedelta(minutes=3) for wait in waits.values())


def test_the_page_says_when_the_mail_goes_and_one_press_holds_it_back(desk, receptionist):
    row = factories.appointment_request(email="ana@example.com")
    assert "It waits 3 minutes, so that you can hold it back." in words(desk.get(f"{QUEUE}{row.pk}/move/book/"))

    told = words(press(desk, row, "book", provider=factories.provider().pk, **VISIT))
    assert "The patient is told by e-mail. The mail goes at 12:03 pm; until then you can hold it back." in told
    assert "Appointment to the patient goes at 12:03 pm" in told

    row.refresh_from_db()
    told = words(press(desk, row, "hold_back", message=news(row).pk))
    assert "Mail held back: Appointment to the patient. The patient has NOT been told." in told
    assert "The patient has NOT been told. Held back: Appointment to the patient" in told
    assert "Mail: Appointment to the patient held back" in told
    assert "goes at" not in told
    row.refresh_from_db()
    event = row.events.moves().last()
    assert (event.kind, event.by, event.version) == ("held", receptionist, row.version)
    with time_machine.travel(NOON + timedelta(days=1)):
        assert mailed() == [f"We have your request {row.reference}"]


def test_what_was_held_back_goes_after_all_by_one_press(desk, booked):
    workflow.hold_back(booked, by=factories.receptionist(), seen=2, message=news(booked).pk)

    told = words(press(desk, booked, "send_after_all", message=news(booked).pk))

    assert "Mail sent after all: Appointment to the patient. The patient is told by e-mail now." in told
    assert booked.events.moves().last().kind == "sent_anyway"
    assert mailed()[1:] == ["Your visit is booked"]
    assert news(booked).state == "sent"
    assert "Send after all" not in words(desk.get(page_of(booked)))


def test_a_mail_that_has_been_sent_is_not_held_back(desk, booked):
    with time_machine.travel(NOON + timedelta(minutes=4)):
        desk.force_login(booked.claimed_by)
        assert "Your visit is booked" in mailed()
        told = words(press(desk, booked, "hold_back", message=news(booked).pk))
    assert "Nothing was changed. It has been sent already." in told
    booked.refresh_from_db()
    assert (booked.version, booked.events.moves().count(), news(booked).state) == (2, 2, "sent")


def test_a_mail_in_a_workers_hand_is_not_held_back(booked, receptionist):
    waiting = news(booked)
    assert outbox._claim(waiting.pk, waiting.due_at, NOON + timedelta(minutes=4))
    with pytest.raises(workflow.MoveNotAllowed, match=r"It has been sent already\."):
        workflow.hold_back(booked, by=receptionist, seen=2, message=waiting.pk)


def test_a_mail_that_is_due_and_waits_for_a_worker_can_still_be_held_back(desk, booked):
    with time_machine.travel(NOON + timedelta(minutes=30)):
        desk.force_login(booked.claimed_by)
        assert "Appointment to the patient goes now" in words(desk.get(page_of(booked)))
        press(desk, booked, "hold_back", message=news(booked).pk)
        assert mailed() == [f"We have your request {booked.reference}"]


def test_whoever_acted_on_the_request_meanwhile_does_not_stand_in_the_way(booked):
    eva = factories.receptionist()
    workflow.claim(AppointmentRequest.objects.get(pk=booked.pk), by=eva, seen=2)
    workflow.hold_back(booked, by=eva, seen=2, message=news(booked).pk)
    assert (news(booked).state, booked.version) == ("held back", 4)


@pytest.mark.parametrize("kind", ["received", "desk_notice"])
def test_neither_the_receipt_nor_the_notice_to_the_desk_is_held_back(booked, receptionist, kind):
    with pytest.raises(workflow.MoveNotAllowed, match="no such mail"):
        workflow.hold_back(booked, by=receptionist, seen=2, message=booked.messages.get(kind=kind).pk)


def test_the_mail_of_another_request_is_not_held_back(booked, receptionist):
    other = factories.booked(by=receptionist)
    with pytest.raises(workflow.MoveNotAllowed, match="no such mail"):
        workflow.hold_back(booked, by=receptionist, seen=2, message=news(other).pk)
    assert news(other).state == "queued"


def test_newer_news_takes_the_place_of_what_was_held_back(booked, receptionist):
    held = news(booked)
    workflow.hold_back(booked, by=receptionist, seen=2, message=held.pk)
    workflow.cancel(booked, by=receptionist, seen=3)
    held.refresh_from_db()
    assert held.state == "cancelled"
    with pytest.raises(workflow.MoveNotAllowed, match="later news took its place"):
        workflow.send_after_all(booked, by=receptionist, seen=4, message=held.pk)


def test_a_reply_that_is_held_back_was_no_answer(clinic, receptionist):
    row = factories.appointment_request(email="ana@example.com")
    workflow.write(row, by=receptionist, seen=1, subject="Your request", text="Please call us.")
    answered = row.first_response_at
    assert answered is not None
    assert row.next_action_at > answered

    workflow.hold_back(row, by=receptionist, seen=row.version, message=news(row).pk)
    assert row.first_response_at is None
    assert AppointmentRequest.objects.to_call_now(NOON + timedelta(minutes=1)).get() == row

    workflow.send_after_all(row, by=receptionist, seen=row.version, message=news(row).pk)
    assert row.first_response_at is not None
    assert not AppointmentRequest.objects.to_call_now(NOON + timedelta(minutes=1)).exists()


def test_an_answer_given_before_a_reply_that_is_held_back_stays(clinic, receptionist):
    row = factories.appointment_request(email="ana@example.com")
    workflow.log_call(row, by=receptionist, seen=1, reached="answered")
    talked = row.first_response_at
    workflow.write(row, by=receptionist, seen=row.version, subject="Your request", text="As we said.")
    workflow.hold_back(row, by=receptionist, seen=row.version, message=news(row).pk)
    assert row.first_response_at == talked


def test_what_is_held_back_already_is_not_held_back_twice(booked, receptionist):
    workflow.hold_back(booked, by=receptionist, seen=2, message=news(booked).pk)
    with pytest.raises(workflow.MoveNotAllowed, match="held back already"):
        workflow.hold_back(booked, by=receptionist, seen=3, message=news(booked).pk)
    assert booked.events.filter(kind="held").count() == 1


def test_the_mail_about_a_closed_request_is_held_back_too(booked, receptionist):
    workflow.close(booked, by=receptionist, seen=2, reason="patient_declined")
    workflow.hold_back(booked, by=receptionist, seen=3, message=booked.messages.get(kind="cancelled").pk)
    assert booked.messages.get(kind="cancelled").state == "held back"


def test_without_the_mails_key_nothing_is_done(desk, booked):
    answer = press(desk, booked, "hold_back")
    assert answer.status_code == 422
    assert "Press the button beside the mail" in words(answer)
    assert news(booked).state == "queued"


def test_the_moves_own_address_leads_to_the_page_with_the_button(desk, booked):
    assert desk.get(f"{QUEUE}{booked.pk}/move/hold_back/").headers["Location"] == page_of(booked)
    back = desk.get(f"{QUEUE}{booked.pk}/move/send_after_all/", follow=True)
    assert "“Send after all” is not possible" in words(back)
    assert news(booked).state == "queued"


def test_staff_who_may_only_look_see_when_it_goes_and_no_button(client, booked):
    client.force_login(factories.user("appointments.view_appointmentrequest", "appointments.view_message"))
    page = client.get(page_of(booked))
    assert "goes at 12:03 pm" in words(page)
    assert "Hold back" not in words(page)
    assert press(client, booked, "hold_back", message=news(booked).pk).status_code == 403
    assert news(booked).state == "queued"


def test_staff_who_may_not_see_mails_are_told_nothing_of_them(client, booked):
    client.force_login(factories.user("appointments.view_appointmentrequest"))
    assert "goes at" not in words(client.get(page_of(booked)))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("_round", range(5))
def test_of_a_worker_and_the_desk_exactly_one_gets_the_mail(at_once, receptionist, monkeypatch, _round):
    """Four workers would send it while four people hold it back: it is sent once, or held back once."""
    factories.clinic(hold_mail_minutes=0)
    row = factories.booked(by=receptionist, email="ana@example.com")
    key, as_email = news(row).pk, outbox._as_email

    def slowly(message):
        time.sleep(0.1)  # claimed and not yet sent
        return as_email(message)

    monkeypatch.setattr(outbox, "_as_email", slowly)

    def act(person):
        if person is None:
            return outbox.send_due()
        return workflow.hold_back(AppointmentRequest.objects.get(pk=row.pk), by=person, seen=2, message=key)

    staff = [factories.receptionist() for _ in range(4)]
    outcomes = at_once(act, [actor for person in staff for actor in (None, person)])

    told = [sent for sent in mail.outbox if "is booked" in sent.subject]
    held = row.events.filter(kind="held").count()
    assert len(told) + held == 1
    assert news(row).state == ("sent" if told else "held back")
    refused = [outcome for outcome in outcomes if isinstance(outcome, workflow.MoveNotAllowed)]
    assert len(refused) == 4 - held
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception) and outcome not in refused]
