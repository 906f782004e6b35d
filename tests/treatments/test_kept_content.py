"""What is made of content is made once, and anew the moment content changes."""

from datetime import timedelta

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone

from appointments.forms.patient import offer
from medspa.models import Clinic, OpeningHours
from tests import factories
from treatments.kept_content import MOST_KEPT, while_content_is_the_same
from treatments.models import ContentVersion, Treatment

pytestmark = pytest.mark.django_db

FORM = "/request-an-appointment/"


@pytest.fixture
def names(clinic):
    """The names of what is published, and how often they were looked up."""
    made = []

    @while_content_is_the_same(even_while_away=True)
    def look(language):
        made.append(language)
        return [treatment.name for treatment in Treatment.objects.published()]

    look.made = made
    return look


def away(*_any):
    raise OperationalError("the database is away")


def test_it_is_made_once_for_each_language(names, django_assert_num_queries):
    factories.treatment(name="Peel")
    assert [names("en"), names("en"), names("es"), names("en")] == [["Peel"]] * 4
    assert names.made == ["en", "es"]
    with django_assert_num_queries(1):
        names("en")


def test_what_somebody_changes_is_there_at_once(names):
    peel = factories.treatment(name="Peel")
    assert names("en") == ["Peel"]
    Treatment.objects.filter(pk=peel.pk).update(name="Facial peel")
    assert names("en") == ["Facial peel"]
    peel.delete()
    assert names("en") == []


def test_what_is_published_by_the_clock_is_there_when_its_time_comes(names, monkeypatch):
    coming = timezone.now() + timedelta(hours=1)
    factories.treatment(name="Peel", publish_at=coming)
    assert names("en") == []
    monkeypatch.setattr(timezone, "now", lambda: coming + timedelta(seconds=1))
    assert names("en") == ["Peel"]
    assert names("en") == ["Peel"]
    assert len(names.made) == 2


def test_what_was_undone_is_not_kept(names):
    assert names("en") == []
    with transaction.atomic():
        factories.treatment(name="Peel")
        assert names("en") == ["Peel"]
        transaction.set_rollback(True)
    assert names("en") == []


def test_while_the_database_is_away_the_last_one_stands(names, monkeypatch):
    factories.treatment(name="Peel")
    names("en")
    monkeypatch.setattr(type(ContentVersion.objects.all()), "standing", away)
    assert names("en") == ["Peel"]
    with pytest.raises(OperationalError):
        names("es")


def test_a_site_whose_content_was_never_touched_keeps_nothing(names):
    ContentVersion.objects.all().delete()
    names("en")
    names("en")
    assert len(names.made) == 2


def test_the_form_offers_what_the_desk_has_just_changed(client, clinic):
    peel = factories.treatment(name="Peel", slug="peel")
    assert "(520) 555-0142" in (page := client.get(FORM).content.decode())
    assert "Peel" in page
    Treatment.objects.filter(pk=peel.pk).update(name="Facial peel")
    Clinic.objects.update(telephone="(520) 555-0199")
    OpeningHours.objects.exclude(weekday=2).delete()
    page = client.get(FORM).content.decode()
    assert "Facial peel" in page
    assert "(520) 555-0199" in page
    assert [*offer("en").times] == ["2-am", "2-pm"]


def test_what_is_taken_off_the_site_cannot_be_asked_for_any_more(client, clinic):
    peel, _other = factories.treatment(slug="peel"), factories.treatment()
    answers = {"full_name": "Ana Ruiz", "phone": "520 555 0142", "contact_by": "text", "treatment": "peel"}
    assert client.post(FORM, answers).status_code == 303
    Treatment.objects.filter(pk=peel.pk).update(status=Treatment.Status.DRAFT)
    assert client.post(FORM, answers).status_code == 422


def test_no_more_is_kept_than_there_is_room_for(clinic):
    made = []

    @while_content_is_the_same()
    def look(number):
        made.append(number)
        return number + 1

    for number in range(MOST_KEPT + 1):
        look(number)
    look(MOST_KEPT)
    assert len(made) == MOST_KEPT + 1
    look(0)
    assert made[-1] == 0


def test_what_may_not_stand_while_the_database_is_away_does_not(clinic, monkeypatch):
    look = while_content_is_the_same()(len)
    assert look("en") == 2
    monkeypatch.setattr(type(ContentVersion.objects.all()), "standing", away)
    with pytest.raises(OperationalError):
        look("en")
