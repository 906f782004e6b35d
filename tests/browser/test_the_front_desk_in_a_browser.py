"""The desk in Chromium, under its strict policy: from the list to a booked visit, and axe on every page on the way."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.site import send_request

QUEUE = "/admin/appointments/appointmentrequest/"
PASSWORD = "plain-Desk-words-2026"
MOVES = ["claim", "log_call", "write", "book", "waitlist", "close", "add_note"]


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


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [375, 1280])
def test_a_reply_is_written_looked_at_and_held_back(sign_in, opened_site, width, dark):
    send_request(opened_site, full_name="Nora Lee")
    page = sign_in(width=width, dark=dark)
    page.goto(QUEUE)
    page.get_by_role("link", name="Nora Lee").first.click()
    page.get_by_role("link", name="Write an e-mail").click()
    page.get_by_role("link", name="We tried to call", exact=True).click()
    then_nothing_is_found(page)
    page.get_by_role("button", name="Preview").click()
    then_nothing_is_found(page)
    page.get_by_role("button", name="Change the words").click()
    page.get_by_label("Text").fill("Please call us.\n\nThank you.")
    page.get_by_label("Subject").fill("")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("Enter the subject").wait_for()
    then_nothing_is_found(page)
    page.get_by_label("Subject").fill("Your request")
    page.keyboard.press("Enter")
    page.get_by_text("Please call us.").wait_for()
    page.get_by_role("button", name="Send").click()
    page.get_by_text("goes at").first.wait_for()
    then_nothing_is_found(page)
    page.get_by_role("button", name="Hold back").click()
    page.get_by_text("The patient has NOT been told.").first.wait_for()
    then_nothing_is_found(page)
    assert "Nora" not in page.title() + page.url


@pytest.mark.parametrize(("width", "dark"), [(375, False), (375, True), (1280, False), (1280, True)])
def test_axe_finds_nothing_where_saved_replies_are_kept(sign_in, width, dark):
    page = sign_in(width=width, dark=dark)
    page.goto("/admin/appointments/savedreply/")
    then_nothing_is_found(page)
    page.get_by_role("link", name="See you soon").first.click()
    page.get_by_text("We look forward to seeing you on Tuesday, January 8 at 10 am.").wait_for()
    page.get_by_label("Subject").fill("Dear {full_name}")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("{full_name} cannot be filled in.").first.wait_for()
    then_nothing_is_found(page)


def then_nothing_is_found(page):
    # Django's forms.css imports another sheet; to preload it, axe would write a style into the page, which is refused.
    found = Axe().run(page, options={"preload": False})
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} scrolls sideways"
