"""How long the site takes to start, beside a bare WSGI application and an empty Django; what it keeps in memory.

    .venv/bin/python bench/starting.py [--rounds 9]

All are served by gunicorn with as many processes and threads; the site has its own configuration, the others nothing
else. Starting goes from the program's start to the first page answered, again and again in random order, and is counted
in seconds and in CPU time of all its processes. The site starts with the pages that the server before left, and, to be
compared, without. Memory is looked at after some hundred pages, in four workers: what each has for itself, and what all
five processes take together (PSS, in which what is shared counts once). Ends with exit code 1 if a goal is missed.
"""

import argparse
import compileall
import http.client
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

from slices import PROJECT, TOO_NOISY, cpu_of, family, free_port, gunicorn, prepared, verdicts

BARE = """
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
    return [b"ok"]
"""
EMPTY_DJANGO = """
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import path

apps = ["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["localhost"], INSTALLED_APPS=apps, SECRET_KEY="none")
urlpatterns = [path("", lambda request: HttpResponse("ok"))]
application = get_wsgi_application()
"""
READ = ["/", "/es/", "/treatments/", "/treatments/microneedling/", "/privacy/"]
LIVE = [f"{page}?made=anew" for page in READ]  # a query of one's own is never answered from what is finished
QUEUE = "/admin/appointments/appointmentrequest/"
DESK = ["/admin/", QUEUE, f"{QUEUE}?state=all", f"{QUEUE}new/", "/admin/appointments/appointment/week/"]
PUBLIC = [*READ, *LIVE, "/request-an-appointment/"]
SIGN_IN = """
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
settings.ALLOWED_HOSTS = ["*"]
visitor = Client()
visitor.force_login(User.objects.get(username="owner"))
print(f"{settings.SESSION_COOKIE_NAME}={visitor.cookies[settings.SESSION_COOKIE_NAME].value}")
"""
WORKERS, VISITORS, TIMES, REQUESTS = 4, 4, 40, 500
PLAIN = ["--preload", "--workers", "2", "--worker-class", "gthread", "--threads", "16", "--log-level", "warning"]
OURS = ["-c", "deploy/gunicorn.conf.py"]
CONTESTANTS = {
    "bare": [*PLAIN, "bare_start"],
    "an empty Django": [*PLAIN, "empty_django"],
    "the site": [*OURS, "medspa.wsgi"],
    "the site, with no pages left": [*OURS, "medspa.wsgi"],
    "bare again": [*PLAIN, "bare_start"],
}
MOST_OF_BARE, MOST_OWN_MB, MOST_TOGETHER_MB = 2.5, 22, 125


class Start(NamedTuple):
    seconds: float
    cpu_ns: int


@contextmanager
def started(options: list[str], folder: Path, port: int) -> Iterator[Start]:
    """gunicorn with these `options`, from the start of the program to the first page, without a pause between tries."""
    address = {"PORT": str(port), "SITE_URL": "http://localhost"}
    environment = {**os.environ, **address, "VAR_DIR": str(folder), "PYTHONPATH": f"{PROJECT}:{folder}"}
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", *options]
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=PROJECT, env=environment)
    try:
        first_page(port, process)
        yield Start(time.perf_counter() - begun, sum(cpu_of(pid) for pid in family(process.pid)))
    finally:
        process.terminate()
        process.wait(30)


def first_page(port: int, process: subprocess.Popen) -> None:
    while process.poll() is None:
        with socket.socket() as visitor:
            if visitor.connect_ex(("127.0.0.1", port)):
                time.sleep(0.002)
                continue
            visitor.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            answer = visitor.makefile("rb").read()
            assert answer.startswith(b"HTTP/1.1 200 "), answer[:200]
            return
    raise RuntimeError("It ended before it answered.")


class Memory(NamedTuple):
    """In MB: what a worker has for itself, the most of any; and all processes together."""

    own: float
    together: float


