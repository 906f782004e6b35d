"""What machines are told: the rows of the page, nothing that the page does not say, and no placeholders."""

import json
import re
from datetime import UTC, date, datetime
from html import unescape

import pytest

from medspa.models import Closure
from tests import factories
from treatments import structured_data
from treatments.models import Treatment

URL = "https://clinic.example/treatments/peel/"
NOW = datetime(2026, 11, 23, 17, tzinfo=UTC)


@pytest.fixture(autouse=True)
def at_its_own_address(settings):
    settings.SITE_URL = "https://clinic.example"


@pytest.fixture
def real_clinic(db):
    """A clinic whose facts are all its own."""
    facts = {"telephone": "(520) 622-1234", "street": "1 Main St", "postal_code": "85701", "hours_confirmed": True}
    return factories.clinic(**facts)


def peel(**facts) -> Treatment:
    row = factories.treatment(**{"name": "Peel", "slug": "peel", "summary": "A peel helps.", **facts})
    row.contraindications.create(page_words="are pregnant", question="Are you pregnant?", position=1)
    row.contraindications.create(page_words="have open sores", question="Do you have sores?", position=2)
    row.steps.create(name="Numbing", text="We numb the area.")
    row.recovery_notes.create(when="Same day", text="Stay in the shade.")
    row.faqs.create(question="Does it hurt?", answer="Rarely, and **not** for long & never much.")
    return row


def graph_of(html: str) -> list[dict]:
    blocks = re.findall(r'<script type="application/ld\+json">(.*?)</script>', html, re.DOTALL)
    assert len(blocks) == 1
    whole = json.loads(blocks[0])
    assert whole["@context"] == "https://schema.org"
    return whole["@graph"]


def node(graph: list[dict], kind: str) -> dict:
    return next(node for node in graph if kind in node["@type"])


def kinds(graph: list[dict]) -> set[str]:
    return {kind for node in graph for kind in ([node["@type"]] if isinstance(node["@type"], str) else node["@type"])}


def read(client, address: str = "/treatments/peel/") -> tuple[str, list[dict]]:
    html = client.get(address).content.decode()
    return html, graph_of(html)


def test_machines_read_the_same_rows_as_people(real_clinic, client):
    peel(reviewed_by="Ida Lund, nurse", reviewed_on=date(2026, 3, 9), price_from="$1,250", description="D" * 80)
    html, graph = read(client)
    visible = unescape(re.sub(r"<[^>]+>", "", html[html.index("<body") :]))
    waiting = re.search(r'class="wait">(.*?)</ul>', html, re.DOTALL)[1]
    on_page = re.findall(r"<li>(.*?)</li>", waiting)
    assert [reason["name"] for reason in node(graph, "MedicalTherapy")["contraindication"]] == on_page
    question = node(graph, "FAQPage")["mainEntity"][0]
    told = [question["name"], question["acceptedAnswer"]["text"], node(graph, "MedicalTherapy")["description"]]
    told += [node(graph, "MedicalTherapy")["howPerformed"], node(graph, "MedicalWebPage")["reviewedBy"]["name"]]
    told += [place["name"] for place in node(graph, "BreadcrumbList")["itemListElement"]]
    told += [*node(graph, "MedicalClinic")["address"].values()][1:]
    assert [words for words in told if words not in visible] == []
    assert f'datetime="{node(graph, "MedicalWebPage")["lastReviewed"]}"' in html
    assert f'href="tel:{node(graph, "MedicalClinic")["telephone"]}"' in html
    assert node(graph, "Service")["offers"]["priceSpecification"] == {
        "@type": "PriceSpecification",
        "minPrice": "1250",
        "priceCurrency": "USD",
    }


