"""A patient reads about microneedling on a phone, and finds the way to ask for an appointment."""

from html.parser import HTMLParser

import pytest
from django.core.management import call_command

pytestmark = pytest.mark.django_db


def test_a_patient_reads_the_page_and_comes_to_the_form(client):
    given_the_clinic_has_opened()

    home = when_the_patient_opens(client, "/")
    then_the_page_says(home, "Mirror Mirror", "Tucson", "(520) 555-0142", "9 am to 5 pm")

    page = when_the_patient_follows(client, home, "/treatments/microneedling/")
    then_the_page_says(page, "Microneedling", "What it is", "Who it suits", "Recovery")
    then_who_should_wait_is_in_plain_sight(page)

    form = when_the_patient_follows(client, page, "/request-an-appointment/?treatment=microneedling")
    then_the_page_says(form, "Request an appointment", "Full name", "We will reply", "(520) 555-0142")
    then_the_treatment_is_chosen_already(form)


def given_the_clinic_has_opened():
    call_command("open_clinic", "--no-owner", verbosity=0)


def when_the_patient_opens(client, address):
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def when_the_patient_follows(client, page, address):
    assert address in {link.get("href") for tag, link in tags_of(page) if tag == "a"}
    return when_the_patient_opens(client, address)


def then_the_page_says(page, *words):
    for said in words:
        assert said in page


def then_who_should_wait_is_in_plain_sight(page):
    folded_away = page.partition("<details")[2]
    for reason in ("pregnant", "open sores", "eczema", "radiation"):
        assert reason in page.partition("<details")[0]
        assert folded_away


def then_the_treatment_is_chosen_already(page):
    chosen = [attributes for tag, attributes in tags_of(page) if tag == "option" and "selected" in attributes]
    assert [option["value"] for option in chosen] == ["microneedling"]


def tags_of(page):
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.append((tag, dict(attrs)))

    Reader().feed(page)
    return found
