"""What a page said before: every save is kept with who and when, and one press returns to it."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db import IntegrityError
from django.test import Client
from django.urls import reverse

from tests import factories
from treatments import versions
from treatments.models import (
    Benefit,
    Contraindication,
    Faq,
    Photo,
    ProcedureStep,
    RecoveryNote,
    Treatment,
    TreatmentVersion,
)

LISTS = ["photos", "benefits", "contraindications", "steps", "recovery_notes", "faqs"]
CONTENT = [Treatment, Benefit, Contraindication, ProcedureStep, RecoveryNote, Faq, Photo]


def editor(username: str) -> Client:
    names = [model._meta.model_name for model in CONTENT]
    user = factories.user(username=username)
    user.user_permissions.set(Permission.objects.filter(content_type__model__in=names))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def ana(clinic):
    return editor("ana")


@pytest.fixture
def peel(clinic):
    row = factories.treatment(name="Peel", slug="peel", summary="First words.")
    row.contraindications.create(page_words="are pregnant", question="Are you pregnant?", position=1)
    row.faqs.create(question="Does it hurt?", answer="Rarely.", position=1)
    return row


def change(row, name="change", *more):
    return reverse(f"admin:treatments_treatment_{name}", args=[row.pk, *more])


def form_of(client, row) -> dict:
    """The form as a browser would send it back unchanged."""
    context, filled = client.get(change(row)).context, {}
    for inline in context["inline_admin_formsets"]:
        for part in [inline.formset.management_form, *inline.formset.forms]:
            filled |= {field.html_name: field.value() for field in part}
    filled |= {field.html_name: field.value() for field in context["adminform"].form}
    return {name: value for name, value in filled.items() if value is not None and not name.endswith("-image")}


def save(client, row, **answers):
    answer = client.post(change(row), form_of(client, row) | answers)
    assert answer.status_code == 302
    row.refresh_from_db()


def press_return(client, version):
    """The button on the page of this version."""
    page = client.get(change(version.treatment, "version", version.pk))
    seen = page.context["object"].updated_at.isoformat()
    assert seen in page.content.decode()
    return client.post(change(version.treatment, "version", version.pk), {"seen": seen})


def kept(row):
    return list(row.versions.select_related("by"))


def test_a_save_keeps_what_it_wrote_and_what_was_there_before(ana, peel):
    save(ana, peel, summary="Second words.")
    latest, first = kept(peel)
    assert (latest.by.username, latest.content["fields"]["summary"]) == ("ana", "Second words.")
    assert (first.by, first.content["fields"]["summary"]) == (None, "First words.")
    assert latest.content["lists"]["faqs"][0]["answer"] == "Rarely."


def test_a_save_that_changed_nothing_keeps_nothing(ana, peel):
    save(ana, peel, summary="Second words.")
    save(ana, peel)
    assert len(kept(peel)) == 2


def test_a_version_holds_every_text_that_can_be_edited(ana, peel):
    content = versions.content_of(peel)
    editable = {field.name for field in Treatment._meta.fields if field.editable and not field.primary_key}
    assert set(content["fields"]) == editable
    assert set(content["lists"]["contraindications"][0]) == {
        "pk",
        "position",
        "page_words",
        "question",
        "staff_advice",
    }


def test_no_version_holds_a_patients_consent(ana, peel):
    assert "results" not in versions.content_of(peel)["lists"]


def test_what_changed_is_told_in_the_words_of_the_form(ana, peel):
    peel.faqs.create(question="How long?", answer="Half an hour.", position=2)
    save(ana, peel)
    answers = {
        "summary": "Second words.",
        "faqs-0-answer": "Never.",
        "faqs-1-DELETE": "on",
    }
    save(ana, peel, **answers)
    latest, before = kept(peel)
    assert versions.differences(before.content, latest.content) == [
        "Summary",
        "Questions: “Does it hurt?” changed (answer)",
        "Questions: “How long?” removed",
    ]
    html = ana.get(change(peel, "history")).content.decode()
    assert "Questions: “How long?” removed" in html
    assert ">ana</span>" in html
    assert "First version" in html


def test_another_order_is_told_as_such(peel):
    before = versions.content_of(peel)
    second = peel.faqs.create(question="How long?", answer="Long.", position=2)
    between = versions.content_of(peel)
    peel.faqs.filter(pk=second.pk).update(position=0)
    assert versions.differences(before, between) == ["Questions: “How long?” added"]
    assert versions.differences(between, versions.content_of(peel)) == ["Questions: order"]


def test_an_earlier_version_can_be_read_before_anybody_returns_to_it(ana, peel):
    save(ana, peel, summary="Second words.")
    first = kept(peel)[-1]
    html = ana.get(change(peel, "version", first.pk)).content.decode()
    assert "First words." in html
    assert "Are you pregnant?" in html
    assert html.count("Return to this version") == 1


def test_one_press_returns_to_an_earlier_version_and_keeps_the_newer_one(ana, peel):
    reason, faq = peel.contraindications.get(), peel.faqs.get()
    added = {"benefits-TOTAL_FORMS": "1", "benefits-0-name": "Calm skin", "benefits-0-position": ""}
    changed = {"contraindications-0-page_words": "are expecting", "faqs-0-DELETE": "on"}
    save(ana, peel, summary="Second words.", what_it_is="**New**", **added, **changed)
    first = kept(peel)[-1]
    answer = press_return(ana, first)
    assert (answer.status_code, answer["Location"]) == (303, change(peel))
    peel.refresh_from_db()
    assert (peel.summary, peel.what_it_is_html) == ("First words.", "")
    assert [(row.pk, row.page_words) for row in peel.contraindications.all()] == [(reason.pk, "are pregnant")]
    assert [(row.pk, row.answer_html.strip()) for row in peel.faqs.all()] == [(faq.pk, "<p>Rarely.</p>")]
    assert not peel.benefits.exists()
    latest, second, _first = kept(peel)
    assert latest.content == first.content
    assert (latest.by.username, second.content["fields"]["summary"]) == ("ana", "Second words.")
    assert "Returned to the version as of" in LogEntry.objects.first().get_change_message()
    press_return(ana, second)
    peel.refresh_from_db()
    assert (peel.summary, peel.benefits.get().name, peel.faqs.count()) == ("Second words.", "Calm skin", 0)


def test_returning_neither_publishes_nor_hides_nor_moves_a_page(ana, peel):
    save(ana, peel, status="draft", slug="peeling")
    Treatment.objects.update(position=4)
    press_return(ana, kept(peel)[-1])
    peel.refresh_from_db()
    assert (peel.status, peel.slug, peel.position) == ("draft", "peeling", 4)


def test_returning_brings_back_words_of_photos_but_no_files(ana, peel):
    photo = Photo(treatment=peel, image="photos/a.jpg", width=1, height=1, alt="Old words")
    gone = Photo(treatment=peel, image="photos/b.jpg", width=1, height=1, alt="Gone")
    Photo.objects.bulk_create([photo, gone])
    before = versions.keep(peel, by=None)
    Photo.objects.filter(alt="Gone").delete()
    Photo.objects.update(alt="New words")
    assert press_return(ana, before).status_code == 303
    assert [*peel.photos.values_list("alt", "image")] == [("Old words", "photos/a.jpg")]


def test_a_return_after_somebody_elses_save_is_refused(ana, peel):
    save(ana, peel, summary="Second words.")
    first, seen = kept(peel)[-1], peel.updated_at.isoformat()
    save(editor("ben"), peel, summary="Ben's words.")
    answer = ana.post(change(peel, "version", first.pk), {"seen": seen})
    assert (answer.status_code, answer["Location"]) == (303, change(peel, "history"))
    assert "Somebody else saved this treatment" in " ".join(map(str, get_messages(answer.wsgi_request)))
    peel.refresh_from_db()
    assert peel.summary == "Ben's words."


def test_a_form_opened_before_a_return_is_refused(ana, peel):
    save(ana, peel, summary="Second words.")
    opened = form_of(ana, peel)
    press_return(ana, kept(peel)[-1])
    assert ana.post(change(peel), opened | {"summary": "Third words."}).status_code == 200
    peel.refresh_from_db()
    assert peel.summary == "First words."


def test_of_two_returns_at_once_one_is_done_and_one_refused(at_once):
    factories.clinic()
    row = factories.treatment(summary="First words.")
    first = versions.keep(row, by=None)
    row.summary = "Second words."
    row.save()
    versions.keep(row, by=None)
    users = [factories.user(), factories.user()]
    seen = row.updated_at.isoformat()
    outcomes = at_once(lambda user: versions.return_to(first, by=user, seen=seen), users)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["SavedMeanwhile", "Treatment"]
    assert row.versions.count() == 3


def test_a_return_that_breaks_half_way_leaves_everything_as_it_was(peel, monkeypatch):
    first = versions.keep(peel, by=None)
    Treatment.objects.update(summary="Second words.")
    peel.faqs.all().delete()
    peel.refresh_from_db()

    def broken(*_args, **_options):
        raise IntegrityError

    monkeypatch.setattr(Faq, "save", broken)
    with pytest.raises(IntegrityError):
        versions.return_to(first, by=factories.user(), seen=peel.updated_at.isoformat())
    peel.refresh_from_db()
    assert (peel.summary, peel.versions.count()) == ("Second words.", 1)


def test_publishing_from_the_list_is_a_version_as_well(ana, peel):
    address = reverse("admin:treatments_treatment_changelist")
    ana.post(address, {"action": "make_draft", "_selected_action": [peel.pk]})
    latest, first = kept(peel)
    assert versions.differences(first.content, latest.content) == ["Status"]


def test_a_long_history_is_told_page_by_page(ana, peel):
    for number in range(25):
        Treatment.objects.update(summary=f"Words {number}.")
        versions.keep(peel, by=None)
    assert len(ana.get(change(peel, "history")).context["entries"]) == 20
    last = ana.get(change(peel, "history") + "?p=2").context["entries"]
    assert [entry["changes"] for entry in last][-2:] == [["Summary"], ["First version"]]


@pytest.mark.parametrize("rows", [1, 19])
def test_the_history_costs_the_same_for_one_version_and_for_many(ana, peel, rows, django_assert_num_queries):
    for number in range(rows):
        Treatment.objects.update(summary=f"Words {number}.")
        versions.keep(peel, by=None)
    ana.get(change(peel, "history"))
    with django_assert_num_queries(8):
        ana.get(change(peel, "history"))


def test_who_may_not_edit_can_neither_read_nor_return(ana, peel, client):
    save(ana, peel, summary="Second words.")
    address = change(peel, "version", kept(peel)[-1].pk)
    for ask in (client.get, client.post):
        assert ask(address)["Location"].startswith("/admin/login/")
    client.force_login(factories.user())
    assert (client.get(address).status_code, client.post(address).status_code) == (403, 403)
    reader = factories.user("treatments.view_treatment")
    client.force_login(reader)
    html = client.get(address).content.decode()
    assert "Return to this version" not in html
    assert client.post(address).status_code == 403
    peel.refresh_from_db()
    assert peel.summary == "Second words."


def test_a_version_belongs_to_its_own_treatment(ana, peel):
    version = versions.keep(peel, by=None)
    other = factories.treatment()
    assert ana.get(change(other, "version", version.pk)).status_code == 404
    assert TreatmentVersion.objects.count() == 1
