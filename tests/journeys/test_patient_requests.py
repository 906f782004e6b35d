"""A patient asks for an appointment, and is told truthfully what happens next."""

import re
from datetime import UTC, datetime

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command

from appointments import workflow
from appointments.models import AppointmentRequest
from tests import factories

pytestmark = pytest.mark.django_db
SATURDAY_EVENING = "2026-11-29T01:30:00+00:00"  # half past six in Tucson; Sunday and Monday are closed


@time_machine.travel(SATURDAY_EVENING, tick=False)
def test_a_patient_asks_mends_a_mistake_and_is_answered(client):
    given_the_clinic_has_opened()

    page = when_the_patient_sends(client, full_name="", phone="520 555 0199", contact_by="call")
    then_the_form_says(page, "There is a problem", "Enter your full name")
    then_nothing_typed_is_lost(page, "520 555 0199", "Fridays are best.")

    private_page = when_the_patient_sends(client, full_name="Ana Ruiz", phone="520 555 0199", contact_by="call")
    then_the_page_says(private_page, "We have your request", "We call you", "by 10 am on Tuesday, December 1")
    then_the_page_says(private_page, "Your visit is not booked until we have both agreed a time.")

    receipt = when_the_mail_goes_out()
    then_the_receipt_says(receipt, "not yet an appointment", "by 10 am on Tuesday, December 1")

    when_the_desk_books_a_visit()
    private_page = when_the_patient_follows_the_link(client, receipt)
    then_the_page_says(private_page, "Your visit is booked", "Tuesday, January 8 at 10 am")


def given_the_clinic_has_opened():
    call_command("open_clinic", "--no-owner", verbosity=0)


def when_the_patient_sends(client, **answers):
    form = client.get("/request-an-appointment/").context["form"]
    rest = {
        "form_token": form["form_token"].value(),
        "email": "ana@example.com",
        "treatment": "microneedling",
        "preferred_times": ["1234-am"],
        "message": "Fridays are best.",
    }
    return client.post("/request-an-appointment/", {**rest, **answers}, follow=True).content.decode()


def when_the_mail_goes_out():
    call_command("send_messages", "--once", verbosity=0)
    (receipt,) = [sent for sent in mail.outbox if sent.to == ["ana@example.com"]]
    return receipt


def when_the_desk_books_a_visit():
    waiting = AppointmentRequest.objects.get()
    starts_at = datetime(2030, 1, 8, 17, tzinfo=UTC)
    workflow.book(
        waiting,
        by=factories.receptionist(),
        seen=waiting.version,
        provider=factories.provider(),
        starts_at=starts_at,
        minutes=30,
    )


def when_the_patient_follows_the_link(client, receipt):
    return client.get(re.search(r"/my-request/\S+", receipt.body)[0]).content.decode()


def then_the_page_says(page, *words):
    for said in words:
        assert said in page


then_the_form_says = then_nothing_typed_is_lost = then_the_page_says


def then_the_receipt_says(receipt, *words):
    for said in words:
        assert said in receipt.body
