"""The private page: what a patient reads there and does there."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from django.test import Client

from appointments import workflow
from appointments.models import AppointmentRequest, HealthAnswer
from appointments.models.questions import LINK_LIVES
from tests import factories

VISIT = datetime(2030, 1, 8, 17, 0, tzinfo=UTC)
NOON = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
ACTS = ["cancel/", "times/", "health/"]
EVERY = ["", *ACTS, "visit.ics"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("noon")]


@pytest.fixture
def noon():
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def treatment(clinic):
    row = factories.treatment(name="Microneedling", slug="microneedling")
    for number, words in enumerate(["Are you pregnant?", "Do you have open sores?"], start=1):
        row.contraindications.create(position=number, page_words="you wait", question=words, staff_advice="Ask first.")
    return row


@pytest.fixture
def patient(clinic):
    """A browser that checks forged forms as the real site does, and keeps no cookie from anywhere."""
    return Client(enforce_csrf_checks=True)


def page_of(row, act="", language=""):
    return f"{language}/my-request/{row.private_token}/{act}"


def words(answer) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def hidden(answer, name):
    return re.search(rf'name="{name}" value="([^"]*)"', answer.content.decode())[1]


def anew(row):
    return AppointmentRequest.objects.get(pk=row.pk)


def answered(patient, row, *given, **more):
    shown = patient.get(page_of(row, "health/"))
    answers = {f"answer_{number}": answer for number, answer in enumerate(given, start=1)}
    return patient.post(page_of(row, "health/"), {"edition": hidden(shown, "edition"), **answers, **more})


# What is read


def test_a_booked_page_says_when_and_on_whose_clock_and_what_can_be_done(patient, treatment):
    row = factories.booked(treatment=treatment)
    shown = words(patient.get(page_of(row)))
    assert "Your visit is booked Tuesday, January 8 at 10 am" in shown
    assert "Tucson time" in shown
    for link in ("Add to your calendar", "Ask for another time", "Cancel the visit", "Answer the questions"):
        assert link in shown


def test_the_calendar_file_is_the_visit_and_names_no_treatment(patient, treatment):
    row = factories.booked(treatment=treatment)
    file = patient.get(page_of(row, "visit.ics"))
    assert file["Content-Type"] == "text/calendar; charset=utf-8; method=PUBLISH"
    assert file["Content-Disposition"] == 'attachment; filename="visit.ics"'
    text = file.content.decode()
    assert "METHOD:PUBLISH\r\n" in text
    assert "DTSTART:20300108T170000Z\r\n" in text
    assert "X-WR-TIMEZONE:America/Phoenix\r\n" in text
    assert "ORGANIZER;" in text
    assert "icroneedling" not in text
    assert row.private_token not in text


def test_there_is_no_calendar_file_without_a_visit(patient):
    assert patient.get(page_of(factories.appointment_request(), "visit.ics")).status_code == 404


def test_after_the_visit_the_page_leads_to_the_recovery_notes(patient, treatment):
    treatment.recovery_notes.create(when="Same day", text="Drink water.")
    row = factories.booked(treatment=treatment)
    workflow.fulfil(row, by=row.claimed_by, seen=row.version, now=VISIT)
    with time_machine.travel(VISIT + timedelta(hours=1), tick=False):
        assert 'href="/treatments/microneedling/aftercare/"' in patient.get(page_of(row)).content.decode()
    mail = row.messages.get(kind="aftercare")
    assert "icroneedling" not in mail.text + mail.html + mail.subject


@pytest.mark.parametrize("act", EVERY)
def test_every_address_is_kept_from_others(patient, treatment, act):
    answer = patient.get(page_of(factories.booked(treatment=treatment), act))
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Robots-Tag"] == "noindex"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert not answer.cookies


@pytest.mark.parametrize("act", EVERY)
@pytest.mark.parametrize("method", ["get", "post"])
def test_wrong_ended_and_altered_addresses_are_not_found_all_alike(patient, treatment, act, method):
    row = factories.booked(treatment=treatment)
    altered = row.private_token[:-1] + ("A" if row.private_token[-1] != "A" else "B")
    answers = [getattr(patient, method)(f"/my-request/{token}/{act}") for token in ("wrong", altered, "x" * 5000)]
    workflow.close(row, by=row.claimed_by, seen=row.version, reason="other")
    with time_machine.travel(NOON + LINK_LIVES + timedelta(seconds=1), tick=False):
        answers.append(getattr(patient, method)(page_of(row, act)))
    if method == "post" and act in ("", "visit.ics"):
        assert {answer.status_code for answer in answers} == {405}
        return
    assert {answer.status_code for answer in answers} == {404}
    assert len({re.sub(r'(href|action)="[^"]*"', "", answer.content.decode()) for answer in answers}) == 1


def test_the_page_lives_for_some_weeks_after_the_end(patient):
    row = factories.appointment_request()
    workflow.withdraw(row, visit="")
    with time_machine.travel(NOON + LINK_LIVES - timedelta(seconds=1), tick=False):
        assert "You told us that you no longer want to come." in words(patient.get(page_of(row)))


@pytest.mark.parametrize("act", EVERY)
@pytest.mark.parametrize("method", ["get", "head", "options", "put", "delete", "patch"])
def test_nothing_but_a_post_changes_anything(patient, treatment, act, method):
    row = factories.booked(treatment=treatment)
    before = (anew(row).version, row.events.count(), row.messages.count())
    getattr(patient, method)(page_of(row, act))
    assert (anew(row).version, row.events.count(), row.messages.count()) == before


# Cancelling


def test_a_visit_is_cancelled_by_one_press_on_its_own_page(patient):
    row = factories.booked()
    asked = patient.get(page_of(row, "cancel/"))
    assert "Cancel your visit? Tuesday, January 8 at 10 am" in words(asked)

    answer = patient.post(page_of(row, "cancel/"), {"visit": hidden(asked, "visit")})

    assert (answer.status_code, answer["Location"]) == (303, page_of(row))
    assert anew(row).closed_reason == "patient_declined"
    assert "This request is closed" in words(patient.get(page_of(row)))
    again = patient.post(page_of(row, "cancel/"), {"visit": hidden(asked, "visit")})
    assert (again.status_code, row.events.filter(kind="withdrawn").count()) == (303, 1)
    assert patient.get(page_of(row, "cancel/")).status_code == 303


def test_a_visit_that_was_moved_meanwhile_is_shown_before_it_is_cancelled(patient):
    row = factories.booked()
    asked = patient.get(page_of(row, "cancel/"))
    later = {"provider": row.booked_appointment().provider, "starts_at": VISIT + timedelta(hours=1), "minutes": 30}
    workflow.reschedule(anew(row), by=row.claimed_by, seen=row.version, anyway=True, **later)

    answer = patient.post(page_of(row, "cancel/"), {"visit": hidden(asked, "visit")})

    assert answer.status_code == 409
    assert "It is now on Tuesday, January 8 at 11 am. Nothing was done yet" in words(answer)
    assert anew(row).status == "booked"
    patient.post(page_of(row, "cancel/"), {"visit": hidden(answer, "visit")})
    assert anew(row).status == "closed"


@pytest.mark.parametrize("act", ["cancel/", "times/"])
def test_a_visit_that_has_begun_is_no_longer_changed_here(patient, act):
    row = factories.booked()
    code = workflow.visit_code(row)
    with time_machine.travel(VISIT, tick=False):
        assert "Your visit has begun, so it can no longer be changed here." in words(patient.get(page_of(row, act)))
        answer = patient.post(page_of(row, act), {"visit": code, "preferred_times": "5-am"})
    assert answer.status_code == 409
    assert "(520) 555-0142" in words(answer)
    assert "<form" not in answer.content.decode()
    assert anew(row).version == row.version


# Other times


def test_another_time_is_asked_for_and_the_visit_stands(patient):
    row = factories.booked()
    asked = patient.get(page_of(row, "times/"))
    assert re.search(r'value="1234-am"[^>]* checked', asked.content.decode())  # as chosen before
    sent = {"visit": hidden(asked, "visit"), "preferred_times": ["5-pm"], "message": "After <b>three</b>"}

    answer = patient.post(page_of(row, "times/"), sent)

    assert answer.status_code == 303
    shown = words(patient.get(page_of(row)))
    assert "You asked for another time We reply today by 1 pm." in shown
    assert "Your visit stays as it is until we have agreed another time." in shown
    assert "Tuesday, January 8 at 10 am" in shown
    assert "Saturday afternoons" in shown
    assert anew(row).asks_for_another_time


def test_no_time_and_no_word_is_asked_for_again_and_nothing_is_lost(patient):
    row = factories.appointment_request()
    answer = patient.post(page_of(row, "times/"), {"visit": "", "message": "  "})
    assert answer.status_code == 422
    assert "Choose when you could come, or write it below" in words(answer)
    long = patient.post(page_of(row, "times/"), {"visit": "", "message": "x" * 501, "preferred_times": "5-am"})
    assert long.status_code == 422
    assert "x" * 501 in long.content.decode()
    assert re.search(r'value="5-am"[^>]* checked', long.content.decode())
    assert row.events.count() == 1


# The health check


def test_the_health_check_asks_in_the_treatments_words_and_is_optional(patient, treatment):
    row = factories.appointment_request(treatment=treatment)
    asked = patient.get(page_of(row, "health/"))
    assert "Are you pregnant? Yes No Not sure Do you have open sores?" in words(asked)
    assert " checked" not in asked.content.decode()

    assert answered(patient, row, "no", "no").status_code == 303

    assert "Thank you. We have your answers." in words(patient.get(page_of(row)))
    assert anew(row).review_since is None


def test_a_not_sure_is_talked_about_and_the_page_never_says_what_was_answered(patient, treatment):
    row = factories.appointment_request(treatment=treatment)
    answered(patient, row, "no", "unsure")
    shown = words(patient.get(page_of(row)))
    assert "We will talk about them with you." in shown
    assert "Not sure" not in shown
    assert "open sores" not in shown
    assert anew(row).review_since == NOON
    asked = patient.get(page_of(row, "health/")).content.decode()
    assert re.search(r'name="answer_2" value="unsure"[^>]* checked', asked)


def test_answers_that_are_missing_are_asked_for_and_the_others_kept(patient, treatment):
    row = factories.appointment_request(treatment=treatment)
    answer = answered(patient, row, "yes")
    assert answer.status_code == 422
    assert "Answer with yes, no or not sure: Do you have open sores?" in words(answer)
    assert re.search(r'name="answer_1" value="yes"[^>]* checked', answer.content.decode())
    assert not HealthAnswer.objects.exists()


def test_questions_that_were_changed_meanwhile_are_asked_anew(patient, treatment):
    row = factories.appointment_request(treatment=treatment)
    edition = hidden(patient.get(page_of(row, "health/")), "edition")
    treatment.contraindications.first().delete()

    answer = patient.post(page_of(row, "health/"), {"edition": edition, "answer_1": "yes", "answer_2": "no"})

    assert answer.status_code == 422
    assert "The questions have changed" in words(answer)
    assert " checked" not in answer.content.decode()
    assert not HealthAnswer.objects.exists()
    answered(patient, row, "no")
    assert HealthAnswer.objects.get().question == "Do you have open sores?"


def test_there_is_no_health_check_without_a_treatment_after_the_end_or_once_the_visit_has_begun(patient, treatment):
    advice, over = factories.appointment_request(), factories.appointment_request(treatment=treatment)
    workflow.withdraw(over, visit="")
    begun = factories.booked(treatment=treatment)
    for row in (advice, over):
        assert "health check" not in words(patient.get(page_of(row)))
        assert patient.get(page_of(row, "health/"))["Location"] == page_of(row)
    with time_machine.travel(VISIT, tick=False):
        assert patient.post(page_of(begun, "health/"), {"answer_1": "yes"})["Location"] == page_of(begun)
    assert not HealthAnswer.objects.exists()


# Bad input, other languages


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize(
    "strange", ["\x00", "🌵" * 300, "\u202eabc", "x" * 100_000, "-1", "9" * 40, "0-0", "' OR 1=1 --", "{{ 7 }}"]
)
def test_strange_words_in_every_field_harm_nothing(patient, treatment, act, strange):
    row = factories.booked(treatment=treatment)
    names = ["visit", "preferred_times", "message", "edition", "answer_1", "answer_2", "unknown"]
    for name in names:
        assert patient.post(page_of(row, act), {name: [strange, strange]}).status_code in {303, 409, 422}
    assert anew(row).status == "booked"


def test_the_pages_speak_the_language_of_their_address(patient, treatment):
    row = factories.booked(treatment=treatment, language="es")
    assert "Cancelar su visita" in words(patient.get(page_of(row, "cancel/", "/es")))
    assert "Pedir otra hora" in words(patient.get(page_of(row, "times/", "/es")))
    assert "Preguntas privadas de salud" in words(patient.get(page_of(row, "health/", "/es")))
    assert (
        f'href="/my-request/{row.private_token}/cancel/"'
        in patient.get(page_of(row, "cancel/", "/es")).content.decode()
    )
    assert patient.post(page_of(row, "cancel/", "/es"), {"visit": workflow.visit_code(row)})["Location"] == page_of(
        row, "", "/es"
    )
