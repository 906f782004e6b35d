"""What it costs to accept a request: the form's POST, answered when it is on disk, beside a POST that does nothing.

    .venv/bin/python bench/accept.py [--rounds 8] [--database postgres://...]

Both are served by gunicorn as the site is, behind a proxy that says from where each form comes: every one from another
address, as patients do. The empty POST goes through the same middleware to a view that does nothing.
Every answer is checked, and afterwards every reference: each acknowledged request is stored once, none is lost.
Ends with exit code 1 if a goal is missed.
"""

import argparse
import http.client
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv4Address
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from slices import (
    PROJECT,
    Server,
    Slice,
    cpu_ratios,
    free_port,
    gunicorn,
    interleaved,
    is_steady,
    prepared,
    table,
    verdicts,
)

FORM = "/request-an-appointment/"
EMPTY = """
from medspa.settings import *
ROOT_URLCONF = "empty_post"
from django.http import HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt
urlpatterns = [path("", csrf_exempt(lambda request: HttpResponse(status=303, headers={"Location": "/"})))]
"""
APPLICATION = """
from django.core.wsgi import get_wsgi_application
application = get_wsgi_application()
"""
LEAST_RATE, MOST_P99_MS, MOST_INVALID = 0.12, 150, 2


class Visitor:
    """One connection that sends forms, as a browser would that opened the page once."""

    def __init__(self, port: int):
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.acknowledged: list[str] = []
        self.waits: list[float] = []

    def open_form(self) -> None:
        self.connection.request("GET", FORM)
        answer = self.connection.getresponse()
        page = answer.read().decode()
        self.cookie = answer.headers["Set-Cookie"].partition(";")[0]
        names = ("csrfmiddlewaretoken", "opened")
        self.hidden = {name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in names}

    def send(self, path: str, fields: dict[str, str]) -> http.client.HTTPResponse:
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": getattr(self, "cookie", ""),
            "X-Forwarded-For": str(IPv4Address(uuid.uuid4().int % 2**32)),
        }
        begun = time.perf_counter()
        self.connection.request("POST", path, urlencode(fields), headers)
        answer = self.connection.getresponse()
        answer.read()
        self.waits.append(time.perf_counter() - begun)
        return answer

    def send_form(self, name: str) -> bool:
        digits = f"{uuid.uuid4().int % 10**7:07}"
        fields = {
            "full_name": name,
            "phone": f"520 {digits[:3]} {digits[3:]}",
            "email": "ana@example.com",
            "contact_by": "text",
            "treatment": "microneedling",
            "message": "Mornings, please.",
            "form_token": str(uuid.uuid4()),
            **self.hidden,
        }
        answer = self.send(FORM, fields)
        if not name:
            return answer.status == 422
        if answer.status == 303:
            self.acknowledged.append(fields["form_token"])
        return answer.status == 303


def one_slice(server: Server, visitors: list[Visitor], act: Callable[[Visitor], bool], seconds: float = 1) -> Slice:
    right, wrong, ends_at = Counter(), Counter(), time.monotonic() + seconds

    for visitor in visitors:
        visitor.connection.close()  # the server closes what is idle for a while, and would meet the first form

    def go_on(number: int) -> None:
        while time.monotonic() < ends_at:
            (right if act(visitors[number]) else wrong)[number] += 1

    begun, before = time.monotonic(), server.cpu_ns()
    threads = [threading.Thread(target=go_on, args=[number]) for number in range(len(visitors))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Slice(right.total(), wrong.total(), time.monotonic() - begun, server.cpu_ns() - before)


def measure(rounds: int, database: str, folder: Path) -> int:
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "MIN_FILL_SECONDS": "0"}
    settings |= {"DATABASE_URL": database} if database else {}
    port, empty_port = free_port(), free_port()
    site = prepared(folder / "site", SITE_URL=f"http://127.0.0.1:{port}", **settings)
    (folder / "empty_post.py").write_text(EMPTY)
    (folder / "empty_wsgi.py").write_text(APPLICATION)
    path = {"PYTHONPATH": f"{folder}:{PROJECT}", "DJANGO_SETTINGS_MODULE": "empty_post"}
    servers = [
        gunicorn("medspa.wsgi", port, site, SITE_URL=f"http://127.0.0.1:{port}", **settings),
        gunicorn("empty_wsgi", empty_port, site, **path, **settings),
    ]
    try:
        return _measure(rounds, *servers, {"VAR_DIR": str(site), **settings})
    finally:
        for server in servers:
            server.stop()


