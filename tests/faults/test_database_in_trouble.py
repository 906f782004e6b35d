"""The database is locked, full, read-only or gone under a real site: what patients are told, and what comes of it."""

import json
import os
import random
import re
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest

from tests.site import PROJECT, PUBLIC_PAGES, visitor

FORM = "/request-an-appointment/"
LONG_ENOUGH_FOR_BOTH = 8  # asks of one page, so that each of the two web server processes is asked
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"


class Patient:
    """Somebody at the form, which is open already."""

    def __init__(self, site, **answers):
        self.site, self.browser = site, visitor()
        page = self.browser.open(site.url + FORM, timeout=60).read().decode()
        names = ("csrfmiddlewaretoken", "form_token", "opened")
        hidden = {name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in names}
        filled = {"full_name": "Ana Ruiz", "email": "ana@example.com", "contact_by": "email", "message": "After three."}
        self.answers = {"treatment": "microneedling", **filled, **hidden, **answers}

    def send(self) -> tuple[int, str]:
        """The status and the page that the patient sees at last. 200 is the private page of a stored request."""
        return self.ask(self.site.url + FORM, urlencode(self.answers).encode())

    def look(self, path: str) -> tuple[int, str]:
        return self.ask(self.site.url + path)

    def ask(self, url, body=None) -> tuple[int, str]:
        try:
            answer = self.browser.open(url, body, timeout=60)
        except HTTPError as refusal:
            answer = refusal
        with answer:
            return answer.status, answer.read().decode()


def private_link(page: str) -> str:
    return re.search(r'href="(/my-request/[^"]+)"', page)[1]


def waiting(site) -> list[Path]:
    return [file for file in (site.folder / "var" / "spool").glob("*-*") if file.is_file()]


def emails(site) -> list[str]:
    return sorted(json.loads(line)["email"] for line in site.manage("list_requests", "--json").splitlines())


def mails_to(site, address: str) -> int:
    return sum(f"To: {address}".encode() in file.read_bytes() for file in (site.folder / "var" / "mail").iterdir())


def readers_are_served(site):
    patient = visitor()
    for path in PUBLIC_PAGES:
        if path != "/no-such-page/":
            for _ in range(LONG_ENOUGH_FOR_BOTH):
                with patient.open(site.url + path, timeout=60) as answer:
                    assert answer.status == HTTPStatus.OK


def web_processes(site) -> list[int]:
    master = site.running[0].pid
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def bound_files_to(site, most_bytes: int) -> None:
    """As on a disk without room, no file of the web server grows beyond so much."""
    for pid in [site.running[0].pid, *web_processes(site)]:  # the master first: who is begun later inherits its bound
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most_bytes, resource.RLIM_INFINITY))


class OnSQLite:
    """The writes are refused: no file may grow."""

    def __init__(self, site):
        self.site = site

    def refuse_writes(self):
        bound_files_to(self.site, 4096)

    def take_writes(self):
        bound_files_to(self.site, resource.RLIM_INFINITY)


class OnPostgreSQL:
    """The writes are refused: the server is a read-only copy, as after a failover to one."""

    def __init__(self, site):
        self.site = site

    def refuse_writes(self):
        self.site._on_server(f'ALTER DATABASE "{self.site.database}" SET default_transaction_read_only = on')
        self.cut()

    def take_writes(self):
        self.site._on_server(f'ALTER DATABASE "{self.site.database}" RESET default_transaction_read_only')
        self.cut()

    def go_away(self):
        self.site._on_server(f'ALTER DATABASE "{self.site.database}" ALLOW_CONNECTIONS false')
        self.cut()

    def come_back(self):
        self.site._on_server(f'ALTER DATABASE "{self.site.database}" ALLOW_CONNECTIONS true')

    def cut(self):
        self.site._on_server(CUT.format(name=self.site.database))


@pytest.fixture
def database(site):
    return OnPostgreSQL(site) if site.server_url else OnSQLite(site)


@pytest.fixture
def on_sqlite(site):
    if site.server_url:
        pytest.skip("this is SQLite's own trouble")


@pytest.fixture
def on_postgres(site):
    if not site.server_url:
        pytest.skip("this is PostgreSQL's own trouble, which TEST_DATABASE_URL would name")


