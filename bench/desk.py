"""How the desk's pages cost as the clinic grows: CPU time of one page, on a small clinic and on large ones.

Each clinic lives in a process and a database of its own. Rounds are interleaved in random order and compared as
ratios, because a machine that others use has no steady seconds. The small clinic is listed twice: where it differs
from itself by more than 15 %, the machine is too noisy for a verdict. In the small clinic as many requests wait as fill
a page, so that all pages are alike long. Ends with exit code 1 if a goal is missed.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles
from urllib.parse import urlsplit

PROJECT = Path(__file__).resolve().parent.parent
QUEUE = "/admin/appointments/appointmentrequest/"
LISTS = {
    "queue": QUEUE,
    "to call now": f"{QUEUE}?state=now",
    "mine": f"{QUEUE}?state=mine",
    "unclaimed": f"{QUEUE}?state=unclaimed",
    "waiting list": f"{QUEUE}?state=waitlisted",
    "all": f"{QUEUE}?state=all",
    "all, page 100": f"{QUEUE}?state=all&p=100",
    "closed": f"{QUEUE}?status=closed",
    "not sure": f"{QUEUE}?state=all&treatment=unsure",
}
SEARCHES = {
    "search: name": "Ruiz",
    "search: part of a name": "uiz",
    "search: digits": "0142",
    "search: reference": "",
    "search: nothing found": "zwitscher",
}
OTHERS = {
    "search: two words": "",
    "search: waiting list": "",
    "a request": "",
    "book": "",
    "day": "/admin/appointments/appointment/day/",
    "week": "/admin/appointments/appointment/week/",
}
PAGES = [*LISTS, *SEARCHES, *OTHERS]
ROUNDS, TOO_NOISY = 9, 0.15
MOST_RATIO, MOST_QUERIES, MOST_SQL_MS = 1.3, 6, 40
FILL = 200  # requests that wait in the small clinic


class Clinic:
    """A seeded clinic, in a process that answers with what a page took."""

    def __init__(self, name: str, requests: int, folder: Path, server: str):
        self.name = name
        environment = {**os.environ, "VAR_DIR": str(folder)}
        environment.pop("DATABASE_URL", None)
        if server:
            environment["DATABASE_URL"] = server.rpartition("/")[0] + f"/{_on_server(server, requests)}"
        if not (folder / "seeded").exists():
            folder.mkdir(parents=True, exist_ok=True)
            for command in ("migrate -v0", "open_clinic", "collectstatic -v0 --noinput", f"seed_requests {requests}"):
                subprocess.run(
                    [sys.executable, "manage.py", *command.split()],
                    cwd=PROJECT,
                    env=environment,
                    check=True,
                    stdout=sys.stderr,
                )
            (folder / "seeded").touch()
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            cwd=PROJECT,
            env=environment | {"PYTHONPATH": str(PROJECT), "DJANGO_SETTINGS_MODULE": "medspa.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, page: str) -> dict:
        self.process.stdin.write(f"{page}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def _on_server(server: str, requests: int) -> str:
    import psycopg

    name = f"medspa_bench_{requests}"
    with psycopg.connect(server, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            connection.execute(f'CREATE DATABASE "{name}"')
    assert urlsplit(server).scheme.startswith("postgres")
    return name


def serve() -> None:
    """In a clinic's process: one line in, the name of a page; one line out, what it cost."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    settings.ALLOWED_HOSTS = ["*"]
    client = Client()
    client.force_login(User.objects.get(username="owner"))
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE)")  # as the server does by itself, sooner or later
    addresses = prepare(client)
    asked: list[tuple[str, float]] = []

    def watch(execute, sql, *rest):
        begun = time.perf_counter()
        try:
            return execute(sql, *rest)
        finally:
            asked.append((sql, time.perf_counter() - begun))

    for line in sys.stdin:
        address = addresses[line.strip()]
        costs, sql_ms = [], []
        for _ in range(6):
            asked.clear()
            begun = time.process_time_ns()
            with connection.execute_wrapper(watch):
                answer = client.get(address)
            costs.append(time.process_time_ns() - begun)
            sql_ms.append(sum(seconds for _sql, seconds in asked) * 1000)
            assert answer.status_code == 200, (address, answer.status_code)
        queries = [sql for sql, _seconds in asked if not sql.startswith(("BEGIN", "SAVEPOINT", "RELEASE"))]
        logged = len([sql for sql in queries if "eventchain" in sql or 'INTO "appointments_event"' in sql])
        found = {"ns": min(costs), "sql_ms": min(sql_ms), "queries": len(queries) - logged, "logged": logged}
        print(json.dumps(found), flush=True)


