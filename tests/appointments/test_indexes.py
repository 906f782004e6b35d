"""What the desk opens all day is looked up by an index, so that it costs no more as the clinic grows."""

import re
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appointments.models import AppointmentRequest
from tests import factories
from tests.conftest import lift_event_rules

QUEUE = "/admin/appointments/appointmentrequest/"
PAGES = [
    QUEUE,
    *(f"{QUEUE}?state={state}" for state in ("now", "mine", "unclaimed", "waitlisted", "to_tell", "over")),
    "/admin/",
    "/admin/appointments/appointment/day/",
    "/admin/appointments/appointment/week/",
    f"{QUEUE}calls/",
]
GROWING = r"appointments_(appointmentrequest|appointment|event|message|preferredtime)"

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL scans a small table, whatever its indexes."),
]


@pytest.fixture(scope="module")
def filled(django_db_setup, django_db_blocker):
    """Enough rows that a plan is worth looking at. They go with the module."""
    with django_db_blocker.unblock():
        factories.clinic()
        call_command("seed_requests", 300, stdout=StringIO(), stderr=StringIO())
        yield
        lift_event_rules()
        call_command("flush", verbosity=0, interactive=False)


def plans(queries: list[dict]) -> dict[str, list[str]]:
    """How SQLite finds the rows of each query that reads what grows."""
    found = {}
    for query in queries:
        if re.search(rf'FROM "{GROWING}"', query["sql"]) and query["sql"].startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql'].replace('%', '%%')}")
                found[query["sql"]] = [row[3] for row in cursor.fetchall()]
    return found


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("address", PAGES)
def test_no_page_of_the_desk_reads_a_table_from_end_to_end(client, address):
    client.force_login(factories.receptionist())
    with CaptureQueriesContext(connection) as caught:
        assert client.get(address).status_code == 200
    looked_up = plans(caught.captured_queries)
    assert looked_up
    scans = {sql: plan for sql, plan in looked_up.items() if any(re.match(rf"SCAN {GROWING}", step) for step in plan)}
    assert not scans


@pytest.mark.usefixtures("filled")
def test_no_page_of_a_request_reads_a_table_from_end_to_end(client):
    client.force_login(factories.receptionist())
    row = AppointmentRequest.objects.to_answer().first() or AppointmentRequest.objects.first()
    for page in ("change", "move/book", "move/close"):
        with CaptureQueriesContext(connection) as caught:
            client.get(f"{QUEUE}{row.pk}/{page}/")
        for sql, plan in plans(caught.captured_queries).items():
            assert not any(re.match(rf"SCAN {GROWING}", step) for step in plan), (sql, plan)
