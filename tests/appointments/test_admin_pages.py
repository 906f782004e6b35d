"""One request's page, the first page of the desk, and the lists of what was booked and mailed."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.core.management import call_command
from django.utils import timezone

from appointments import outbox, workflow
from appointments.models import Message
from medspa.models import Clinic
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"
CANARY = "Canary Zwitscher"
TUESDAY_NOON = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday_noon")]


def words(answer) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def test_a_requests_page_tells_what_was_asked(desk):
    row = factories.appointment_request(
        full_name=CANARY, phone="(520) 555-0177", email="canary@example.com", message="First line\nsecond"
    )
    page = desk.get(f"{QUEUE}{row.pk}/change/").content.decode()

    assert f"<h1><bdi>{CANARY}</bdi></h1>" in page
    assert CANARY not in re.search(r"<title>.*?</title>", page, re.DOTALL)[0]
    assert row.reference in re.search(r"<title>.*?</title>", page, re.DOTALL)[0]
    assert "First line" not in page
    assert "First line\nsecond" in desk.post(f"{QUEUE}{row.pk}/message/").content.decode()
    for link in ("tel:+15205550177", "sms:+15205550177", "mailto:canary@example.com"):
        assert f'href="{link}"' in page


def test_events_and_messages_stand_in_one_list_by_time(desk, receptionist):
    received = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)
    row = factories.appointment_request(now=received)
    workflow.log_call(row, by=receptionist, seen=1, reached="voicemail", note="Again at four")
    row.messages.update(created_at=received + timedelta(minutes=1))
    Message.objects.filter(kind="received").update(attempts=3, error="451 Try later")

    told = words(desk.get(f"{QUEUE}{row.pk}/change/"))

    story = ["Request received", "Mail: Receipt to the patient", "will be tried again, after 3 tries", "451 Try later"]
    story += ["Call", "Ana", "Left a voicemail", "Again at four"]
    places = [told.index(line, told.index("What happened")) for line in story]
    assert places == sorted(places)


def test_the_timeline_shows_no_more_than_a_person_may_see(client, clinic):
    row = factories.appointment_request()
    client.force_login(factories.user("appointments.view_appointmentrequest", "appointments.view_message"))
    told = words(client.get(f"{QUEUE}{row.pk}/change/"))
    assert "Mail: Receipt to the patient" in told
    assert "Request received" not in told


def test_a_claimed_request_says_by_whom(desk, receptionist):
    row = factories.appointment_request()
    eva = factories.receptionist(first_name="Eva", last_name="Lang")
    workflow.claim(row, by=eva, seen=1)
    assert "Claimed by Eva Lang" in words(desk.get(f"{QUEUE}{row.pk}/change/"))
    assert "Eva Lang" in words(desk.get(QUEUE))

    workflow.claim(row, by=receptionist, seen=2)
    assert "Claimed by you" in words(desk.get(f"{QUEUE}{row.pk}/change/"))


def test_the_visit_that_stands_is_told_on_the_clinics_clock(desk):
    row = factories.booked(starts_at=datetime(2030, 1, 8, 17, 0, tzinfo=UTC))
    assert "Tue, Jan 8, 2030, 10 am 30 minutes" in words(desk.get(f"{QUEUE}{row.pk}/change/"))


ANY = {"log_call", "write", "close", "add_note"}  # of the moves, while a request is open


def test_a_requests_page_offers_the_moves_that_its_status_allows(desk):
    def offered(row):
        return set(re.findall(r"/move/(\w+)/", desk.get(f"{QUEUE}{row.pk}/change/").content.decode()))

    assert offered(factories.appointment_request()) == ANY | {"claim", "book", "waitlist"}
    booked = factories.booked(contact_by="email")
    outbox.send_due()
    assert offered(booked) == ANY | {"claim", "reschedule", "cancel"}
    workflow.close(booked, by=booked.claimed_by, seen=booked.version, reason="other")
    outbox.send_due()
    assert offered(booked) == {"reopen", "add_note"}


def test_a_requests_page_takes_as_many_queries_for_a_long_story_as_for_a_short_one(
    desk, receptionist, django_assert_num_queries
):
    row = factories.booked()
    with django_assert_num_queries(16):
        desk.get(f"{QUEUE}{row.pk}/change/")
    for number in range(30):
        workflow.add_note(row, by=receptionist, seen=0, note=f"Note {number}")
    with django_assert_num_queries(16):
        desk.get(f"{QUEUE}{row.pk}/change/")


def test_the_first_page_says_what_waits_and_what_is_late(desk):
    factories.appointment_request()
    factories.appointment_request(now=timezone.now() - timedelta(days=30))
    told = words(desk.get("/admin/"))
    assert "Requests to answer (2) 1 overdue" in told
    assert "Mirror Mirror Med Spa front desk" in told
    assert "placeholders" not in told


def test_the_first_page_warns_those_who_can_replace_placeholders(client, clinic):
    client.force_login(factories.user("medspa.change_clinic"))
    told = words(client.get("/admin/"))
    assert "The street address is empty." in told
    assert "Requests to answer" not in told


def test_editors_see_no_requests_and_the_front_desk_no_settings(client, db):
    call_command("open_clinic", "--no-owner", verbosity=0)
    row = factories.booked(full_name=CANARY)
    client.force_login(factories.user(group="Editor"))
    assert CANARY not in words(client.get("/admin/"))
    assert client.get(QUEUE).status_code == 403
    assert client.get(f"{QUEUE}{row.pk}/change/").status_code == 403

    client.force_login(factories.user(group="Front desk"))
    assert client.get(QUEUE).status_code == 200
    assert client.get("/admin/medspa/clinic/1/change/").status_code == 403


def test_the_desk_stands_while_there_is_no_clinic(client, receptionist):
    Clinic.objects.all().delete()
    client.force_login(receptionist)
    assert "Front desk" in words(client.get("/admin/"))
    assert client.get(QUEUE).status_code == 200


def test_who_signs_in_lands_on_the_first_page(client, clinic):
    factories.receptionist(username="eva", password="correct horse battery")
    [onward] = re.findall(r'name="next" value="([^"]*)"', client.get("/admin/login/").content.decode())
    login = {"username": "eva", "password": "correct horse battery", "next": onward}
    assert client.post("/admin/login/", login)["Location"] == "/admin/"


def test_the_outbox_shows_what_became_of_each_mail_and_not_its_text(desk):
    row = factories.appointment_request()
    Message.objects.filter(kind="received").update(sent_at=timezone.now(), attempts=1)
    sent, notice = Message.objects.get(kind="received"), Message.objects.get(kind="desk_notice")

    told = words(desk.get("/admin/appointments/message/"))
    assert "Outbox" in told
    assert told.count(row.reference) == 2
    assert (
        "Receipt to the patient" in words(desk.get("/admin/appointments/message/", {"state": "sent"})).split("2026")[0]
    )

    page = desk.get(f"/admin/appointments/message/{sent.pk}/change/").content.decode()
    assert sent.recipient in page
    assert row.private_token not in page
    changed = desk.post(f"/admin/appointments/message/{notice.pk}/change/", {"recipient": "x@example.com"})
    assert changed.status_code == 403


@pytest.mark.parametrize(
    ("state", "stamp"),
    [
        ("failed", {"given_up_at": TUESDAY_NOON}),
        ("cancelled", {"withdrawn_at": TUESDAY_NOON}),
        ("queued", {}),
        ("sending", {"sending_since": TUESDAY_NOON, "due_at": TUESDAY_NOON + timedelta(minutes=9)}),
        ("stuck", {"due_at": TUESDAY_NOON - timedelta(hours=1)}),
    ],
)
def test_the_outbox_is_narrowed_by_state(desk, state, stamp):
    factories.appointment_request()
    Message.objects.update(sent_at=timezone.now())
    Message.objects.filter(kind="desk_notice").update(sent_at=None, **stamp)
    page = desk.get("/admin/appointments/message/", {"state": state}).content.decode()
    shown = re.findall(r'class="field-kind">.*?>(.*?)</a>', page)
    assert shown == ["Notice to the desk"]


@pytest.mark.parametrize("rows", [1, 30])
def test_the_lists_of_mails_and_visits_take_the_same_queries_for_any_number(desk, django_assert_num_queries, rows):
    room, by = factories.provider(), factories.receptionist()
    for number in range(rows):
        row = factories.appointment_request()
        starts_at = datetime(2030, 1, 8, 17, 0, tzinfo=UTC) + timedelta(weeks=number)
        workflow.book(row, by=by, seen=1, provider=room, starts_at=starts_at, minutes=30)
    with django_assert_num_queries(8):
        desk.get("/admin/appointments/message/")
    with django_assert_num_queries(9):
        desk.get("/admin/appointments/appointment/")


def test_the_list_of_visits_opens_on_those_to_come(desk):
    past = factories.booked(starts_at=datetime(2020, 1, 8, 17, 0, tzinfo=UTC))
    coming = factories.booked()
    told = desk.get("/admin/appointments/appointment/").content.decode()
    assert f'href="{QUEUE}{coming.pk}/change/"' in told
    assert past.reference not in told
    assert past.reference in desk.get("/admin/appointments/appointment/", {"day": "all"}).content.decode()
