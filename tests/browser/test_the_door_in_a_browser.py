"""The door as staff find it: a passkey by a device that the browser plays, the warning before the clock runs out."""

import time

import pytest
from django.utils import timezone

from medspa.doors import codes
from medspa.models import Passkey
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

GOOD = "tall-green-saguaro"


@pytest.fixture
def page(chromium):
    """A page of its own, as narrow as a phone's."""
    context = chromium.new_context(viewport={"width": 390, "height": 800})
    yield context.new_page()
    context.close()


@pytest.fixture
def site(live_server, settings, clinic):
    settings.SITE_URL = live_server.url
    factories.receptionist(username="ana", first_name="Ana", password=GOOD)
    return live_server.url


def sign_in(page, site):
    page.goto(f"{site}/admin/login/")
    page.fill("#id_username", "ana")
    page.fill("#id_password", GOOD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda address: "/login/" not in address)


@pytest.fixture
def device(page):
    """A security key that the browser plays."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    made = devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return lambda verb, **words: devtools.send(
        f"WebAuthn.{verb}", {"authenticatorId": made["authenticatorId"], **words}
    )


def test_a_passkey_is_made_and_opens_and_another_device_does_not(page, site, device):
    sign_in(page, site)
    page.goto(f"{site}/admin/second-step/mine/")
    page.fill("#id_name", "My phone")
    page.click("text=Add a passkey")
    page.wait_for_selector(".codes")
    assert Passkey.objects.get().name == "My phone"

    page.click("text=Log out")
    sign_in(page, site)
    assert page.url.endswith("/admin/second-step/")
    page.click("text=Use a passkey")
    page.wait_for_url(f"{site}/admin/")

    page.click("text=Log out")
    device("clearCredentials")
    sign_in(page, site)
    page.click("text=Use a passkey")
    page.wait_for_selector("text=The device gave no answer")
    assert page.url.endswith("/admin/second-step/")


def test_an_answer_cannot_be_sent_twice(page, site, device):
    sign_in(page, site)
    page.goto(f"{site}/admin/second-step/mine/")
    page.click("text=Add a passkey")
    page.wait_for_selector(".codes")
    page.click("text=Log out")
    sign_in(page, site)
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.click("text=Use a passkey")
    page.wait_for_url(f"{site}/admin/")
    answer = sent.value.post_data_json["credential"]
    page.click("text=Log out")
    sign_in(page, site)
    page.evaluate(
        "answer => { document.querySelector('[name=credential]').value = answer;"
        " document.querySelector('form[data-passkey]').submit(); }",
        answer,
    )
    page.wait_for_selector("text=The passkey did not open")


def test_the_code_of_a_phone_by_keyboard_alone(page, site):
    sign_in(page, site)
    page.goto(f"{site}/admin/second-step/set-up/")
    key = "".join(page.inner_text("code.reference").split())
    step = int(timezone.now().timestamp()) // codes.STEP * codes.STEP
    page.keyboard.type(codes._totp(key).generate(step).decode())
    page.keyboard.press("Enter")
    page.wait_for_selector(".codes")


def test_the_warning_keeps_what_was_typed(page, site, settings):
    settings.STAFF_IDLE_SECONDS = 62
    row = factories.appointment_request()
    sign_in(page, site)
    page.goto(f"{site}/admin/appointments/appointmentrequest/{row.pk}/move/add_note/")
    page.evaluate("document.querySelector('textarea').value = 'Words in the making'")  # a slow page is warned at once
    page.wait_for_selector("#idle[open]", timeout=15_000)
    assert page.evaluate("document.activeElement.textContent") == "Stay signed in"
    settings.STAFF_IDLE_SECONDS = 900
    page.keyboard.press("Enter")
    page.wait_for_selector("#idle[open]", state="hidden")
    assert page.input_value("textarea") == "Words in the making"


def test_after_the_end_the_page_is_away_and_comes_back_with_its_words(page, site, settings):
    row = factories.appointment_request(full_name="Canary")
    sign_in(page, site)
    settings.STAFF_IDLE_SECONDS = 3
    page.goto(f"{site}/admin/appointments/appointmentrequest/{row.pk}/move/add_note/")
    page.evaluate("document.querySelector('textarea').value = 'Words in the making'")  # the warning is there already
    page.wait_for_selector("text=You were signed out", timeout=15_000)
    assert not page.locator("h1").first.is_visible()
    assert "Canary" not in page.content()

    settings.STAFF_IDLE_SECONDS = 900
    time.sleep(0.2)
    other = page.context.new_page()
    sign_in(other, site)
    page.click("button:has-text('Go on')")
    page.wait_for_selector("#idle[open]", state="hidden")
    assert page.input_value("textarea") == "Words in the making"
    page.click("button:has-text('Add a note')")
    page.wait_for_url("**/change/")
    assert row.events.get(kind="noted").note == "Words in the making"
