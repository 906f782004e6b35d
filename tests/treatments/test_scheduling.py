"""A page with a time to be published: staff see it before, patients from then on, with nobody's help."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import factories
from treatments.models import Treatment

NOON = datetime(2026, 12, 1, 19, 0, tzinfo=UTC)  # noon in Tucson
ADDRESSES = ["/treatments/peel/", "/treatments/peel/aftercare/"]
LISTS = ["/", "/treatments/", "/sitemap.xml", "/request-an-appointment/"]


@pytest.fixture
def at(monkeypatch):
    """Make it another time."""
    return lambda moment: monkeypatch.setattr(timezone, "now", lambda: moment)


@pytest.fixture
def peel(clinic):
    return factories.treatment(name="Peel", slug="peel", publish_at=NOON)


@pytest.fixture
def editor(db, settings):
    settings.SESSION_COOKIE_AGE = 365 * 24 * 60 * 60  # longer than these tests travel
    client = Client()
    client.force_login(factories.user("treatments.change_treatment"))
    return client


@pytest.mark.parametrize("address", ADDRESSES)
def test_before_its_time_a_page_is_for_its_editors_alone(peel, client, editor, at, address):
    at(NOON - timedelta(minutes=1))
    assert client.get(address).status_code == 404
    html = editor.get(address).content.decode()
    assert "Will be shown from Dec. 1, 2026, noon." in html
    assert "Draft:" not in html
    assert '<meta name="robots" content="noindex">' in html


@pytest.mark.parametrize("address", ADDRESSES)
def test_at_its_time_a_page_is_there_by_itself(peel, client, editor, at, address):
    at(NOON)
    html = client.get(address).content.decode()
    assert "Will be shown from" not in html
    assert "noindex" not in html
    assert "Will be shown from" not in editor.get(address).content.decode()


@pytest.mark.parametrize("address", LISTS)
def test_lists_the_form_and_the_sitemap_wait_for_the_time_as_well(peel, client, at, address):
    words = "/treatments/peel/" if address != LISTS[-1] else '<option value="peel"'
    at(NOON - timedelta(minutes=1))
    assert words not in client.get(address).content.decode()
    at(NOON)
    assert words in client.get(address).content.decode()


def test_a_time_that_has_come_does_not_publish_a_draft(peel, client, at):
    Treatment.objects.update(status=Treatment.Status.DRAFT)
    at(NOON + timedelta(days=1))
    assert client.get("/treatments/peel/").status_code == 404


def test_the_desk_says_when_a_page_will_be_shown_in_the_clinics_time(peel, editor, at):
    at(NOON - timedelta(days=1))
    editor.force_login(factories.user(is_superuser=True))  # on another day nobody is signed in any more
    assert (
        "Will be shown from Dec. 1, 2026, noon"
        in editor.get(reverse("admin:treatments_treatment_changelist")).content.decode()
    )
    form = editor.get(reverse("admin:treatments_treatment_change", args=[peel.pk])).content.decode()
    assert 'type="datetime-local"' in form
    assert 'value="2026-12-01T12:00"' in form
    assert "Preview the page" in form
