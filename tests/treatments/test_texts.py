import pytest
from django.utils.safestring import SafeString
from hypothesis import given
from hypothesis import strategies as st

from treatments.models import Faq, Treatment
from treatments.texts import render


def test_markdown_becomes_html():
    assert render("Skin heals.\n\n- soon\n- *well*") == (
        "<p>Skin heals.</p>\n<ul>\n<li>soon</li>\n<li><em>well</em></li>\n</ul>\n"
    )


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "Text <img src=x onerror=alert(1)> text",
        "<a href='javascript:alert(1)'>x</a>",
        "<svg/onload=alert(1)>",
    ],
)
def test_html_comes_out_as_text(attack):
    html = render(attack)
    assert "&lt;" in html
    assert not {"<script", "<img", "<a", "<svg"} & {tag for tag in ("<script", "<img", "<a", "<svg") if tag in html}


@pytest.mark.parametrize(
    "link", ["[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))", "[x](vbscript:x)", "[x](data:text/html,x)"]
)
def test_a_link_that_would_run_a_script_stays_text(link):
    assert "href" not in render(link)


def test_an_honest_link_works():
    assert render("[us](/treatments/)") == '<p><a href="/treatments/">us</a></p>\n'


@given(st.text())
def test_no_text_can_bring_in_a_tag_of_its_own(text):
    html = render(text.replace("!", ""))  # without pictures, which Markdown allows
    for tag in ("<script", "<iframe", "<style", "<img", "<svg", "<object"):
        assert tag not in html.lower()


@pytest.mark.django_db
def test_the_html_is_kept_beside_the_text_and_follows_it():
    treatment = Treatment.objects.create(name="Facial", slug="facial", summary="Clean.", what_it_is="*One*")
    assert treatment.what_it_is_html == "<p><em>One</em></p>\n"
    treatment.what_it_is = "Two"
    treatment.save()
    treatment.refresh_from_db()
    assert treatment.what_it_is_html == "<p>Two</p>\n"
    assert isinstance(treatment.what_it_is_html, SafeString)


@pytest.mark.django_db
def test_an_empty_text_leaves_no_html():
    treatment = Treatment.objects.create(name="Facial", slug="facial", summary="Clean.", risks="Some")
    treatment.risks = ""
    treatment.save()
    treatment.refresh_from_db()
    assert treatment.risks_html == ""


@pytest.mark.django_db
def test_an_answer_is_rendered_like_any_other_text():
    treatment = Treatment.objects.create(name="Facial", slug="facial", summary="Clean.")
    faq = Faq.objects.create(treatment=treatment, question="Why?", answer="**Because** <b>")
    assert faq.answer_html == "<p><strong>Because</strong> &lt;b&gt;</p>\n"
