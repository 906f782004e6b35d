"""What the desk opens all day is looked up by an index, so that it costs no more as the clinic grows."""

import re
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.db.models import ProtectedError

from appointments.models import AppointmentRequest, Status
from tests import factories
from tests.conftest import lift_event_rules

QUEUE = "/admin/appointments/appointmentrequest/"
STATES = ("now", "mine", "unclaimed", "waitlisted", "to_tell", "to_review", "over", "spam", "all")
LISTS = [
    QUEUE,
    *(f"{QUEUE}?state={state}" for state in STATES),
    *(f"{QUEUE}?status={status}" for status in Status.values),
    *(f"{QUEUE}?state=all&{narrowed}" for narrowed in ("p=2", "source__exact=web", "treatment=unsure")),
    *(f"{QUEUE}?q={words}" for words in ("ruiz", "uiz", "0142", "5205550142", "zzzzzz", "li")),
    *(f"{QUEUE}?state={state}&q=ruiz" for state in ("to_answer", "now", "mine", "unclaimed", "waitlisted")),
    *(f"{QUEUE}?status={status}&q=ruiz" for status in ("new", "contacting", "waitlisted", "closed")),
]
ADMIN = "/admin/appointments/"
PAGES = ["/admin/", *(f"{ADMIN}appointment/{name}/" for name in ("day", "week")), f"{QUEUE}calls/", f"{QUEUE}new/"]
OF_THE_OWNER = [f"{QUEUE}reports/", f"{ADMIN}event/unusual/", f"{ADMIN}timeoff/", "/admin/treatments/provider/"]
GROWING = r"appointments_(appointmentrequest|appointment|arrival|event|healthanswer|message|preferredtime)"

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


class Plans:
    """How SQLite finds the rows of each question, asked as it is: with its values beside it."""

    def __init__(self):
        self.found = {}

    def __call__(self, execute, sql, params, many, context):
        if sql.startswith("SELECT") and re.search(rf'FROM "{GROWING}"', sql):
            cursor = connection.create_cursor()
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}", params or ())
            self.found[sql] = [row[3] for row in cursor.fetchall()]
        return execute(sql, params, many, context)

    def with_step(self, step):
        return {sql: plan for sql, plan in self.found.items() if any(re.match(step, one) for one in plan)}


def opened(client, address):
    plans = Plans()
    with connection.execute_wrapper(plans):
        answer = client.get(address, follow=True)
    assert answer.status_code == 200
    assert plans.found
    return plans


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("address", [*LISTS, *PAGES])
def test_no_page_of_the_desk_reads_a_table_from_end_to_end(client, address):
    client.force_login(factories.receptionist())
    assert not opened(client, address).with_step(rf"SCAN {GROWING}")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("address", OF_THE_OWNER)
def test_no_page_of_the_owner_reads_a_table_from_end_to_end(client, address):
    client.force_login(User.objects.create_superuser("owner"))
    assert not opened(client, address).with_step(rf"SCAN {GROWING}")


@pytest.mark.usefixtures("filled")
def test_a_list_that_is_read_from_end_to_end_and_sorted_would_be_noticed():
    plans = Plans()
    with connection.execute_wrapper(plans):
        list(AppointmentRequest.objects.filter(full_name__icontains="ruiz").order_by("full_name")[:25])
    assert plans.with_step(rf"SCAN {GROWING}")
    assert plans.with_step("USE TEMP B-TREE FOR ORDER BY")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("address", LISTS)
def test_no_list_is_sorted(client, address):
    """But for rows that the index finds alike, such as visits that end at one moment."""
    client.force_login(factories.receptionist())
    assert not opened(client, address).with_step("USE TEMP B-TREE FOR ORDER BY")


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("state", ["queued", "sending", "stuck", "failed", "cancelled", "held_back"])
def test_what_is_rare_in_the_outbox_is_not_looked_for_among_all_that_was_sent(client, state):
    client.force_login(User.objects.create_superuser("owner"))
    plans = opened(client, f"{ADMIN}message/?state={state}")
    assert any('FROM "appointments_message"' in sql for sql in plans.found)
    assert not plans.with_step(r"SCAN appointments_message$")
    assert not plans.with_step("USE TEMP B-TREE FOR ORDER BY")


@pytest.mark.usefixtures("filled")
def test_no_page_of_a_request_reads_a_table_from_end_to_end(client):
    client.force_login(factories.receptionist())
    row = AppointmentRequest.objects.to_answer().first() or AppointmentRequest.objects.first()
    for page in ("change", "move/book", "move/close"):
        assert not opened(client, f"{QUEUE}{row.pk}/{page}/").with_step(rf"SCAN {GROWING}")


@pytest.mark.usefixtures("filled")
def test_whoever_or_whatever_requests_hang_on_is_deleted_or_kept_without_reading_them_all():
    treatment, plans = factories.treatment(), Plans()
    claimed = AppointmentRequest.objects.exclude(claimed_by=None).first()
    AppointmentRequest.objects.filter(pk=claimed.pk).update(treatment=treatment)
    with connection.execute_wrapper(plans):
        for row in (claimed.claimed_by, treatment):
            with pytest.raises(ProtectedError):
                row.delete()
    assert plans.found
    assert not plans.with_step(rf"SCAN {GROWING}")


@pytest.mark.parametrize("parent", ["auth_user", "treatments_treatment", "treatments_provider"])
def test_the_database_too_looks_for_what_hangs_on_a_row_by_an_index(parent):
    with connection.cursor() as cursor:
        cursor.execute("SELECT rootpage, name FROM sqlite_master WHERE rootpage > 0")
        names = dict(cursor.fetchall())
        cursor.execute(f"EXPLAIN DELETE FROM {parent} WHERE id = 1")
        opened = {names.get(step[3]) for step in cursor.fetchall() if step[1] == "OpenRead"}
    assert not [name for name in opened if name and re.fullmatch(GROWING, name)]


def test_no_index_is_the_beginning_of_another():
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if not re.fullmatch(GROWING, table):
                continue
            cursor.execute(
                "SELECT list.name, group_concat(info.name) FROM pragma_index_list(%s) AS list,"
                " pragma_index_info(list.name) AS info WHERE NOT list.partial GROUP BY list.name",
                [table],
            )
            columns = dict(cursor.fetchall())
            doubled = [
                (one, other)
                for one, begins in columns.items()
                for other, goes_on in columns.items()
                if begins and goes_on and f"{goes_on},".startswith(f"{begins},") and one != other
            ]
            assert not doubled, table
