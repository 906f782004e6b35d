"""Spam is filed, not thrown away; people are let through; a flood is bounded."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from appointments import gatekeeping, workflow
from appointments.models import AppointmentRequest, Arrival, Message
from tests import factories

pytestmark = pytest.mark.django_db

FORM = "/request-an-appointment/"


@pytest.fixture
def form(client, clinic, settings):
    settings.SUBMIT_LIMIT_PER_HOUR = 10
    factories.treatment(slug="peel")

    def send(**changes):
        answers = {
            "full_name": "Ana Ruiz",
            "phone": "520 555 0142",
            "email": "ana@example.com",
            "contact_by": "text",
            "treatment": "peel",
            "message": "",
            "opened": opened(60),
        }
        address = changes.pop("address", "198.51.100.7")
        headers = changes.pop("headers", {})
        return client.post(FORM, {**answers, **changes}, REMOTE_ADDR=address, headers=headers)

    return send


def opened(seconds_ago):
    import time

    from django.core import signing

    signer = signing.TimestampSigner(salt=gatekeeping.SALT)
    signer.timestamp = lambda: signing.b62_encode(int(time.time()) - seconds_ago)
    return signer.sign("")


def stored():
    return AppointmentRequest.objects.latest("pk")


def test_a_person_who_takes_a_minute_waits_for_an_answer(form):
    form()
    row = stored()
    assert (row.status, row.arrival.score) == ("new", 0)
    assert {message.kind for message in row.messages.all()} == {"received", "desk_notice"}


def test_the_form_carries_when_it_was_opened_and_the_trap_is_out_of_sight(client, clinic):
    page = client.get(FORM).content.decode()
    assert 'name="opened"' in page
    assert 'name="website" tabindex="-1" autocomplete="off"' in page
    assert gatekeeping.seconds_since(gatekeeping.opened_now()) < 5


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"website": "https://example.com"}, "filled in what cannot be seen"),
        ({"opened": "", "message": "Buy https://a.example and https://b.example"}, None),
        ({"opened": "0", "website": "x"}, "no sign of the form"),
    ],
)
def test_what_a_person_hardly_does_counts(form, changes, reason):
    form(**changes)
    row = stored()
    if reason:
        assert reason in row.arrival.reasons
        assert (row.status, row.closed_reason) == ("closed", "spam")
    else:
        assert (row.status, row.arrival.score) == ("new", 2)


def test_one_sign_alone_files_nobody(form):
    form(opened=opened(0))  # a password manager fills in fast
    assert stored().status == "new"
    form(opened="")  # an old browser
    assert stored().status == "new"


def test_a_sign_of_the_form_cannot_be_made_up(form):
    for forged in ("", "x", "1:2:3", opened(60)[:-2], "\x00", "é" * 500):
        form(opened=forged)
        assert "no sign of the form" in stored().arrival.reasons


def test_spam_mails_nobody_waits_for_nobody_and_is_stored_whole(form):
    answer = form(website="x", message="Words typed by somebody", full_name="Zoë")
    row = stored()
    assert answer.status_code == 303
    assert (row.message, row.full_name, row.next_action_at) == ("Words typed by somebody", "Zoë", None)
    assert not Message.objects.exists()
    assert row.events.get().details == "Filed as spam: filled in what cannot be seen"


def test_the_patient_is_told_truthfully(form, client):
    answer = form(website="x")
    page = client.get(answer["Location"]).content.decode()
    assert "our front desk checks it first" in page
    assert "This request is closed" not in page
    assert stored().reference in page


def test_one_press_brings_it_back_and_the_receipt_goes(form, client, receptionist):
    form(website="x")
    row = stored()
    client.force_login(receptionist)
    listed = client.get(reverse("admin:appointments_appointmentrequest_changelist"), {"state": "spam"}).content.decode()
    assert row.reference in listed or row.full_name in listed
    page = client.get(reverse("admin:appointments_appointmentrequest_change", args=[row.pk])).content.decode()
    assert "Not spam: bring it back" in page
    move = reverse("admin:appointments_appointmentrequest_move", args=[row.pk, "not_spam"])
    assert client.post(move, {"seen": row.version}).status_code == 303
    row.refresh_from_db()
    assert (row.status, row.closed_reason, row.ended_at) == ("new", "", None)
    assert row.next_action_at == row.respond_by
    assert row.next_action_at > timezone.now()
    assert [message.kind for message in row.messages.all()] == ["received"]


def test_what_the_desk_called_spam_comes_back_without_a_second_receipt(clinic, receptionist):
    row = factories.appointment_request()
    workflow.close(row, by=receptionist, seen=1, reason="spam")
    workflow.not_spam(row, by=receptionist, seen=2)
    assert row.messages.filter(kind="received").count() == 1
    assert row.is_waiting


def test_only_spam_can_be_brought_back_so(clinic, receptionist):
    row = factories.appointment_request()
    workflow.close(row, by=receptionist, seen=1, reason="other")
    with pytest.raises(workflow.MoveNotAllowed):
        workflow.not_spam(row, by=receptionist, seen=2)


def test_ten_an_hour_from_one_address_and_more_are_filed(form):
    for number in range(12):
        form(full_name=f"Person {number}", phone=f"520 555 01{number:02}")
    statuses = list(AppointmentRequest.objects.order_by("pk").values_list("status", flat=True))
    assert statuses == ["new"] * 10 + ["closed"] * 2
    form(address="198.51.100.8", phone="520 555 0190")
    assert stored().status == "new"


def test_the_budget_cannot_be_stretched_by_a_header(form):
    for number in range(11):
        headers = {"X-Forwarded-For": f"10.0.0.{number}", "X-Real-IP": f"10.0.0.{number}", "Forwarded": "for=1.2.3.4"}
        form(phone=f"520 555 01{number:02}", headers=headers)
    assert stored().status == "closed"
    assert set(Arrival.objects.values_list("address", flat=True)) == {"198.51.100.7"}


def test_behind_a_trusted_proxy_each_patient_has_their_own(form, settings):
    settings.TRUSTED_PROXIES = ["198.51.100.0/24"]
    for number in range(11):
        form(phone=f"520 555 01{number:02}", headers={"X-Forwarded-For": f"6.6.6.6, 203.0.113.{number}"})
    assert AppointmentRequest.objects.filter(status="new").count() == 11


def test_a_home_with_many_ipv6_addresses_has_one_budget(form):
    for number in range(11):
        form(phone=f"520 555 01{number:02}", address=f"2001:db8:1:2::{number + 1}")
    assert stored().status == "closed"


def test_the_setting_raises_it(form, settings):
    settings.SUBMIT_LIMIT_PER_HOUR = 20
    for number in range(12):
        form(phone=f"520 555 01{number:02}")
    assert stored().status == "new"


def test_an_hour_later_the_budget_is_whole_again(form):
    for number in range(10):
        form(phone=f"520 555 01{number:02}")
    Arrival.objects.update(at=timezone.now() - timedelta(minutes=61))
    form(phone="520 555 0199")
    assert stored().status == "new"


def test_the_same_words_in_haste_are_filed_and_a_family_is_not(form):
    words = "We are two sisters and would like to come on the same day"
    form(message=words)
    form(message=words, full_name="Bea Ruiz", email="bea@example.com")
    assert (stored().status, stored().arrival.score) == ("new", 0)
    form(message=words.upper() + "!!", opened=opened(0), full_name="Bot", address="203.0.113.1")
    assert (stored().status, stored().arrival.score) == ("closed", 3)


def test_one_telephone_many_times_counts_however_it_is_written(form):
    written = ("520 555 0142", "(520) 555-0142", "+1 520 555 0142", "5205550142")
    for number in range(10):
        form(phone=written[number % 4], address=f"203.0.113.{number}")
    assert stored().status == "new"
    form(phone="520.555.0142", address="203.0.113.99")
    assert (stored().status, stored().arrival.reasons) == ("closed", "many with one telephone")


def test_a_flood_is_turned_away_with_its_words_and_the_telephone(form, settings):
    settings.SUBMIT_LIMIT_PER_HOUR = 1
    for number in range(10):
        form(phone=f"520 555 01{number:02}")
    before = AppointmentRequest.objects.count()
    answer = form(message="My words", full_name="Zoë")
    page = answer.content.decode()
    assert answer.status_code == 429
    assert AppointmentRequest.objects.count() == before
    assert "My words" in page
    assert "Zoë" in page
    assert "(520) 555-0142" in page


def test_spam_from_all_the_world_is_bounded_and_people_still_get_through(form, monkeypatch):
    monkeypatch.setattr(gatekeeping, "MOST_SPAM", 3)
    for number in range(5):
        form(website="x", address=f"203.0.113.{number}", phone=f"520 555 01{number:02}")
    assert AppointmentRequest.objects.count() == 3
    form(address="203.0.113.99", phone="520 555 0199")
    assert stored().status == "new"


def test_the_queue_and_the_banner_know_nothing_of_spam(form, client, receptionist):
    for number in range(4):
        form(website="x", phone=f"520 555 01{number:02}")
    client.force_login(receptionist)
    standing = AppointmentRequest.objects.standing(timezone.now(), receptionist)
    assert (standing.to_answer, standing.spam) == (0, 4)
    assert client.get(reverse("admin:appointments_appointmentrequest_changelist")).context_data["cl"].result_count == 0


def test_the_same_form_sent_twice_is_one_arrival(form):
    token = "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"
    form(form_token=token)
    form(form_token=token)
    assert AppointmentRequest.objects.count() == Arrival.objects.count() == 1


def test_what_the_desk_takes_by_telephone_is_not_judged(clinic, receptionist):
    row = factories.appointment_request(by=receptionist, source="phone")
    assert not Arrival.objects.filter(appointment_request=row).exists()


@pytest.mark.django_db(transaction=True)
def test_of_forms_that_one_address_sends_at_once_its_budget_is_stored_and_no_more(at_once, settings):
    settings.SUBMIT_LIMIT_PER_HOUR = 3
    factories.clinic()
    factories.treatment(slug="peel")

    def send(number):
        answers = {"full_name": f"Ana {number}", "phone": f"520 555 01{number:02}", "contact_by": "text"}
        answers |= {"treatment": "peel", "opened": opened(60)}
        return Client().post(FORM, answers, REMOTE_ADDR="198.51.100.7").status_code

    assert at_once(send, range(8)) == [303] * 8
    statuses = list(AppointmentRequest.objects.values_list("status", flat=True))
    assert sorted(statuses) == ["closed"] * 5 + ["new"] * 3
