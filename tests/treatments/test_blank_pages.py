"""Public pages of a clinic or a treatment that says little: nothing empty stands, nobody is told to call a blank."""

import re

import pytest
from django.test import Client, RequestFactory

from medspa import views
from medspa.models import Closure
from tests import factories

EMPTY = re.compile(r"<(div|p|h[1-6]|ul|ol|dl|li|nav|section|article|figure|figcaption|address)\b[^>]*>\s*</\1>")
STANDING = ["/", "/treatments/", "/request-an-appointment/", "/privacy/", "/accessibility/"]
PAGES = [*STANDING, "/treatments/peel/", "/treatments/peel/aftercare/"]
PHONING = re.compile(r'href="tel:|Or call|Call us|Request or call|Ll[aá]m(e|enos) |[Ll]lame al (?!911)')
NO_ADDRESS = {"telephone": "", "email": "", "town": "", "region": "", "region_code": ""}


def page(address: str) -> str:
    response = Client().get(address)
    assert response.status_code == 200
    return response.content.decode()


@pytest.mark.parametrize("language", ["", "/es"])
@pytest.mark.parametrize("address", PAGES)
def test_a_clinic_that_gave_nothing_shows_nothing_empty_and_asks_nobody_to_call(db, address, language):
    factories.clinic(weekdays=[], **NO_ADDRESS)
    factories.treatment(name="Peel", slug="peel")
    html = page(language + address)
    assert not EMPTY.search(html), EMPTY.search(html)[0]
    assert not PHONING.search(html), PHONING.search(html)[0]


@pytest.mark.parametrize("address", ["/treatments/", "/privacy/", "/accessibility/"])
def test_an_email_address_stands_in_where_there_is_no_telephone(db, address):
    factories.clinic(telephone="", email="hello@clinic.example")
    words = page(address).partition('<section class="visit"')[0]
    assert '<a href="mailto:hello@clinic.example">' in words
    assert "Or write to" not in words


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_a_page_that_reports_trouble_names_whatever_reaches_the_clinic(db, status):
    reports = {400: views.bad_request, 403: views.permission_denied, 404: views.page_not_found}
    report = reports.get(status, lambda request, _exception: views.server_error(request))
    factories.clinic(telephone="", email="hello@clinic.example")
    assert "Or write to us: " in report(RequestFactory().get("/x/"), Exception()).content.decode()
    factories.clinic(telephone="", email="")
    html = report(RequestFactory().get("/x/"), Exception()).content.decode()
    assert not PHONING.search(html)
    assert "mailto:" not in html


def test_a_treatment_without_sections_has_no_column_for_them(clinic):
    row = factories.treatment(name="Peel", slug="peel")
    assert 'class="columns"' not in page("/treatments/peel/")
    row.reviewed_by = "Ida Lund, nurse"
    row.save()
    assert 'class="columns"' in page("/treatments/peel/")


def test_the_aftercare_sheet_is_linked_wherever_the_sitemap_names_it(clinic):
    factories.treatment(name="Peel", slug="peel", recovery_intro="Stay in the shade.")
    assert 'href="/treatments/peel/aftercare/"' in page("/treatments/peel/")
    assert "/treatments/peel/aftercare/</loc>" in page("/sitemap.xml")


def test_an_aftercare_sheet_that_is_not_translated_says_so_and_marks_its_english(clinic):
    row = factories.treatment(name="Peel", slug="peel", recovery_intro="Rest.")
    row.recovery_notes.create(when="Same day", text="Stay in the shade.")
    html = page("/es/treatments/peel/aftercare/")
    assert "notice" in html
    assert '<ul class="strips" lang="en">' in html
    assert '<div class="prose" lang="en">' in html
    assert 'lang="en">' not in re.sub(
        r"<header.*?</header>", "", page("/treatments/peel/aftercare/").split("<body>")[1]
    )


def test_a_site_without_treatments_holds_together(clinic):
    home = page("/")
    assert 'id="treatments"' not in home
    assert "We are writing these pages." in page("/treatments/")
    assert "/privacy/</loc>" in page("/sitemap.xml")


def test_closures_beyond_the_next_five_are_folded_away(clinic):
    for number in range(7):
        Closure.objects.create(starts_on=clinic.today(), ends_on=clinic.today(), reason=f"Reason {number}")
    shown, _summary, folded = page("/").partition("More days when we are closed")
    assert shown.count("Reason ") == 5
    assert "<li>" in folded
    assert folded.partition("</details>")[0].count("Reason ") == 2


def test_the_header_names_the_hours_only_while_they_fit_in_a_line(db):
    clinic = factories.clinic()
    header = re.compile(r"<header.*?</header>", re.DOTALL)
    assert "Tuesday to Saturday" in header.search(page("/"))[0]
    for weekday in range(1, 5):
        clinic.hours.filter(weekday=weekday).update(closes_at=f"1{weekday}:00")
    html = page("/")
    assert "Tuesday" not in header.search(html)[0]
    assert "Tuesday" in header.sub("", html)
