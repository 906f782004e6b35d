"""What comes out of the printer on Letter paper: few pages, every answer, the telephone, and nothing to press."""

import re

import pytest

TREATMENT = "/treatments/microneedling/"
AFTERCARE = f"{TREATMENT}aftercare/"
TELEPHONE = re.compile(r"\(\d{3}\) \d{3}-\d{4}")
# What a reader of the paper sees: text that has a box to stand in.
SEEN = """(selector) => [...document.querySelectorAll(selector)].filter(
    (element) => element.checkVisibility({contentVisibilityAuto: true}) && element.getClientRects().length
).map((element) => element.innerText || element.tagName)"""


@pytest.fixture
def printed(look):
    """A page as the printer gets it: the page itself, and how many sheets it takes."""

    def print_page(address, **how):
        page = look(address, **how)
        page.emulate_media(media="print")
        sheets = len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="Letter")))
        return page, sheets

    return print_page


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("language", ["", "/es"])
def test_a_treatment_takes_at_most_four_sheets_with_every_answer_opened(printed, language, dark):
    page, sheets = printed(language + TREATMENT, dark=dark)

    assert 1 <= sheets <= 4
    answers = page.locator(".questions details > div")
    assert answers.count() > 0
    for answer in answers.all():
        assert answer.bounding_box()["height"] > 10


@pytest.mark.parametrize("language", ["", "/es"])
def test_an_aftercare_sheet_is_one_sheet_with_the_clinics_name_and_telephone(printed, language):
    page, sheets = printed(language + AFTERCARE)

    assert sheets == 1
    assert "Mirror Mirror Med Spa" in " ".join(page.locator("body").inner_text().split())
    assert TELEPHONE.search(page.locator("main").inner_text())


@pytest.mark.parametrize("address", [TREATMENT, AFTERCARE, "/", "/es/", "/privacy/"])
def test_nothing_on_paper_is_for_pressing(printed, address):
    page, _sheets = printed(address)

    for selector in ("nav", "button", ".button", ".skip", ".bar", ".open"):
        assert page.evaluate(SEEN, selector) == []


@pytest.mark.parametrize("dark", [False, True])
def test_paper_stays_white(printed, dark):
    page, _sheets = printed(TREATMENT, dark=dark)

    for selector in (".visit", ".wait"):
        assert page.locator(selector).evaluate("(box) => getComputedStyle(box).backgroundColor") == "rgba(0, 0, 0, 0)"
    assert page.locator("h1").evaluate("(title) => getComputedStyle(title).color") == "rgb(18, 49, 45)"
