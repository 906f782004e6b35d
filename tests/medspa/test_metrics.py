"""The site in numbers, for programs that say the token."""

import os
import re
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.models import Message
from medspa import watch
from medspa.counts import METHODS, ROUTES, STATUSES
from medspa.models import Sign
from tests import factories, prometheus_text
from tests.house.blueprint import PROJECT

TOKEN = "0123456789-a-token-of-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def scrape(client, settings, clinic):
    settings.METRICS_TOKEN = TOKEN

    def once():
        answer = client.get("/metrics", headers=BEARER)
        assert answer.status_code == 200
        assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return prometheus_text.read(answer.content.decode())

    return once


def value(families, name):
    (number,) = families[name].samples.values()
    return number


@pytest.mark.parametrize(
    "said",
    [{}, {"Authorization": TOKEN}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": f"Bearer {TOKEN}x"},
     {"Authorization": "Bearer "}, {"Authorization": f"Bearer {TOKEN[:-1]}"}, {"Authorization": "Bearer é"}],
)  # fmt: skip
def test_without_the_token_there_is_no_such_page(client, clinic, settings, said):
    settings.METRICS_TOKEN = TOKEN
    answer = client.get("/metrics", headers=said)
    assert answer.status_code == 404
    assert b"medspa_" not in answer.content


@pytest.mark.parametrize("said", [{}, {"Authorization": "Bearer "}, BEARER])
def test_where_no_token_is_set_there_is_no_such_page(client, clinic, said):
    assert client.get("/metrics", headers=said).status_code == 404


def test_it_is_kept_by_nobody(client, settings, clinic):
    settings.METRICS_TOKEN = TOKEN
    assert "no-store" in client.get("/metrics", headers=BEARER)["Cache-Control"]


def test_a_quiet_site_is_told_as_such(scrape):
    families = scrape()
    for name in ("requests_waiting", "requests_overdue", "requests_oldest_waiting_seconds", "outbox_due"):
        assert value(families, f"medspa_{name}") == 0
    for name in ("sender_last_seen", "mail_last_sent", "backup_last_success"):
        assert value(families, f"medspa_{name}_timestamp_seconds") == 0, "what never happened is long ago"
    assert value(families, "medspa_database_up") == 1
    assert 0 < value(families, "medspa_disk_free_bytes") < value(families, "medspa_disk_size_bytes")


def test_what_waits_and_what_is_stuck_is_told(scrape):
    now = timezone.now()
    factories.appointment_request()
    late = factories.appointment_request()
    type(late).objects.filter(pk=late.pk).update(
        created_at=now - timedelta(hours=30), next_action_at=now - timedelta(hours=6)
    )
    Message.objects.update(due_at=now - timedelta(minutes=20), queued_at=now - timedelta(minutes=20))
    Message.objects.filter(appointment_request=late).update(given_up_at=now)
    Sign.objects.leave(Sign.SENDER, at=now - timedelta(seconds=40))
    Sign.objects.leave(Sign.BACKUP, at=now - timedelta(hours=5))
    families = scrape()
    assert value(families, "medspa_requests_waiting") == 2
    assert value(families, "medspa_requests_overdue") == 1
    assert 30 * 3600 <= value(families, "medspa_requests_oldest_waiting_seconds") < 30 * 3600 + 60
    assert value(families, "medspa_outbox_due") == 2
    assert 1200 <= value(families, "medspa_outbox_oldest_seconds") < 1260
    assert value(families, "medspa_outbox_stuck") == 2
    assert value(families, "medspa_outbox_failed") == 2
    assert 40 <= time.time() - value(families, "medspa_sender_last_seen_timestamp_seconds") < 100
    assert 5 * 3600 <= time.time() - value(families, "medspa_backup_last_success_timestamp_seconds") < 5 * 3600 + 60


def test_while_the_database_is_away_the_rest_is_still_told(scrape, monkeypatch):
    def away(*_words):
        raise DatabaseError

    monkeypatch.setattr(watch.prometheus, "measure", away)
    families = scrape()
    assert value(families, "medspa_database_up") == 0
    assert "medspa_outbox_due" not in families
    assert "medspa_disk_free_bytes" in families
    assert value(families, "medspa_spool_waiting") == value(families, "medspa_spool_aside") == 0


