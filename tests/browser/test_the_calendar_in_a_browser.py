"""A full day at the desk in Chromium: axe on its pages, by keyboard, and how many sheets it takes on paper."""

import os
import re
import shutil
import subprocess

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import PASSWORD
from tests.site import Site, visitor

DAY, WEEK = "/admin/appointments/appointment/day/", "/admin/appointments/appointment/week/"
CALLS, MINE = "/admin/appointments/appointmentrequest/calls/", "/admin/appointments/calendarfeed/"
ALL_BLACK = """() => [...document.querySelectorAll("body, h1, .sheet :is(th, td, a, small)")].every(
    (one) => getComputedStyle(one).color === "rgb(0, 0, 0)")"""
FULL_DAY = """
import uuid
from datetime import datetime, time, timedelta
from django.contrib.auth.models import User
from django.utils import timezone
from appointments import workflow
from appointments.models import PreferredTime
from medspa.models import Clinic
from treatments.models import Provider, Treatment

clinic, by = Clinic.objects.current(), User.objects.first()
clinic.hours.all().delete()
for weekday in range(7):
    clinic.hours.create(weekday=weekday, opens_at=time(0), closes_at=time(23, 59))
kind, now = Treatment.objects.originals().first(), timezone.now()
rooms = [Provider.objects.get_or_create(name=name)[0] for name in ("Dana Whitfield, RN", "Dr. Ortega", "Room 3")]
last = ["Ruiz", "O'Brien", "Fernández de Córdoba", "الحداد"]
ask = lambda number, **more: workflow.receive(
    form_token=uuid.uuid4(), full_name=f"Guadalupe {last[number % 4]}", phone=f"(520) 555-01{number:02}",
    email=f"p{number}@example.com", contact_by="text", treatment=kind if number % 2 else None, message="canarymessage",
    preferred_times=[PreferredTime(weekdays="1234", part="am"), PreferredTime(weekdays="5", part="pm")], **more)
midnight = datetime.combine(clinic.today(), time(0), clinic.zone)
"""
VISITS = """
for number in range(20):
    workflow.book(ask(number), by=by, seen=1, provider=rooms[number % 3], minutes=30,
                  starts_at=midnight + timedelta(hours=8, minutes=30 * (number // 3)))
"""
CALLED = "\nfor number in range({}):\n    ask(number, now=now - timedelta(hours=2), language='es')\n"


@pytest.fixture(scope="session")
def opened_site(tmp_path_factory):
    """A site of its own, with twenty visits today and twenty people to call."""
    site = Site(tmp_path_factory.mktemp("full-day"), os.environ.get("TEST_DATABASE_URL", ""))
    site.manage("shell", "-c", FULL_DAY + VISITS + CALLED.format(20))
    site.start()
    yield site
    site.remove()


@pytest.fixture(scope="session")
def _staff(opened_site):
    opened_site.manage("create_staff", "ana", "--group", "Front desk", input=f"{PASSWORD}\n")


@pytest.mark.parametrize(("width", "dark"), [(375, False), (375, True), (1280, False), (1280, True)])
def test_axe_finds_nothing_on_the_pages_of_days_and_sheets(sign_in, width, dark):
    page = sign_in(width=width, dark=dark)
    for address in ("/admin/", DAY, WEEK, CALLS, MINE, "/admin/appointments/appointment/"):
        page.goto(address)
        then_nothing_is_found(page)


def test_a_day_is_walked_by_keyboard(sign_in):
    page = sign_in(width=375)
    page.goto(DAY)
    today = page.locator("h1").inner_text()
    page.get_by_role("link", name="Next day").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/day/?date=*")
    assert page.locator("h1").inner_text() != today
    page.get_by_role("link", name="Previous day").focus()  # on a Sunday, next day is another week
    page.keyboard.press("Enter")
    page.wait_for_function("(today) => document.querySelector('h1').innerText === today", arg=today)
    page.get_by_role("link", name="The week").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/week/?date=*")
    page.locator("[aria-current=date]").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/day/?date=*")
    assert page.locator("h1").inner_text() == today
    assert page.locator(".column .visit").count() == 20


def test_what_is_pressed_on_a_day_is_large_enough(sign_in):
    page = sign_in(width=375)
    for address in (DAY, WEEK, CALLS, MINE):
        page.goto(address)
        sizes = page.locator("#content :is(a, button, input:not([type=hidden]))").evaluate_all(
            "(all) => all.map((one) => one.getBoundingClientRect().height)"
        )
        assert sizes
        assert min(sizes) >= 24


def test_an_address_for_a_calendar_program_is_made_read_and_ended(sign_in, opened_site):
    page = sign_in(width=375)
    page.goto(MINE)
    page.get_by_role("button", name="Make an address").click()
    address = page.locator(".secret").inner_text()
    then_nothing_is_found(page)
    assert address.startswith(f"{opened_site.url}/calendar/")
    file = visitor().open(address, timeout=20).read().decode()
    assert file.count("BEGIN:VEVENT") == 20
    assert "Guadalupe" not in file
    page.get_by_role("button", name="End this address").click()
    page.get_by_text("You have no address.").wait_for()
    assert address.rpartition("/")[2].removesuffix(".ics") not in opened_site.log.read_text()


# On paper


def sheets(page, size):
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(format=size)))


@pytest.mark.parametrize("size", ["Letter", "A4"])
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("address", [DAY, CALLS])
def test_twenty_take_one_sheet(sign_in, address, dark, size):
    page = sign_in(dark=dark)
    page.goto(address)
    assert page.locator(".sheet tbody tr").count() == 20
    assert sheets(page, size) == 1


@pytest.mark.parametrize("address", [DAY, CALLS])
def test_a_sheet_is_black_on_white_without_what_is_pressed_and_says_when_it_was_printed(sign_in, address):
    page = sign_in(dark=True)
    page.goto(address)
    assert not page.get_by_text("Printed at").is_visible()
    page.emulate_media(media="print", color_scheme="dark")

    assert page.get_by_text("Printed at").is_visible()
    assert page.locator(".sheet").is_visible()
    for selector in ("#header", ".breadcrumbs", "nav", "button", "input:not([type=hidden])"):
        assert not any(one.is_visible() for one in page.locator(selector).all()), selector
    page.wait_for_function(ALL_BLACK)  # links take their time to change colour
    assert page.locator("body").evaluate("(body) => getComputedStyle(body).backgroundColor") == "rgb(255, 255, 255)"
    assert "canary" not in page.content()


def test_more_than_a_sheet_holds_goes_on_under_the_same_head(sign_in, opened_site, tmp_path):
    if not shutil.which("pdftotext"):
        pytest.skip("No pdftotext. Install poppler-utils.")
    opened_site.manage("shell", "-c", FULL_DAY + CALLED.format(25))
    page = sign_in()
    page.goto(CALLS)
    page.pdf(path=tmp_path / "calls.pdf", format="Letter")
    told = subprocess.run(["pdftotext", tmp_path / "calls.pdf", "-"], capture_output=True, text=True, check=True).stdout

    pages = told.rstrip("\f\n").split("\f")
    assert len(pages) == 3
    assert all("What was said" in one for one in pages)


def then_nothing_is_found(page):
    found = Axe().run(page)
    assert found.violations_count == 0, f"{page.url}: {found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} scrolls sideways"
