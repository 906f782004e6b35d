from io import BytesIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.messages import get_messages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from medspa.models import Clinic
from treatments.models import Benefit, Contraindication, Faq, Photo, ProcedureStep, Provider, RecoveryNote, Treatment

pytestmark = pytest.mark.django_db
LIST = reverse("admin:treatments_treatment_changelist")
ADD = reverse("admin:treatments_treatment_add")
LISTS = ["photos", "benefits", "contraindications", "steps", "recovery_notes", "faqs"]
CONTENT = [Treatment, Benefit, Contraindication, ProcedureStep, RecoveryNote, Faq, Photo]


@pytest.fixture(autouse=True)
def clinic(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    Treatment.objects.all().delete()
    Provider.objects.all().delete()
    return Clinic.objects.get_or_create(pk=1, defaults={"telephone": "(520) 555-0142"})[0]


@pytest.fixture
def treatment():
    return Treatment.objects.create(name="Facial", slug="facial", summary="Clean skin.", status="published")


def staff(username, *models):
    """Somebody at the desk who may do everything with these models, and nothing else."""
    user = User.objects.create_user(username, is_staff=True)
    names = [model._meta.model_name for model in models]
    user.user_permissions.set(Permission.objects.filter(content_type__model__in=names))
    return user


@pytest.fixture
def editor(client):
    client.force_login(staff("editor", *CONTENT))
    return client


def change(treatment):
    return reverse("admin:treatments_treatment_change", args=[treatment.pk])


def form_of(client, treatment, **answers):
    """What the browser would send: the form as it was shown, with these answers."""
    context = client.get(change(treatment)).context
    form, filled = context["adminform"].form, {}
    for inline in context["inline_admin_formsets"]:
        for part in [inline.formset.management_form, *inline.formset.forms]:
            filled |= {field.html_name: field.value() for field in part}
    filled |= {field.html_name: field.value() for field in form}
    kept = {name: value for name, value in filled.items() if value is not None and not name.endswith("-image")}
    return {**kept, **answers}


def point(prefix, number, **answers):
    return {f"{prefix}-{number}-{name}": value for name, value in answers.items()}


def said(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


# Reading and writing a page


def test_the_form_reads_in_the_order_of_the_page(editor, treatment):
    sections = editor.get(change(treatment)).context["in_page_order"]
    names = [getattr(section, "name", None) or section.opts.model.__name__ for section in sections]
    assert names == [
        "The page",
        "Photo",
        "Facts in a row",
        "What it is",
        "What it can help",
        "Benefit",
        "What it can help, after the list",
        "Who it suits",
        "Contraindication",
        "What happens on the day",
        "ProcedureStep",
        "Risks",
        "Recovery",
        "RecoveryNote",
        "Prices",
        "Faq",
        "Review",
        "Visit us",
    ]


def test_every_text_of_a_treatment_can_be_edited(editor, treatment):
    fields = set(editor.get(change(treatment)).context["adminform"].form.fields)
    written = {field.name for field in Treatment._meta.fields if field.editable and not field.primary_key}
    assert fields == written - {"position"} | {"seen"}


def test_a_treatment_is_added_with_its_first_points(editor):
    counts = {f"{name}-{kind}_FORMS": "0" for name in LISTS for kind in ("TOTAL", "INITIAL")}
    answers = {
        **counts,
        "benefits-TOTAL_FORMS": "1",
        **point("benefits", 0, name="Calm skin", position=""),
        **{"name": "Peel", "slug": "peel", "status": "draft", "position": "2", "summary": "A peel."},
        "procedure_minutes": "45",
    }
    answer = editor.post(ADD, answers)
    assert answer.status_code == 302
    treatment = Treatment.objects.get()
    assert (treatment.slug, treatment.benefits.get().position) == ("peel", 1)


def test_a_point_without_a_position_goes_to_the_end(editor, treatment):
    treatment.benefits.create(name="Last", position=7)
    treatment.benefits.create(name="First", position=3)
    answers = form_of(editor, treatment)
    answers |= {"benefits-TOTAL_FORMS": "5", **point("benefits", 2, name="New", text="", position="")}
    answers |= {
        **point("benefits", 3, name="", text="", position=""),
        **point("benefits", 4, name="Newer", position=""),
    }
    assert editor.post(change(treatment), answers).status_code == 302
    names = treatment.benefits.values_list("name", "position")
    assert [*names] == [("First", 3), ("Last", 7), ("New", 8), ("Newer", 9)]


def test_minutes_in_the_wrong_order_are_refused_in_words(editor, treatment):
    answers = form_of(editor, treatment, calming_minutes_min="60", calming_minutes_max="30")
    answer = editor.post(change(treatment), answers)
    assert answer.status_code == 200
    assert "the smaller one first" in answer.content.decode()


def test_the_address_is_written_along_with_the_name(editor):
    page = editor.get(ADD).content.decode()
    assert 'id="django-admin-prepopulated-fields-constants"' in page
    assert "#id_slug" in page


# Two people at once


def test_the_second_of_two_saves_is_refused_and_keeps_its_words(editor, treatment):
    mine, theirs = form_of(editor, treatment, summary="Mine."), form_of(editor, treatment, summary="Theirs.")
    assert editor.post(change(treatment), theirs).status_code == 302
    answer = editor.post(change(treatment), mine)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert "Somebody else saved this treatment after you opened it" in page
    assert "Mine." in page
    assert Treatment.objects.get().summary == "Theirs."


def test_a_save_that_changed_only_a_list_counts_as_well(editor, treatment):
    treatment.benefits.create(name="Calm skin", position=1)
    mine = form_of(editor, treatment, summary="Mine.")
    theirs = form_of(editor, treatment, **{"benefits-0-name": "Smooth skin"})
    assert editor.post(change(treatment), theirs).status_code == 302
    assert editor.post(change(treatment), mine).status_code == 200
    assert treatment.benefits.get().name == "Smooth skin"


def test_trying_again_does_not_get_past_the_refusal(editor, treatment):
    mine = form_of(editor, treatment, summary="Mine.")
    editor.post(change(treatment), form_of(editor, treatment, summary="Theirs."))
    shown_again = editor.post(change(treatment), mine).context["adminform"].form["seen"].value()
    assert editor.post(change(treatment), {**mine, "seen": shown_again}).status_code == 200
    assert editor.post(change(treatment), {**mine, "seen": ""}).status_code == 200
    assert Treatment.objects.get().summary == "Theirs."


def test_one_person_can_save_twice_in_a_row(editor, treatment):
    for summary in ("Once.", "Twice."):
        assert editor.post(change(treatment), form_of(editor, treatment, summary=summary)).status_code == 302
    assert Treatment.objects.get().summary == "Twice."


# Claims


def test_words_that_promise_too_much_are_saved_and_pointed_out(editor, treatment):
    treatment.faqs.create(question="Is it painless?", answer="We guarantee it.")
    answer = editor.post(change(treatment), form_of(editor, treatment, what_it_is="A permanent cure."))
    warning = next(words for words in said(answer) if "promise" in words)
    assert warning.endswith("they may promise too much: permanent, cure, painless, guarantee.")
    assert Treatment.objects.get().what_it_is == "A permanent cure."


def test_plain_words_draw_no_warning(editor, treatment):
    answer = editor.post(change(treatment), form_of(editor, treatment, what_it_is="It can help."))
    assert not [words for words in said(answer) if "promise" in words]


# Drafts and the page


@pytest.mark.parametrize(("status", "words"), [("draft", "Preview the draft"), ("published", "View on site")])
def test_the_form_leads_to_the_page(editor, treatment, status, words):
    Treatment.objects.update(status=status)
    page = editor.get(change(treatment)).content.decode()
    assert f'<a href="/treatments/facial/" class="viewsitelink">{words}</a>' in page


def test_a_draft_opens_at_its_address_for_its_editor_alone(editor, treatment, django_user_model):
    Treatment.objects.update(status="draft")
    assert editor.get("/treatments/facial/").status_code == 200
    editor.force_login(staff("desk"))
    assert editor.get("/treatments/facial/").status_code == 404
    editor.logout()
    assert editor.get("/treatments/facial/").status_code == 404


@pytest.mark.parametrize(
    ("action", "before", "after"), [("publish", "draft", "published"), ("make_draft", "published", "draft")]
)
def test_treatments_are_published_and_taken_off_from_the_list(editor, treatment, action, before, after):
    Treatment.objects.update(status=before)
    updated_at = Treatment.objects.get().updated_at
    answer = editor.post(LIST, {"action": action, "_selected_action": [treatment.pk]})
    assert answer.status_code == 302
    assert said(answer) == [f"Facial is now: {after.title()}."]
    treatment.refresh_from_db()
    assert (treatment.status, treatment.updated_at > updated_at) == (after, True)
    assert f"Status: {after.title()}" in LogEntry.objects.get().get_change_message()


def test_a_form_opened_before_the_status_changed_is_refused(editor, treatment):
    mine = form_of(editor, treatment, summary="Mine.")
    editor.post(LIST, {"action": "make_draft", "_selected_action": [treatment.pk]})
    assert editor.post(change(treatment), mine).status_code == 200
    assert Treatment.objects.get().status == "draft"


def test_who_may_only_read_is_offered_no_way_to_publish(client, treatment):
    reader = staff("reader")
    reader.user_permissions.add(Permission.objects.get(codename="view_treatment"))
    client.force_login(reader)
    Treatment.objects.update(status="draft")
    assert client.get(change(treatment)).status_code == 200
    client.post(LIST, {"action": "publish", "_selected_action": [treatment.pk]})
    assert Treatment.objects.get().status == "draft"


# Photos


def jpeg():
    file = BytesIO()
    Image.new("RGB", (2000, 1000), "red").save(file, "JPEG")
    return file.getvalue()


def with_photo(client, treatment, content, name="photo.jpg"):
    answers = form_of(client, treatment)
    answers |= {"photos-TOTAL_FORMS": "1", **point("photos", 0, alt="A red field", position="")}
    answers["photos-0-image"] = SimpleUploadedFile(name, content)
    return client.post(change(treatment), answers)


def test_a_photo_is_taken_and_made_smaller(editor, treatment):
    assert with_photo(editor, treatment, jpeg()).status_code == 302
    photo = treatment.photos.get()
    assert (photo.width, photo.height, photo.position) == (1440, 720, 1)
    assert "photo.jpg" not in photo.image.name


def test_a_photo_already_there_is_not_encoded_again(editor, treatment):
    with_photo(editor, treatment, jpeg())
    before = treatment.photos.get().image.name
    answers = form_of(editor, treatment, **{"photos-0-caption": "New words"})
    assert editor.post(change(treatment), answers).status_code == 302
    assert (treatment.photos.get().image.name, treatment.photos.get().caption) == (before, "New words")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("photo.jpg", b"<!doctype html><script>alert(1)</script>"),
        ("photo.svg", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
        ("photo.jpg", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
        ("photo.jpg", b""),
        ("photo.jpg", jpeg()[:-500]),
        ("photo.jpg", jpeg()[:30]),
        ("photo.html", jpeg()),
        ("photo.txt", b"words"),
    ],
    ids=["html", "svg", "svg-as-jpg", "empty", "cut", "stump", "jpg-as-html", "text"],
)
def test_what_is_no_photo_is_an_error_in_the_form(editor, treatment, name, content):
    answer = with_photo(editor, treatment, content, name)
    assert answer.status_code == 200
    photos = next(inline.formset for inline in answer.context["inline_admin_formsets"] if inline.opts.model is Photo)
    assert [*photos.errors[0]] == ["image"]
    assert not Photo.objects.exists()


def test_a_decompression_bomb_is_an_error_in_the_form(editor, treatment):
    file = BytesIO()
    Image.new("1", (8000, 8000)).save(file, "PNG")
    answer = with_photo(editor, treatment, file.getvalue(), "photo.png")
    assert answer.status_code == 200
    assert not Photo.objects.exists()


# Who may


@pytest.mark.parametrize("url_name", ["changelist", "add", "change", "delete", "history"])
@pytest.mark.parametrize("model_name", ["treatment", "provider"])
def test_nobody_is_sent_to_sign_in_and_the_wrong_staff_are_refused(client, treatment, url_name, model_name):
    row = treatment if model_name == "treatment" else Provider.objects.create(name="Room 1")
    needs_row = url_name in {"change", "delete", "history"}
    url = reverse(f"admin:treatments_{model_name}_{url_name}", args=[row.pk] if needs_row else [])
    for ask in (client.get, client.post):
        answer = ask(url)
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={url}")
    client.force_login(staff("desk"))
    assert (client.get(url).status_code, client.post(url).status_code) == (403, 403)
    assert type(row).objects.filter(pk=row.pk).exists()


def test_an_editor_does_not_touch_providers(editor):
    assert editor.get(reverse("admin:treatments_provider_changelist")).status_code == 403


def test_a_provider_is_added_and_put_on_leave(client):
    client.force_login(staff("owner", Provider))
    add = reverse("admin:treatments_provider_add")
    assert client.post(add, {"name": "Room 1", "is_active": "on"}).status_code == 302
    provider = Provider.objects.get()
    assert client.post(reverse("admin:treatments_provider_change", args=[provider.pk]), {"name": "Room 1"})
    assert not Provider.objects.get().is_active


# What it costs


@pytest.mark.parametrize("rows", [1, 30])
def test_the_list_of_treatments_costs_the_same_for_one_and_for_thirty(editor, rows, django_assert_num_queries):
    Treatment.objects.bulk_create(
        Treatment(name=f"Treatment {n}", slug=f"treatment-{n}", summary="It helps.") for n in range(rows)
    )
    editor.get(LIST)
    with django_assert_num_queries(7):
        assert editor.get(LIST).status_code == 200


@pytest.mark.parametrize("rows", [1, 30])
def test_the_list_of_providers_costs_the_same_for_one_and_for_thirty(client, rows, django_assert_num_queries):
    client.force_login(staff("owner", Provider))
    url = reverse("admin:treatments_provider_changelist")
    for n in range(rows):
        Provider.objects.create(name=f"Room {n}", user=User.objects.create_user(f"somebody{n}"))
    client.get(url)
    with django_assert_num_queries(6):
        assert client.get(url).status_code == 200


@pytest.mark.parametrize("rows", [1, 30])
def test_the_form_costs_the_same_for_one_and_for_thirty_of_each_point(
    editor, treatment, rows, django_assert_num_queries
):
    for n in range(rows):
        treatment.benefits.create(name=f"Benefit {n}")
        treatment.faqs.create(question=f"Question {n}?", answer="Yes.")
        treatment.contraindications.create(page_words=f"are {n}", question=f"Are you {n}?")
    editor.get(change(treatment))
    with django_assert_num_queries(13):  # 2 of them for the panel of what the page lacks
        assert editor.get(change(treatment)).status_code == 200
