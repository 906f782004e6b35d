"""What a page still lacks: the findings, the command that prints them, and the panel that shows them."""

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import reverse
from django.utils import timezone

from medspa.models import Clinic
from tests import factories
from treatments import content_report
from treatments.models import Treatment

TODAY = datetime(2026, 11, 23, 17, tzinfo=UTC)
FINISHED = {
    "name": "Peel",
    "slug": "peel",
    "summary": "A peel takes off the top of your skin.",
    "description": "A peel in Tucson: read why people come, who should wait, and how long your skin needs to calm.",
    "price_from": "$90",
    "reviewed_by": "Ida Lund, nurse",
    "reviewed_on": date(2026, 3, 9),
    "next_review_on": date(2027, 3, 1),
}
HARD = (
    "Percutaneous collagen induction necessitates comprehensive preprocedural dermatological evaluation, "
    "individualized photoprotection recommendations, and subsequent postoperative surveillance appointments."
)


@pytest.fixture
def real_clinic(db):
    return factories.clinic(telephone="(520) 622-1234", street="1 Main St", hours_confirmed=True)


def finished(**facts) -> Treatment:
    row = factories.treatment(**FINISHED | facts)
    row.contraindications.create(page_words="are pregnant", question="Are you pregnant?")
    row.recovery_notes.create(when="Same day", text="Stay in the shade.")
    spanish = {"language": "es", "original": row, "reviewed_by": ""}
    factories.treatment(**FINISHED | {"name": "Exfoliación", "slug": "exfoliacion"} | spanish)
    return row


def findings(row: Treatment, clinic) -> tuple[list[str], list[str]]:
    found = content_report.about_treatment(content_report.to_report().get(pk=row.pk), clinic, TODAY)
    return [one.words for one in found if one.is_needed], [one.words for one in found if not one.is_needed]


def report(*options: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("content_report", *options, stdout=out)
    except SystemExit as end:
        return end.code, out.getvalue()
    return 0, out.getvalue()


def test_a_finished_page_lacks_nothing(real_clinic):
    assert findings(finished(), real_clinic) == ([], [])
    assert content_report.about_clinic(real_clinic) == []


def test_words_of_the_clinic_that_are_in_english_alone_draw_a_note(real_clinic, client):
    tomorrow = timezone.localdate() + timedelta(days=1)
    Clinic.objects.update(tagline="Clear skin.")
    row = real_clinic.closures.create(starts_on=tomorrow, ends_on=tomorrow, reason="Stocktaking")
    found = content_report.about_clinic(Clinic.objects.current())
    assert [finding.is_needed for finding in found] == [False, False]
    assert "tagline is in English alone" in found[0].words
    assert found[1].words.endswith("is in English alone: Stocktaking.")
    assert report()[0] == 0

    page = finished()
    client.force_login(factories.user("treatments.change_treatment"))
    html = client.get(reverse("admin:treatments_treatment_change", args=[page.pk])).content.decode()
    assert "Nothing is needed; 2 to weigh" in html
    assert ">Needed<" not in html

    row.reason_es = "Inventario"
    row.save()
    Clinic.objects.update(tagline_es="Piel clara.")
    assert content_report.about_clinic(Clinic.objects.current()) == []


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"description": ""}, "description for search engines is missing"),
        ({"description": "", "summary": "x " * 20}, "shown the summary instead, whose 40 characters are too few."),
        ({"description": "", "summary": "x" * 161}, "shown the summary instead, whose 161 characters are too many."),
        ({"description": "", "summary": "x" * 160}, "shown the summary instead."),
        ({"description": "A peel."}, "too short: 7 characters"),
        ({"description": "x" * 165}, "too long: 165 characters"),
        ({"reviewed_by": ""}, "Nobody is named who reviewed"),
        ({"reviewed_on": None}, "date of the review is missing"),
        ({"next_review_on": None}, "date of the next review is missing"),
        ({"next_review_on": date(2026, 11, 22)}, "overdue: it was to be done by November 22, 2026"),
    ],
)
def test_each_fact_that_is_missing_is_needed(real_clinic, facts, words):
    needed, notes = findings(finished(**facts), real_clinic)
    assert len(needed) == 1
    assert words in needed[0]
    assert notes == []


def test_a_review_is_not_overdue_on_its_own_day(real_clinic):
    assert findings(finished(next_review_on=date(2026, 11, 23)), real_clinic) == ([], [])


