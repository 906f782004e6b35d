"""How the site is, as its owner finds it: readable on a phone, in the dark and without scripts."""

import pytest

from tests.browser.test_accessibility import then_nothing_is_found


@pytest.mark.parametrize(("width", "dark"), [(320, False), (375, True), (1280, False), (1280, True)])
def test_axe_finds_nothing_and_nothing_is_wider_than_the_page(sign_in, width, dark):
    page = sign_in("olga", width=width, dark=dark)
    page.get_by_role("link", name="The site needs you").click()
    page.get_by_role("heading", name="Status of the site").wait_for()
    assert page.get_by_text("Needs you", exact=True).count() >= 3
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    then_nothing_is_found(page)


def test_it_is_read_without_scripts(sign_in):
    page = sign_in("olga", scripts=False)
    page.get_by_role("link", name="The site needs you").click()
    assert page.get_by_role("heading", name="Backup").is_visible()
    page.get_by_role("link", name="Open the clinic's page").click()
    assert page.get_by_role("heading", name="Change clinic").is_visible()
