"""The web server is changed for a new release while people read and send: nobody is turned away and nothing is lost."""

import http.client
import json
import re
import socket
import threading
import time
from urllib.parse import urlencode

import pytest

from tests.deploy.behind import HOST, filled_in

RESTARTS = 3
SENDERS, READERS = 4, 4
NEEDED = 5  # answers of each kind between two restarts
WAITS_SECONDS = 60


class Knocking:
    """Visitors as nginx passes them on: a connection of its own for each request."""

    def __init__(self, path):
        self.path, self.stopping = path, threading.Event()
        self.accepted, self.read, self.trouble, self.longest = [], [], [], 0.0

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(HOST, timeout=WAITS_SECONDS)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(WAITS_SECONDS)
        begun = time.monotonic()
        try:
            connection.sock.connect(self.path)
            told = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7", **headers}
            connection.request(method, path, body, told)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()
            self.longest = max(self.longest, time.monotonic() - begun)

    def go_on(self, once):
        while not self.stopping.is_set():
            try:
                once()
            except Exception as trouble:
                self.trouble.append(repr(trouble))

    def read_a_page(self):
        status, _headers, page = self.ask("GET", "/treatments/microneedling/")
        assert (status, page.strip()[-7:]) == (200, "</html>"), status
        self.read.append(status)

    def send_the_form(self):
        status, headers, page = self.ask("GET", "/request-an-appointment/")
        assert status == 200, status
        cookie = headers["Set-Cookie"].partition(";")[0]
        form = urlencode(filled_in(page))
        told = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded", "Origin": f"https://{HOST}"}
        status, headers, page = self.ask("POST", "/request-an-appointment/", form, **told)
        assert status == 303, (status, page[-300:])
        self.accepted.append(headers["Location"])


def test_a_restart_behind_the_socket_loses_nobody(served):
    knocking = Knocking(str(served.socket_path))
    kinds = [knocking.send_the_form] * SENDERS + [knocking.read_a_page] * READERS
    visitors = [threading.Thread(target=knocking.go_on, args=(kind,)) for kind in kinds]
    for visitor in visitors:
        visitor.start()
    try:
        for _restart in range(RESTARTS):
            answered = len(knocking.accepted), len(knocking.read)
            _wait_for_more(knocking, *answered)
            served.stop_web()
            served.start_web()
        _wait_for_more(knocking, len(knocking.accepted), len(knocking.read))
    finally:
        knocking.stopping.set()
        for visitor in visitors:
            visitor.join(timeout=WAITS_SECONDS)
    assert knocking.trouble == []
    assert knocking.longest < WAITS_SECONDS / 2

    pages = [knocking.ask("GET", address)[2] for address in knocking.accepted]
    told = [re.search(r"\b[2-9A-Y]{3}-[2-9A-Y]{4}\b", page)[0] for page in pages]
    listed = [json.loads(line)["reference"] for line in served.manage("list_requests", "--json").splitlines()]
    assert len(told) >= RESTARTS * NEEDED
    assert len(set(told)) == len(told)
    assert set(told) <= set(listed)
    print(f"{len(told)} sent, {len(knocking.read)} read, the longest wait {knocking.longest:.1f} s")  # noqa: T201


def _wait_for_more(knocking, accepted, read):
    until = time.monotonic() + 120
    while len(knocking.accepted) < accepted + NEEDED or len(knocking.read) < read + NEEDED:
        assert time.monotonic() < until, knocking.trouble[:3]
        time.sleep(0.02)


def test_a_restart_without_the_socket_turns_people_away(served):
    """So that the test above is known to be able to fail: a socket that goes with the web server is no door."""
    served.stop_web()
    served.held.close()
    knocking = Knocking(str(served.socket_path))
    try:
        with pytest.raises(ConnectionRefusedError):
            knocking.read_a_page()
    finally:
        served.socket_path.unlink()
        served.hold()
        served.start_web()


def test_nobody_says_under_which_address_the_site_stands(served):
    """Some proxies pass such headers on, and who comes by the socket is believed."""
    knocking = Knocking(str(served.socket_path))
    assert knocking.ask("GET", "/treatments/")[0] == 200
    for name in ("SCRIPT_NAME", "PATH_INFO"):
        status, _headers, page = knocking.ask("GET", "/treatments/", **{name: "/treatments"})
        assert status == 200
        assert "/treatments/treatments" not in page
        status, _headers, page = knocking.ask("GET", "/no-such/admin/login/", **{name: "/no-such"})
        assert status == 404