def prepare(client) -> dict[str, str]:
    """Where each page is. Looks for what is to be found, because words never stand in an address."""
    from datetime import timedelta

    from django.contrib.auth.models import User
    from django.utils import timezone

    from appointments.models import AppointmentRequest, Status

    requests, owner, now = AppointmentRequest.objects, User.objects.get(username="owner"), timezone.now()

    def some(rows, many):
        return requests.filter(pk__in=list(rows.values_list("pk", flat=True)[:many]))

    closed = requests.filter(status=Status.CLOSED).order_by("-pk")
    open_again = {"closed_reason": "", "ended_at": None}
    if (missing := FILL - requests.to_answer().count()) > 0:
        some(closed, missing).update(**open_again, status=Status.NEW, next_action_at=now + timedelta(hours=8))
    if (missing := FILL - requests.waitlisted().count()) > 0:
        some(closed, missing).update(**open_again, status=Status.WAITLISTED, next_action_at=None)
    waiting = requests.to_answer().order_by("pk")
    some(waiting, FILL // 4).update(claimed_by=owner, next_action_at=now)
    some(waiting.order_by("-pk"), FILL // 4).update(claimed_by=None)
    waiting = requests.to_answer().next_first().first()
    found = {}
    for page, words in {**SEARCHES, "search: two words": "ana ruiz", "search: waiting list": "Ruiz"}.items():
        narrowed = "?state=waitlisted&" if page == "search: waiting list" else ""
        key = client.post(QUEUE, {"q": words or waiting.reference})["Location"].partition("?")[2]
        found[page] = f"{QUEUE}{narrowed or '?'}{key}"
    one = {"a request": f"{QUEUE}{waiting.pk}/change/", "book": f"{QUEUE}{waiting.pk}/move/book/"}
    return {**LISTS, **OTHERS, **found, **one}


def measure(clinics: list[Clinic]) -> dict:
    found = {page: {clinic.name: [] for clinic in clinics} for page in PAGES}
    for number in range(ROUNDS):
        print(f"\rround {number + 1} of {ROUNDS}", end="", file=sys.stderr)
        for page in PAGES:
            for clinic in random.sample(clinics, len(clinics)):
                found[page][clinic.name].append(clinic.ask(page))
    print(file=sys.stderr)
    return found


def report(found: dict, large: str) -> int:
    """One row a page, and how many goals were missed. The pages beside the lists have no goal."""
    print(f"\n| page | small, ms of CPU | {large}/small | quartiles | small/small | queries | SQL, ms |  |")
    print("|---|---|---|---|---|---|---|---|")
    missed = 0
    for page, by_clinic in found.items():
        small, again, many = ([row["ns"] for row in by_clinic[name]] for name in ("small", "small again", large))
        ratios = [one / other for one, other in zip(many, small, strict=True)]
        itself = median(one / other for one, other in zip(again, small, strict=True))
        low, _middle, high = quantiles(ratios, n=4)
        last = by_clinic[large][-1]
        sql_ms = median(row["sql_ms"] for row in by_clinic[large])
        verdict = ""
        if page not in OTHERS:
            is_met = median(ratios) <= MOST_RATIO and last["queries"] <= MOST_QUERIES and sql_ms <= MOST_SQL_MS
            verdict = "too noisy" if abs(itself - 1) > TOO_NOISY else "met" if is_met else "missed"
            missed += verdict == "missed"
        print(
            f"| {page} | {median(small) / 1e6:.1f} | {median(ratios):.2f} | {low:.2f}-{high:.2f} | {itself:.2f} |"
            f" {last['queries']} + {last['logged']} | {sql_ms:.1f} | {verdict} |"
        )
    return missed


def compare(few: int, larges: list[int], folder: Path, server: str) -> int:
    missed = 0
    kind = "postgresql" if server else "sqlite"
    small = folder / f"{kind}-{few}"
    for many in larges:
        clinics = [
            Clinic(f"{many:,}", many, folder / f"{kind}-{many}", server),  # first: who waits signed in is signed out
            Clinic("small", few, small, server),
            Clinic("small again", few, small, server),
        ]
        missed += report(measure(clinics), f"{many:,}")
        for clinic in clinics:
            clinic.process.stdin.close()
            clinic.process.wait()
    return missed


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--small", type=int, default=10_000, help="requests of the small clinic (default 10,000)")
    words.add_argument("--large", type=int, nargs="+", default=[100_000], help="of the large ones (default 100,000)")
    words.add_argument("--database", default="", help="postgres://... of a server to measure on instead of SQLite")
    words.add_argument("--folder", type=Path, help="where clinics are kept, to be found again; else they are removed")
    words.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = words.parse_args()
    if options.serve:
        serve()
        return
    with tempfile.TemporaryDirectory() as thrown_away:
        folder = options.folder or Path(thrown_away)
        sys.exit(1 if compare(options.small, options.large, folder.resolve(), options.database) else 0)


if __name__ == "__main__":
    main()
