"""Order at the desk: buttons move a row or a treatment by one place, and nothing that was typed is lost."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from PIL import Image

from tests import factories
from treatments import versions
from treatments.models import Photo, Treatment, start_translation

pytestmark = pytest.mark.django_db
LIST = reverse("admin:treatments_treatment_changelist")
ROWS = {
    "benefits": lambda n: {"name": f"Row {n}"},
    "contraindications": lambda n: {"page_words": f"Row {n}", "question": "Are you?"},
    "steps": lambda n: {"name": f"Row {n}"},
    "recovery_notes": lambda n: {"when": f"Row {n}", "text": "Rest."},
    "faqs": lambda n: {"question": f"Row {n}", "answer": "Yes."},
    "photos": lambda n: {"alt": f"Row {n}", "image": f"photos/{n}.jpg", "width": 1, "height": 1},
}


def desk(*permissions):
    client = Client()
    client.force_login(factories.user(*(f"treatments.{name}_treatment" for name in permissions)))
    return client


@pytest.fixture
def ana(clinic, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    (tmp_path / "photos").mkdir()
    for n in (1, 2, 3):
        Image.new("RGB", (9, 9)).save(tmp_path / f"photos/{n}.jpg")

    client = Client()
    client.force_login(user := factories.user(username="ana"))
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="treatments"))
    return client


@pytest.fixture
def peel(clinic):
    Treatment.objects.all().delete()
    return factories.treatment(name="Peel", slug="peel", position=1)


def fill(row, name, positions=(1, 2, 3)):
    model = getattr(row, name).model
    model.objects.bulk_create(
        model(treatment=row, position=position, **ROWS[name](n)) for n, position in enumerate(positions, start=1)
    )


def order(row, name):
    return [str(one).removeprefix("Row ") for one in getattr(row, name).all()]


def change(row):
    return reverse("admin:treatments_treatment_change", args=[row.pk])


def address(direction, row):
    return reverse(f"admin:treatments_treatment_{direction}", args=[row.pk])


def form_of(client, row, **answers):
    context, filled = client.get(change(row)).context, {}
    for inline in context["inline_admin_formsets"]:
        for part in [inline.formset.management_form, *inline.formset.forms]:
            filled |= {field.html_name: field.value() for field in part}
    filled |= {field.html_name: field.value() for field in context["adminform"].form}
    return {name: value for name, value in filled.items() if value is not None and "-image" not in name} | answers


def button_of(row, button):
    """`steps-1-up` as the form names it: by the number that the second row of the list is stored under."""
    name, place, direction = button.split("-")
    rows = [one.pk for one in getattr(row, name).all()] if name in ROWS else []
    return f"{name}-{rows[int(place)] if int(place) < len(rows) else 10**9}-{direction}"


def press(client, row, button, **answers):
    return client.post(change(row), form_of(client, row, **answers) | {f"_move-{button_of(row, button)}": ""})


def buttons(html):
    return re.findall(r'aria-label="(Move (?:up|down): Row \d)"', html)


# The rows of a form


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_every_list_moves_and_the_page_comes_back_at_it(ana, peel, name):
    fill(peel, name)
    moved = button_of(peel, f"{name}-1-up").removesuffix("up")
    answer = press(ana, peel, f"{name}-1-up")
    assert (answer.status_code, answer["Location"]) == (303, f"{change(peel)}#{moved}down")
    assert order(peel, name) == ["2", "1", "3"]
    assert press(ana, peel, f"{name}-0-down")["Location"] == f"{change(peel)}#{moved}down"
    assert order(peel, name) == ["1", "2", "3"]
    html = ana.get(change(peel)).content.decode()
    assert f'id="{moved}down" name="_move-{moved}down"' in html
    assert {"Move down: Row 1", "Move up: Row 2", "Move down: Row 2", "Move up: Row 3"} <= set(buttons(html))
    assert "-position" not in html


def test_the_first_row_has_no_button_up_and_the_last_none_down(ana, peel):
    fill(peel, "steps")
    assert buttons(ana.get(change(peel)).content.decode()) == [
        *("Move down: Row 1", "Move up: Row 2", "Move down: Row 2", "Move up: Row 3"),
    ]


def test_what_was_typed_anywhere_is_saved_with_the_move(ana, peel):
    fill(peel, "steps")
    new = {"faqs-TOTAL_FORMS": "1", "faqs-0-question": "New?", "faqs-0-answer": "Yes."}
    press(ana, peel, "steps-2-up", **{"summary": "Typed.", "steps-2-minutes": "Ten", **new})
    peel.refresh_from_db()
    assert (peel.summary, peel.faqs.get().question, order(peel, "steps")) == ("Typed.", "New?", ["1", "3", "2"])
    assert peel.steps.get(name="Row 3").minutes == "Ten"


def test_with_an_error_nothing_moves_and_the_words_stay(ana, peel):
    fill(peel, "steps")
    answer = press(ana, peel, "steps-1-up", summary="", **{"steps-0-text": "Typed."})
    assert answer.status_code == 200
    assert "Typed." in answer.content.decode()
    assert order(peel, "steps") == ["1", "2", "3"]


def test_a_move_after_somebody_elses_save_is_refused(ana, peel):
    fill(peel, "steps")
    opened = form_of(ana, peel) | {f"_move-{button_of(peel, 'steps-1-up')}": ""}
    press(ana, peel, "steps-1-up")
    assert ana.post(change(peel), opened).status_code == 200
    assert order(peel, "steps") == ["2", "1", "3"]


@pytest.mark.parametrize("positions", [(0, 0, 0), (7, 7, 30), (4, 400, 999)])
def test_old_positions_that_repeat_or_leave_gaps_are_numbered_anew(ana, peel, positions):
    fill(peel, "faqs", positions)
    press(ana, peel, "faqs-2-up")
    assert [*peel.faqs.values_list("question", "position")] == [("Row 1", 1), ("Row 3", 2), ("Row 2", 3)]


@pytest.mark.parametrize("button", ["faqs-0-up", "faqs-2-down", "faqs-9-up", "lists-1-up"])
def test_a_button_that_is_not_there_moves_nothing(ana, peel, button):
    fill(peel, "faqs")
    assert press(ana, peel, button).status_code in {302, 303}
    assert order(peel, "faqs") == ["1", "2", "3"]


def test_a_row_that_is_deleted_in_the_same_press_is_gone(ana, peel):
    fill(peel, "faqs")
    answer = press(ana, peel, "faqs-1-up", **{"faqs-1-DELETE": "on"})
    assert (answer["Location"], order(peel, "faqs")) == (f"{change(peel)}#faqs-group", ["1", "3"])


def test_a_move_is_one_version_and_told_as_order(ana, peel):
    fill(peel, "faqs")
    press(ana, peel, "faqs-1-up")
    latest, before = peel.versions.all()
    assert versions.differences(before.content, latest.content) == ["Questions: order"]
    assert latest.by.username == "ana"


def test_who_may_only_look_is_shown_no_buttons(peel):
    fill(peel, "faqs")
    reader = desk("view")
    user = factories.user("treatments.view_treatment", "treatments.view_faq")
    reader.force_login(user)
    html = reader.get(change(peel)).content.decode()
    assert "Row 2" in html
    assert buttons(html) == []
    assert reader.post(change(peel), {"_move-faqs-1-up": ""}).status_code == 403


# The list of treatments


@pytest.fixture
def three(peel):
    Treatment.objects.all().delete()
    return [factories.treatment(name=f"Row {n}", position=n) for n in (1, 2, 3)]


def names():
    return [row.name for row in Treatment.objects.originals()]


def test_a_treatment_moves_in_the_list_with_its_spanish_page(ana, three):
    draft = start_translation(three[1], "es")
    assert buttons(ana.get(LIST).content.decode()) == [
        *("Move down: Row 1", "Move up: Row 2", "Move down: Row 2", "Move up: Row 3"),
    ]
    answer = ana.post(address("up", three[1]))
    assert (answer.status_code, answer["Location"]) == (303, f"{LIST}#down-{three[1].pk}")
    assert [*map(str, get_messages(answer.wsgi_request))] == ["Row 2 is now 1 of 3."]
    assert names() == ["Row 2", "Row 1", "Row 3"]
    draft.refresh_from_db()
    assert draft.position == 1
    latest, before = three[1].versions.all()
    assert versions.differences(before.content, latest.content) == ["Position"]
    assert (before.by, latest.by.username, draft.versions.first().by.username) == (None, "ana", "ana")


def test_the_ends_of_the_list_and_old_numbers(ana, three):
    Treatment.objects.update(position=0)
    ana.post(address("down", three[0]))
    ana.post(address("up", three[1]))
    ana.post(address("down", three[2]))
    assert [*Treatment.objects.originals().values_list("name", "position")] == [
        ("Row 2", 1),
        ("Row 1", 2),
        ("Row 3", 3),
    ]


def test_a_form_that_was_open_during_a_move_is_saved_and_moves_nothing_back(ana, three):
    opened = form_of(ana, three[0], summary="Typed.")
    ana.post(address("down", three[0]))
    assert ana.post(change(three[0]), opened).status_code == 302
    assert names() == ["Row 2", "Row 1", "Row 3"]
    assert Treatment.objects.get(name="Row 1").summary == "Typed."


def test_a_list_that_shows_some_of_the_treatments_has_places_and_no_buttons(ana, three):
    html = ana.get(LIST, {"q": "Row 2"}).content.decode()
    assert buttons(html) == []
    assert "2 of 3" in html


def test_only_who_may_change_treatments_moves_them_and_nobody_by_looking(ana, three):
    target = address("up", three[1])
    assert ana.get(target).status_code == 405
    assert Client().post(target)["Location"].startswith("/admin/login/")
    reader = desk("view")
    assert buttons(reader.get(LIST).content.decode()) == []
    assert reader.post(target).status_code == 403
    assert ana.post(address("up", start_translation(three[1], "es"))).status_code == 404
    assert names() == ["Row 1", "Row 2", "Row 3"]


def test_moves_at_once_leave_every_treatment_its_own_place(at_once):
    factories.clinic()
    Treatment.objects.all().delete()
    rows = [factories.treatment(position=n) for n in range(1, 5)]
    client = desk("change")
    presses = [address("up", rows[3]), address("down", rows[0]), address("up", rows[2]), address("down", rows[1])]
    answers = at_once(client.post, presses)
    assert [answer.status_code for answer in answers] == [303] * 4
    assert [*Treatment.objects.values_list("position", flat=True)] == [1, 2, 3, 4]


def test_a_new_treatment_goes_to_the_end(ana, three):
    lists = {f"{name}-{kind}_FORMS": "0" for name in [*ROWS, "results"] for kind in ("TOTAL", "INITIAL")}
    answers = {"name": "Facial", "slug": "facial", "status": "draft", "summary": "New.", "procedure_minutes": "30"}
    assert ana.post(reverse("admin:treatments_treatment_add"), lists | answers).status_code == 302
    assert names()[-1] == "Facial"
    assert not Photo.objects.exists()
