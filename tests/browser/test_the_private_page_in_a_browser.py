"""The private page in Chromium: everything that a patient does there, without JavaScript and on a phone."""

import re

import pytest

from tests.browser.test_accessibility import then_nothing_is_found
from tests.site import send_request


@pytest.fixture
def address(opened_site):
    return send_request(opened_site)


def test_a_patient_answers_the_health_check_and_adds_times_and_cancels_without_javascript(look, address):
    page = look(address, width=390, scripts=False)
    page.get_by_role("link", name="Answer the questions").click()
    page.get_by_role("button", name="Send my answers").click()
    assert page.title().startswith("Error: ")
    first = page.get_by_role("alert").get_by_role("link").first
    assert "Answer with yes, no or not sure" in first.inner_text()
    for question in page.get_by_role("group").all():
        question.get_by_label("No", exact=True).check()
    page.get_by_role("group").first.get_by_label("Not sure").check()
    page.get_by_role("button", name="Send my answers").click()
    assert page.get_by_text("We will talk about them with you.").is_visible()

    page.get_by_role("link", name="Add times that suit you").click()
    page.get_by_label("Saturday afternoons").check()
    page.get_by_role("button", name="Send these times").click()
    assert page.get_by_text("Saturday afternoons").is_visible()

    page.get_by_role("link", name="Cancel the request").click()
    page.get_by_role("button", name="Yes, cancel my request").click()
    assert page.locator("h1").inner_text() == "This request is closed"
    assert page.get_by_text("You told us that you no longer want to come.").is_visible()


def test_the_health_check_is_answered_by_keyboard_alone(look, address):
    page = look(f"{address}health/", width=390)
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("[document.activeElement.type, document.activeElement.innerText]")
        if focused[0] == "radio":
            page.keyboard.press("Space")
            page.keyboard.press("ArrowDown")
        if focused[1] == "Send my answers":
            break
    page.keyboard.press("Enter")
    page.get_by_text("Thank you. We have your answers.").wait_for()


@pytest.mark.parametrize(("width", "dark"), [(320, False), (390, True), (1280, False), (1280, True)])
@pytest.mark.parametrize("act", ["", "cancel/", "times/", "health/"])
@pytest.mark.parametrize("language", ["", "/es"])
def test_axe_finds_nothing_and_nothing_is_too_wide(look, address, act, width, dark, language):
    page = look(f"{language}{re.sub('^https?://[^/]+', '', address)}{act}", width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    then_nothing_is_found(page)
