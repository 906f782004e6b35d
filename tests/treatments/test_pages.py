"""The public pages as patients get them: what stands there, and that what is empty leaves no trace."""

import re
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser

import pytest
from django.db import OperationalError
from django.test import Client, RequestFactory
from django.utils import timezone

from medspa import views
from medspa.models import Clinic, Closure
from tests import factories
from treatments.models import Treatment

ADDRESSES = ["/", "/treatments/", "/treatments/peel/", "/treatments/peel/aftercare/", "/privacy/"]
SECTIONS = ["what-it-is", "benefits", "who-it-suits", "on-the-day", "recovery", "prices", "questions"]
ERROR_PAGES = {
    400: views.bad_request,
    403: views.permission_denied,
    404: views.page_not_found,
    500: lambda request, _exception: views.server_error(request),
}


class Outline(HTMLParser):
    """The page's sections, headings and references between its parts."""

    def __init__(self, html: str):
        super().__init__()
        self.ids: list[str] = []
        self.sections: list[str] = []
        self.headings: list[int] = []
        self.points_to: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        facts = dict(attrs)
        if "id" in facts:
            self.ids.append(facts["id"])
        if tag == "section" and "id" in facts:
            self.sections.append(facts["id"])
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        for name in ("aria-describedby", "aria-labelledby", "for"):
            self.points_to |= set((facts.get(name) or "").split())
        if (facts.get("href") or "").startswith("#"):
            self.points_to.add(facts["href"][1:])


def full_treatment(**facts) -> Treatment:
    words = {"what_it_is": "A.", "who_it_suits": "B.", "prices": "C.", "closing": "Come in."}
    row = factories.treatment(name="Peel", slug="peel", time_off="None", price_from="$90", **(words | facts))
    row.benefits.create(name="Fine lines", text="They look softer.")
    row.contraindications.create(page_words="are pregnant", question="Are you pregnant?")
    row.steps.create(name="Numbing", minutes="10 minutes", text="It numbs.")
    row.recovery_notes.create(when="Same day", text="Stay in the shade.")
    row.faqs.create(question="Does it hurt?", answer="Rarely.")
    return row


def page(address: str, client: Client | None = None) -> str:
    response = (client or Client()).get(address)
    assert response.status_code == 200
    return response.content.decode()


def test_a_full_treatment_shows_every_section_in_order(clinic):
    full_treatment()
    assert Outline(page("/treatments/peel/")).sections == [*SECTIONS, "visit-us"]


def test_a_bare_treatment_shows_no_empty_section_and_links_to_none(clinic):
    factories.treatment(name="Peel", slug="peel")
    html = page("/treatments/peel/")
    outline = Outline(html)
    assert outline.sections == ["visit-us"]
    assert not outline.points_to & set(SECTIONS)
    assert "Time off" not in html
    assert "From" not in html
    assert "Checked by" not in html
    assert "At the clinic" not in html


@pytest.mark.parametrize(
    ("field", "section"),
    [
        ("what_it_is", "what-it-is"),
        ("benefits_intro", "benefits"),
        ("benefits_close", "benefits"),
        ("who_it_suits", "who-it-suits"),
        ("on_the_day", "on-the-day"),
        ("risks", "on-the-day"),
        ("recovery_intro", "recovery"),
        ("prices", "prices"),
    ],
)
def test_a_text_that_stands_alone_is_shown_and_needs_no_contents(clinic, field, section):
    factories.treatment(name="Peel", slug="peel", **{field: "Told once."})
    html = page("/treatments/peel/")
    assert Outline(html).sections == [section, "visit-us"]
    assert "Told once." in html
    assert "on-this-page" not in html


def test_the_contents_name_every_section_that_is_there_and_no_other(clinic):
    full_treatment(prices="")
    contents = re.search(r'<nav class="on-this-page".*?</nav>', page("/treatments/peel/"), re.DOTALL)[0]
    assert re.findall(r'href="#([^"]+)"', contents) == [name for name in SECTIONS if name != "prices"]


EMPTY = re.compile(r"<(p|h[1-6]|ul|ol|dl|li|nav|section|figcaption)\b[^>]*>\s*</\1>")


@pytest.mark.parametrize("language", ["", "/es"])
@pytest.mark.parametrize("address", [*ADDRESSES, "/request-an-appointment/", "/accessibility/"])
def test_what_is_empty_leaves_no_trace(db, address, language):
    factories.clinic(weekdays=[], telephone="", town="", region="", region_code="")
    factories.treatment(name="Peel", slug="peel", summary="")
    html = page(language + address)
    assert not EMPTY.search(html), EMPTY.search(html)[0]
    for nothing in ("tel:", "Call us", "Llámenos", "mailto:", "None"):
        assert nothing not in html, nothing