@pytest.mark.parametrize(
    ("name", "words"), [("contraindications", "Who should wait is empty"), ("recovery_notes", "no recovery notes")]
)
def test_each_list_that_patients_rely_on_is_needed(real_clinic, name, words):
    row = finished()
    getattr(row, name).all().delete()
    needed, _notes = findings(row, real_clinic)
    assert len(needed) == 1
    assert words in needed[0]


def test_a_picture_without_words_is_found(real_clinic):
    row = finished()
    row.photos.bulk_create([row.photos.model(treatment=row, image="photos/a.jpg", width=1, height=1, alt=" ")])
    assert findings(row, real_clinic)[0] == ["Picture 1 has no words for people who cannot see it."]


def test_a_page_without_a_price_draws_a_note(real_clinic):
    _needed, notes = findings(finished(price_from=""), real_clinic)
    assert len(notes) == 1
    assert "No price is given" in notes[0]


def test_hard_words_are_told_with_the_section_that_is_hardest(real_clinic):
    row = finished(what_it_is=HARD)
    row.faqs.create(question="Is it quick?", answer="It is. We numb your skin, and then we start. You lie down.")
    _needed, notes = findings(row, real_clinic)
    assert any("reads at school grade" in note and "What it is" in note for note in notes)


def test_long_sentences_are_told_with_their_mean(real_clinic):
    row = finished(what_it_is="You come in and sit down and we look at your skin and then we talk of what to do. " * 9)
    _needed, notes = findings(row, real_clinic)
    assert [note for note in notes if "words on average" in note]


def test_words_that_promise_too_much_are_named(real_clinic):
    row = finished(what_it_is="It is painless.")
    row.faqs.create(question="Does it last?", answer="We guarantee it.")
    _needed, notes = findings(row, real_clinic)
    assert notes == ["These words may promise too much: painless, guarantee."]


def test_a_translation_is_missing_until_patients_can_read_it(real_clinic):
    row = finished()
    row.translations.update(status=Treatment.Status.DRAFT)
    assert findings(row, real_clinic)[1] == ["Español: translated, but patients cannot see it yet."]
    row.translations.all().delete()
    assert findings(row, real_clinic)[1] == ["Español: not translated yet."]


def test_the_command_ends_well_when_every_published_page_is_finished(real_clinic):
    finished()
    Treatment.objects.filter(language="es").delete()
    factories.treatment(name="Half written", status=Treatment.Status.DRAFT)
    code, said = report()
    assert code == 0
    assert "Half written (draft, en)" in said
    assert "NEEDED" in said[said.index("Half written") :]
    assert "NEEDED" not in said[: said.index("Half written")]


def test_the_command_fails_when_a_published_page_is_not_finished(real_clinic):
    finished(reviewed_by="")
    code, said = report("--json")
    told = json.loads(said)
    assert code == 1
    assert told["lacks_something_needed"] is True
    page = next(page for page in told["pages"] if page["name"] == "Peel")
    assert page["needed"] == ["Nobody is named who reviewed the page."]
    assert (page["state"], page["language"]) == ("published", "en")


def test_the_command_fails_while_patients_see_placeholders(clinic):
    code, said = report()
    assert code == 1
    assert "reserved for fiction" in said


def test_without_a_clinic_the_command_says_what_to_do(db):
    with pytest.raises(CommandError, match="open_clinic"):
        call_command("content_report")


@pytest.mark.parametrize("rows", [1, 30])
def test_a_report_costs_the_same_for_one_page_and_for_thirty(real_clinic, rows, django_assert_num_queries):
    for number in range(rows):
        factories.treatment(name=f"Peel {number}").faqs.create(question="Why?", answer="Because.")
    with django_assert_num_queries(2):  # the clinic, and the treatments with all their lists
        report()


def test_the_panel_at_the_desk_says_the_same_as_the_command(clinic, client):
    row = finished(reviewed_by="", what_it_is="It is painless.")
    client.force_login(factories.user("treatments.change_treatment"))
    html = client.get(reverse("admin:treatments_treatment_change", args=[row.pk])).content.decode()
    told = [line.strip()[8:] for line in report()[1].split("Peel (")[1].splitlines()[1:]]
    assert len(told) == 2
    assert [words for words in [*told, *clinic.placeholders] if words not in html] == []
    assert "Still needed: 4" in html
    assert reverse("admin:medspa_clinic_change", args=[1]) not in html
