"""Public pages with nothing, with a hundred of each, with texts of 5,000 characters and with the longest words."""

import os

import pytest

from tests.site import Site

PAGES = [
    "/",
    "/treatments/",
    "/treatments/microneedling/",
    "/treatments/microneedling/aftercare/",
    "/request-an-appointment/",
    "/privacy/",
    "/accessibility/",
]
LONGEST = "Electroencefalografistas contraindicaciones desoxirribonucleico anticonstitucionalmente"
START = """
from medspa.models import Clinic, Closure
from treatments.models import Treatment
lists = ("benefits", "contraindications", "steps", "recovery_notes", "faqs")
texts = ("what_it_is", "benefits_intro", "benefits_close", "who_it_suits", "on_the_day", "risks", "recovery_intro",
         "prices", "closing")
clinic = Clinic.objects.get()
def fill(row, words, many):
    for name in lists:
        getattr(row, name).all().delete()
    for number in range(many):
        row.benefits.create(name=words[:100], text=words)
        row.contraindications.create(page_words=words, question=words)
        row.steps.create(name=words[:100], minutes=words[:30], text=words)
        row.recovery_notes.create(when=words[:60], text=words)
        row.faqs.create(question=words[:200], answer=words)
def rewrite(words, text, many):
    for row in Treatment.objects.filter(slug="microneedling"):
        for name in texts:
            setattr(row, name, text)
        row.name, row.summary = (words or "M")[:100], words[:300]
        row.time_off, row.price_from = words[:60], words[:40]
        row.reviewed_by = words[:100]
        row.save()
        fill(row, words, many)
"""
NOTHING = """
Clinic.objects.update(street="", town="", region="", region_code="", postal_code="", telephone="", email="",
                      tagline="", tagline_es="", map_url="")
clinic.hours.all().delete()
clinic.closures.all().delete()
rewrite("", "", 0)
"""
A_HUNDRED = """
rewrite("It helps most people", "It helps.", 100)
for number in range(100):
    Treatment.objects.create(name=f"Treatment {number}", slug=f"treatment-{number}", summary="It helps.",
                             status="published")
    Closure.objects.create(clinic=clinic, starts_on="2026-01-01", ends_on="2036-01-01", reason="A day off")
"""
FIVE_THOUSAND = """
rewrite(("The skin heals in a few days. " * 170)[:200], ("The skin heals. " * 300 + "\\n\\n" + "x" * 5000)[:9000], 3)
Treatment.objects.filter(slug="microneedling").update(summary="x" * 300)
Clinic.objects.update(name="x" * 100, site_name="x" * 100, street="x" * 200, tagline="x" * 200, town="x" * 100)
"""
LONGEST_WORDS = f"""
rewrite({LONGEST!r}, {LONGEST!r}, 3)
Clinic.objects.update(name={LONGEST!r}, site_name={LONGEST!r}, street={LONGEST!r}, tagline={LONGEST!r},
                      tagline_es={LONGEST!r}, town={LONGEST[:60]!r}, region={LONGEST[:60]!r})
"""
TROUBLE = """() => {
    const found = [], say = (what, one) => found.push(`${what} ${one.outerHTML.slice(0, 80)}`);
    if (document.documentElement.scrollWidth > innerWidth) found.push('the page scrolls sideways');
    for (const one of document.body.querySelectorAll('p, h1, h2, h3, ul, ol, dl, dd, li, nav, section, a, button')) {
        const box = one.getBoundingClientRect(), style = getComputedStyle(one);
        const hidden = style.display === 'none' || style.visibility === 'hidden' || one.closest('details:not([open])');
        if (hidden) continue;
        if (!one.textContent.trim() && !one.querySelector('svg, img, input')) say('empty', one);
        if (box.width > 1 && (box.right > innerWidth + 1 || box.left < -1)) say('outside', one);
        if (style.overflowX === 'hidden' && one.scrollWidth > one.clientWidth + 1) say('cut off', one);
    }
    return found.slice(0, 5);
}"""


@pytest.fixture(scope="module")
def opened_site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("extremes"), os.environ.get("TEST_DATABASE_URL", ""))
    site.start()
    yield site
    site.remove()


@pytest.mark.parametrize(
    "extreme", [A_HUNDRED, FIVE_THOUSAND, LONGEST_WORDS, NOTHING], ids=["hundred", "thousands", "longest", "nothing"]
)
def test_a_page_looks_right_at_the_extremes(look, opened_site, extreme):
    opened_site.manage("shell", "-v", "0", "-c", START + extreme)
    found = {}
    for width in (320, 1280):
        page = look("/", width=width)
        for address in [*PAGES, *(f"/es{address}" for address in PAGES)]:
            page.goto(address)
            if trouble := page.evaluate(TROUBLE):
                found[address, width] = trouble
    assert not found
