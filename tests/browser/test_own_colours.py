"""In forced colours, light and dark: buttons are told apart, every focus is ringed, nothing is said by colour alone."""

import pytest

THEMES = pytest.mark.parametrize("dark", [False, True], ids=["light theme", "dark theme"])
TREATMENT, FORM = "/treatments/microneedling/", "/request-an-appointment/"
# Whether a line can be told from the page, and how thick it is: [thickness in pixels, or 0 where it cannot be seen].
SEEN_LINE = """(element, side) => {
    const style = getComputedStyle(element);
    const canvas = getComputedStyle(document.body).backgroundColor;
    const hidden = ['none', 'hidden'].includes(style[`${side}Style`]) || style[`${side}Color`] === canvas;
    return hidden ? 0 : parseFloat(style[`${side}Width`]);
}"""
UNMARKED_LINKS = """() => [...document.querySelectorAll('p a, li a, dd a, address a')]
    .filter((link) => link.checkVisibility() && !link.closest('.head, .actions'))
    .filter((link) => getComputedStyle(link).textDecorationLine !== 'underline')
    .map((link) => link.outerHTML)"""


def line(locator, side):
    return locator.evaluate(SEEN_LINE, side)


@THEMES
def test_the_first_button_is_told_from_the_quiet_one_and_each_can_be_read(look, dark):
    page = look(TREATMENT, forced=True, dark=dark)

    looks = {}
    for kind in ("first", "last"):
        button = getattr(page.locator(".hero .button"), kind)
        style = "(one) => [getComputedStyle(one).backgroundColor, getComputedStyle(one).color]"
        looks[kind] = background, words = button.evaluate(style)
        assert background != words
    assert looks["first"][0] != looks["last"][0]


@THEMES
@pytest.mark.parametrize("address", [TREATMENT, FORM, "/privacy/"])
def test_whatever_has_the_focus_is_ringed(look, address, dark):
    page = look(address, forced=True, dark=dark)
    count = page.evaluate("document.querySelectorAll('a, button, input, select, textarea, summary').length")

    rings = []
    for _press in range(count):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        if focused.count() and not focused.evaluate("(one) => one === document.body"):
            rings.append((line(focused, "outline"), focused.evaluate("(one) => one.outerHTML.slice(0, 80)")))
    assert len(rings) > 5
    assert [words for width, words in rings if width < 3] == []


@THEMES
@pytest.mark.parametrize("address", ["/", TREATMENT, "/privacy/", f"{TREATMENT}aftercare/"])
def test_nothing_is_said_by_colour_alone(look, address, dark):
    page = look(address, forced=True, dark=dark)

    assert page.evaluate(UNMARKED_LINKS) == []
    for mark in page.locator(".open:visible").all():
        assert mark.inner_text() in {"Open now", "Closed now"}


@THEMES
def test_who_should_wait_and_where_to_go_stay_set_apart(look, dark):
    page = look(TREATMENT, forced=True, dark=dark)

    assert line(page.locator(".wait"), "borderLeft") >= 4
    assert line(page.locator(".visit"), "borderTop") >= 1
    assert line(page.locator(".facts"), "borderTop") >= 1
    signs = "(summary) => getComputedStyle(summary, '::after').content"
    folded = page.locator(".questions summary").first
    closed = folded.evaluate(signs)
    folded.click()
    assert folded.evaluate(signs) != closed
