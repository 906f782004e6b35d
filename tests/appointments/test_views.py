"""The form and the private page, as a patient meets them."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from appointments import workflow
from appointments.models import AppointmentRequest, Event, Message, PreferredTime
from tests import factories

pytestmark = pytest.mark.django_db
FORM = "/request-an-appointment/"
answers = factories.form_answers


@pytest.fixture(autouse=True)
def _open_clinic(clinic):
    factories.treatment(name="Microneedling", slug="microneedling")


def errors(response):
    return {field: words for field, (words, *_more) in response.context["form"].errors.items()}


def test_a_sent_form_leads_to_the_private_page_with_the_reference(client):
    response = client.post(FORM, answers())

    stored = AppointmentRequest.objects.get()
    assert response.status_code == 303
    assert response["Location"] == f"/my-request/{stored.private_token}/"
    page = client.get(response["Location"]).content.decode()
    assert stored.reference in page
    assert "Ana Ruiz" in page
    assert "Tuesday to Friday mornings" in page
    assert "After three is best." in page


def test_everything_is_stored_as_typed(client):
    typed = answers(full_name="  Zoë O'Brien-\u05d0\u05d1 🌵 ", phone="(520) 555-0199 after 3")
    client.post(FORM, typed)

    stored = AppointmentRequest.objects.get()
    assert stored.full_name == "Zoë O'Brien-\u05d0\u05d1 🌵"
    assert (stored.phone, stored.phone_e164) == ("(520) 555-0199 after 3", "+15205550199")
    assert stored.treatment.slug == "microneedling"
    assert stored.message == "After three is best."
    assert {str(time) for time in stored.preferred_times.all()} == {"Tuesday to Friday mornings", "Saturday afternoons"}
    assert [event.kind for event in stored.events.all()] == ["received"]
    assert set(stored.messages.values_list("kind", "recipient")) == {
        ("received", "ana@example.com"),
        ("desk_notice", "front-desk@localhost"),
    }


@time_machine.travel(factories.TUESDAY_MORNING, tick=False)
def test_form_and_private_page_say_by_when_we_answer(client):
    assert "today by 11 am" in client.get(FORM).content.decode()
    sent = client.post(FORM, answers())
    assert "today by 11 am" in client.get(sent["Location"]).content.decode()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"full_name": ""}, {"full_name": "Enter your full name"}),
        ({"full_name": "x" * 101}, {"full_name": "Your name must be 100 characters or fewer"}),
        ({"phone": ""}, {"phone": "Enter your phone number"}),
        ({"phone": "", "contact_by": "call"}, {"phone": "Enter your phone number"}),
        ({"phone": "555 0199"}, {"phone": "Enter a phone number with 10 digits"}),
        (
            {"contact_by": "email", "email": ""},
            {"email": "Enter your email address, or choose another way to reach you"},
        ),
        (
            {"email": "ana@"},
            {"email": "Enter an email address in the correct format, like name@example.com"},
        ),
        ({"contact_by": None}, {"contact_by": "Choose how we should reach you"}),
        ({"contact_by": "pigeon"}, {"contact_by": "Choose how we should reach you"}),
        ({"treatment": ""}, {"treatment": "Choose a treatment, or choose that you are not sure"}),
        ({"treatment": "unknown"}, {"treatment": "Choose a treatment, or choose that you are not sure"}),
        ({"message": "x" * 501}, {"message": "Your message must be 500 characters or fewer"}),
        ({"preferred_times": ["whenever"]}, {"preferred_times": "Choose times from the list"}),
    ],
)
def test_an_error_says_what_to_do_and_keeps_what_was_typed(client, changes, expected):
    typed = answers(**changes)
    response = client.post(FORM, typed)

    assert response.status_code == 422
    assert errors(response) == expected
    page = response.content.decode()
    assert "<title>Error: " in page
    assert "There is a problem" in page
    for words in expected.values():
        assert page.count(words) == 2, "once in the summary, once beside the field"
    for name in {"full_name", "phone", "email", "message", "form_token"} & typed.keys():
        assert response.context["form"][name].value() == typed[name]
        assert typed[name][:90] in page.replace("&#x27;", "'")
    assert "(520) 555-0142" in page
    assert not AppointmentRequest.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"phone": "", "contact_by": "email"},
        {"phone": "ask my sister", "contact_by": "email"},
        {"email": ""},
        {"phone": "+52 55 1234 5678"},
        {"full_name": "X"},
        {"full_name": "李"},
        {"email": "a+b@sub.example.museum"},
        {"treatment": "unsure"},
        {"preferred_times": []},
        {"preferred_times": ["6-eve"]},  # no longer offered, but seen and meant
        {"message": "x\r\n" * 166 + "yy"},  # 500 characters as a person counts them: a line break is one
        {"form_token": ""},
        {"form_token": "no token"},
        {"form_token": None},
        {"unknown": "field", "is_staff": "1", "status": "booked"},
    ],
)
def test_ordinary_unusual_people_are_accepted(client, changes):
    assert client.post(FORM, answers(**changes)).status_code == 303
    assert AppointmentRequest.objects.get().status == "new"


def test_the_same_form_sent_again_answers_with_the_same_page(client):
    typed = answers()
    first, again = client.post(FORM, typed), client.post(FORM, typed)

    assert first["Location"] == again["Location"]
    assert AppointmentRequest.objects.count() == Event.objects.count() == 1
    assert Message.objects.count() == 2


def test_a_known_address_changes_no_other_row_and_shows_nothing(client):
    client.post(FORM, answers(message="the first"))
    before = AppointmentRequest.objects.values().get()
    response = client.post(FORM, answers(full_name="Somebody Else", message="the second"))

    page = client.get(response["Location"]).content.decode()
    assert "Ana Ruiz" not in page
    assert "the first" not in page
    assert AppointmentRequest.objects.values().get(pk=before["id"]) == before


def test_the_treatment_in_the_address_is_chosen_already(client):
    factories.treatment(name="Peel", slug="peel")

    assert client.get(FORM + "?treatment=peel").context["form"]["treatment"].value() == "peel"
    assert client.get(FORM + "?treatment=<script>").context["form"]["treatment"].value() == ""
    assert client.get(FORM).context["form"]["treatment"].value() == ""


def test_a_draft_is_not_offered(client):
    factories.treatment(name="Secret", slug="secret", status="draft")

    assert "Secret" not in client.get(FORM).content.decode()
    assert client.post(FORM, answers(treatment="secret")).status_code == 422


def test_a_form_that_was_open_for_too_long_keeps_the_answers():
    strict = Client(enforce_csrf_checks=True)
    response = strict.post(FORM, answers())

    page = response.content.decode()
    assert response.status_code == 403
    assert "This page was open for too long" in page
    assert "After three is best." in page
    assert "(520) 555-0142" in page
    again = answers(csrfmiddlewaretoken=str(response.context["csrf_token"]))
    assert strict.post(FORM, again).status_code == 303


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "../admin", "é" * 50, "x" * 5000])
def test_a_wrong_private_link_is_not_found(client, token):
    factories.appointment_request()

    assert client.get(f"/my-request/{token}/").status_code == 404


def test_an_altered_private_link_is_not_found(client):
    token = factories.appointment_request().private_token

    assert client.get(f"/my-request/{token[:-1]}{'A' if token[-1] != 'A' else 'B'}/").status_code == 404
    assert client.get(f"/my-request/{token}/").status_code == 200


def test_the_private_page_is_kept_by_nobody(client):
    response = client.get(f"/my-request/{factories.appointment_request().private_token}/")

    assert "no-store" in response["Cache-Control"]
    assert response["Referrer-Policy"] == "no-referrer"
    assert "noindex" in response["X-Robots-Tag"]


def test_the_private_page_follows_the_request(client, receptionist):
    waiting = factories.booked(by=receptionist)
    address = reverse("appointments:my_request", args=[waiting.private_token])

    assert "Tuesday, January 8 at 10 am" in client.get(address).content.decode()
    workflow.cancel(waiting, by=receptionist, seen=waiting.version)
    page = client.get(address).content.decode()
    assert "January 8" not in page
    workflow.close(waiting, by=receptionist, seen=waiting.version, reason="patient_declined")
    assert "closed" in client.get(address).content.decode()


def test_an_overdue_request_is_promised_nothing_but_the_telephone(client):
    waiting = factories.appointment_request()
    AppointmentRequest.objects.update(next_action_at=waiting.created_at - timedelta(days=1))

    page = client.get(f"/my-request/{waiting.private_token}/").content.decode()
    assert "today by" not in page
    assert "sorry" in page


@pytest.mark.parametrize("method", ["put", "patch", "delete", "options", "trace"])
@pytest.mark.parametrize("address", [FORM, "/", "/privacy/", "/my-request/x/"])
def test_other_methods_are_refused(client, method, address):
    assert getattr(client, method)(address).status_code == 405


def test_reading_the_form_stores_nothing_and_head_has_no_body(client):
    response = client.head(FORM)

    assert response.status_code == 200
    assert not response.content
    assert not AppointmentRequest.objects.exists()


def test_times_to_prefer_come_from_the_opening_hours(client):
    choices = [label for _code, label in client.get(FORM).context["form"].fields["preferred_times"].choices]

    assert choices == [
        "Tuesday to Friday mornings",
        "Tuesday to Friday afternoons",
        "Saturday mornings",
        "Saturday afternoons",
    ]


def test_a_clinic_without_hours_asks_for_no_times(client):
    factories.clinic(weekdays=[])

    assert "When could you come in?" not in client.get(FORM).content.decode()
    assert client.post(FORM, answers(preferred_times=None)).status_code == 303
    assert not PreferredTime.objects.exists()
