"""What a flood of the form does: N posts from one address, as a machine sends them; the desk before, during and after.

    .venv/bin/python bench/flood.py [--posts 10000]

Counts what was stored and what was turned away, the bytes on disk, and how long the desk's queue takes beside it.
"""

import argparse
import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

PROJECT = Path(__file__).resolve().parent.parent
SENDERS = 8
FORM = "/request-an-appointment/"


def main() -> int:
    parser = argparse.ArgumentParser(description="Floods the form of a site of its own.")
    parser.add_argument("--posts", type=int, default=10_000)
    many = parser.parse_args().posts
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"VAR_DIR": folder, "PORT": "8799", "SITE_URL": "http://127.0.0.1:8799", "DATABASE_URL": ""}
        for command in (["migrate", "-v", "0"], ["open_clinic"], ["collectstatic", "--noinput", "-v", "0"]):
            manage(*command)
        session = manage("shell", "-c", SIGN_IN).split("@@")[1].strip()
        web = subprocess.Popen([sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "medspa.wsgi"])
        try:
            wait()
            return report(many, session, Path(folder) / "clinic.sqlite3")
        finally:
            web.terminate()
            web.wait()


SIGN_IN = """
from django.contrib.auth.models import User
from django.test import Client
one = Client(HTTP_HOST="127.0.0.1")
one.force_login(User.objects.create(username="bench", is_staff=True, is_superuser=True))
print("@@" + one.cookies["session"].value + "@@")
"""


def manage(*command: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    return done.stdout


def wait() -> None:
    for _ in range(200):
        try:
            ask("GET", "/healthz")
        except OSError:
            time.sleep(0.05)
        else:
            return


def ask(method: str, path: str, body: str = "", **headers: str) -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", 8799, timeout=60)
    if body:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    found = answer.status, answer.read().decode(), answer.getheader("Set-Cookie") or ""
    connection.close()
    return found


def desk(session: str, times: int = 20) -> float:
    """Milliseconds that the queue takes: the median."""
    spent = []
    for _ in range(times):
        begins = time.perf_counter()
        status, _page, _cookie = ask("GET", "/admin/appointments/appointmentrequest/", Cookie=f"session={session}")
        assert status == 200, status
        spent.append((time.perf_counter() - begins) * 1000)
    return statistics.median(spent)


def flood(many: int, statuses: Counter) -> None:
    """Each sender opens the form once and sends it again and again, each time with other words."""
    _status, page, cookie = ask("GET", FORM)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    kept = "; ".join(f"{name}={part.value}" for name, part in SimpleCookie(cookie).items())
    for number in range(many):
        answers = {
            "csrfmiddlewaretoken": token,
            "full_name": f"Flood {threading.get_ident()} {number}",
            "phone": f"520 555 {number % 10000:04}",
            "contact_by": "text",
            "treatment": "microneedling",
            "message": "x" * 500,
        }
        statuses[ask("POST", FORM, urlencode(answers), Cookie=kept)[0]] += 1


def report(many: int, session: str, database: Path) -> int:
    before, bytes_before = desk(session), size(database)
    statuses: Counter = Counter()
    senders = [threading.Thread(target=flood, args=(many // SENDERS, statuses)) for _ in range(SENDERS)]
    begins = time.perf_counter()
    for sender in senders:
        sender.start()
    during = desk(session)
    for sender in senders:
        sender.join()
    seconds = time.perf_counter() - begins
    counted = manage("shell", "-c", COUNT).split("@@")[1]
    print(f"{sum(statuses.values())} posts in {seconds:.0f} s: {dict(statuses)}; stored {counted}")
    print(f"bytes on disk: {bytes_before:,} before, {size(database):,} after")
    after = desk(session)
    print(
        f"the desk's queue: {before:.0f} ms before, {during:.0f} ms during, {after:.0f} ms after ({after / before:.2f})"
    )
    return 0 if set(statuses) <= {303, 429} else 1


COUNT = """
from collections import Counter
from appointments.models import AppointmentRequest
rows = AppointmentRequest.objects.values_list("status", "closed_reason")
print("@@" + str(dict(Counter(" ".join(row).strip() for row in rows))) + "@@")
"""


def size(database: Path) -> int:
    return sum(file.stat().st_size for file in database.parent.glob(database.name + "*"))


if __name__ == "__main__":
    sys.exit(main())
