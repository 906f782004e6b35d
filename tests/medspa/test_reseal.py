"""Keys are changed while the site runs: nothing is lost, nothing comes back."""

import io

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection

from appointments import workflow
from appointments.models import AppointmentRequest, EventChain
from medspa.management.commands import reseal
from tests import factories

pytestmark = pytest.mark.django_db

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def sealed(clinic, settings):
    settings.DATA_KEYS = [OLD]
    row = factories.appointment_request(message="Hello")
    workflow.add_note(row, by=factories.receptionist(), seen=1, note="A note")
    settings.DATA_KEYS = [NEW, OLD]
    return row


def run(*options):
    call_command("reseal", *options, stdout=(said := io.StringIO()), stderr=io.StringIO())
    return said.getvalue()


def test_after_it_the_old_key_is_not_needed(sealed, settings):
    assert "were sealed anew" in run()
    settings.DATA_KEYS = [NEW]
    row = AppointmentRequest.objects.get()
    assert row.message == "Hello"
    assert row.private_token
    assert [event.note for event in row.events.all()] == ["", "A note"]
    assert all(message.text for message in row.messages.all())
    assert EventChain.objects.get().ends
    assert run().startswith("0 texts")


def test_a_dry_run_changes_nothing(sealed, settings):
    assert "would be sealed" in run("--dry-run")
    assert not run("--dry-run").startswith("0 ")
    settings.DATA_KEYS = [OLD]
    assert AppointmentRequest.objects.get().message == "Hello"


def test_what_no_key_opens_is_counted_and_left(sealed, settings):
    settings.DATA_KEYS = [NEW]
    with pytest.raises(SystemExit, match="1"):
        run()
    settings.DATA_KEYS = [OLD]
    assert AppointmentRequest.objects.get().message == "Hello"


def test_what_is_erased_meanwhile_stays_erased(sealed, monkeypatch):
    column = reseal.Column("appointments_appointmentrequest", "message")
    batch = next(reseal.batches(column))
    AppointmentRequest.objects.update(message="")
    reseal.write(column, [(reseal.sealed_anew(text), key, text) for key, text in batch])
    assert AppointmentRequest.objects.get().message == ""


def test_every_sealed_column_is_found(db):
    names = {f"{column.table}.{column.name}" for column in reseal.sealed_columns()}
    assert {
        "appointments_appointmentrequest.message",
        "appointments_appointmentrequest.private_token",
        "appointments_event.note",
        "appointments_eventchain.ends",
        "appointments_healthanswer.answer",
        "appointments_message.text",
    } <= names
    with connection.cursor() as cursor:  # each can be read as the command reads it
        for column in reseal.sealed_columns():
            table, name = map(connection.ops.quote_name, column)
            cursor.execute(f"SELECT id, {name} FROM {table} LIMIT 1")
