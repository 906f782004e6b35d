"""The owner's commands at the console."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from appointments import database_rules
from appointments.models import AppointmentRequest, Message
from tests import factories
from tests.site import PROJECT

pytestmark = pytest.mark.django_db


def run(*command):
    printed = StringIO()
    call_command(*command, stdout=printed)
    return printed.getvalue()


def test_requests_are_listed_a_line_each_and_as_json():
    first = factories.appointment_request(email="ana@example.com")
    factories.appointment_request(email="")

    lines = run("list_requests").splitlines()
    assert lines[0] == f"{first.reference}\tnew\tana@example.com"
    assert lines[1].endswith("\tnew\t-")
    rows = [json.loads(line) for line in run("list_requests", "--json").splitlines()]
    assert [row["email"] for row in rows] == ["ana@example.com", ""]
    assert set(rows[0]) == {"reference", "status", "email", "created_at"}


def test_events_are_listed_with_who_did_what():
    booked = factories.booked(by=factories.receptionist(username="ana"))

    rows = [json.loads(line) for line in run("list_events", "--json").splitlines()]
    assert [(row["reference"], row["kind"], row["username"]) for row in rows] == [
        (booked.reference, "received", None),
        (booked.reference, "booked", "ana"),
    ]
    assert len(run("list_events").splitlines()) == 3  # the listing before is an event itself


def test_a_listing_is_logged_without_what_was_listed(caplog):
    factories.appointment_request(email="canary@example.com")
    with caplog.at_level("INFO", logger="appointments"):
        run("list_requests")

    assert "list_requests listed 1 rows" in caplog.text
    assert "canary" not in caplog.text


def test_messages_due_are_sent_once():
    factories.clinic(morning_digest_at=None)
    factories.appointment_request()

    assert run("send_messages", "--once") == "2 sent\n"
    assert run("send_messages", "--once") == "0 sent\n"


def test_send_messages_says_in_one_line_that_the_mail_server_is_away(settings):
    factories.clinic(morning_digest_at=None)
    factories.appointment_request()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = probe.getsockname()

    with pytest.raises(CommandError, match="Nothing more could be sent: ConnectionRefusedError"):
        run("send_messages", "--once")
    assert Message.objects.unsent().count() == 2


def test_the_sender_stops_at_once_when_it_is_told_to(site):
    site.start(sender=True)
    time.sleep(1.5)
    sender = site.running[1]
    os.kill(sender.pid, signal.SIGTERM)

    assert sender.wait(timeout=15) == 0
    assert "Traceback" not in site.log.read_text()


def test_a_whole_database_is_well():
    factories.booked()

    assert run("check_integrity") == "All is well.\n"


def test_what_is_broken_is_named_and_the_exit_code_is_one(capsys):
    broken = factories.appointment_request()
    AppointmentRequest.objects.update(version=7)

    with pytest.raises(SystemExit, match="1"):
        call_command("check_integrity", stderr=(complaints := StringIO()))
    assert f"Request {broken.reference}: its events do not lead up to its version" in complaints.getvalue()


def test_a_database_without_tables_is_told_in_one_sentence(tmp_path):
    here = {"PATH": os.environ["PATH"], "VAR_DIR": str(tmp_path)}
    command = [sys.executable, "manage.py", "check_integrity"]
    done = subprocess.run(command, cwd=PROJECT, env=here, capture_output=True, text=True)
    wanted = "The database lacks all its tables. Run: manage.py migrate. Or bring a backup back: manage.py restore\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", wanted)


def test_a_table_that_is_missing_is_named(monkeypatch):
    there = connection.introspection.table_names()
    there.remove("appointments_eventchain")
    monkeypatch.setattr(connection.introspection, "table_names", lambda *_cursor: there)
    with pytest.raises(SystemExit, match="1"):
        call_command("check_integrity", stderr=(complaints := StringIO()))
    assert complaints.getvalue().startswith("The database lacks the tables appointments_eventchain. Run: manage.py")


@pytest.mark.django_db(transaction=True)
def test_a_lost_rule_is_noticed_and_laid_down_again():
    drop = (
        f"ALTER TABLE appointments_appointment DROP CONSTRAINT {database_rules.SLOT_TAKEN}"
        if connection.vendor == "postgresql"
        else f"DROP TRIGGER {database_rules.SLOT_TAKEN}_on_insert"
    )
    with connection.cursor() as cursor:
        cursor.execute(drop)
    assert database_rules.missing()
    with pytest.raises(SystemExit, match="1"):
        call_command("check_integrity", stderr=(complaints := StringIO()))
    assert "no longer refuses overlapping appointments" in complaints.getvalue()

    call_command("migrate", verbosity=0)
    assert not database_rules.missing()
