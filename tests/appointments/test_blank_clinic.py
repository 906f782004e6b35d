"""Asking for a visit where the clinic has no telephone, or offers no treatment yet: nobody is told to call a blank."""

import uuid
from datetime import timedelta

import pytest
from django.db import OperationalError

from appointments import workflow
from appointments.models import AppointmentRequest, Message
from tests import factories

pytestmark = pytest.mark.django_db
FORM = "/request-an-appointment/"
ANSWERS = {"full_name": "Ana Ruiz", "contact_by": "email", "email": "ana@example.com"}


@pytest.fixture(autouse=True)
def _without_telephone():
    factories.clinic(telephone="", email="")


def private_page(client, asked):
    return client.get(f"/my-request/{asked.private_token}/").content.decode()


def test_where_no_treatment_is_offered_none_is_asked_for(client):
    assert "What would you like to come in for?" not in client.get(FORM).content.decode()
    response = client.post(FORM, {**ANSWERS, "form_token": str(uuid.uuid4()), "treatment": "gone"})

    assert response.status_code == 303
    assert AppointmentRequest.objects.get().treatment is None
    assert "Advice" in client.get(response["Location"]).content.decode()


def test_a_form_that_the_database_refuses_names_no_number_that_is_not_there(client, monkeypatch, settings, tmp_path):
    def refuse(**_answers):
        raise OperationalError("database is locked")

    monkeypatch.setattr(workflow, "receive", refuse)
    settings.VAR_DIR = tmp_path
    kept = client.post(FORM, {**ANSWERS, "form_token": str(uuid.uuid4())})
    (tmp_path / "spool").rename(tmp_path / "away")
    (tmp_path / "spool").write_text("no folder")
    refused = client.post(FORM, {**ANSWERS, "form_token": str(uuid.uuid4())})

    assert (kept.status_code, refused.status_code) == (202, 503)
    assert "We have your request" in kept.content.decode()
    assert "send them again in a minute</li>" in refused.content.decode()
    for page in (kept.content.decode(), refused.content.decode()):
        assert "or call" not in page
        assert "tel:" not in page


@pytest.mark.parametrize("late", [False, True])
def test_the_private_page_asks_nobody_to_call(client, late):
    asked = factories.appointment_request()
    if late:
        AppointmentRequest.objects.update(respond_by=asked.created_at - timedelta(days=1))
        AppointmentRequest.objects.update(next_action_at=asked.created_at - timedelta(days=1))
    page = private_page(client, asked)

    assert "all us" not in page
    assert "when you call" not in page
    assert "Tell us when we reach you." in page
    assert ("sorry" in page) == late


def test_the_private_page_gives_the_email_address_instead(client):
    asked = factories.appointment_request()
    factories.clinic(telephone="", email="hello@clinic.example")

    assert 'Write to <a href="mailto:hello@clinic.example">' in private_page(client, asked)


def test_mails_name_no_number_that_is_not_there(receptionist):
    asked = factories.booked(by=receptionist, email="ana@example.com")
    workflow.cancel(asked, by=receptionist, seen=asked.version)
    texts = list(Message.objects.filter(recipient="ana@example.com").values_list("text", flat=True))

    assert len(texts) == 3
    for text in texts:
        assert "all ." not in text
        assert "call  " not in text
        assert "Call" not in text
        assert "\n\n\n" not in text
