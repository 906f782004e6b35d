"""A request that the desk takes on the telephone or in person."""

import re
import uuid
from datetime import UTC, datetime
from html import unescape

import pytest
from django.db import OperationalError
from django.test import Client
from django.urls import reverse

from appointments import workflow
from appointments.models import AppointmentRequest, Message
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"
NEW = f"{QUEUE}new/"
PRIVACY = "We use these details only to arrange your visit, and only our staff see them."
TUESDAY_NOON = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday_noon")]


def answers(**changes):
    filled = {
        "form_token": str(uuid.uuid4()),
        "source": "phone",
        "full_name": "Rosa Delgado",
        "phone": "(520) 555-0134",
        "email": "",
        "contact_by": "call",
        "treatment": "unsure",
        "preferred_times": ["1234-am"],
        "message": "After three",
        "language": "en",
        "agreed": "on",
    }
    return {name: value for name, value in (filled | changes).items() if value is not None}


def words(answer) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


# The verb


def test_what_was_taken_is_claimed_answered_and_still_due(receptionist):
    row = factories.appointment_request(source="phone", by=receptionist, now=TUESDAY_NOON)

    assert (row.status, row.claimed_by, row.version) == ("contacting", receptionist, 1)
    assert row.first_response_at == TUESDAY_NOON
    assert row.next_action_at == row.respond_by > TUESDAY_NOON
    [event] = row.events.all()
    assert (event.kind, event.by, event.details) == ("received", receptionist, "By telephone")


def test_the_patient_gets_a_receipt_and_the_desk_no_notice_of_what_it_wrote(receptionist):
    row = factories.appointment_request(source="walk_in", by=receptionist)
    assert [message.kind for message in row.messages.all()] == ["received"]
    assert row.events.get().details == "In person"


def test_a_request_from_the_website_is_taken_by_nobody(clinic):
    row = factories.appointment_request()
    event = row.events.get()
    assert (row.source, row.status, row.claimed_by, row.first_response_at) == ("web", "new", None, None)
    assert (event.by, event.details) == (None, "")
    assert row.messages.count() == 2


def test_the_private_page_says_when_we_reply_and_not_that_we_tried(client, clinic, receptionist):
    row = factories.appointment_request(source="walk_in", by=receptionist, now=TUESDAY_NOON)
    address = reverse("appointments:my_request", args=[row.private_token])
    assert "We reply today by 1 pm." in words(client.get(address))

    workflow.log_call(row, by=receptionist, seen=1, reached="no_answer")
    assert "We have tried to reach you." in words(client.get(address))


# The page


def test_a_request_is_taken_and_can_be_booked_by_one_press(desk, receptionist):
    factories.treatment(name="Peel", slug="peel")
    done = desk.post(NEW, answers(treatment="peel", language="es", email="rosa@example.com", source="walk_in"))

    row = AppointmentRequest.objects.get()
    assert (done.status_code, done["Location"]) == (303, f"{QUEUE}{row.pk}/change/")
    assert (row.source, row.language, row.treatment.slug, row.claimed_by) == ("walk_in", "es", "peel", receptionist)
    assert (row.full_name, row.phone_e164, row.message) == ("Rosa Delgado", "+15205550134", "After three")
    assert [str(time) for time in row.preferred_times.all()] == ["Tuesday to Friday mornings"]
    assert row.messages.get().subject == f"Tenemos su solicitud {row}"
    page = desk.get(done["Location"])
    told = words(page)
    assert f"Request {row} is stored. Its receipt goes to the patient by e-mail." in told
    assert "Asked In person" in told
    assert "Request received Tue, Nov 24, noon, Ana In person" in told
    assert f'href="{QUEUE}{row.pk}/move/book/"' in page.content.decode()


def test_without_an_address_the_desk_says_the_reference(desk):
    told = words(desk.post(NEW, answers(), follow=True))
    row = AppointmentRequest.objects.get()
    assert f"Request {row} is stored. No e-mail address is known: tell the patient this reference." in told
    assert not Message.objects.exists()
    assert row.to_tell_since is None


def test_earlier_requests_of_the_same_number_are_shown_at_once(desk):
    earlier = factories.appointment_request(phone="520 555 0134")
    told = words(desk.post(NEW, answers(), follow=True))
    assert "1 other request from this number or address" in told
    assert earlier.reference in told


