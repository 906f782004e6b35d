"""In forced colours the reader's own palette replaces ours: what is told by a fill must be told by a line as well."""

import pytest

FORM = "/request-an-appointment/"
EDGES = """(selector) => [...document.querySelectorAll(selector)].filter((one) => one.offsetParent).map((one) => {
    const style = getComputedStyle(one);
    return [one.outerHTML.slice(0, 60), parseFloat(style.borderTopWidth) > 0 && style.borderTopStyle !== 'none'];
})"""


@pytest.fixture
def forced(look):
    """Open a page as somebody who has chosen colours of their own."""

    def open_page(address):
        page = look(address, width=375)
        page.emulate_media(forced_colors="active")
        return page

    return open_page


@pytest.mark.parametrize("address", ["/", "/treatments/microneedling/", FORM])
def test_a_button_and_a_field_have_an_edge(forced, address):
    page = forced(address)
    edges = page.evaluate(EDGES, "a.button, button, input:not([type=radio], [type=checkbox]), select, textarea")
    assert edges
    assert [what for what, has_edge in edges if not has_edge] == []


def test_what_has_the_focus_has_an_outline(forced):
    page = forced(FORM)
    for _press in range(12):
        page.keyboard.press("Tab")
        what, style, width = page.evaluate(
            "() => { const one = document.activeElement, style = getComputedStyle(one);"
            " return [one.outerHTML.slice(0, 60), style.outlineStyle, parseFloat(style.outlineWidth)] }"
        )
        assert style != "none", what
        assert width >= 2, what


def test_a_ticked_box_and_a_chosen_answer_look_different(forced):
    page = forced(FORM)
    for box in (page.get_by_label("Phone call"), page.get_by_label("Tuesday to Friday mornings")):
        before = box.screenshot()
        box.check()
        page.keyboard.press("Tab")  # so that it is not the focus that is seen
        assert box.screenshot() != before


def test_an_error_is_told_in_words_and_by_a_line(forced):
    page = forced(FORM)
    page.get_by_role("button", name="Send request").click()
    page.get_by_role("alert").wait_for()
    marked = page.locator("[aria-invalid=true]").first
    assert page.evaluate("(id) => document.getElementById(id).textContent.trim()", described(marked))
    assert page.evaluate(EDGES, "[role=alert]")[0][1]


def described(field) -> str:
    return field.get_attribute("aria-describedby").split()[-1]
