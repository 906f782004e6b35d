"""Mail that can be watched: its life, the server's words, sending again, the banner; and the words that are sent."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.core.management import call_command
from django.utils import timezone

from appointments import outbox, workflow
from appointments.models import MailWording, Message
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"
OUTBOX = "/admin/appointments/message/"
WORDINGS = "/admin/appointments/mailwording/"
BANNER = "Mail does not get through"

pytestmark = pytest.mark.django_db


def words(answer) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def fail(message, **more):
    facts = {"given_up_at": timezone.now(), "attempts": 3, "error": "550 nobody lives here", **more}
    Message.objects.filter(pk=message.pk).update(**facts)


@pytest.fixture
def owner(client, clinic):
    call_command("open_clinic", no_owner=True, verbosity=0)
    client.force_login(factories.user(group="Owner"))
    return client


def test_what_failed_is_shown_with_the_servers_words_and_sent_again_by_one_press(desk):
    row = factories.appointment_request(email="ana@example.com")
    receipt = row.messages.get(kind="received")
    fail(receipt)
    page = words(desk.get(f"{QUEUE}{row.pk}/change/"))
    assert "Receipt to the patient: failed. 3 tries. The mail server said: 550 nobody lives here" in page
    assert "550 nobody lives here" in words(desk.get(OUTBOX))

    told = desk.post(f"{QUEUE}{row.pk}/move/send_again/", {"seen": 1, "message": receipt.pk}, follow=True)

    assert "Mail sent again: Receipt to the patient. It is tried now." in words(told)
    receipt.refresh_from_db()
    assert receipt.state == "queued, will be tried again"
    assert outbox.send_due() == 2
    receipt.refresh_from_db()
    assert (receipt.state, receipt.error) == ("sent", "")


def test_what_was_sent_or_taken_back_or_is_in_hand_is_not_sent_again(receptionist):
    row = factories.appointment_request()
    for facts in (
        {"sent_at": timezone.now()},
        {"withdrawn_at": timezone.now()},
        {"sending_since": timezone.now(), "error": "x"},
        {},
    ):
        Message.objects.update(sent_at=None, withdrawn_at=None, sending_since=None, error="")
        Message.objects.update(**facts)
        row.refresh_from_db()
        with pytest.raises(workflow.MoveNotAllowed):
            workflow.send_again(row, by=receptionist, seen=row.version, message=row.messages.first().pk)


def test_a_failed_mail_of_news_is_left_to_tell_by_telephone():
    row = factories.booked(email="ana@example.com", contact_by="email")
    news = row.messages.get(kind="booked")
    news.attempts = 1
    outbox._put_off(news, "550 nobody", for_good=True)
    row.refresh_from_db()
    assert row.to_tell_since is not None


@pytest.mark.parametrize(
    "trouble",
    [
        {"due_at": timezone.now() - timedelta(minutes=16)},
        {"attempts": 4, "error": "451 later", "queued_at": timezone.now() - timedelta(hours=2)},
        {"given_up_at": timezone.now(), "error": "550"},
    ],
)
def test_a_banner_on_every_page_says_that_mail_is_stuck(desk, trouble):
    row = factories.appointment_request()
    outbox.send_due()
    pages = ["/admin/", QUEUE, f"{QUEUE}{row.pk}/change/", f"{QUEUE}{row.pk}/move/close/", OUTBOX]
    assert not any(BANNER in words(desk.get(page)) for page in pages)
    Message.objects.filter(pk=row.messages.first().pk).update(sent_at=None, **trouble)
    for page in pages:
        assert BANNER in words(desk.get(page)), page
    link = re.search(r'class="alarm"><a href="([^"]+)"', desk.get("/admin/").content.decode())[1]
    assert len(re.findall(r'class="field-kind"', desk.get(link).content.decode())) == 1


def test_the_banner_is_for_those_who_may_see_mails(client, clinic):
    Message.objects.filter(pk=factories.appointment_request().messages.first().pk).update(
        due_at=timezone.now() - timedelta(hours=1)
    )
    assert BANNER not in words(client.get("/admin/login/"))
    client.force_login(factories.user("treatments.view_treatment"))
    assert BANNER not in words(client.get("/admin/"))


def test_a_digest_without_a_request_stands_in_the_outbox(desk):
    Message.objects.create(kind="digest", version=1, recipient="d@example.com", subject="S", text="T", message_id="<x>")
    assert "Morning digest to the desk All that wait" in words(desk.get(OUTBOX))
    assert desk.get(f"{OUTBOX}{Message.objects.get().pk}/change/").status_code == 200


# The words of mails


def test_every_mail_is_shown_as_it_is_sent_now(owner):
    page = owner.get(WORDINGS).content.decode()
    links = re.findall(r'href="(/admin/appointments/mailwording/[\w/]+/page/)"', page)
    assert len(links) == 19  # eight to patients in two languages, three to the desk
    for link in links:
        shown = owner.get(link)
        assert shown.status_code == 200
        assert "{" not in re.sub(r"<style>.*?</style>", "", shown.content.decode(), flags=re.DOTALL)
        policy = shown["Content-Security-Policy"]
        assert "style-src 'unsafe-inline'" in policy
        assert "script-src" not in policy
        assert "default-src 'none'" in policy


def test_the_owner_writes_own_words_and_sees_them_and_deletes_them_again(owner):
    start = owner.get(f"{WORDINGS}add/", {"kind": "booked", "language": "es"}).content.decode()
    assert "Su visita está reservada ({reference})" in start
    assert "{time}" in start
    own = {"kind": "booked", "language": "es", "subject": "Hola {reference}", "text": "El {time}: {link}"}

    refused = owner.post(f"{WORDINGS}add/", own | {"text": "El {time}, {name}: {link}"})
    assert "{name} cannot be filled in" in words(refused)
    owner.post(f"{WORDINGS}add/", own | {"_continue": "1"})

    row = MailWording.objects.get()
    page = words(owner.get(f"{WORDINGS}{row.pk}/change/"))
    assert "Hola ABC-1234" in page
    assert "El martes 8 de enero a las 10 a. m." in page.replace("\xa0", " ")
    assert "Own words" in words(owner.get(WORDINGS))
    owner.post(f"{WORDINGS}{row.pk}/delete/", {"post": "yes"})
    assert "Own words" not in words(owner.get(WORDINGS))


@pytest.mark.parametrize("group", ["Front desk", "Clinician", "Editor"])
def test_words_are_the_owners_to_change(client, owner, group):
    client.force_login(factories.user(group=group))
    assert client.get(f"{WORDINGS}add/").status_code == 403
    assert client.get(WORDINGS).status_code == (200 if group == "Front desk" else 403)
    assert client.get(f"{WORDINGS}booked/en/page/").status_code == (200 if group == "Front desk" else 403)
    assert client.get(f"{WORDINGS}nothing/en/page/").status_code in {403, 404}
