"""The desk in Chromium, under its strict policy: from the list to a booked visit, and axe on every page on the way."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.site import send_request

QUEUE = "/admin/appointments/appointmentrequest/"
PAGES = [
    "/admin/appointments/message/",
    "/admin/appointments/appointment/",
    "/admin/appointments/timeoff/",
    "/admin/appointments/timeoff/add/",
]


def test_a_receptionist_books_a_visit_in_five_presses(sign_in, opened_site):
    send_request(opened_site, full_name="Maya Chen")
    page = sign_in()
    press(page.get_by_role("link", name="Requests to answer"))
    press(page.get_by_role("link", name="Maya Chen").first)
    press(page.get_by_role("link", name="Book", exact=True))
    assert page.get_by_text("We mail ana@example.com").is_visible()
    page.get_by_role("group", name="Soonest").get_by_role("radio").last.check()
    press(page.get_by_role("button", name="Book"))

    assert page.get_by_text("The patient is told by e-mail.").is_visible()
    assert page.get_by_text("Booked", exact=True).first.is_visible()
    assert "Maya" not in page.title() + page.url


def test_a_receptionist_books_a_visit_without_a_mouse(sign_in, opened_site):
    send_request(opened_site, full_name="Wei Zhang")
    page = sign_in()
    for name in ("Requests to answer", "Wei Zhang", "Book"):
        walk_to(page, "link", name)
        with page.expect_navigation():
            page.keyboard.press("Enter")
    walk_to(page, "radio", "")
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    page.get_by_text("The patient is told by e-mail.").wait_for()


def test_on_a_phone_the_first_request_is_seen_at_once(sign_in, opened_site):
    """On a screen of 800 px with the header, the tabs of what waits, and the search above it."""
    send_request(opened_site, full_name="Rosa Vega")
    page = sign_in(width=390)
    press(page.get_by_role("link", name="Requests to answer"))
    assert page.locator("#header").bounding_box()["height"] < 120
    assert page.locator("#result_list .field-name").first.bounding_box()["y"] < 800
    assert page.get_by_role("link", name="To answer").is_visible()
    nothing_waits = page.get_by_role("link", name="Visits over 0", include_hidden=True)
    assert nothing_waits.count() == 1
    assert nothing_waits.is_hidden()
    page.set_viewport_size({"width": 1280, "height": 800})
    assert nothing_waits.is_visible()


def walk_to(page, role: str, name: str) -> None:
    """Press Tab until what is named has the focus, where it can be seen."""
    wanted = {"link": "A", "radio": "INPUT"}[role]
    for _press in range(150):
        page.keyboard.press("Tab")
        focused = page.evaluate(
            "() => { const one = document.activeElement || document.body;"
            " return [one.tagName, one.type || '', one.innerText || '', getComputedStyle(one).outlineStyle] }"
        )
        if focused[0] == wanted and name in focused[2] and (role == "link" or focused[1] == "radio"):
            assert focused[3] != "none", f"nobody sees that {name or role} has the focus"
            return
    raise AssertionError(f"{role} {name} cannot be reached with the keyboard")


BOTH_WAYS = pytest.mark.parametrize(("width", "dark"), [(375, True), (1280, False), (375, False), (1280, True)])


@BOTH_WAYS
def test_axe_finds_nothing_on_any_page_of_a_request(sign_in, opened_site, width, dark):
    send_request(opened_site, full_name="Zoë O'Brien", message="Fridays are best.")
    page = sign_in(width=width, dark=dark)
    then_nothing_is_found(page)
    page.goto(QUEUE)
    then_nothing_is_found(page)
    press(page.get_by_role("link", name="Zoë O'Brien").first)
    then_nothing_is_found(page)
    request_page = page.url
    for name in offered(page):
        page.goto(request_page.replace("/change/", f"/move/{name}/"))
        then_nothing_is_found(page)
    page.goto(request_page.replace("/change/", "/move/book/"))
    press(page.get_by_role("button", name="Book"))
    then_nothing_is_found(page)  # with what is missing
    page.get_by_role("radio").first.check()
    press(page.get_by_role("button", name="Book"))
    then_nothing_is_found(page)  # booked
    for name in offered(page):
        page.goto(request_page.replace("/change/", f"/move/{name}/"))
        then_nothing_is_found(page)
    page.goto(request_page.replace("/change/", "/move/cancel/"))
    press(page.get_by_role("button", name="Cancel the appointment"))
    page.get_by_text("Free again").wait_for()
    then_nothing_is_found(page)


def offered(page) -> list[str]:
    """The moves that the request's page offers."""
    found = page.locator(".moves a").evaluate_all("all => all.map(one => one.href.split('/move/')[1].split('/')[0])")
    assert found
    return found


@BOTH_WAYS
def test_axe_finds_nothing_on_the_other_pages_of_the_desk(sign_in, opened_site, width, dark):
    page = sign_in(width=width, dark=dark)
    for address in PAGES:
        page.goto(address)
        then_nothing_is_found(page)


