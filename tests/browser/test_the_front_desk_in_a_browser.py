"""The desk in Chromium, under its strict policy: from the list to a booked visit, and axe on every page on the way."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.site import send_request

QUEUE = "/admin/appointments/appointmentrequest/"
PASSWORD = "plain-Desk-words-2026"
MOVES = ["claim", "log_call", "book", "waitlist", "close", "add_note"]


@pytest.fixture(scope="session")
def _ana(opened_site):
    opened_site.manage("create_staff", "ana", "--group", "Front desk", input=f"{PASSWORD}\n")


@pytest.fixture
def sign_in(look, _ana):
    """Open the desk as Ana of the front desk."""

    def as_ana(**how):
        page = look("/admin/", **how)
        page.get_by_label("Username").fill("ana")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Requests to answer").wait_for()
        return page

    return as_ana


def test_a_receptionist_books_a_visit_in_five_presses(sign_in, opened_site):
    send_request(opened_site, full_name="Maya Chen")
    page = sign_in()
    page.get_by_role("link", name="Requests to answer").click()
    page.get_by_role("link", name="Maya Chen").first.click()
    page.get_by_role("link", name="Book", exact=True).click()
    assert page.get_by_text("We mail ana@example.com").is_visible()
    page.get_by_label("Day").fill("2027-11-09")
    page.get_by_label("Starts at").fill("09:00")
    page.get_by_role("button", name="Book").click()

    assert page.get_by_text("The patient is told by e-mail.").is_visible()
    assert page.get_by_text("Booked", exact=True).first.is_visible()
    assert "Maya" not in page.title() + page.url


@pytest.mark.parametrize(("width", "dark"), [(375, True), (1280, False)])
def test_axe_finds_nothing_on_any_page_of_the_desk(sign_in, opened_site, width, dark):
    send_request(opened_site, full_name="Zoë O'Brien", message="Fridays are best.")
    page = sign_in(width=width, dark=dark)
    then_nothing_is_found(page)
    page.goto(QUEUE)
    then_nothing_is_found(page)
    page.get_by_role("link", name="Zoë O'Brien").first.click()
    then_nothing_is_found(page)
    request_page = page.url
    for name in MOVES:
        page.goto(request_page.replace("/change/", f"/move/{name}/"))
        then_nothing_is_found(page)
    for address in ("/admin/appointments/message/", "/admin/appointments/appointment/"):
        page.goto(address)
        then_nothing_is_found(page)


@pytest.mark.parametrize(("width", "dark"), [(375, False), (375, True), (1280, False), (1280, True)])
def test_a_request_is_taken_by_telephone_and_its_patient_is_told(sign_in, width, dark):
    page = sign_in(width=width, dark=dark)
    page.goto(QUEUE)
    page.get_by_role("link", name="New phone request").click()
    then_nothing_is_found(page)
    page.get_by_label("Full name").fill("Rosa Delgado")
    page.get_by_role("button", name="Save the request").click()
    page.get_by_role("alert").get_by_role("link", name="Choose where the patient is").wait_for()
    then_nothing_is_found(page)

    page.get_by_label("On the telephone").check()
    page.get_by_label("Phone number").fill("520 555 0134")
    page.get_by_label("Phone call").check()
    page.get_by_label("What would you like to come in for?").select_option("unsure")
    page.get_by_label("I read this to the patient, who agreed").check()
    page.get_by_role("button", name="Save the request").click()
    page.get_by_role("link", name="Book", exact=True).click()
    page.locator("input[name=slot]").first.check()
    page.get_by_role("button", name="Book").click()
    then_nothing_is_found(page)
    assert "Rosa" not in page.title() + page.url

    request_page = page.url
    page.goto(f"{QUEUE}?state=to_tell")
    then_nothing_is_found(page)
    page.goto(request_page)
    page.get_by_role("button", name="I told the patient").click()
    page.get_by_text("Call: Answered.").wait_for()
    assert page.get_by_text("Not told yet").count() == 0


def then_nothing_is_found(page):
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} scrolls sideways"
