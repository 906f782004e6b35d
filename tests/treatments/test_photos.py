"""A photo's file is reached where its page is, and nowhere else."""

import re
from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from PIL import Image

from tests import factories
from treatments.models import Photo

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path, clinic):
    settings.MEDIA_ROOT = tmp_path


def with_photo(treatment, width=64):
    encoded = BytesIO()
    Image.new("RGB", (width, 48), "red").save(encoded, "JPEG")
    return Photo.objects.create(treatment=treatment, image=ContentFile(encoded.getvalue(), "me.jpg"), alt="Red")


def test_a_photo_of_a_published_page_is_served(client):
    treatment = factories.treatment()
    photo = with_photo(treatment)

    page = client.get(treatment.get_absolute_url()).content.decode()
    assert f'src="{photo.image.url}"' in page
    assert 'width="64" height="48" alt="Red" lang="en"' in page
    response = client.get(photo.image.url)
    assert response.status_code == 200
    assert response["Content-Type"] == "image/jpeg"
    assert Image.open(BytesIO(b"".join(response.streaming_content))).size == (64, 48)


def test_every_width_and_format_that_the_page_names_is_served(client):
    treatment = factories.treatment()
    photo = with_photo(treatment, width=1600)

    page = client.get(treatment.get_absolute_url()).content.decode()
    named = sorted(set(re.findall(r"/media/photos/[\w.-]+", page)))
    sizes = {}
    for address in named:
        response = client.get(address)
        picture = Image.open(BytesIO(b"".join(response.streaming_content)))
        sizes[address.removeprefix(photo.image.url.removesuffix(".jpg"))] = (response["Content-Type"], picture.width)
    assert sizes == {
        ".jpg": ("image/jpeg", 1440),
        ".avif": ("image/avif", 1440),
        "-960.jpg": ("image/jpeg", 960),
        "-960.avif": ("image/avif", 960),
        "-480.jpg": ("image/jpeg", 480),
        "-480.avif": ("image/avif", 480),
    }


def test_a_width_that_is_not_kept_is_not_found(client):
    photo = with_photo(factories.treatment(), width=1600)

    assert client.get(photo.image.url.replace(".jpg", "-1440.jpg")).status_code == 404
    assert client.get(photo.image.url.replace(".jpg", "-100.avif")).status_code == 404


def test_media_have_one_address_in_every_language(client):
    photo = with_photo(factories.treatment())

    assert client.get(f"/es{photo.image.url}").status_code == 404


def test_the_spanish_page_shows_the_treatments_photos(client):
    treatment = factories.treatment(slug="facial")
    treatment.translations.create(name="Facial", language="es", summary="Ayuda.", status="published")
    photo = with_photo(treatment)
    Photo.objects.update(alt_es="Rojo")

    page = client.get("/es/treatments/facial/").content.decode()
    assert photo.image.url in page
    assert 'alt="Rojo" lang="es"' in page


def test_a_drafts_photo_is_for_its_editors(client):
    photo = with_photo(factories.treatment(status="draft"))

    assert client.get(photo.image.url).status_code == 404
    client.force_login(factories.user("treatments.change_treatment"))
    response = client.get(photo.image.url)
    assert response.status_code == 200
    response.close()


@pytest.mark.parametrize("name", ["..%2f..%2fclinic.sqlite3", "nothing.jpg", f"{32 * 'a'}.jpg", "%00.jpg", "a/b.jpg"])
def test_nothing_else_in_the_folder_is_served(client, tmp_path, name):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "nothing.jpg").write_text("left over")
    (tmp_path / "photos" / f"{32 * 'a'}.jpg").write_text("left over")

    assert client.get(f"/media/photos/{name}").status_code == 404