@BOTH_WAYS
def test_axe_finds_nothing_where_time_off_meets_a_visit(sign_in, opened_site, width, dark):
    send_request(opened_site, full_name="Maya Chen")
    page = sign_in(width=width, dark=dark)
    page.goto(QUEUE)
    press(page.get_by_role("link", name="Maya Chen").first)
    press(page.get_by_role("link", name="Book", exact=True))
    page.get_by_role("radio").first.check()
    press(page.get_by_role("button", name="Book"))
    page.goto("/admin/appointments/timeoff/add/")
    page.get_by_label("Provider").select_option(index=1)
    page.get_by_label("First day").fill("2026-01-01")
    page.get_by_label("Last day").fill("2036-01-01")
    press(page.get_by_role("button", name="Save", exact=True))
    page.get_by_role("heading", name="Booked in this time off").wait_for()
    then_nothing_is_found(page)


@BOTH_WAYS
def test_axe_finds_nothing_on_the_owners_pages(sign_in, width, dark):
    page = sign_in("olga", width=width, dark=dark)
    press(page.get_by_role("link", name="Reports"))
    then_nothing_is_found(page)
    page.goto("/admin/treatments/provider/1/change/")
    then_nothing_is_found(page)


@pytest.mark.parametrize(("width", "dark"), [(375, False), (375, True), (1280, False), (1280, True)])
def test_a_request_is_taken_by_telephone_and_its_patient_is_told(sign_in, width, dark):
    page = sign_in(width=width, dark=dark)
    page.goto(QUEUE)
    press(page.get_by_role("link", name="New phone request"))
    then_nothing_is_found(page)
    page.get_by_label("Full name").fill("Rosa Delgado")
    press(page.get_by_role("button", name="Save the request"))
    page.get_by_role("alert").get_by_role("link", name="Choose where the patient is").wait_for()
    then_nothing_is_found(page)

    page.get_by_label("On the telephone").check()
    page.get_by_label("Phone number").fill("520 555 0134")
    page.get_by_label("Phone call").check()
    page.get_by_label("What would you like to come in for?").select_option("unsure")
    page.get_by_label("I read this to the patient, who agreed").check()
    press(page.get_by_role("button", name="Save the request"))
    press(page.get_by_role("link", name="Book", exact=True))
    page.locator("input[name=slot]").first.check()
    press(page.get_by_role("button", name="Book"))
    then_nothing_is_found(page)
    assert "Rosa" not in page.title() + page.url

    request_page = page.url
    page.goto(f"{QUEUE}?state=to_tell")
    then_nothing_is_found(page)
    page.goto(request_page)
    press(page.get_by_role("button", name="I told the patient"))
    page.get_by_text("Call: Answered.").wait_for()
    assert page.get_by_text("Not told yet").count() == 0


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [375, 1280])
def test_a_reply_is_written_looked_at_and_held_back(sign_in, opened_site, width, dark):
    send_request(opened_site, full_name="Nora Lee")
    page = sign_in(width=width, dark=dark)
    page.goto(QUEUE)
    press(page.get_by_role("link", name="Nora Lee").first)
    press(page.get_by_role("link", name="Write an e-mail"))
    press(page.get_by_role("link", name="We tried to call", exact=True))
    then_nothing_is_found(page)
    press(page.get_by_role("button", name="Preview"))
    then_nothing_is_found(page)
    press(page.get_by_role("button", name="Change the words"))
    page.get_by_label("Text").fill("Please call us.\n\nThank you.")
    page.get_by_label("Subject").fill("")
    page.keyboard.press("Enter")
    page.get_by_role("alert").get_by_text("Enter the subject").wait_for()
    then_nothing_is_found(page)
    page.get_by_label("Subject").fill("Your request")
    page.keyboard.press("Enter")
    page.get_by_text("Please call us.").wait_for()
    press(page.get_by_role("button", name="Send"))
    page.get_by_text("goes at").first.wait_for()
    then_nothing_is_found(page)
    press(page.get_by_role("button", name="Hold back"))
    page.get_by_text("The patient has NOT been told.").first.wait_for()
    then_nothing_is_found(page)
    assert "Nora" not in page.title() + page.url


@pytest.mark.parametrize(("width", "dark"), [(375, False), (375, True), (1280, False), (1280, True)])
def test_axe_finds_nothing_where_saved_replies_are_kept(sign_in, width, dark):
    page = sign_in(width=width, dark=dark)
    page.goto("/admin/appointments/savedreply/")
    then_nothing_is_found(page)
    press(page.get_by_role("link", name="See you soon").first)
    page.get_by_text("We look forward to seeing you on Tuesday, January 8 at 10 am.").wait_for()
    page.get_by_label("Subject").fill("Dear {full_name}")
    press(page.get_by_role("button", name="Save", exact=True))
    page.get_by_text("{full_name} cannot be filled in.").first.wait_for()
    then_nothing_is_found(page)


def press(button):
    """Press it, and wait for the page that it leads to."""
    with button.page.expect_navigation():
        button.click()


def then_nothing_is_found(page):
    # Django's forms.css imports another sheet; to preload it, axe would write a style into the page, which is refused.
    found = Axe().run(page, options={"preload": False})
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} scrolls sideways"