def _measure(rounds: int, server: Server, empty: Server, settings: dict[str, str]) -> int:
    crowds = {name: [Visitor(server.port) for _ in range(many)] for name, many in (("1", 1), ("16", 16))}
    for visitor in [*crowds["1"], *crowds["16"]]:
        visitor.open_form()
    nothing = [Visitor(empty.port) for _ in range(16)]
    invalid = [Visitor(server.port) for _ in range(16)]
    for visitor in invalid:
        visitor.open_form()

    def post_nothing(visitor: Visitor) -> bool:
        return visitor.send("/", {}).status == 303

    contestants = {
        "an empty POST": lambda: one_slice(empty, nothing, post_nothing),
        "an empty POST again": lambda: one_slice(empty, nothing, post_nothing),
        "accepted, 1 client": lambda: one_slice(server, crowds["1"], lambda one: one.send_form("Ana Ruiz")),
        "accepted, 16 clients": lambda: one_slice(server, crowds["16"], lambda one: one.send_form("Ana Ruiz")),
        "invalid, 16 clients": lambda: one_slice(server, invalid, lambda one: one.send_form("")),
    }
    found = interleaved(contestants, rounds)
    reference, again = "an empty POST", "an empty POST again"
    table(found, reference, again)
    acknowledged = [token for crowd in crowds.values() for one in crowd for token in one.acknowledged]
    lost, doubled = compare(acknowledged, settings)
    waits = sorted(wait for one in crowds["16"] for wait in one.waits)
    p99, worst = waits[int(len(waits) * 0.99)] * 1000, waits[-1] * 1000
    print(f"\n{len(acknowledged)} acknowledged, {lost} lost, {doubled} doubled; at 16 clients: median")
    print(f"{median(waits) * 1000:.0f} ms, p99 {p99:.0f} ms, worst {worst:.0f} ms")
    failures = sum(one.failures for slices in found.values() for one in slices)
    cpu = median(cpu_ratios(found, "accepted, 16 clients", reference))
    pairs = zip(found["invalid, 16 clients"], found["accepted, 16 clients"], strict=True)
    dearer = median(one.cpu_of_one / other.cpu_of_one for one, other in pairs)
    goals = [
        ("accepted, of an empty POST's CPU, at least", LEAST_RATE, cpu, cpu >= LEAST_RATE),
        ("p99 at 16 clients, ms at most", MOST_P99_MS, p99, p99 <= MOST_P99_MS),
        ("failed, lost or doubled", 0, failures + lost + doubled, not failures + lost + doubled),
        ("an invalid form, of an accepted one's CPU, at most", MOST_INVALID, dearer, dearer <= MOST_INVALID),
    ]
    return verdicts(goals, is_noisy=not is_steady(found, reference, again))


def compare(acknowledged: list[str], settings: dict[str, str]) -> tuple[int, int]:
    """How many of the acknowledged are not stored, and how many are stored twice."""
    words = (
        "from appointments.models import AppointmentRequest;"
        "print(*AppointmentRequest.objects.values_list('form_token', flat=True))"
    )
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v", "0", "-c", words],
        cwd=PROJECT,
        env={**os.environ, **settings},
        check=True,
        capture_output=True,
        text=True,
    )
    stored = Counter(done.stdout.split())
    return sum(not stored[token] for token in acknowledged), sum(many > 1 for many in stored.values())


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=8)
    words.add_argument("--database", default="", help="postgres://... of an empty database, instead of SQLite")
    options = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(1 if measure(options.rounds, options.database, Path(folder)) else 0)


if __name__ == "__main__":
    main()
