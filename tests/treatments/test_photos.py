"""A photo's file is reached where its page is, and nowhere else."""

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


def with_photo(treatment):
    encoded = BytesIO()
    Image.new("RGB", (64, 48), "red").save(encoded, "JPEG")
    return Photo.objects.create(treatment=treatment, image=ContentFile(encoded.getvalue(), "me.jpg"), alt="Red")


def test_a_photo_of_a_published_page_is_served(client):
    treatment = factories.treatment()
    photo = with_photo(treatment)

    page = client.get(treatment.get_absolute_url()).content.decode()
    assert f'src="{photo.image.url}" width="64" height="48" alt="Red"' in page
    response = client.get(photo.image.url)
    assert response.status_code == 200
    assert response["Content-Type"] == "image/jpeg"
    assert Image.open(BytesIO(b"".join(response.streaming_content))).size == (64, 48)


def test_a_drafts_photo_is_for_its_editors(client):
    photo = with_photo(factories.treatment(status="draft"))

    assert client.get(photo.image.url).status_code == 404
    client.force_login(factories.user("treatments.change_treatment"))
    response = client.get(photo.image.url)
    assert response.status_code == 200
    response.close()


@pytest.mark.parametrize("name", ["..%2f..%2fclinic.sqlite3", "nothing.jpg", "%00.jpg", "a/b.jpg"])
def test_nothing_else_in_the_folder_is_served(client, tmp_path, name):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "nothing.jpg").write_text("left over")

    assert client.get(f"/media/photos/{name}").status_code == 404
