"""A patient's whole journey in Chromium: by keyboard alone, and without JavaScript."""

import re

import pytest
from playwright.sync_api import expect


def test_a_patient_asks_for_an_appointment_by_keyboard_alone(look):
    page = look("/treatments/microneedling/", width=390)
    press_until(page, "Request an appointment")
    page.keyboard.press("Enter")
    page.wait_for_url("**/request-an-appointment/**")

    page.locator("body").press("Tab")
    press_until_field(page, "full_name")
    page.keyboard.type("Zoë O'Brien")
    press_until_field(page, "phone")
    page.keyboard.type("520 555 0199")
    press_until_field(page, "contact_by")
    page.keyboard.press("Space")
    press_until_field(page, "preferred_times")
    page.keyboard.press("Space")
    press_until(page, "Send request")
    page.keyboard.press("Enter")

    page.wait_for_url("**/my-request/**")
    assert page.locator("h1").inner_text() == "We have your request"
    assert page.get_by_text("Zoë O'Brien").is_visible()
    assert page.get_by_text("Tuesday to Friday mornings").is_visible()
    assert re.search(r"We reply (today|tomorrow|by)", page.inner_text("main"))


def test_a_mistake_is_mended_without_javascript_and_nothing_typed_is_lost(look):
    page = look("/request-an-appointment/?treatment=microneedling", width=320, scripts=False)
    page.get_by_label("Phone number").fill("555")
    page.get_by_label("Text message").check()
    page.get_by_label("Anything else?").fill("Fridays are best.")
    page.get_by_role("button", name="Send request").click()

    assert page.title().startswith("Error: ")
    summary = page.get_by_role("alert")
    assert summary.get_by_role("link").all_inner_texts() == [
        "Enter your full name",
        "Enter a phone number with 10 digits",
    ]
    summary.get_by_role("link", name="Enter your full name").click()
    page.keyboard.type("Ana Ruiz")
    assert page.get_by_label("Full name").input_value() == "Ana Ruiz"
    assert page.get_by_label("Phone number").input_value() == "555"
    page.get_by_label("Phone number").fill("520 555 0199")
    assert page.get_by_label("Anything else?").input_value() == "Fridays are best."
    page.get_by_role("button", name="Send request").click()

    assert page.locator("h1").inner_text() == "We have your request"


def test_a_double_click_and_the_back_button_make_no_second_request(look, opened_site):
    before = len(opened_site.manage("list_requests").splitlines())
    page = look("/request-an-appointment/?treatment=microneedling", scripts=False)
    page.get_by_label("Full name").fill("Ana Ruiz")
    page.get_by_label("Phone number").fill("520 555 0199")
    page.get_by_label("Phone call").check()
    page.get_by_role("button", name="Send request").dblclick()
    expect(page).to_have_url(re.compile("/my-request/"), timeout=20_000)  # the second press breaks off the first
    page.reload()
    page.go_back()
    page.go_forward()

    assert len(opened_site.manage("list_requests").splitlines()) == before + 1


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize(
    "address", ["/", "/treatments/", "/treatments/microneedling/", "/treatments/microneedling/aftercare/"]
)
def test_no_content_page_has_a_script_or_overflows(look, address, width):
    page = look(address, width=width)

    assert page.locator('script:not([type="application/ld+json"])').count() == 0  # a data block runs nothing
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def press_until(page, words):
    """Tab to the link or button that says so, as somebody without a mouse does."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText || ''").strip() == words:
            return
    raise AssertionError(f"{words} cannot be reached by keyboard")


def press_until_field(page, name):
    for _ in range(80):
        if page.evaluate("document.activeElement.name || ''") == name:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{name} cannot be reached by keyboard")