def memory(folder: Path, pages: list[str], cookie: str) -> Memory:
    """After every page was asked for TIMES times by as many visitors at once as there are workers."""
    server = gunicorn("medspa.wsgi", free_port(), folder, WEB_CONCURRENCY=str(WORKERS))
    try:
        with ThreadPoolExecutor(VISITORS) as visitors:
            answers = list(visitors.map(lambda page: status_of(server.port, page, cookie), pages * TIMES))
        assert set(answers) == {HTTPStatus.OK}, Counter(answers)
        return Memory(
            max(in_mb(pid, "Private_Clean", "Private_Dirty") for pid in family(server.process.pid)[1:]),
            sum(in_mb(pid, "Pss") for pid in family(server.process.pid)),
        )
    finally:
        server.stop()


def status_of(port: int, page: str, cookie: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", page, headers={"Cookie": cookie} if page.startswith("/admin/") else {})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def in_mb(pid: int, *kinds: str) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(re.search(rf"^{kind}: +(\d+) kB", lines, re.M)[1]) for kind in kinds) / 1024


def signed_in(folder: Path) -> str:
    """The cookie of the owner, in a session as signing in makes it."""
    return manage(folder, "shell", "--no-imports", "-c", SIGN_IN).strip().splitlines()[-1]


def manage(folder: Path, *command: str) -> str:
    environment = {**os.environ, "VAR_DIR": str(folder)}
    done = [sys.executable, "manage.py", *command]
    return subprocess.run(done, cwd=PROJECT, env=environment, check=True, capture_output=True, text=True).stdout


def starting(folder: Path, rounds: int) -> tuple[dict[str, list[Start]], bool]:
    port = free_port()  # the same for all: pages that say another would not be those of this site
    (folder / "bare_start.py").write_text(BARE)
    (folder / "empty_django.py").write_text(EMPTY_DJANGO)
    found: dict[str, list[Start]] = {name: [] for name in CONTESTANTS}
    with started(CONTESTANTS["the site"], folder, port):
        pass  # it leaves its pages to the next one
    for number in range(rounds):
        print(f"\rround {number + 1} of {rounds}", end="", file=sys.stderr)
        for name in random.sample(list(CONTESTANTS), len(CONTESTANTS)):
            if name == "the site, with no pages left":
                (folder / "first-pages.json").unlink()
            with started(CONTESTANTS[name], folder, port) as start:
                found[name].append(start)
    print("\n| what | seconds | times | ms of CPU | times | quartiles |\n|---|---|---|---|---|---|")
    for name, starts in found.items():
        low, middle, high = quantiles(ratios(found, name), n=4)
        by_seconds = median(one.seconds / bare.seconds for one, bare in zip(starts, found["bare"], strict=True))
        print(
            f"| {name} | {median(one.seconds for one in starts):.2f} | {by_seconds:.2f} |"
            f" {median(one.cpu_ns for one in starts) / 1e6:.0f} | {middle:.2f} | {low:.2f}-{high:.2f} |"
        )
    return found, abs(median(ratios(found, "bare again")) - 1) > TOO_NOISY


def ratios(found: dict[str, list[Start]], name: str) -> list[float]:
    """CPU time over that of the bare application in the same round."""
    return [one.cpu_ns / bare.cpu_ns for one, bare in zip(found[name], found["bare"], strict=True)]


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=9, help="how often each is started (default 9)")
    rounds = words.parse_args().rounds
    with tempfile.TemporaryDirectory() as thrown_away:
        folder = prepared(Path(thrown_away).resolve())
        manage(folder, "seed_requests", str(REQUESTS))
        compileall.compile_dir(PROJECT, quiet=1, rx=re.compile(r"/\.venv/"))  # as it is installed
        found, is_noisy = starting(folder, rounds)
        cookie = signed_in(folder)
        public = memory(folder, PUBLIC, cookie)
        desk = memory(folder, [*PUBLIC, *DESK], cookie)
    print(
        f"\nWith the desk's pages too: {desk.own:.0f} MB of its own for each worker, {desk.together:.0f} MB together."
    )
    goals = [
        ("start, times the bare application's CPU, at most", MOST_OF_BARE, median(ratios(found, "the site"))),
        ("MB of its own for each worker, at most", MOST_OWN_MB, public.own),
        ("MB of a master and four workers together, at most", MOST_TOGETHER_MB, public.together),
    ]
    met = [(goal, asked, reached, reached <= asked) for goal, asked, reached in goals]
    sys.exit(1 if verdicts(met[:1], is_noisy=is_noisy) + verdicts(met[1:]) else 0)


if __name__ == "__main__":
    main()
