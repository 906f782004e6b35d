"""The picture beside a shared link: made with the treatment, reached where the treatment is."""

from io import BytesIO

import pytest
from django.conf import settings as project
from django.db import transaction
from PIL import Image, ImageChops

from tests import factories
from treatments import social_picture
from treatments.models import Treatment

LONG = "Contraindicacionesdermatológicaselectroencefalografistas " * 20


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def drawn(words):
    return Image.open(BytesIO(social_picture.draw(words))).convert("RGB")


def files(folder):
    return sorted(file.name for file in (folder / "social").iterdir())


@pytest.mark.parametrize("words", ["", "Microneedling", LONG, "x" * 5000, "رعاية البشرة", "\N{SMILING FACE WITH HALO}"])
def test_whatever_the_name_it_is_1200_by_630_and_keeps_clear_of_the_drawing(words):
    picture = drawn(words)

    assert picture.size == (1200, 630)
    changed = ImageChops.difference(picture, drawn("")).point(lambda value: 255 * (value > 40)).getbbox()
    assert bool(changed) == bool(words)
    if changed:
        left, top, right, bottom = changed
        assert left > 40
        assert top > 20
        assert right < social_picture.PLACE[0]
        assert bottom < 610


def test_the_drawing_has_both_faces():
    colours = drawn("").get_flattened_data() if hasattr(Image.Image, "get_flattened_data") else drawn("").getdata()
    agave = sum(red < 60 and green > 60 for red, green, blue in colours)
    fruit = sum(red > 140 and green < 60 for red, green, blue in colours)

    assert len(social_picture.dots()) > 2000
    assert agave > 1000
    assert fruit > 1000


def test_the_picture_for_the_home_page_is_the_same_drawing():
    kept = Image.open(project.BASE_DIR / "static" / "img" / "social.png").convert("RGB")

    assert not ImageChops.difference(kept, drawn("")).point(lambda value: 255 * (value > 40)).getbbox()


@pytest.mark.django_db(transaction=True)
def test_a_new_name_is_drawn_and_the_old_picture_goes_with_the_commit(tmp_path):
    treatment = factories.treatment(name="Facial")
    first = files(tmp_path)
    with transaction.atomic():
        treatment.name = "Peel"
        treatment.save(update_fields=["name"])
        assert len(files(tmp_path)) == 2

    assert len(first) == 1
    assert files(tmp_path) == [Treatment.objects.get().social_picture.name.removeprefix("social/")]
    assert files(tmp_path) != first


@pytest.mark.django_db(transaction=True)
def test_two_of_one_name_share_a_picture_until_the_last_one_is_renamed(tmp_path):
    one, other = factories.treatment(name="Facial"), factories.treatment(name="Facial")
    shared = files(tmp_path)
    one.name = "Peel"
    one.save()
    assert shared[0] in files(tmp_path)
    other.name = "Peel"
    other.save()
    assert shared[0] not in files(tmp_path)


@pytest.mark.django_db
def test_the_page_names_it_by_its_whole_address_and_it_is_there(client, clinic, settings):
    settings.SITE_URL = "https://clinic.example"
    treatment = factories.treatment(name="Facial", description="What a facial is.")

    page = client.get(treatment.get_absolute_url()).content.decode()
    address = treatment.social_picture.url
    assert f'<meta property="og:image" content="https://clinic.example{address}">' in page
    assert '<meta property="og:description" content="What a facial is.">' in page
    assert '<meta name="twitter:card" content="summary_large_image">' in page
    response = client.get(address)
    assert response["Content-Type"] == "image/png"
    assert Image.open(BytesIO(b"".join(response.streaming_content))).size == (1200, 630)


@pytest.mark.django_db
def test_a_drafts_picture_is_for_its_editors(client, clinic):
    treatment = factories.treatment(status="draft")

    assert client.get(treatment.social_picture.url).status_code == 404
    client.force_login(factories.user("treatments.change_treatment"))
    response = client.get(treatment.social_picture.url)
    assert response.status_code == 200
    assert "private" in response["Cache-Control"]
    response.close()


@pytest.mark.django_db
def test_the_home_page_is_shared_with_a_picture_too(client, clinic):
    page = client.get("/").content.decode()

    assert '<meta property="og:image" content="' in page
    assert "img/social" in page
