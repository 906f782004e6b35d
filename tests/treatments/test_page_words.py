"""What a live page is made of is kept, and nobody ever notices but by how soon it comes."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from django.db import OperationalError
from django.test import Client
from PIL import Image

from medspa.models import Clinic, Closure
from tests import factories
from treatments.models import Benefit, ContentVersion, Faq, Photo, Result, Treatment
from treatments.page_words import Address, treatment_page

pytestmark = pytest.mark.django_db

PAGE, TODAY = "/treatments/peel/", date(2026, 11, 23)
PATIENT = Address(PAGE, "peel", "en", with_drafts=False)


@pytest.fixture
def peel(clinic):
    return factories.treatment(name="Peel", slug="peel", summary="Old words")


@pytest.fixture
def editor():
    browser = Client()
    browser.force_login(factories.user("treatments.change_treatment"))
    return browser


def picture():
    encoded = BytesIO()
    Image.new("RGB", (400, 300), "red").save(encoded, "JPEG")
    return ContentFile(encoded.getvalue(), "me.jpg")


def result_of(peel, **facts):
    consent = {"consent_by": "Ana", "consent_on": TODAY}
    return Result.objects.create(treatment=peel, before=picture(), after=picture(), **consent, **facts)


def new_row(model, **facts):
    return lambda peel: model.objects.create(treatment=peel, **facts)


CHANGES = {
    "a text": lambda peel: Treatment.objects.filter(pk=peel.pk).update(summary="New words"),
    "the clinic": lambda peel: Clinic.objects.update(name="New words"),
    "a closure": lambda peel: Closure.objects.create(starts_on=TODAY, ends_on=TODAY, reason="New words"),
    "a point": new_row(Benefit, name="New words"),
    "a question": new_row(Faq, question="New words", answer="Yes."),
    "a photo": lambda peel: Photo.objects.create(treatment=peel, image=picture(), alt="New words"),
    "a result": lambda peel: result_of(peel, alt="New words"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_who_is_signed_in_reads_every_change_at_once(peel, editor, change, time_machine, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    time_machine.move_to(factories.MONDAY_MORNING)
    assert "New words" not in editor.get(PAGE).content.decode()
    change(peel)
    assert "New words" in editor.get(PAGE).content.decode()


def test_what_an_editor_reads_reaches_no_patient(peel, editor, client):
    Treatment.objects.filter(pk=peel.pk).update(status=Treatment.Status.DRAFT)
    for _turn in range(2):
        assert editor.get(PAGE).status_code == editor.get(f"{PAGE}aftercare/").status_code == 200
        assert client.get(PAGE).status_code == client.get(f"{PAGE}aftercare/").status_code == 404


def test_a_spanish_draft_reaches_no_patient(peel, editor, client):
    factories.treatment(slug="peel", name="Exfoliante", language="es", original=peel, status="draft")
    for _turn in range(2):
        assert "Exfoliante" in editor.get(f"/es{PAGE}").content.decode()
        assert "Exfoliante" not in client.get(f"/es{PAGE}").content.decode()


def test_a_consent_that_ends_overnight_takes_its_pair_along(peel, time_machine, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    time_machine.move_to(factories.MONDAY_MORNING)
    result_of(peel, alt="Softer", consent_expires_on=TODAY)
    page = treatment_page(PATIENT)
    assert "Softer" in page.now()["columns"]
    assert page.now() is page.now()
    time_machine.move_to(factories.MONDAY_MORNING + timedelta(days=1))
    assert treatment_page(PATIENT) is page
    assert "Softer" not in page.now()["columns"]
    assert 'id="results"' not in page.now()["columns"]


def test_while_the_database_is_away_no_page_is_made_of_what_is_kept(peel, monkeypatch):
    """What is finished would otherwise be kept under a version that these words are not of."""
    treatment_page(PATIENT)

    def away(*_any):
        raise OperationalError("the database is away")

    monkeypatch.setattr(type(ContentVersion.objects.all()), "standing", away)
    with pytest.raises(OperationalError):
        treatment_page(PATIENT)


def test_an_address_where_nothing_is_costs_no_memory(peel):
    kept = treatment_page.__closure__
    before = sum(len(cell.cell_contents) for cell in kept if isinstance(cell.cell_contents, dict))
    for number in range(20):
        with pytest.raises(Treatment.DoesNotExist):
            treatment_page(Address(f"/treatments/{number}/", f"{number}", "en", with_drafts=False))
    assert sum(len(cell.cell_contents) for cell in kept if isinstance(cell.cell_contents, dict)) == before


def test_whoever_works_on_the_site_sees_every_template_as_it_is_now(peel, settings):
    settings.DEBUG = True
    assert treatment_page(PATIENT) is not treatment_page(PATIENT)