def test_a_clinic_without_treatments_says_so_and_the_form_still_works(db):
    factories.clinic(telephone="")
    assert "We are writing these pages." in page("/treatments/")
    assert "/treatments/" not in re.findall(r"<loc>([^<]+)</loc>", page("/sitemap.xml"))
    assert not EMPTY.search(page("/"))
    assert page("/request-an-appointment/")


@pytest.mark.parametrize("address", ADDRESSES)
def test_every_page_hangs_together(clinic, address):
    full_treatment()
    outline = Outline(page(address))
    assert outline.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(outline.headings, outline.headings[1:], strict=False))
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.points_to <= set(outline.ids)


def test_times_at_the_clinic_are_said_with_and_without_the_calming_treatment(clinic):
    full_treatment(procedure_minutes=30, calming_minutes_min=30, calming_minutes_max=60)
    html = page("/treatments/peel/")
    assert "About 30 minutes" in html
    assert "60 to 90 minutes" in html
    assert "with a calming treatment, or 30 without" in html


def test_who_should_wait_is_never_folded_away(clinic):
    full_treatment()
    html = page("/treatments/peel/")
    section = html[html.index('id="who-it-suits"') : html.index('id="on-the-day"')]
    assert "Wait with this treatment if you" in section
    assert "<li>are pregnant</li>" in section
    assert "<details" not in section


def test_the_request_button_names_the_treatment(clinic):
    full_treatment()
    assert page("/treatments/peel/").count('href="/request-an-appointment/?treatment=peel"') == 3


def test_a_reviewer_and_both_days_are_shown_where_they_are_given(clinic):
    full_treatment(reviewed_by="Ida Lund, nurse", reviewed_on=date(2026, 3, 9), next_review_on=date(2027, 3, 1))
    html = page("/treatments/peel/")
    assert "Checked by Ida Lund, nurse" in html
    assert "March 9, 2026" in html
    assert "March 2027" in html


def test_a_draft_is_hidden_from_patients_and_marked_for_staff(clinic):
    full_treatment(status=Treatment.Status.DRAFT)
    for address in ("/treatments/peel/", "/treatments/peel/aftercare/"):
        assert Client().get(address).status_code == 404
        staff = Client()
        staff.force_login(factories.user("treatments.change_treatment"))
        html = page(address, staff)
        assert "Draft: patients cannot see this page" in html
        assert '<meta name="robots" content="noindex">' in html
    assert "Peel" not in page("/")
    assert "Peel" not in page("/treatments/")


@pytest.mark.parametrize("name", ["Microneedling", "A treatment whose name is far longer than a search result shows"])
def test_a_title_fits_a_search_result(clinic, name):
    factories.treatment(name=name, slug="peel")
    title = re.search(r"<title>(.*?)</title>", page("/treatments/peel/")).group(1)
    assert len(title) <= 65
    assert title.startswith(name[:40])


def test_a_page_has_one_address_whatever_host_or_query_asks(clinic, settings):
    settings.SITE_URL = "https://clinic.example"
    full_treatment()
    assert '<link rel="canonical" href="https://clinic.example/treatments/peel/">' in page("/treatments/peel/?ref=x")


def test_an_empty_fact_about_the_clinic_leaves_no_trace(db):
    factories.clinic(weekdays=[], town="", region="", region_code="")
    full_treatment()
    for address in ("/", "/treatments/peel/", "/treatments/peel/aftercare/"):
        html = page(address)
        assert "None" not in re.sub(r"<dd>None</dd>", "", html)
        assert not re.search(r"Open now|Closed now|Opening hours|mailto:|Map and| in ?[<|]|, ?[<,]", html)


def test_each_page_says_when_we_are_open(clinic):
    full_treatment()
    for address in ("/", "/treatments/peel/", "/request-an-appointment/"):
        html = page(address)
        assert html.count("Tuesday to Saturday") >= 2
        assert ("Open now" in html) == clinic.is_open()
        assert ("Closed now" in html) != clinic.is_open()


def test_a_coming_closure_is_announced(clinic):
    tomorrow = timezone.localdate() + timedelta(days=1)
    Closure.objects.create(starts_on=tomorrow, ends_on=tomorrow, reason="Stocktaking")
    assert "Stocktaking" in page("/")


