"""The desk's pages take as long with a hundred thousand requests as with ten thousand.

Both clinics lie side by side, and each page is opened in turn in both: what counts is CPU time, of many turns.
"""

import time
from contextlib import contextmanager
from io import StringIO
from statistics import median

import pytest
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client

from appointments.models import AppointmentRequest
from tests import factories

SMALL, TIMES_AS_MANY = 10_000, 10
MOST = 1.4
ROUNDS, MOST_ROUNDS = 8, 40  # neighbours make a page dearer, never cheaper: what seems dear is asked for more often
QUEUE = "/admin/appointments/appointmentrequest/"
LISTS = ["", *(f"?state={state}" for state in ("now", "mine", "unclaimed", "waitlisted", "spam", "all"))]
FILTERS = ["?status=closed", "?status=booked", "?state=all&treatment=unsure", "?state=all&source__exact=web"]
WORDS = ["Ruiz", "uiz", "0142", "(520) 555-0142", "(999) 555-0142", "zwitscher", "ana ruiz"]

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's time is not this process's."),
]


class Clinics:
    """Two databases with the same open work, one of them with ten times as many requests that are over."""

    def __init__(self, folder):
        self.files = {size: str(folder / f"{size}.sqlite3") for size in ("small", "large")}
        copy_to(self.files["small"])
        with self.at("small"):
            factories.clinic()
            call_command("seed_requests", SMALL, stdout=StringIO(), stderr=StringIO())
            self.cookies = signed_in().cookies
            copy_to(self.files["large"])
        with self.at("large"):
            add_what_is_over(TIMES_AS_MANY - 1)
            assert AppointmentRequest.objects.count() > 0.9 * SMALL * TIMES_AS_MANY

    @contextmanager
    def at(self, size):
        ours, its = connections["default"], connections.create_connection("default")
        its.settings_dict = {**ours.settings_dict, "NAME": self.files[size]}
        connections["default"] = its
        try:
            yield
        finally:
            its.close()
            connections["default"] = ours

    def ratio(self, page):
        """The large clinic's time over the small one's: by the least of each, or by the median pair if that is less."""
        client = Client()
        client.cookies = self.cookies
        took = {size: [] for size in self.files}
        for number in range(1, MOST_ROUNDS + 1):
            for size in self.files:
                with self.at(size):
                    page(client)  # the connection's first question reads the whole schema
                    begun = time.process_time()
                    page(client)
                    took[size].append(time.process_time() - begun)
            pairs = [large / small for small, large in zip(took["small"], took["large"], strict=True)]
            ratio = min(min(took["large"]) / min(took["small"]), median(pairs))
            if number >= ROUNDS and ratio < MOST:
                break
        return ratio


def copy_to(file):
    with connection.cursor() as cursor:
        cursor.execute("VACUUM INTO %s", [file])


def signed_in():
    client = Client()
    client.force_login(factories.receptionist(username="ana"))
    return client


def add_what_is_over(times):
    """Copies of what is closed, older than everything: their numbers lie below."""
    columns = [field.column for field in AppointmentRequest._meta.local_concrete_fields]
    anew = {
        "id": "-(id * 100 + copy)",
        "reference": "printf('%d%07d', copy, id)",
        "form_token": "lower(hex(randomblob(16)))",
        "private_token_hash": "lower(hex(randomblob(32)))",
        "duplicate_of_id": "NULL",
    }
    table = AppointmentRequest._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE copies(copy) AS (VALUES (1) UNION ALL SELECT copy + 1 FROM copies WHERE copy < %s)"
            f" INSERT INTO {table} ({', '.join(columns)})"
            f" SELECT {', '.join(anew.get(column, column) for column in columns)} FROM {table}, copies"
            f" WHERE status = 'closed'",
            [times],
        )


@pytest.fixture(scope="module")
def clinics(django_db_setup, django_db_blocker, tmp_path_factory):
    with django_db_blocker.unblock():
        yield Clinics(tmp_path_factory.mktemp("clinics"))


def opened(address):
    def page(client):
        assert client.get(address).status_code == 200

    return page


def looked_for(words):
    def page(client):
        answer = client.post(QUEUE, {"q": words}, follow=True)
        assert answer.status_code == 200

    return page


@pytest.mark.parametrize("address", [*LISTS, *FILTERS, "?state=all&p=100"])
def test_a_list_takes_as_long_with_ten_times_as_many_requests(clinics, address):
    assert clinics.ratio(opened(QUEUE + address)) < MOST


@pytest.mark.parametrize("words", WORDS)
def test_a_search_takes_as_long_with_ten_times_as_many_requests(clinics, words):
    assert clinics.ratio(looked_for(words)) < MOST


def test_a_page_that_reads_all_requests_would_be_noticed(clinics):
    def page(client):
        opened(QUEUE)(client)
        list(AppointmentRequest.objects.filter(full_name__icontains="zwitscher"))

    assert clinics.ratio(page) > MOST
