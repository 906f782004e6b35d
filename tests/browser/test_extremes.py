"""With nothing to show, with one of each, with a hundred, with fields filled to the brim: every public page holds.

No page scrolls sideways, no text is cut or lies over other text, and no empty list, heading, nav or paragraph stands.
"""

import os
from pathlib import Path

import pytest

from tests import extremes
from tests.site import Site

FAULTS = (Path(__file__).parent / "faults.js").read_text()
WIDTHS = [320, 375, 1280]  # pixels
OPEN_ALL = "document.querySelectorAll('details').forEach((details) => { details.open = true; })"
SAY_IN_LONG_WORDS = """(words) => document.querySelectorAll('h1, h2, h3, .button, nav a, label, legend, dt')
    .forEach((element) => { element.textContent = words; })"""
EXTREMES = [
    extremes.nothing,
    extremes.one_bare_treatment,
    extremes.one_of_each,
    extremes.a_hundred_of_each,
    extremes.long_fields,
    extremes.fields_without_spaces,
    extremes.longest_spanish_words,
]


@pytest.fixture(scope="module")
def opened_site(tmp_path_factory):
    """A site of their own, which the extremes write over."""
    site = Site(tmp_path_factory.mktemp("extremes"), os.environ.get("TEST_DATABASE_URL", ""))
    site.start()
    yield site
    site.remove()


@pytest.mark.parametrize("extreme", EXTREMES, ids=lambda extreme: extreme.__name__)
def test_every_public_page_holds(look, opened_site, extreme):
    addresses = turn_into(opened_site, extreme)
    page, found = look("/"), []

    for address in [*addresses, *(f"/es{address}" for address in addresses)]:
        page.goto(address)
        page.evaluate(OPEN_ALL)
        found += faults(page, address)
    assert found == []


def test_fixed_words_may_be_as_long_as_the_longest_spanish_ones(look, opened_site):
    addresses = turn_into(opened_site, extremes.one_of_each)
    page, found = look("/"), []

    for address in addresses:
        page.goto(f"/es{address}")
        page.evaluate(OPEN_ALL)
        page.evaluate(SAY_IN_LONG_WORDS, " ".join(extremes.SPANISH))
        found += faults(page, address)
    assert found == []


def turn_into(site, extreme):
    """The public pages of a clinic that is at this extreme."""
    return site.manage("shell", "-v", "0", "-c", f"from tests import extremes; extremes.{extreme.__name__}()").split()


def faults(page, address):
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        found += [f"{address} at {width}: {fault}" for fault in page.evaluate(FAULTS)]
    return found
