from datetime import date, time

import pytest
from django.contrib.auth.models import Permission, User
from django.template.loader import render_to_string
from django.urls import reverse

from medspa.models import Clinic

pytestmark = pytest.mark.django_db
LIST = reverse("admin:medspa_clinic_changelist")
PAGE = reverse("admin:medspa_clinic_change", args=[1])


@pytest.fixture(autouse=True)
def clinic():
    Clinic.objects.all().delete()
    clinic = Clinic.objects.create(telephone="(520) 555-0142", town="Tucson")
    clinic.hours.create(weekday=1, opens_at=time(9), closes_at=time(17))
    return clinic


def staff(username, *codenames):
    user = User.objects.create_user(username, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return user


@pytest.fixture
def editor(client):
    """Somebody with every permission on the clinic, even those that the page never grants."""
    permissions = Permission.objects.filter(content_type__app_label="medspa").values_list("codename", flat=True)
    client.force_login(staff("editor", *permissions))
    return client


def form_of(client, **answers):
    context = client.get(PAGE).context
    parts = [context["adminform"].form]
    for inline in context["inline_admin_formsets"]:
        parts += [inline.formset.management_form, *inline.formset.forms]
    filled = {field.html_name: field.value() for part in parts for field in part}
    return {**{name: value for name, value in filled.items() if value is not None and value is not False}, **answers}


def row(prefix, number, **answers):
    return {f"{prefix}-TOTAL_FORMS": str(number + 1)} | {f"{prefix}-{number}-{key}": answers[key] for key in answers}


def test_the_list_of_clinics_is_the_clinic(editor):
    answer = editor.get(LIST)
    assert (answer.status_code, answer["Location"]) == (302, PAGE)


def test_the_clinic_its_hours_and_its_closures_are_one_page(editor, clinic):
    answers = form_of(editor, telephone="(520) 621-2211", street="1 Main Street", hours_confirmed="on")
    answers |= row("hours", 1, weekday="2", opens_at="10:00", closes_at="15:00")
    answers |= row("closures", 0, starts_on="2026-11-26", ends_on="2026-11-27", reason="Thanksgiving")
    assert editor.post(PAGE, answers).status_code == 302
    clinic = Clinic.objects.current()
    assert clinic.placeholders == []
    assert [(day.weekday, day.opens_at) for day in clinic.hours.all()] == [(1, time(9)), (2, time(10))]
    assert clinic.closures.get().ends_on == date(2026, 11, 27)


def test_the_clinics_own_words_are_written_in_both_languages(editor):
    answers = form_of(editor, tagline="Clear skin.", tagline_es="Piel clara.")
    words = {"reason": "Thanksgiving", "reason_es": "Día de Acción de Gracias"}
    answers |= row("closures", 0, starts_on="2026-11-26", ends_on="2026-11-27", **words)
    assert editor.post(PAGE, answers).status_code == 302
    clinic = Clinic.objects.current()
    assert (clinic.tagline_es, clinic.closures.get().reason_es) == ("Piel clara.", "Día de Acción de Gracias")
    assert editor.get(PAGE).content.decode().count("the English words are shown on the Spanish pages") >= 2


def test_before_the_clinic_is_open_the_list_is_empty(editor):
    Clinic.objects.all().delete()
    answer = editor.get(LIST)
    assert (answer.status_code, "0 clinic" in answer.content.decode()) == (200, True)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"time_zone": "America/Tuscon"}, "Enter a time zone by its name, like America/Phoenix."),
        ({"hours-0-closes_at": "08:00"}, "The closing time must be later than the opening time."),
        (row("closures", 0, starts_on="2026-11-27", ends_on="2026-11-26"), "must not be before the first day"),
        (row("hours", 1, weekday="1", opens_at="09:00", closes_at="12:00"), "duplicate"),
        ({"response_target_minutes": "0"}, "greater than or equal to 1"),
    ],
    ids=["zone", "hours", "closure", "twice", "target"],
)
def test_what_cannot_be_is_refused_in_words(editor, answers, words):
    answer = editor.post(PAGE, form_of(editor, **answers))
    assert answer.status_code == 200
    assert words in answer.content.decode()


def test_a_second_clinic_cannot_be_added(editor):
    add = reverse("admin:medspa_clinic_add")
    assert (editor.get(add).status_code, editor.post(add, {"telephone": "1"}).status_code) == (403, 403)
    assert "Add clinic" not in editor.get(PAGE).content.decode()


def test_the_clinic_cannot_be_deleted(editor):
    delete = reverse("admin:medspa_clinic_delete", args=[1])
    assert (editor.get(delete).status_code, editor.post(delete, {"post": "yes"}).status_code) == (403, 403)
    assert "deletelink" not in editor.get(PAGE).content.decode()
    assert Clinic.objects.exists()


def test_the_page_names_each_placeholder_until_it_is_replaced(editor, clinic):
    page = editor.get(PAGE).content.decode()
    assert "Patients see placeholders" in page
    for sentence in clinic.placeholders:
        assert f">{sentence}</li>" in page
    Clinic.objects.update(telephone="(520) 621-2211", street="1 Main Street", hours_confirmed=True)
    assert "Patients see placeholders" not in editor.get(PAGE).content.decode()


def test_the_desks_first_page_warns_those_who_may_put_in_the_facts_and_nobody_else(editor):
    index = reverse("admin:index")
    page = editor.get(index).content.decode()
    assert "Patients see placeholders" in page
    assert f'href="{PAGE}"' in page
    editor.force_login(staff("desk", "view_clinic"))
    assert "Patients see placeholders" not in editor.get(index).content.decode()


def test_away_from_its_page_the_warning_leads_there():
    warning = render_to_string(
        "admin/includes/placeholders.html", {"placeholders": ["The street address is empty."], "clinic_url": PAGE}
    )
    assert f'href="{PAGE}"' in warning
    assert render_to_string("admin/includes/placeholders.html", {"placeholders": [], "clinic_url": PAGE}).strip() == ""


@pytest.mark.parametrize("url_name", ["changelist", "add", "change", "delete", "history"])
def test_nobody_is_sent_to_sign_in_and_the_wrong_staff_are_refused(client, url_name):
    url = reverse(f"admin:medspa_clinic_{url_name}", args=[] if url_name in {"changelist", "add"} else [1])
    for ask in (client.get, client.post):
        answer = ask(url)
        assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={url}")
    client.force_login(staff("desk", "view_appointmentrequest", "change_treatment"))
    assert (client.get(url).status_code, client.post(url).status_code) == (403, 403)
    assert Clinic.objects.get().telephone == "(520) 555-0142"


def test_who_may_only_look_changes_nothing(client):
    client.force_login(staff("reader", "view_clinic"))
    assert client.get(PAGE).status_code == 200
    assert client.post(PAGE, {"telephone": "1"}).status_code == 403
    assert Clinic.objects.get().telephone == "(520) 555-0142"


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_costs_the_same_for_one_closure_and_for_thirty(editor, clinic, rows, django_assert_num_queries):
    for number in range(rows):
        clinic.closures.create(starts_on=date(2027, 1, 1 + number), ends_on=date(2027, 1, 1 + number))
    editor.get(PAGE)
    with django_assert_num_queries(9):
        assert editor.get(PAGE).status_code == 200