def test_the_page_asks_what_the_website_asks_and_shows_what_is_read_out(desk, client):
    page = desk.get(NEW).content.decode()
    public = client.get("/request-an-appointment/").content.decode()

    def asked(html):
        return set(re.findall(r' name="(\w+)"', html.partition("</h1>")[2]))

    assert asked(page) == asked(public) - {"website"} | {"source", "language", "agreed"}  # no trap for staff
    assert PRIVACY in page
    assert PRIVACY in public
    assert '<blockquote lang="es">Usamos estos datos' in page
    assert 'autocomplete="name"' not in page


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"source": None}, "Choose where the patient is"),
        ({"source": "web"}, "Choose where the patient is"),
        ({"full_name": ""}, "Enter your full name"),
        ({"phone": ""}, "Enter your phone number"),
        ({"phone": "555"}, "Enter a phone number with 10 digits"),
        ({"contact_by": "email"}, "Enter your email address, or choose another way to reach you"),
        ({"treatment": "nonsense"}, "Choose a treatment, or choose that you are not sure"),
        ({"preferred_times": ["nonsense"]}, "Choose times from the list"),
        ({"message": "a" * 501}, "Your message must be 500 characters or fewer"),
        ({"language": "fr"}, "Choose a language from the list"),
        ({"language": None}, "Choose a language"),
        ({"agreed": None}, "Read the words to the patient, and tick this once the patient has agreed"),
    ],
)
def test_a_mistake_stores_nothing_and_keeps_the_words(desk, changes, complaint):
    factories.treatment()
    filled = {"full_name": "Rosa Delgado", "email": "rosa@example.com", "message": "After three"} | changes
    if changes.get("contact_by") == "email":
        filled["email"] = ""
    answer = desk.post(NEW, answers(**filled))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert not AppointmentRequest.objects.exists()
    assert complaint in unescape(page)
    assert "<title>Error: New phone request" in " ".join(page.split())
    if "message" not in changes:
        assert "After three" in page
    if "full_name" not in changes:
        assert 'value="Rosa Delgado"' in page


def test_a_database_that_fails_keeps_the_words(desk, monkeypatch):
    def fail(**_answers):
        raise OperationalError("disk I/O error")

    monkeypatch.setattr(workflow, "receive", fail)
    answer = desk.post(NEW, answers())
    assert answer.status_code == 503
    assert "What you typed is still here" in words(answer)
    assert 'value="Rosa Delgado"' in answer.content.decode()


@pytest.mark.parametrize(
    ("typed", "kept"), [("Ro\x00sa", "Rosa"), ("Rosa 🌸 Ñandú", "Rosa 🌸 Ñandú"), ("<b>R</b>", "<b>R</b>")]
)
def test_odd_characters_are_kept_or_left_out_and_never_break(desk, typed, kept):
    answer = desk.post(NEW, answers(full_name=typed, message=typed), follow=True)
    row = AppointmentRequest.objects.get()
    assert (answer.status_code, row.full_name, row.message) == (200, kept, kept)
    assert "<b>R" not in answer.content.decode()


@pytest.mark.parametrize("token", ["", "nonsense", "\x00"])
def test_a_spoilt_token_is_replaced(desk, token):
    assert desk.post(NEW, answers(form_token=token)).status_code == 303


def test_a_double_press_is_one_request(desk):
    form = answers()
    first, second = desk.post(NEW, form), desk.post(NEW, form)
    assert first["Location"] == second["Location"]
    assert AppointmentRequest.objects.get().events.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_form_saved_eight_times_at_once_is_one_request(at_once):
    factories.clinic()
    person, form = factories.receptionist(), answers(email="rosa@example.com")
    browsers = [Client() for _ in range(8)]
    for browser in browsers:
        browser.force_login(person)

    outcomes = at_once(lambda browser: browser.post(NEW, form), browsers)

    assert [answer.status_code for answer in outcomes] == [303] * 8
    assert len({answer["Location"] for answer in outcomes}) == 1
    only = AppointmentRequest.objects.get()
    assert (only.events.count(), only.messages.count(), only.preferred_times.count()) == (1, 1, 1)


# Who may


@pytest.mark.parametrize(
    "permissions", [[], ["appointments.view_appointmentrequest"], [workflow.PERMISSION], ["treatments.view_treatment"]]
)
def test_without_the_permission_there_is_no_page(client, clinic, permissions):
    client.force_login(factories.user(*permissions))
    assert client.get(NEW).status_code == 403
    assert client.post(NEW, answers()).status_code == 403
    assert not AppointmentRequest.objects.exists()


def test_the_button_is_shown_to_those_who_may(desk, client):
    assert "New phone request" in words(desk.get(QUEUE))
    client.force_login(factories.user("appointments.view_appointmentrequest"))
    assert "New phone request" not in words(client.get(QUEUE))


def test_nobody_is_asked_to_sign_in_and_other_verbs_are_refused(desk):
    assert Client().get(NEW)["Location"] == f"/admin/login/?next={NEW}"
    assert desk.put(NEW).status_code == 405
    assert desk.get(f"{QUEUE}add/").status_code == 403


def test_reading_the_page_changes_nothing(desk):
    desk.get(NEW)
    assert not AppointmentRequest.objects.exists()


def test_the_queue_is_narrowed_by_how_a_request_came_in(desk, receptionist):
    factories.appointment_request(full_name="Web")
    factories.appointment_request(full_name="Phone", source="phone", by=receptionist)
    page = desk.get(QUEUE, {"source__exact": "phone"}).content.decode()
    assert re.findall(r'<th class="field-name">.*?<bdi>(.*?)</bdi>', page) == ["Phone"]
    assert "By telephone" in page
