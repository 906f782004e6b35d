"""Rows that were there before a migration are right after it."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from appointments import database_rules
from tests.conftest import lift_event_rules

THEN = datetime(2026, 3, 2, 18, 0, tzinfo=UTC)
ENDED = datetime(2026, 3, 5, 18, 0, tzinfo=UTC)


def newest() -> str:
    nodes = MigrationExecutor(connection).loader.graph.leaf_nodes("appointments")
    return nodes[0][1]


def migrate(target: str):
    """The apps as they were at that migration."""
    executor = MigrationExecutor(connection)
    executor.migrate([("appointments", target)])
    return executor.loader.project_state([("appointments", target)]).apps


@pytest.fixture
def before(transactional_db):
    lift_event_rules()
    yield migrate("0009_email_is_looked_up")
    migrate(newest())
    database_rules.lay_down()


def test_what_was_closed_has_its_end_and_what_was_booked_its_agreement(before):
    requests, events = (before.get_model("appointments", name) for name in ("AppointmentRequest", "Event"))
    common = {
        "respond_by": THEN,
        "created_at": THEN,
        "full_name": "Ana",
        "email": "ana@example.com",
        "contact_by": "email",
    }

    def old(number, **facts):
        return requests.objects.create(
            reference=f"ABC-100{number}", private_token="x", private_token_hash=str(number), **common, **facts
        )

    closed = old(1, status="closed", closed_reason="other", version=2)
    unknown = old(2, status="closed", closed_reason="spam")
    waits = old(3, status="new", next_action_at=THEN)
    staff = before.get_model("auth", "User").objects.create(username="staff")
    events.objects.create(appointment_request=closed, kind="closed", at=ENDED, version=2, by=staff)
    provider = before.get_model("treatments", "Provider").objects.create(name="Room")
    visits = before.get_model("appointments", "Appointment")
    visits.objects.create(appointment_request=waits, provider=provider, starts_at=THEN, ends_at=ENDED, created_at=THEN)

    after = migrate("0011_when_it_ended")

    ends = dict(after.get_model("appointments", "AppointmentRequest").objects.values_list("pk", "ended_at"))
    assert ends == {closed.pk: ENDED, unknown.pk: THEN, waits.pk: None}
    assert after.get_model("appointments", "Appointment").objects.get().agreed_at == THEN
