"""Spanish from the desk: every treatment says how its Spanish page stands, and one press starts it."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import factories
from treatments.models import Treatment, start_translation

pytestmark = pytest.mark.django_db
LIST = reverse("admin:treatments_treatment_changelist")


def desk(*permissions):
    client = Client()
    client.force_login(factories.user(*(f"treatments.{name}_treatment" for name in permissions)))
    return client


@pytest.fixture
def ana(clinic):
    client = Client()
    client.force_login(user := factories.user())
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="treatments"))
    return client


@pytest.fixture
def peel(clinic):
    Treatment.objects.all().delete()
    row = factories.treatment(name="Peel", slug="peel", price_from="$90")
    row.faqs.create(question="Does it hurt?", answer="Rarely.", position=1)
    return row


def change(row):
    return reverse("admin:treatments_treatment_change", args=[row.pk])


def start(row):
    return reverse("admin:treatments_treatment_start_spanish", args=[row.pk])


def form_of(client, row, **answers):
    context, filled = client.get(change(row)).context, {}
    for inline in context["inline_admin_formsets"]:
        for part in [inline.formset.management_form, *inline.formset.forms]:
            filled |= {field.html_name: field.value() for field in part}
    filled |= {field.html_name: field.value() for field in context["adminform"].form}
    return {name: value for name, value in filled.items() if value is not None} | answers


def words_of(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_one_press_starts_the_spanish_page_as_a_draft(ana, peel):
    assert f'formaction="{start(peel)}"' in ana.get(LIST).content.decode()
    answer = ana.post(start(peel))
    draft = peel.translations.get()
    assert (answer.status_code, answer["Location"]) == (303, change(draft))
    assert (draft.status, draft.language, draft.faqs.get().question) == ("draft", "es", "Does it hurt?")
    assert "started as a draft" in str(*get_messages(answer.wsgi_request))
    assert LogEntry.objects.get().object_id == str(draft.pk)
    assert draft.versions.get().by.pk == int(ana.session["_auth_user_id"])


def test_a_second_press_finds_the_page_that_is_there(ana, peel):
    ana.post(start(peel))
    peel.translations.update(summary="Palabras nuevas.")
    answer = ana.post(start(peel))
    assert answer["Location"] == change(peel.translations.get())
    assert peel.translations.get().summary == "Palabras nuevas."
    assert "there already" in [*map(str, get_messages(answer.wsgi_request))][-1]


def test_two_people_who_press_at_once_land_on_the_same_draft(at_once):
    factories.clinic()
    Treatment.objects.all().delete()
    row = factories.treatment()
    row.faqs.create(question="Does it hurt?", answer="Rarely.")
    answers = at_once(lambda client: client.post(start(row)), [desk("add", "change") for _person in range(4)])
    draft = row.translations.get()
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(303, change(draft))}
    assert (draft.faqs.count(), draft.versions.count(), LogEntry.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize(
    ("status", "days", "words"),
    [("published", None, "Published"), ("draft", None, "Draft"), ("published", 2, "Will be shown from")],
)
def test_list_and_page_say_how_the_spanish_page_stands(ana, peel, status, days, words):
    draft = start_translation(peel, "es")
    publish_at = days and timezone.now() + timedelta(days=days)
    Treatment.objects.filter(pk=draft.pk).update(status=status, publish_at=publish_at)
    for address in (LIST, change(peel)):
        html = ana.get(address).content.decode()
        assert re.search(rf'<a href="{change(draft)}"[^>]*>{words}', html)
        assert start(peel) not in html


def test_a_treatment_without_a_spanish_page_says_so(ana, peel):
    assert "Not translated yet" in ana.get(LIST).content.decode()
    html = ana.get(change(peel)).content.decode()
    assert "In Spanish: not translated yet." in html
    assert html.index(f'action="{start(peel)}"') < html.index('id="treatment_form"')


def test_the_list_holds_originals_and_finds_them_by_spanish_words(ana, peel):
    draft = start_translation(peel, "es")
    Treatment.objects.filter(pk=draft.pk).update(name="Exfoliación", summary="Piel más suave.")
    factories.treatment(name="Facial")
    assert [row.name for row in ana.get(LIST).context["cl"].result_list] == ["Facial", "Peel"]
    for words in ("exfolia", "más suave", "Peel"):
        assert [row.name for row in ana.get(LIST, {"q": words}).context["cl"].result_list] == ["Peel"]


def test_who_may_not_add_treatments_is_shown_no_button(peel):
    client = desk("view", "change")
    for address in (LIST, change(peel)):
        html = client.get(address).content.decode()
        assert "ot translated yet" in html
        assert start(peel) not in html
    assert client.post(start(peel)).status_code == 403
    assert not peel.translations.exists()


def test_nobody_starts_a_page_and_nobody_starts_one_by_looking(ana, peel):
    assert Client().post(start(peel))["Location"].startswith("/admin/login/")
    assert ana.get(start(peel)).status_code == 405
    checked = Client(enforce_csrf_checks=True)
    checked.force_login(factories.user("treatments.add_treatment"))
    assert checked.post(start(peel)).status_code == 403
    assert not peel.translations.exists()


def test_the_buttons_forms_carry_their_token(ana, peel):
    form = re.search(rf'<form[^>]*action="{start(peel)}".*?</form>', ana.get(change(peel)).content.decode(), re.S)[0]
    assert "csrfmiddlewaretoken" in form


def test_a_translation_is_not_translated_again(ana, peel):
    draft = start_translation(peel, "es")
    assert ana.post(start(draft)).status_code == 404


def test_a_spanish_page_shows_its_shared_facts_and_where_they_are_changed(ana, peel):
    draft = start_translation(peel, "es")
    html = ana.get(change(draft)).content.decode()
    words = words_of(html)
    assert "This is the Spanish page of Peel" in words
    assert "The same in every language. Change them at Peel ." in words
    assert html.count(f'<a href="{change(peel)}">Peel</a>') == 2
    fields = ana.get(change(draft)).context["adminform"].form.fields
    assert not set(fields) & set(Treatment.FACTS)
    assert {"name", "status", "summary", "time_off", "risks"} <= set(fields)
    for fact in ("$90", "1 of 1"):
        assert f'<div class="readonly">{fact}</div>' in html
    assert 'href="/es/treatments/peel/" class="viewsitelink"' in html


def test_the_words_of_a_spanish_page_are_saved_and_its_facts_are_not(ana, peel):
    draft = start_translation(peel, "es")
    answers = form_of(ana, draft, name="Exfoliación", slug="otra", price_from="$1", status="published")
    assert ana.post(change(draft), answers).status_code == 302
    draft.refresh_from_db()
    assert (draft.name, draft.slug, draft.price_from, draft.is_published) == ("Exfoliación", "peel", "$90", True)


@pytest.mark.parametrize("rows", [1, 30])
def test_the_list_costs_the_same_with_one_spanish_page_and_with_thirty(ana, peel, rows, django_assert_num_queries):
    for _row in range(rows):
        start_translation(factories.treatment(), "es")
    ana.get(LIST)
    with django_assert_num_queries(7):
        assert ana.get(LIST).status_code == 200
