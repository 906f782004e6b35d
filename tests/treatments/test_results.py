"""Before and after: on the page and at its own address only as long as the patient consents."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.base import ContentFile
from django.urls import reverse
from PIL import Image

from tests import factories
from treatments.models import Result

pytestmark = pytest.mark.django_db(transaction=True)
TODAY = date(2026, 11, 23)


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path, clinic, time_machine):
    settings.MEDIA_ROOT = tmp_path
    time_machine.move_to(factories.MONDAY_MORNING)


@pytest.fixture
def treatment():
    return factories.treatment(name="Facial", slug="facial")


def photo(colour):
    encoded = BytesIO()
    Image.new("RGB", (1000, 600), colour).save(encoded, "JPEG")
    return ContentFile(encoded.getvalue(), "me.jpg")


def result_of(treatment, **facts):
    facts = {
        "alt": "The scars on the cheek are softer",
        "consent_by": "Dolores Canary",
        "consent_on": TODAY - timedelta(days=9),
        **facts,
    }
    return Result.objects.create(treatment=treatment, before=photo("red"), after=photo("green"), **facts)


def addresses(result):
    every = [name for picture in (result.before, result.after) for name in picture.files]
    return [f"/media/{name}" for name in every]


def statuses(client, result):
    answers = [client.get(address) for address in addresses(result)]
    for answer in answers:
        answer.close()
    return {answer.status_code for answer in answers}


def withdraw_address(result):
    return reverse("admin:treatments_result_withdraw", args=[result.treatment_id, result.pk])


def test_a_pair_is_shown_with_every_file_the_page_names(client, treatment):
    result = result_of(treatment, caption="Six weeks later")

    page = client.get(treatment.get_absolute_url()).content.decode()
    assert '<section id="results">' in page
    assert "Six weeks later" in page
    assert 'alt="The scars on the cheek are softer"' in page
    assert 'width="1000" height="600"' in page
    assert len(addresses(result)) == 12  # two pictures at 480, 960 and 1000 pixels, each in two formats
    named = [address for address in addresses(result) if address in page]
    assert set(named) == set(addresses(result))
    assert statuses(client, result) == {200}


def test_who_consented_is_on_no_page(client, treatment):
    result_of(treatment)

    for address in (treatment.get_absolute_url(), "/es/treatments/facial/", "/treatments/", "/sitemap.xml"):
        assert b"Canary" not in client.get(address).content


@pytest.mark.parametrize(
    ("facts", "is_shown"),
    [
        ({}, True),
        ({"consent_on": TODAY}, True),
        ({"consent_on": TODAY + timedelta(days=1)}, False),
        ({"consent_expires_on": TODAY}, True),
        ({"consent_expires_on": TODAY - timedelta(days=1)}, False),
    ],
)
def test_consent_counts_by_the_clinics_day(client, treatment, facts, is_shown):
    result = result_of(treatment, **facts)

    assert (b'id="results"' in client.get(treatment.get_absolute_url()).content) is is_shown
    assert statuses(client, result) == ({200} if is_shown else {404})


def test_withdrawn_means_gone_from_page_address_and_disk_at_the_next_request(client, treatment, tmp_path):
    result = result_of(treatment)
    editor = factories.user("treatments.change_treatment", "treatments.change_result")
    assert len(list((tmp_path / "results").iterdir())) == 12

    assert result.withdraw()
    for who in (None, editor):
        if who:
            client.force_login(who)
        assert b'id="results"' not in client.get(treatment.get_absolute_url()).content
        assert statuses(client, result) == {404}
    assert list((tmp_path / "results").iterdir()) == []
    assert not result.withdraw()


def test_a_copy_kept_by_a_browser_is_asked_about_each_time(client, treatment):
    result = result_of(treatment)
    first = client.get(result.after.url)
    first.close()
    known = {"HTTP_IF_NONE_MATCH": first["ETag"]}

    assert first["Cache-Control"] == "private, no-cache"
    assert client.get(result.after.url, **known).status_code == 304
    result.withdraw()
    assert client.get(result.after.url, **known).status_code == 404


def test_a_drafts_pair_and_one_that_is_not_shown_yet_are_for_those_who_keep_them(client, treatment):
    hidden = result_of(treatment, consent_on=TODAY + timedelta(days=3))
    drafted = result_of(factories.treatment(status="draft"))

    client.force_login(factories.user("treatments.change_treatment"))
    assert statuses(client, hidden) == {404}
    client.force_login(factories.user("treatments.change_treatment", "treatments.change_result"))
    assert statuses(client, hidden) == statuses(client, drafted) == {200}


def test_a_file_that_is_missing_from_disk_is_not_found(client, treatment):
    result = result_of(treatment)
    result.after.storage.delete(result.after.name)

    assert client.get(result.after.url).status_code == 404


def test_the_spanish_page_shows_the_same_pair_in_spanish_words(client, treatment):
    treatment.translations.create(name="Facial", language="es", summary="Ayuda.", status="published")
    result_of(treatment, alt_es="Las cicatrices se ven más suaves")

    page = client.get("/es/treatments/facial/").content.decode()
    assert 'alt="Las cicatrices se ven más suaves" lang="es"' in page
    assert "Antes y después" in page


def test_words_that_are_not_translated_say_that_they_are_english(client, treatment):
    treatment.translations.create(name="Facial", language="es", summary="Ayuda.", status="published")
    result_of(treatment)

    assert b'alt="The scars on the cheek are softer" lang="en"' in client.get("/es/treatments/facial/").content


def test_the_desk_withdraws_with_one_press_after_reading_what_will_happen(client, treatment):
    result = result_of(treatment)
    client.force_login(factories.user("treatments.change_treatment", "treatments.change_result"))

    asked = client.get(withdraw_address(result))
    assert "cannot be taken back" in asked.content.decode()
    assert Result.objects.with_consent(TODAY).exists()
    pressed = client.post(withdraw_address(result))
    assert pressed.status_code == 303
    assert not Result.objects.with_consent(TODAY).exists()
    again = client.post(withdraw_address(result), follow=True)
    assert "had been withdrawn before" in again.content.decode()
    (entry,) = LogEntry.objects.all()
    assert "Canary" not in entry.get_change_message()


def test_withdrawing_is_for_those_who_may(client, treatment):
    result = result_of(treatment)

    assert client.post(withdraw_address(result)).status_code == 302
    client.force_login(factories.user("treatments.change_treatment", "treatments.view_result"))
    assert client.get(withdraw_address(result)).status_code == 403
    assert client.post(withdraw_address(result)).status_code == 403
    assert Result.objects.with_consent(TODAY).exists()


def test_of_eight_presses_at_once_one_withdraws(treatment, at_once):
    result = result_of(treatment)

    assert sorted(at_once(Result.withdraw, [Result.objects.get(pk=result.pk) for _ in range(8)])) == [False] * 7 + [
        True
    ]


def test_a_withdrawn_record_is_read_at_the_desk_and_not_written_over(client, treatment):
    result = result_of(treatment)
    result.withdraw()
    client.force_login(factories.user(is_superuser=True))

    page = client.get(reverse("admin:treatments_treatment_change", args=[treatment.pk])).content.decode()
    assert "consent withdrawn on" in page
    assert "The files are gone." in page
    assert withdraw_address(result) not in page
