"""axe finds nothing, light and dark, narrow and wide; every id that a page points to is there."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.site import PUBLIC_PAGES, send_request

PAGES = [*PUBLIC_PAGES, *(f"/es{address}" for address in PUBLIC_PAGES), "/admin/login/"]
DANGLING = """() => [...document.querySelectorAll('[for],[aria-describedby],[aria-labelledby],[href^="#"]')].flatMap(
    (element) => ['for', 'aria-describedby', 'aria-labelledby', 'href']
        .filter((name) => element.hasAttribute(name) && (name !== 'href' || element.hash.length > 1))
        .flatMap((name) => element.getAttribute(name).replace('#', '').split(/\\s+/))
        .filter((id) => id && !id.startsWith('/') && !id.includes(':') && !document.getElementById(id)))"""


@pytest.mark.parametrize(("width", "dark"), [(320, False), (375, True), (1280, False), (1280, True)])
@pytest.mark.parametrize("address", PAGES)
def test_axe_finds_nothing_on_a_public_page(look, address, width, dark):
    then_nothing_is_found(look(address, width=width, dark=dark))


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("address", PAGES[:-1])
def test_text_twice_as_large_stays_on_the_page_and_the_bar_leaves_room_to_read(look, address, width):
    page = look(address, width=width)
    page.evaluate("document.documentElement.style.fontSize = '200%'")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    bar = page.locator(".bar")
    if bar.count() and bar.is_visible():
        assert bar.bounding_box()["height"] <= page.viewport_size["height"] / 4
    then_nothing_is_found(page)


@pytest.mark.parametrize(("width", "dark"), [(320, False), (1280, True)])
def test_axe_finds_nothing_on_a_form_with_errors(look, width, dark):
    page = look("/request-an-appointment/", width=width, dark=dark)
    page.get_by_role("button", name="Send request").click()
    page.get_by_role("alert").wait_for()

    then_nothing_is_found(page)


@pytest.mark.parametrize(("width", "dark"), [(320, False), (1280, True)])
def test_axe_finds_nothing_on_the_private_page(look, opened_site, width, dark):
    address = send_request(opened_site)

    then_nothing_is_found(look(address, width=width, dark=dark))


def then_nothing_is_found(page):
    assert page.evaluate(DANGLING) == []
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
