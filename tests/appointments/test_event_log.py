"""The log of who did and who saw what: it is complete, it cannot be changed, and tampering shows."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from appointments import event_log, privacy, workflow
from appointments.models import AppointmentRequest, Event, EventChain
from medspa import origin
from tests import factories
from tests.conftest import lift_event_rules

pytestmark = pytest.mark.django_db


def complaints():
    return list(event_log.complaints())


def tampering(statement, values=()):
    """What somebody does who has the database and not the keys."""
    lift_event_rules()
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
    return complaints()


@pytest.fixture
def history(clinic, receptionist):
    row = factories.appointment_request()
    workflow.claim(row, by=receptionist, seen=1)
    workflow.add_note(row, by=receptionist, seen=2, note="Called her sister")
    workflow.log_call(row, by=receptionist, seen=2, reached="no_answer")
    return row


@pytest.fixture
def owner(clinic):
    call_command("open_clinic", "--no-owner", verbosity=0, stdout=io.StringIO())
    return factories.user(group="Owner", username="owner")


def test_every_deed_is_a_link_and_an_untouched_log_is_whole(history):
    assert list(Event.objects.in_order().values_list("position", flat=True)) == [1, 2, 3, 4]
    assert len(set(Event.objects.values_list("digest", flat=True))) == 4
    assert complaints() == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE appointments_event SET details = 'x' WHERE position = 2",
        "UPDATE appointments_event SET by_id = NULL WHERE position = 2",
        "UPDATE appointments_event SET at = '2020-01-01 00:00:00+00:00'",
        "DELETE FROM appointments_event WHERE position = 4",
        "DELETE FROM appointments_event",
    ],
)
def test_the_database_refuses_to_change_or_delete_an_event(history, statement):
    with (
        pytest.raises(DatabaseError, match="events_are_written_once"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert complaints() == []


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_to_replace_or_empty_the_table(history):
    statement = (
        "TRUNCATE appointments_event CASCADE"
        if connection.vendor == "postgresql"
        else "INSERT OR REPLACE INTO appointments_event SELECT * FROM appointments_event WHERE position = 1"
    )
    with (
        pytest.raises(DatabaseError, match="events_are_written_once"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


def test_neither_save_nor_delete_nor_update_get_through(history):
    event = Event.objects.first()
    for attempt in (event.save, event.delete, Event.objects.all().delete, lambda: Event.objects.update(details="x")):
        with pytest.raises(TypeError, match="written once"):
            attempt()
    with pytest.raises(TypeError, match="written once"):
        Event.objects.create(kind="noted")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE appointments_event SET details = 'Nothing happened' WHERE position = 2",
        "UPDATE appointments_event SET by_id = NULL, kind = 'received' WHERE position = 2",
        "UPDATE appointments_event SET address = '10.0.0.1' WHERE position = 2",
        "UPDATE appointments_event SET appointment_request_id = NULL WHERE position = 2",
        "DELETE FROM appointments_event WHERE position = 1",
        "DELETE FROM appointments_event WHERE position = 2",
        "DELETE FROM appointments_event WHERE position = 4",  # the last one leaves no gap
        "UPDATE appointments_event SET position = position + 10 WHERE position > 2",
    ],
)
def test_tampering_shows(history, statement):
    assert complaints() == []
    assert tampering(statement)


def test_a_chain_that_was_calculated_anew_shows_because_its_end_is_sealed(history):
    lift_event_rules()
    forged, digest = Event.objects.in_order(), ""
    for event in forged:
        event.details = "Nothing happened"
        digest = event_log.next_digest(digest, event)
        with connection.cursor() as cursor:
            statement = "UPDATE appointments_event SET details = %s, digest = %s WHERE id = %s"
            cursor.execute(statement, [event.details, digest, event.pk])
    assert any("was the last one written" in line for line in complaints())


def test_check_integrity_says_so_and_exits_with_one(history):
    tampering("UPDATE appointments_event SET details = 'x' WHERE position = 2")
    with pytest.raises(SystemExit, match="1"):
        call_command("check_integrity", stderr=(said := io.StringIO()))
    assert "Event 2 of" in said.getvalue()


def test_a_note_can_go_and_the_chain_stays_whole(history):
    assert Event.objects.filter(kind="noted").erase_notes() == 1
    assert Event.objects.get(kind="noted").note == ""
    assert complaints() == []


def test_events_go_after_six_years_the_oldest_first(clinic, receptionist):
    now = timezone.now()
    old = factories.appointment_request(now=now - timedelta(days=2200))
    privacy.looked_at(old, by=receptionist, now=now - timedelta(days=2195))
    privacy.looked_at(old, by=receptionist, now=now - timedelta(days=10))
    assert event_log.forget_before(now - timedelta(days=2192), 100) == 2
    assert Event.objects.count() == 1
    assert complaints() == []
    assert event_log.forget_before(now - timedelta(days=2192), 100) == 0
    with pytest.raises(DatabaseError), transaction.atomic():
        event_log.forget_before(now, 100)  # whoever asks for more is refused by the database
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_who_write_at_once_make_one_chain(at_once):
    factories.clinic()
    people = [factories.receptionist() for _ in range(8)]
    row = factories.appointment_request()
    outcomes = at_once(lambda user: [privacy.looked_at(row, by=user) for _ in range(5)], people)
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert list(Event.objects.in_order().values_list("position", flat=True)) == list(range(1, 42))
    assert complaints() == []


def test_what_is_undone_was_never_written(clinic, receptionist):
    row = factories.appointment_request()
    with transaction.atomic():
        privacy.looked_at(row, by=receptionist)
        transaction.set_rollback(True)
    assert Event.objects.count() == 1
    privacy.looked_at(row, by=receptionist)
    assert complaints() == []


# Who looked: every page that shows a patient's data.


@pytest.fixture
def desk(client, receptionist):
    client.force_login(receptionist)
    return client


def looks(**of):
    return list(Event.objects.looks().in_order().filter(**of).values_list("kind", "by__username", "address"))


def page(name, row):
    return reverse(f"admin:appointments_appointmentrequest_{name}", args=[row.pk])


def test_opening_a_request_is_written_down_with_who_and_from_where(desk, clinic):
    row = factories.appointment_request()
    assert desk.get(page("change", row), REMOTE_ADDR="198.51.100.7").status_code == 200
    assert looks() == [("seen", "ana", "198.51.100.7")]
    assert Event.objects.get(kind="seen").appointment_request == row


def test_the_page_of_a_move_is_written_down_too(desk, clinic):
    row = factories.appointment_request()
    desk.get(reverse("admin:appointments_appointmentrequest_move", args=[row.pk, "close"]))
    assert [kind for kind, *_ in looks()] == ["seen"]


def test_a_list_is_written_down_with_the_references_it_showed(desk, clinic):
    rows = [factories.appointment_request() for _ in range(3)]
    desk.get(reverse("admin:appointments_appointmentrequest_changelist"))
    event = Event.objects.get(kind="listed")
    assert event.records == 3
    assert all(row.reference in event.details for row in rows)
    assert not any(row.full_name in event.details for row in rows)
    assert Event.objects.about(rows[1].reference).filter(kind="listed").exists()


@pytest.mark.parametrize("name", ["appointmentrequest_calls", "appointment_day", "appointment_week"])
def test_sheets_and_days_are_written_down(desk, clinic, name):
    row = factories.booked() if name != "appointmentrequest_calls" else factories.appointment_request()
    visit = row.booked_appointment()
    query = {"date": f"{timezone.localtime(visit.starts_at, clinic.zone):%Y-%m-%d}"} if visit else {}
    if visit is None:
        AppointmentRequest.objects.update(next_action_at=timezone.now())
    assert desk.get(reverse(f"admin:appointments_{name}"), query).status_code == 200
    assert row.reference in Event.objects.get(kind="listed").details


def test_the_outbox_and_the_list_of_visits_are_written_down(desk, clinic):
    row = factories.booked()
    for name in ("message", "appointment"):
        desk.get(reverse(f"admin:appointments_{name}_changelist") + ("?day=all" if name == "appointment" else ""))
    assert Event.objects.filter(kind="listed", details__contains=row.reference).count() == 2
    desk.get(reverse("admin:appointments_message_change", args=[row.messages.first().pk]))
    assert Event.objects.filter(kind="seen", appointment_request=row).count() == 1


def test_a_search_is_written_down_and_its_words_are_sealed(desk, clinic):
    desk.post(reverse("admin:appointments_appointmentrequest_changelist"), {"q": "Zeynep Canary"})
    event = Event.objects.get(kind="searched")
    assert (event.by.username, event.note, event.details) == ("ana", "Zeynep Canary", "")
    with connection.cursor() as cursor:
        cursor.execute("SELECT note FROM appointments_event WHERE kind = 'searched'")
        assert "Canary" not in cursor.fetchone()[0]


def test_what_the_patient_wrote_is_shown_by_post_and_written_down(desk, clinic):
    row = factories.appointment_request(message="Only after the canary sings")
    opened = desk.get(page("change", row)).content.decode()
    assert "canary" not in opened
    assert "Show what the patient wrote" in opened
    assert desk.get(page("message", row)).status_code == 405
    shown = desk.post(page("message", row))
    assert "Only after the canary sings" in shown.content.decode()
    assert shown["Cache-Control"].count("no-store") == 1
    assert ("message_read", "ana", "127.0.0.1") in looks()


def test_what_the_patient_wrote_later_is_behind_the_same_button(desk, clinic):
    row = factories.appointment_request(message="")
    workflow.ask_for_times(row, visit="", preferred_times=[], message="The canary is ill")
    assert "canary" not in desk.get(page("change", row)).content.decode()
    assert "The canary is ill" in desk.post(page("message", row)).content.decode()


def test_who_may_not_work_requests_does_not_read_what_was_written(client, clinic):
    client.force_login(factories.user("appointments.view_appointmentrequest"))
    row = factories.appointment_request(message="canary")
    assert client.post(page("message", row)).status_code == 403
    assert not Event.objects.filter(kind="message_read").exists()


def test_nobody_without_permission_leaves_a_trace_of_having_seen(client, clinic):
    row = factories.appointment_request()
    client.force_login(factories.user())
    assert client.get(page("change", row)).status_code == 403
    assert looks() == []


def test_a_listing_at_the_console_is_written_down(clinic):
    factories.appointment_request()
    call_command("list_requests", stdout=io.StringIO())
    event = Event.objects.get(kind="exported")
    assert (event.by, event.details, event.records) == (None, "manage.py list_requests", 1)


def test_looks_do_not_stand_in_a_requests_history(desk, clinic):
    row = factories.appointment_request()
    for _ in range(3):
        answer = desk.get(page("change", row))
    assert [entry.what for entry in answer.context_data["timeline"]].count("Opened") == 0


# The owner's pages.


def test_the_owner_reads_the_log_by_person_and_by_patient(client, owner, clinic, receptionist):
    row, other = factories.appointment_request(), factories.appointment_request()
    with origin.coming_from("198.51.100.7"):
        privacy.looked_at(row, by=receptionist)
        privacy.looked_at(other, by=owner)
    client.force_login(owner)
    address = reverse("admin:appointments_event_changelist")

    by_person = client.get(address, {"by": receptionist.pk}).context_data["cl"].result_list
    assert {event.by for event in by_person} == {receptionist}
    by_patient = client.get(address, {"q": row.reference}).context_data["cl"].result_list
    assert {event.kind for event in by_patient} == {"received", "seen", "listed"}
    assert {event.appointment_request for event in by_patient} == {row, None}
    assert "198.51.100.7" in client.get(address).content.decode()


@pytest.mark.parametrize("group", ["Front desk", "Clinician", "Editor"])
def test_nobody_else_reads_it(client, owner, group):
    client.force_login(factories.user(group=group))
    for name, method in (("changelist", "get"), ("unusual", "get"), ("file", "post")):
        assert getattr(client, method)(reverse(f"admin:appointments_event_{name}")).status_code == 403


@pytest.mark.parametrize("name", ["add", "delete", "change"])
def test_nobody_changes_it_in_the_admin(client, owner, clinic, name):
    factories.appointment_request()
    event = Event.objects.get()
    client.force_login(factories.user(is_superuser=True))
    args = [] if name == "add" else [event.pk]
    assert client.post(reverse(f"admin:appointments_event_{name}", args=args), {"details": "x"}).status_code == 403
    assert complaints() == []


def test_many_records_in_an_hour_and_looking_at_night_are_unusual(clinic, receptionist, owner):
    row = factories.appointment_request()
    noon = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)  # noon in Tucson, on a Tuesday
    night = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # two in the morning
    for _ in range(3):
        privacy.looked_at(row, by=receptionist, now=noon)
    since = datetime(2026, 11, 1, tzinfo=UTC)
    assert privacy.unusual_hours(clinic, since) == []

    privacy.exported("The log as CSV", by=receptionist, records=privacy.MANY, now=noon)
    privacy.looked_at(row, by=owner, now=night)
    found = {(hour.person, hour.is_many, hour.is_out_of_hours) for hour in privacy.unusual_hours(clinic, since)}
    assert found == {(receptionist, True, False), (owner, False, True)}


def test_the_page_of_what_is_unusual_names_who_and_when(client, owner, clinic, receptionist):
    row = factories.appointment_request()
    privacy.exported("A file", by=receptionist, records=privacy.MANY)
    privacy.looked_at(row, by=receptionist)
    client.force_login(owner)
    shown = client.get(reverse("admin:appointments_event_unusual")).content.decode()
    assert "Ana" in shown
    assert "Many records" in shown


def test_the_file_leaves_a_trace_holds_no_formula_and_no_name(client, owner, clinic, receptionist):
    row = factories.appointment_request(full_name="Zeynep Canary")
    event_log.append(Event.Kind.SEEN, by=receptionist, now=timezone.now(), appointment_request=row, details="=1+1")
    client.force_login(owner)
    answer = client.post(reverse("admin:appointments_event_file"))
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert {"request": row.reference, "details": "'=1+1"}.items() <= next(
        r for r in rows if r["what"] == "seen"
    ).items()
    assert not any("Canary" in value for line in rows for value in line.values())
    assert Event.objects.filter(kind="exported", by=owner).count() == 1


def test_wrong_keys_stop_the_site_with_one_line(history, settings):
    from cryptography.fernet import Fernet

    from medspa.sealed import CannotUnseal

    settings.DATA_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CannotUnseal, match="DATA_KEYS does not hold the key"):
        event_log.insist_on_keys()
    for command in (["open_clinic"], ["send_messages", "--once"]):
        with pytest.raises(Exception, match="DATA_KEYS does not hold the key") as refused:
            call_command(*command)
        assert type(refused.value).__name__ == "CommandError"


def test_the_chain_has_one_end(history):
    assert EventChain.objects.count() == 1


def test_a_client_cannot_say_where_it_comes_from(clinic, receptionist):
    row = factories.appointment_request()
    client = Client()
    client.force_login(receptionist)
    client.get(page("change", row), HTTP_X_FORWARDED_FOR="1.2.3.4", REMOTE_ADDR="198.51.100.7")
    assert Event.objects.get(kind="seen").address == "198.51.100.7"