def test_a_lock_of_two_seconds_is_ridden_out_and_a_long_one_costs_no_words(site, on_sqlite):
    site.environment["WEB_CONCURRENCY"] = "1"  # so that the crowd meets whoever waits already
    site.start()
    readers_are_served(site)
    first, second = Patient(site, email="first@example.com"), Patient(site, email="second@example.com")
    other = sqlite3.connect(site.folder / "var" / "clinic.sqlite3", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(2, other.execute, ["ROLLBACK"])
    release.start()
    status, page = first.send()
    release.join()
    assert status == HTTPStatus.OK
    assert "Your reference is" in page

    many = [Patient(site, email=f"many{number}@example.com") for number in range(40)]  # more than there are threads
    other.execute("BEGIN IMMEDIATE")
    sent_at = datetime.now(UTC)
    with ThreadPoolExecutor(max_workers=41) as crowd:
        first_answer = crowd.submit(second.send)  # after 20 s, the longest that a writer waits
        time.sleep(6)
        answers = list(crowd.map(Patient.send, many))
        assert not first_answer.done()  # so nobody else has waited
        readers_are_served(site)
    status, page = first_answer.result()
    assert {status for status, _page in answers} == {HTTPStatus.ACCEPTED}
    assert status == HTTPStatus.ACCEPTED
    link = private_link(page)
    assert "stored safely" in second.look(link)[1]
    readers_are_served(site)
    other.execute("ROLLBACK")
    other.close()

    assert len(waiting(site)) == 1 + len(many)
    site.manage("send_messages", "--once")
    assert waiting(site) == []
    assert emails(site) == sorted(one.answers["email"] for one in (first, second, *many))
    assert mails_to(site, "second@example.com") == 1
    assert "Your reference is" in second.look(link)[1]
    with sqlite3.connect(site.folder / "var" / "clinic.sqlite3") as database:
        question = "SELECT created_at FROM appointments_appointmentrequest WHERE email = 'second@example.com'"
        [(created_at,)] = database.execute(question)
    assert timedelta() <= datetime.fromisoformat(created_at).replace(tzinfo=UTC) - sent_at < timedelta(seconds=10)


def test_a_full_disk_keeps_the_words_on_the_page_and_heals_without_help(site, on_sqlite):
    site.start()
    readers_are_served(site)
    patient = Patient(site)
    bound_files_to(site, 100)  # not even a kept request has room
    status, page = patient.send()
    assert status == HTTPStatus.SERVICE_UNAVAILABLE
    assert "We could not save your request just now" in page
    assert "After three." in page
    assert re.search(r"or call \(\d{3}\)", page)
    readers_are_served(site)
    assert not any((site.folder / "var" / "spool").glob("*"))
    assert emails(site) == []

    bound_files_to(site, resource.RLIM_INFINITY)
    status, page = patient.send()
    assert status == HTTPStatus.OK
    assert "Your reference is" in page
    assert emails(site) == ["ana@example.com"]
    site.manage("check_integrity")


def test_what_is_kept_while_writes_are_refused_outlives_senders_that_are_killed(site, database):
    site.start()
    patients = [Patient(site, email=f"ana{number}@example.com") for number in range(8)]
    database.refuse_writes()
    links = []
    for patient in patients:
        status, page = patient.send()
        assert status == HTTPStatus.ACCEPTED, page
        assert patient.send()[0] == HTTPStatus.ACCEPTED  # a double click
        links.append(private_link(page))
    assert len(waiting(site)) == len(patients)
    readers_are_served(site)
    database.take_writes()
    site.kill()

    for _round in range(4):
        kill_in_the_middle(site)
    site.manage("send_messages", "--once")
    assert waiting(site) == []
    assert emails(site) == sorted(f"ana{number}@example.com" for number in range(8))
    site.manage("check_integrity")
    site.start()
    for patient, link in zip(patients, links, strict=True):
        assert "Your reference is" in patient.look(link)[1]


def kill_in_the_middle(site):
    """Two senders at once, killed when one of them has begun to replay, or sends already."""
    before = len(waiting(site))
    command = [sys.executable, "manage.py", "send_messages"]
    running = [
        subprocess.Popen(
            command, cwd=PROJECT, env=site.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(2)
    ]
    until = time.monotonic() + 60
    while before and len(waiting(site)) == before and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(random.uniform(0, 0.02))
    for sender in running:
        os.kill(sender.pid, signal.SIGKILL)
        sender.wait(timeout=30)
    assert time.monotonic() < until


def test_a_database_that_is_gone_for_a_while_stops_neither_readers_nor_requests(site, database, on_postgres):
    site.start(sender=True)
    patient, late = Patient(site), None
    database.go_away()  # before anybody asked for any page
    readers_are_served(site)
    assert {patient.look(f"/es{FORM}")[0] for _ in range(LONG_ENOUGH_FOR_BOTH)} == {HTTPStatus.OK}
    status, page = patient.send()
    assert status == HTTPStatus.ACCEPTED
    assert re.search(r"call us: <a href=\"tel:", page)
    link = private_link(page)
    assert "stored safely" in patient.look(link)[1]
    late = Patient(site, email="late@example.com")  # who opens the form only now
    assert late.send()[0] == HTTPStatus.ACCEPTED
    assert patient.look("/my-request/of-somebody-else/")[0] == HTTPStatus.SERVICE_UNAVAILABLE
    assert patient.look("/healthz")[0] == HTTPStatus.SERVICE_UNAVAILABLE

    database.come_back()
    until = time.monotonic() + 60
    while "Your reference is" not in patient.look(link)[1]:
        assert time.monotonic() < until, site.log.read_text()
        time.sleep(0.2)
    while waiting(site) and time.monotonic() < until:
        time.sleep(0.2)
    assert emails(site) == ["ana@example.com", "late@example.com"]
    assert patient.look("/healthz")[0] == HTTPStatus.OK
