"""A clinic that has outgrown SQLite is carried over into PostgreSQL, with everything that it ever wrote."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid

import psycopg
import pytest

from tests.site import PROJECT, Site

SERVER = os.environ.get("TEST_DATABASE_URL", "")
PASSWORD = "a long walk by the river"
MOVE = [sys.executable, "manage.py", "move_to_postgres"]
pytestmark = pytest.mark.skipif(not SERVER, reason="needs a PostgreSQL: TEST_DATABASE_URL")

# What people wrote, as the site writes it; then a row of whatever model has none yet.
FILLS = """
import uuid
from datetime import UTC, date, datetime, time, timedelta
from django.apps import apps
from django.core.management import call_command
from django.db import models
from appointments import workflow
from appointments.models import HealthAnswer
from appointments.workflow.patients import Answered
from tests import factories
from treatments.models import Treatment

call_command("seed_requests", "100", stdout=open("/dev/null", "w"))
factories.user(username="luz", password="PASSWORD", group="Owner")
staff = factories.receptionist(username="ana", first_name="Ana María")
for number in range(4):
    treatment = Treatment.objects.filter(slug="microneedling").order_by("pk").first()
    row = factories.appointment_request(message="Grüße ☀ 'quoted' \\\\ \\t\\n%s" % number, treatment=treatment)
    answers = [Answered("Are you pregnant?", "Ask.", "yes"), Answered("Anything else?", "", "unsure")]
    workflow.answer_health_check(row, answers=answers)
factories.booked(by=staff, message="Booked")

NOON = datetime(2026, 3, 8, 12, 0, 0, 123456, tzinfo=UTC)
BY_KIND = [(models.DateTimeField, NOON), (models.DateField, NOON.date()), (models.TimeField, time(9, 30, 0, 5)),
    (models.JSONField, {"name": "Ñandú", "many": [1, 2.5, None]}), (models.UUIDField, uuid.uuid4()),
    (models.BooleanField, True), (models.GenericIPAddressField, "2001:db8::1"), (models.IntegerField, 3),
    (models.FileField, "photos/none.jpg"), (models.TextField, "words é"), (models.CharField, "w")]

def value(field):
    if field.is_relation:
        return field.remote_field.model._base_manager.first()
    if field.name == "ends_at":
        return time(17)
    return field.choices[0][0] if field.choices else next(one for kind, one in BY_KIND if isinstance(field, kind))

for model in apps.get_models(include_auto_created=True):
    if not model._base_manager.exists():
        fields = [field for field in model._meta.concrete_fields if not isinstance(field, models.AutoField)]
        model._base_manager.bulk_create([model(**{field.name: value(field) for field in fields})])
print([model._meta.label for model in apps.get_models(include_auto_created=True) if not model._base_manager.exists()])
""".replace("PASSWORD", PASSWORD)
TELLS = """
import json
from appointments.models import AppointmentRequest, Event
told = {
    row.reference: [row.pk, row.message, row.private_token, str(row.created_at),
        [answer.answer for answer in row.health_answers.order_by("pk")],
        [mail.text for mail in row.messages.order_by("pk")]]
    for row in AppointmentRequest.objects.prefetch_related("health_answers", "messages")
}
events = [[event.pk, event.position, event.digest] for event in Event.objects.order_by("position")]
print(json.dumps([told, events]))
"""
WORKS = """
from django.test import Client
from appointments.models import AppointmentRequest
from tests import factories
desk = Client(SERVER_NAME="127.0.0.1")
answer = desk.post("/admin/login/", {"username": "luz", "password": "PASSWORD"})
assert answer.status_code == 302, answer.content
row = AppointmentRequest.objects.filter(status="new", claimed_by=None).order_by("pk").last()
queue = "/admin/appointments/appointmentrequest/"
assert f"/{row.pk}/change/" in desk.get(queue, {"q": row.full_name}, follow=True).content.decode()
assert desk.get(f"{queue}{row.pk}/change/").status_code == 200
answer = desk.post(f"{queue}{row.pk}/move/claim/", {"seen": row.version})
assert answer.status_code in {302, 303}, answer.content
row.refresh_from_db()
assert row.claimed_by.username == "luz"
factories.booked(message="After the move")
print("worked")
""".replace("PASSWORD", PASSWORD)


@pytest.fixture
def site(tmp_path):
    """On SQLite, whatever the other tests run on."""
    site = Site(tmp_path)
    assert site.manage("shell", "-v", "0", "-c", FILLS) == "[]\n"
    yield site
    site.remove()


@pytest.fixture
def target():
    """The URL of a new and empty database."""
    name = f"medspa_moved_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
    yield SERVER.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(SERVER, autocommit=True) as server:
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def tables(target):
    with psycopg.connect(target) as connection:
        return [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]


def refused(site, *words):
    done = subprocess.run(
        [*MOVE, *words], cwd=PROJECT, env=site.environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1, done.stdout
    assert len(done.stderr.splitlines()) == 1, done.stderr
    return done.stderr


def test_everything_goes_along_and_the_desk_works_on_there(site, target):
    before = json.loads(site.manage("shell", "-v", "0", "-c", TELLS))
    assert "Nothing was kept." in site.manage("move_to_postgres", target, "--dry-run")
    assert tables(target) == []

    said = site.manage("move_to_postgres", "-", input=f"{target}\n")

    assert "rows were carried over and are the same on both sides." in said
    assert "Now set DATABASE_URL" in said
    assert "not empty" in refused(site, target)
    site.environment["DATABASE_URL"] = target
    assert site.manage("migrate", "--check") == ""
    assert json.loads(site.manage("shell", "-v", "0", "-c", TELLS)) == before
    assert site.manage("check_integrity") == "All is well.\n"
    assert site.manage("shell", "-v", "0", "-c", WORKS) == "worked\n"
    assert site.manage("check_integrity") == "All is well.\n"
    assert "not on SQLite" in refused(site, target)


def test_a_move_that_is_killed_leaves_postgresql_empty_and_sqlite_as_it_was(site, target):
    before = site.manage("shell", "-v", "0", "-c", TELLS)
    moving = subprocess.Popen([*MOVE, target], cwd=PROJECT, env=site.environment, stdout=subprocess.DEVNULL)
    rows = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY %'"
    with psycopg.connect(target, autocommit=True) as watching:
        while not watching.execute(rows).fetchone()[0]:
            assert moving.poll() is None
            time.sleep(0.005)
        moving.send_signal(signal.SIGKILL)
        moving.wait(timeout=30)
        while (
            watching.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()").fetchone()[0]
            > 1
        ):
            time.sleep(0.05)
    assert tables(target) == []
    assert site.manage("shell", "-v", "0", "-c", TELLS) == before
    assert "are the same on both sides" in site.manage("move_to_postgres", target)


def test_nobody_writes_meanwhile(site, target):
    site.start()
    assert "Stop it first." in refused(site, target)
    assert tables(target) == []


def test_what_cannot_be_right_is_refused(site, target):
    assert "must begin with postgres://" in refused(site, "sqlite:////tmp/other.sqlite3")
    assert "The database says" in refused(site, target + "_is_not_there")
    site.manage("migrate", "-v", "0", "medspa", "0009")
    assert "First run: manage.py migrate" in refused(site, target)
    assert tables(target) == []