def test_each_part_of_the_graph_is_found_by_its_name(real_clinic, client):
    peel(price_from="$90")
    _html, graph = read(client)
    known = {node["@id"] for node in graph}
    named = re.findall(r'\{"@id": "([^"]+)"\}', json.dumps(graph))
    assert set(named) <= known
    assert node(graph, "MedicalClinic")["@id"] == "https://clinic.example/#clinic"
    page = node(graph, "MedicalWebPage")
    assert (page["@id"], page["inLanguage"]) == (URL, "en")


def test_a_bare_treatment_says_nothing_that_was_not_given(clinic, client):
    factories.treatment(name="Peel", slug="peel", summary="")
    _html, graph = read(client)
    assert kinds(graph) == {
        "MedicalClinic",
        "HealthAndBeautyBusiness",
        "MedicalWebPage",
        "MedicalTherapy",
        "BreadcrumbList",
    }
    assert set(node(graph, "MedicalTherapy")) == {"@type", "@id", "name", "url"}
    assert not {"reviewedBy", "lastReviewed", "description"} & set(node(graph, "MedicalWebPage"))


def test_placeholders_are_not_told_as_facts(clinic, client):
    peel()
    html, graph = read(client)
    told = node(graph, "MedicalClinic")
    assert "(520) 555-0142" in html
    assert not {"telephone", "openingHoursSpecification", "specialOpeningHoursSpecification"} & set(told)
    assert told["address"] == {"@type": "PostalAddress", "addressLocality": "Tucson", "addressRegion": "AZ"}


def test_a_clinic_that_gave_no_address_has_none(db):
    row = factories.clinic(town="", region="", region_code="")
    assert "address" not in structured_data.of_clinic(row, NOW)["@graph"][0]


def test_confirmed_hours_are_told_with_the_closures_that_are_coming(real_clinic):
    Closure.objects.create(starts_on=date(2026, 11, 26), ends_on=date(2026, 11, 27), reason="Thanksgiving")
    Closure.objects.create(starts_on=date(2026, 1, 1), ends_on=date(2026, 1, 1))
    told = structured_data.of_clinic(type(real_clinic).objects.current(), NOW)["@graph"][0]
    assert told["openingHoursSpecification"] == [
        {
            "@type": "OpeningHoursSpecification",
            "dayOfWeek": ["Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"],
            "opens": "09:00",
            "closes": "17:00",
        }
    ]
    closed = told["specialOpeningHoursSpecification"]
    assert [(day["validFrom"], day["validThrough"], day["opens"], day["closes"]) for day in closed] == [
        ("2026-11-26", "2026-11-27", "00:00", "00:00")
    ]


@pytest.mark.parametrize("price", ["", "Ask us", "90", "about 90 euros"])
def test_what_is_no_price_in_dollars_is_no_offer(real_clinic, price):
    graph = structured_data.of_treatment(real_clinic, peel(price_from=price), URL, NOW)["@graph"]
    assert not {"Service", "Offer"} & kinds(graph)


def test_no_text_of_the_staff_ends_the_data_block(real_clinic, client):
    cruel = '</script><script>alert("x & y")</script><!-- \u2028'
    row = peel(name=cruel, summary=cruel)
    row.faqs.create(question=cruel, answer=cruel)
    html, graph = read(client)
    assert node(graph, "MedicalTherapy")["name"] == cruel
    assert html.count("<script") == 1
    assert html.count("</script>") == 1


def test_nobody_rates_us_but_patients_elsewhere(real_clinic, client):
    peel(price_from="$90")
    assert not re.search(r"rating|review\b", json.dumps(read(client)[1]), re.IGNORECASE)


def test_the_home_page_tells_about_the_clinic(real_clinic, client):
    _html, graph = read(client, "/")
    assert kinds(graph) == {"MedicalClinic", "HealthAndBeautyBusiness"}
    assert node(graph, "MedicalClinic")["telephone"] == "+15206221234"


def test_telling_machines_costs_no_query_more(real_clinic, django_assert_num_queries):
    row = Treatment.objects.with_points().get(pk=peel().pk)
    with django_assert_num_queries(0):
        structured_data.of_treatment(real_clinic, row, URL, NOW)