def test_the_clinics_own_words_are_spanish_on_spanish_pages_or_marked_as_english(clinic):
    tomorrow = timezone.localdate() + timedelta(days=1)
    closure = Closure.objects.create(starts_on=tomorrow, ends_on=tomorrow, reason="Stocktaking")
    Clinic.objects.update(tagline="Clear skin.")
    html = page("/es/")
    assert '<p class="lead" lang="en">Clear skin.</p>' in html
    assert '<span lang="en">Stocktaking</span>' in html

    Clinic.objects.update(tagline_es="Piel clara.")
    Closure.objects.filter(pk=closure.pk).update(reason_es="Inventario")
    html = page("/es/")
    assert '<p class="lead">Piel clara.</p>' in html
    assert '"description":"Piel clara."' in html
    assert "<span>Inventario</span>" in html
    assert "Stocktaking" not in html
    html = page("/")
    assert '<p class="lead">Clear skin.</p>' in html
    assert "<span>Stocktaking</span>" in html
    assert "Piel clara" not in html


@pytest.mark.parametrize("rows", [1, 30])
def test_a_page_costs_the_same_for_one_point_and_for_thirty(clinic, django_assert_num_queries, rows):
    row = full_treatment()
    for number in range(rows - 1):
        row.faqs.create(question=f"Question {number}?", answer="Yes.")
        row.benefits.create(name=f"Benefit {number}")
    with django_assert_num_queries(3):  # the treatment with all its lists, the clinic, the content's version
        page("/treatments/peel/")
    with django_assert_num_queries(1):  # the version, which is the same
        page("/treatments/peel/")


@pytest.mark.parametrize("status", ERROR_PAGES)
def test_a_page_that_reports_trouble_touches_neither_body_nor_user(clinic, status):
    request = RequestFactory().get("/nowhere/")
    assert not hasattr(request, "user")
    response = ERROR_PAGES[status](request, Exception("x"))
    assert response.status_code == status
    assert "(520) 555-0142" in response.content.decode()


def test_the_telephone_number_is_known_while_the_database_is_away(clinic, monkeypatch):
    views.page_not_found(RequestFactory().get("/"), None)

    def away(self):
        raise OperationalError("the database is away")

    monkeypatch.setattr(type(Clinic.objects.all()), "current", away)
    html = views.server_error(RequestFactory().get("/")).content.decode()
    assert "Something went wrong on our side" in html
    assert "(520) 555-0142" in html


def test_trouble_is_reported_even_when_templates_are_broken(clinic, monkeypatch):
    def broken(*_args):
        raise RuntimeError("no templates")

    monkeypatch.setattr(views, "render_to_string", broken)
    response = views.server_error(RequestFactory().get("/"))
    assert response.status_code == 500
    assert b"Try again in a few minutes" in response.content


def test_robots_may_read_all_but_the_desk_and_private_pages(clinic, client, settings):
    settings.SITE_URL = "https://clinic.example"
    lines = client.get("/robots.txt").content.decode().splitlines()
    assert {"Disallow: /admin/", "Disallow: /my-request/"} <= set(lines)
    assert "Sitemap: https://clinic.example/sitemap.xml" in lines


def test_security_txt_names_a_contact_and_a_day_within_a_year(db, client):
    factories.clinic(email="hello@clinic.example")
    text = client.get("/.well-known/security.txt").content.decode()
    expires = datetime.fromisoformat(re.search(r"Expires: (.*)Z", text).group(1)).replace(tzinfo=UTC)
    assert "Contact: mailto:hello@clinic.example" in text
    assert timedelta(days=90) < expires - timezone.now() < timedelta(days=365)


def test_the_sitemap_lists_published_pages_under_the_sites_own_address(clinic, client, settings):
    settings.SITE_URL = "https://clinic.example"
    full_treatment()
    factories.treatment(slug="secret", status=Treatment.Status.DRAFT)
    xml = client.get("/sitemap.xml", headers={"host": "localhost"}).content.decode()
    assert "<loc>https://clinic.example/treatments/peel/</loc><lastmod>" in xml
    assert "secret" not in xml
    assert "localhost" not in xml


def test_reading_sets_no_cookie(clinic, client):
    full_treatment()
    for address in ADDRESSES:
        assert not client.get(address).cookies


def test_the_errors_of_a_sent_form_point_at_its_fields(clinic, client):
    html = client.post("/request-an-appointment/", {"contact_by": "call", "phone": "12"}).content.decode()
    outline = Outline(html)
    assert html.index("There is a problem") < html.index("<h1")
    assert "<title>Error: " in html
    assert {"id_full_name", "id_phone"} <= outline.points_to <= set(outline.ids)
    assert 'aria-describedby="id_phone_helptext id_phone_error"' in html
    assert " required" not in html
    assert "placeholder=" not in html
