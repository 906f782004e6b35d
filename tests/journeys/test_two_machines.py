"""Two machines serve one clinic from one PostgreSQL, behind nginx, with a sender each. One of them dies under load."""

import json
import re
import shutil
import subprocess
import threading
import time
from collections import Counter
from contextlib import closing, suppress
from itertools import count
from urllib.error import HTTPError
from urllib.parse import urlencode

import pytest
from aiosmtpd.controller import Controller

from tests.site import GONE, Site, free_port, visitor

FORM, PAGE = "/request-an-appointment/", "/treatments/microneedling/"
VISITORS, BEFORE_THE_FAULT, AFTER_IT = 6, 20, 40
BALANCER = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/nginx.log crit;
events {{ worker_connections 256; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream clinic {{ {servers} }}
  server {{
    listen 127.0.0.1:{port};
    location / {{ proxy_pass http://clinic; proxy_connect_timeout 2s; proxy_set_header Host $http_host; }}
  }}
}}
"""
CHANGE = (
    "from treatments.models import Treatment; Treatment.objects.filter(slug='microneedling').update(summary='{words}')"
)
CUT = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
FREE = (
    "from datetime import timedelta; from django.utils import timezone; from appointments.models import Message;"
    "now = timezone.now(); left = Message.objects.unsent().filter(sending_since__lt=now - timedelta(seconds=5));"
    "left.update(due_at=now)"
)


class Mailbox:
    def __init__(self):
        self.receipts = Counter()

    async def handle_DATA(self, server, session, envelope):
        if b"Subject: We have your request" in envelope.content:
            self.receipts[envelope.rcpt_tos[0]] += 1
        return "250 taken"


class Patients:
    """They send forms without end, each with an address of its own, and send again what was not answered."""

    def __init__(self, url):
        self.url, self.numbers = url, count()
        self.acknowledged, self.stop = [], threading.Event()
        self.threads = [threading.Thread(target=self.go_on) for _ in range(VISITORS)]
        for thread in self.threads:
            thread.start()

    def go_on(self):
        while not self.stop.is_set():
            email = f"patient{next(self.numbers)}@example.com"
            browser, form = visitor(), None
            for _try in range(40):
                with suppress(*GONE):
                    form = form or self.form(browser, email)
                    browser.open(self.url + FORM, urlencode(form).encode(), timeout=20)
                    self.acknowledged.append(email)
                    break
                time.sleep(0.1)

    def form(self, browser, email):
        page = browser.open(self.url + FORM, timeout=20).read().decode()
        names = ("csrfmiddlewaretoken", "form_token")
        hidden = {name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in names}
        answers = {"full_name": "Ana Ruiz", "email": email, "contact_by": "email", "treatment": "microneedling"}
        return answers | hidden

    def wait_for(self, many):
        until = time.monotonic() + 120
        while len(self.acknowledged) < many:
            assert time.monotonic() < until, f"{len(self.acknowledged)} of {many} acknowledged"
            time.sleep(0.05)

    def go_home(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(timeout=60)


@pytest.fixture
def mailbox(site):
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    site.environment["EMAIL_URL"] = f"smtp://127.0.0.1:{controller.port}"
    yield mailbox
    controller.stop()


@pytest.fixture
def second(site, mailbox, tmp_path):
    """Another machine: its own folder and port, the first one's database, secrets and photos."""
    if not site.server_url:
        pytest.skip("two machines share a PostgreSQL, which TEST_DATABASE_URL would name")
    folder = tmp_path / "second"
    (folder / "var").mkdir(parents=True)
    for shared in ("secret_key.txt", "data_keys.txt", "media"):
        (folder / "var" / shared).symlink_to(site.folder / "var" / shared)
    second = Site.beside(site, folder)
    yield second
    second.kill()


@pytest.fixture
def balancer(site, second, tmp_path):
    """The address under which both machines are one site."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
    if nginx is None:
        pytest.skip("no nginx is found")
    folder = tmp_path / "nginx"
    folder.mkdir()
    port = free_port()
    servers = " ".join(f"server 127.0.0.1:{one.port} max_fails=1 fail_timeout=1s;" for one in (site, second))
    (folder / "nginx.conf").write_text(BALANCER.format(folder=folder, port=port, servers=servers))
    running = subprocess.Popen([nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.PIPE)
    yield f"http://127.0.0.1:{port}"
    running.terminate()
    running.communicate(timeout=30)


def test_what_two_machines_have_acknowledged_outlives_the_death_of_one(site, second, balancer, mailbox):
    site.start(sender=True)
    second.start(sender=True)
    patients = Patients(balancer)
    patients.wait_for(BEFORE_THE_FAULT)
    site.kill()  # the web server and its sender, with what they had in hand
    patients.wait_for(BEFORE_THE_FAULT + AFTER_IT)
    site.start(sender=True)
    site._on_server(CUT.format(name=site.database))  # every connection of both machines breaks
    patients.wait_for(BEFORE_THE_FAULT + 2 * AFTER_IT)
    patients.go_home()

    listed = Counter(json.loads(line)["email"] for line in site.manage("list_requests", "--json").splitlines())
    assert set(patients.acknowledged) <= set(listed)
    assert [email for email, times in listed.items() if times > 1] == []
    wait_for_receipts(site, mailbox, listed)
    assert set(mailbox.receipts) == set(listed)
    twice = [email for email, times in mailbox.receipts.items() if times > 1]
    assert len(twice) <= 3, twice  # what a killed sender had in hand, and what both had when the database went
    site.manage("check_integrity")


def wait_for_receipts(site, mailbox, listed):
    until = time.monotonic() + 60
    while len(mailbox.receipts) < len(listed):
        assert time.monotonic() < until, f"{len(mailbox.receipts)} of {len(listed)} receipts"
        site.manage("shell", "-c", FREE)  # so as not to wait ten minutes for what a dead sender had claimed
        time.sleep(1)


def test_a_change_is_read_from_both_machines_within_a_second(site, second):
    site.start()
    second.start()
    for number in range(3):
        for one in (site, second):
            with closing(visitor().open(one.url + PAGE, timeout=20)) as answer:
                assert f"Words number {number}".encode() not in answer.read()
        site.manage("shell", "-c", CHANGE.format(words=f"Words number {number}."))
        time.sleep(1)
        for one in (site, second):
            with closing(visitor().open(one.url + PAGE, timeout=20)) as answer:
                assert f"Words number {number}".encode() in answer.read()


def test_whoever_signs_in_at_one_machine_is_known_at_the_other(site, second):
    site.start()
    second.start()
    username, password = (site.folder / "var" / "first-login.txt").read_text().split()
    browser = visitor()
    page = browser.open(f"{site.url}/admin/login/", timeout=20).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    login = {"username": username, "password": password, "csrfmiddlewaretoken": token}
    with suppress(HTTPError):
        browser.open(f"{site.url}/admin/login/", urlencode(login).encode(), timeout=20)
    for one in (second, site):
        with closing(browser.open(f"{one.url}/admin/", timeout=20)) as answer:
            assert answer.geturl() == f"{one.url}/admin/"
            assert "Log out" in answer.read().decode()
