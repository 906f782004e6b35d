"""The health check at the desk: a flag for all, the answers by POST for those who may, each reading written down."""

import re
from html import unescape

import pytest
from django.core.management import call_command

from appointments import workflow
from appointments.models import AppointmentRequest, HealthAnswer
from appointments.workflow import Answered
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday_noon")]


@pytest.fixture
def flagged(clinic):
    treatment = factories.treatment()
    for number, words in enumerate(["are pregnant", "have open sores"]):
        treatment.contraindications.create(
            position=number, page_words=words, question=f"Q{number}?", staff_advice=f"Advice {number}."
        )
    row = factories.appointment_request(treatment=treatment)
    workflow.answer_health_check(row, answers=[Answered("Q0?", "Advice 0.", "no"), Answered("Q1?", "Advice 1.", "yes")])
    return row


@pytest.fixture
def member(client):
    call_command("open_clinic", no_owner=True, verbosity=0)

    def of(group):
        person = factories.user(group=group)
        client.force_login(person)
        return client, person

    return of


def words(answer) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def test_the_front_desk_sees_the_flag_and_every_advice_and_no_answer(member, flagged):
    desk, _person = member("Front desk")
    page = words(desk.get(f"{QUEUE}{flagged.pk}/change/"))
    assert "Review first: a clinician is to look at the health check" in page
    assert "are pregnant Advice 0. have open sores Advice 1." in page  # all, so that none stands out
    assert "Read the answers" not in page
    assert desk.post(f"{QUEUE}{flagged.pk}/health/").status_code == 403
    assert not flagged.events.filter(kind="health_read").exists()
    assert "Review first" in words(desk.get(QUEUE))
    assert flagged.full_name in words(desk.get(f"{QUEUE}?state=to_review"))
    assert "Health checks to review (1)" in words(desk.get("/admin/"))


def test_a_clinician_reads_by_post_and_it_is_written_down(member, flagged):
    desk, person = member("Clinician")
    assert desk.get(f"{QUEUE}{flagged.pk}/health/").status_code == 405
    answer = desk.post(f"{QUEUE}{flagged.pk}/health/")
    assert "no-store" in answer["Cache-Control"]
    assert "Q0? No Q1? Yes Advice 1." in words(answer)
    assert flagged.full_name not in re.search(r"<title>(.*?)</title>", answer.content.decode())[1]
    assert [event.by for event in flagged.events.filter(kind="health_read")] == [person]
    assert "Health check read" in words(desk.get(f"{QUEUE}{flagged.pk}/change/"))


def test_earlier_versions_stay_to_be_read(member, flagged):
    workflow.answer_health_check(flagged, answers=[Answered("Q0?", "", "no"), Answered("Q1?", "", "no")])
    desk, _person = member("Owner")
    page = words(desk.post(f"{QUEUE}{flagged.pk}/health/"))
    assert page.index("As it stands") < page.index("Q1? No") < page.index("Before,") < page.index("Q1? Yes")


def test_a_review_is_seen_by_the_desk_and_lifts_the_flag(member, flagged):
    desk, person = member("Clinician")
    address = f"{QUEUE}{flagged.pk}/move/review/"
    assert "The front desk sees this" in words(desk.get(address))
    assert desk.post(address, {"seen": flagged.version}).status_code == 422
    desk.post(address, {"seen": flagged.version, "verdict": "talk", "note": "Call first"})
    assert AppointmentRequest.objects.get(pk=flagged.pk).review_since is None
    desk, _other = member("Front desk")
    page = words(desk.get(f"{QUEUE}{flagged.pk}/change/"))
    assert "Review first" not in page
    assert "Health check reviewed" in page
    assert "May come after a talk Call first" in page
    assert flagged.events.moves().last().by == person


def test_the_answers_are_in_no_list_and_no_search_of_the_admin(member, flagged):
    desk, _person = member("Owner")
    assert desk.get("/admin/appointments/healthanswer/").status_code == 404
    assert "healthanswer" not in desk.get("/admin/").content.decode()
    assert HealthAnswer.objects.count() == 2


def test_a_wish_for_another_time_stands_in_the_queue_with_its_clock(desk):
    row = factories.booked(contact_by="email")
    workflow.ask_for_times(row, visit=workflow.visit_code(row), preferred_times=[], message="Rather <b>later</b>")
    assert "Asks for another time by 1 pm" in words(desk.get(QUEUE))
    page = words(desk.get(f"{QUEUE}{row.pk}/change/"))
    assert "Asks for another time" in page
    assert "Rather <b>later</b>" not in page
    assert "Rather <b>later</b>" in words(desk.post(f"{QUEUE}{row.pk}/message/"))
    assert "Keep the time" in page
    assert "The patient" in page