def test_three_questions_are_asked_however_much_there_is(django_assert_num_queries, clinic):
    with django_assert_num_queries(3):
        watch.measure()
    for _ in range(30):
        factories.appointment_request()
    with django_assert_num_queries(3):
        watch.measure()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="the plan is read as SQLite writes it")
def test_no_question_reads_a_whole_table(clinic):
    for _ in range(30):
        factories.appointment_request()
    with CaptureQueriesContext(connection) as asked:
        watch.measure()
    for query in asked.captured_queries:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
            plan = [row[3] for row in cursor.fetchall()]
        assert not [line for line in plan if "SCAN appointments_" in line and "INDEX" not in line], plan
        assert not [line for line in plan if "TEMP B-TREE" in line], plan


def test_labels_are_of_a_fixed_few_and_nothing_is_of_a_patient(client, scrape):
    factories.appointment_request(full_name="Canaryname Quetzal", email="canary@example.com", message="canarymessage")
    for path in ("/my-request/canarytoken/", "/canary-path/", "/?canaryquery=1", "/es/treatments/canary/"):
        client.get(path)
    client.generic("CANARY", "/")
    families = scrape()
    allowed = {"route": {*ROUTES}, "method": {*METHODS}, "status": {*STATUSES}}
    for name, family in families.items():
        for _suffix, labels in family.samples:
            for label, word in labels:
                assert label == "le" or word in allowed[label], name
    text = client.get("/metrics", headers=BEARER).content.decode().lower()
    assert not [word for word in ("canary", "quetzal") if word in text]


def test_the_rules_in_the_docs_are_about_numbers_that_are_there(client, scrape):
    client.get("/no-such-page/")
    there = {f"{name}{suffix}" for name, family in scrape().items() for suffix, _labels in family.samples}
    named = set(re.findall(r"\bmedspa_[a-z_]+\b", (PROJECT / "docs" / "operations.md").read_text()))
    assert len(named) > 12
    assert named - there == set()


def test_two_workers_under_load_count_every_request_once_and_a_killed_one_loses_none(site):
    site.environment["METRICS_TOKEN"] = TOKEN
    site.start()
    workers = two_workers(site)
    before, worked = counted(site), [ticks_of(worker) for worker in workers]
    ask_often(site, 300)
    assert counted(site) - before == 300
    assert all(ticks_of(worker) > ticks for worker, ticks in zip(workers, worked, strict=True)), "one did it all"
    os.kill(workers[0], signal.SIGKILL)
    assert two_workers(site, other_than=workers)
    assert counted(site) - before == 300
    ask_often(site, 300)
    assert counted(site) - before == 600


def ticks_of(process):
    """Of the clock, that it has worked."""
    with open(f"/proc/{process}/stat") as file:
        return sum(int(number) for number in file.read().rpartition(")")[2].split()[11:13])


def children_of(process):
    with open(f"/proc/{process}/task/{process}/children") as file:
        return [int(child) for child in file.read().split()]


def two_workers(site, *, other_than=()):
    for _ in range(400):
        now = children_of(site.running[0].pid)
        if len(now) == 2 and now != other_than:
            return now
        time.sleep(0.05)
    raise TimeoutError(site.log.read_text())


def ask_often(site, number):
    def ask(_turn):
        for _ in range(20):
            with suppress(ConnectionError, TimeoutError):
                try:
                    urlopen(f"{site.url}/no-such-page/", timeout=20)
                except HTTPError as answer:
                    return answer.code
        raise TimeoutError

    with ThreadPoolExecutor(16) as pool:
        assert set(pool.map(ask, range(number))) == {404}


def counted(site):
    text = urlopen(Request(f"{site.url}/metrics", headers=BEARER), timeout=20).read().decode()
    families = prometheus_text.read(text)
    samples = families.get("medspa_http_requests_total")
    wanted = frozenset({"method": "GET", "route": "none", "status": "4xx"}.items())
    return samples.samples.get(("", wanted), 0) if samples else 0
