"""How the pages are found: what search results show of each, one address a page, and the sitemap."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from io import StringIO
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from medspa.models import Clinic
from medspa.templatetags.head import cut
from tests import factories
from tests.site import PUBLIC_PAGES
from treatments.models import Treatment, start_translation

ENGLISH = PUBLIC_PAGES[:-1]  # the last one is not there, and so not found
PAGES = [*ENGLISH, *(f"/es{address}" for address in ENGLISH)]
LONG = "Saguaro & Sons <Skin> " * 4 + "and Hair"  # near the 100 characters that a name may have
LONG_AGO = datetime(2026, 1, 2, 18, tzinfo=UTC)  # the same day at the clinic
ENGLISH_PAGE = "https://clinic.example/treatments/microneedling/"
SPANISH_PAGE = "https://clinic.example/es/treatments/microneedling/"
EDITING = ["change_treatment", "view_treatment", "change_benefit", "view_benefit"]
NAMESPACES = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}


@pytest.fixture(autouse=True)
def opened(db, settings):
    settings.SITE_URL = "https://clinic.example"
    Clinic.objects.all().delete()
    Treatment.objects.all().delete()
    call_command("open_clinic", "--no-owner", stdout=StringIO())


def head(client, address: str) -> dict:
    response = client.get(address)
    assert response.status_code == 200
    html = response.content.decode()
    return {
        "title": unescape(re.search(r"<title>([^<]*)</title>", html)[1]),
        "description": unescape(re.search(r'<meta name="description" content="([^"<>]*)">', html)[1]),
        "canonical": re.findall(r'<link rel="canonical" href="([^"]+)">', html),
        "alternates": dict(re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', html)),
        "noindex": "noindex" in html or "noindex" in response.get("X-Robots-Tag", ""),
    }


def fits(found: dict) -> bool:
    return 0 < len(found["title"]) <= 65 and 70 <= len(found["description"]) <= 160


@pytest.mark.parametrize("town", ["Tucson", ""])
def test_each_page_says_what_it_is_in_the_room_of_a_search_result_and_no_two_say_the_same(client, town):
    Clinic.objects.update(town=town)
    heads = {address: head(client, address) for address in PAGES}
    assert [address for address, found in heads.items() if not fits(found)] == []
    for part in ("title", "description"):
        words = [found[part] for found in heads.values()]
        assert sorted(words) == sorted(set(words))
        assert [one for one in words if "…" in one] == []
    assert not any(re.search(r" (in|en)( \||:|,|$)", found["title"]) for found in heads.values())


@pytest.mark.parametrize("word", [LONG[:100], "W" * 100], ids=["words", "one-word"])
def test_words_that_are_far_too_long_are_cut_and_escaped(client, word):
    Clinic.objects.update(name=word, site_name=word, town=word, tagline=word * 2, tagline_es=word * 2)
    Treatment.objects.update(name=f"Peel {word}"[:100], summary=word * 3, description="")
    for pages in (ENGLISH, PAGES[len(ENGLISH) :]):
        heads = {address: head(client, f"{address}?treatment={'x' * 5000}") for address in pages}
        assert [address for address, found in heads.items() if not fits(found)] == []
        assert len({found["title"] for found in heads.values()}) == len(pages)
    assert heads["/es/"]["title"].endswith("…")


def test_a_short_clinic_still_says_enough(client):
    Clinic.objects.update(name="A", site_name="A", town="", tagline="Skin.")
    assert [address for address in PAGES if not fits(head(client, address))] == []


def test_a_tagline_that_is_long_enough_describes_the_home_page_in_its_own_language(client):
    english, spanish = "Clear skin for the whole of Tucson. " * 3, "Piel clara para toda la gente de Tucson. " * 3
    Clinic.objects.update(tagline=english.strip())
    assert head(client, "/")["description"] == english.strip()
    assert head(client, "/es/")["description"].startswith("Mirror Mirror Med Spa en Tucson: nuestros")
    Clinic.objects.update(tagline_es=spanish.strip())
    assert head(client, "/es/")["description"] == spanish.strip()


@pytest.mark.parametrize(
    ("words", "most", "left"),
    [
        ("Short", 10, "Short"),
        ("Exactly so", 10, "Exactly so"),
        ("Cut at a word", 10, "Cut at a…"),
        ("Cut it, then more", 9, "Cut it…"),
        ("A Wwwwwwwwwwwwwwww", 10, "A Wwwwwww…"),
        ("  spaces \n collapse ", 20, "spaces collapse"),
    ],
)
def test_words_are_cut_after_a_whole_one(words, most, left):
    assert cut(words, most) == left
    assert len(left) <= most


@pytest.mark.parametrize("query", ["", "?treatment=microneedling", "?utm_source=x&treatment=<b>"])
@pytest.mark.parametrize("address", PAGES)
def test_a_page_has_one_address_and_its_twin_names_it_back(client, address, query):
    found = head(client, address + query)
    english = address.removeprefix("/es") or "/"
    twins = {"en": f"https://clinic.example{english}", "es": f"https://clinic.example/es{english}"}
    assert found["canonical"] == [f"https://clinic.example{address}"]
    assert found["alternates"] == {**twins, "x-default": twins["en"]}
    assert not found["noindex"]


@pytest.mark.parametrize("address", PAGES)
def test_head_answers_as_get_does_and_a_missing_slash_is_added_for_good(client, address):
    asked = client.head(address)
    assert (asked.status_code, asked.content) == (200, b"")
    if address != "/":
        moved = client.get(address.rstrip("/") + "?utm_source=x")
        assert (moved.status_code, moved["Location"]) == (301, f"{address}?utm_source=x")


def sitemap(client) -> dict[str, dict]:
    response = client.get("/sitemap.xml", headers={"host": "localhost"})
    assert response.status_code == 200
    listed = ElementTree.fromstring(response.content).findall("s:url", NAMESPACES)  # our own file
    pages = {
        url.findtext("s:loc", namespaces=NAMESPACES): {
            "lastmod": url.findtext("s:lastmod", namespaces=NAMESPACES),
            "alternates": {link.get("hreflang"): link.get("href") for link in url.findall("x:link", NAMESPACES)},
        }
        for url in listed
    }
    assert len(pages) == len(listed)
    return pages


def test_the_sitemap_lists_every_page_and_each_is_found_under_the_address_it_names_itself(client):
    pages = sitemap(client)
    assert set(pages) == {f"https://clinic.example{address}" for address in PAGES}
    for url, listed in pages.items():
        found = head(client, urlsplit(url).path)
        assert found["canonical"] == [url]
        assert found["alternates"] == listed["alternates"]
        assert not found["noindex"]


def test_what_patients_cannot_read_is_not_in_the_sitemap(client):
    tomorrow = timezone.now() + timedelta(days=1)
    factories.treatment(slug="draft", status=Treatment.Status.DRAFT)
    factories.treatment(slug="later", publish_at=tomorrow)
    start_translation(factories.treatment(slug="english-alone"), "es")
    asked = factories.appointment_request()
    assert client.get(f"/my-request/{asked.private_token}/").status_code == 200
    listed = "\n".join(sitemap(client))
    assert not re.search(r"draft|later|my-request|/es/treatments/english-alone|alone/aftercare|admin", listed)
    assert sitemap(client)["https://clinic.example/treatments/english-alone/"]["alternates"] == {}


def test_an_untranslated_page_names_the_english_one_as_its_own(client):
    start_translation(factories.treatment(slug="english-alone"), "es")
    found = head(client, "/es/treatments/english-alone/")
    assert found["canonical"] == ["https://clinic.example/treatments/english-alone/"]
    assert found["alternates"] == {}


def last_changed(client) -> tuple[str, str]:
    pages = sitemap(client)
    assert pages[ENGLISH_PAGE]["lastmod"] == pages[f"{ENGLISH_PAGE}aftercare/"]["lastmod"]
    return pages[ENGLISH_PAGE]["lastmod"][:10], pages[SPANISH_PAGE]["lastmod"][:10]


def test_a_page_says_when_its_own_words_changed_and_no_date_is_invented(client):
    Treatment.objects.update(updated_at=LONG_AGO)
    assert last_changed(client) == ("2026-01-02", "2026-01-02")
    spanish = Treatment.objects.get(language="es")
    spanish.summary = "Otra."
    spanish.save()
    today = f"{timezone.localdate()}"
    assert last_changed(client) == ("2026-01-02", today)
    assert {url for url, page in sitemap(client).items() if not page["lastmod"]} == {
        f"https://clinic.example{address}" for address in PAGES if "microneedling" not in address
    }


def test_a_price_changed_in_one_place_changes_the_page_in_each_language(client):
    Treatment.objects.update(updated_at=LONG_AGO)
    english = Treatment.objects.get(language="en")
    english.summary = "Other words."
    english.save()
    today = f"{timezone.localdate()}"
    assert last_changed(client) == (today, "2026-01-02")
    english.price_from = "$300"
    english.save()
    assert last_changed(client) == (today, today)


def test_a_page_that_published_itself_changed_then(client):
    then = datetime(2026, 2, 3, 18, tzinfo=UTC)
    Treatment.objects.filter(language="en").update(updated_at=LONG_AGO, publish_at=then)
    assert last_changed(client)[0] == "2026-02-03"


def test_a_point_edited_at_the_desk_moves_the_day_of_its_page(client):
    Treatment.objects.update(updated_at=LONG_AGO)
    row = Treatment.objects.get(language="en")
    client.force_login(factories.user(*[f"treatments.{verb}" for verb in EDITING]))
    page = reverse("admin:treatments_treatment_change", args=[row.pk])
    answers = form_of(client, page) | {"benefits-0-text": "They look softer."}
    assert client.post(page, answers).status_code == 302
    assert row.benefits.first().text == "They look softer."
    assert last_changed(client) == (f"{timezone.localdate()}", "2026-01-02")


def form_of(client, page: str) -> dict:
    context = client.get(page).context
    parts = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        parts += [inline.formset.management_form, *inline.formset.forms]
    filled = {field.html_name: field.value() for part in parts for field in part}
    return {name: value for name, value in filled.items() if value is not None and value is not False}


@pytest.mark.parametrize("rows", [1, 30])
def test_the_sitemap_costs_the_same_for_one_treatment_and_for_thirty(client, rows, django_assert_num_queries):
    for _number in range(rows - 1):
        start_translation(factories.treatment(), "es")
    with django_assert_num_queries(1):  # the treatments with translations and recovery notes
        client.get("/sitemap.xml")


def test_robots_may_come_to_every_page_that_the_sitemap_lists(client):
    lines = client.get("/robots.txt").content.decode().splitlines()
    refused = [line.partition(": ")[2] for line in lines if line.startswith("Disallow: ")]
    assert "Sitemap: https://clinic.example/sitemap.xml" in lines
    assert all(refused)
    assert [url for url in sitemap(client) if urlsplit(url).path.startswith(tuple(refused))] == []
    assert not any("/static/".startswith(path) or "/media/".startswith(path) for path in refused)
