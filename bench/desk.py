"""How the desk's pages cost as the clinic grows: CPU time of one page, on a small clinic and on a large one.

Each clinic lives in a process and a database of its own. Rounds are interleaved in random order and compared as
ratios, because a machine that others use has no steady seconds. The small clinic is listed twice: where it differs
from itself by more than 15 %, the machine is too noisy for a verdict.
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

PROJECT = Path(__file__).resolve().parent.parent
PAGES = ["queue", "all", "waiting list", "search", "request", "book", "day", "week"]
ROUNDS, TOO_NOISY = 9, 0.15


class Clinic:
    """A seeded clinic, in a process that answers with the nanoseconds that it took for a page."""

    def __init__(self, name: str, requests: int, folder: Path):
        self.name = name
        environment = {**os.environ, "VAR_DIR": str(folder), "DJANGO_SETTINGS_MODULE": "medspa.settings"}
        environment.pop("DATABASE_URL", None)
        folder.mkdir(parents=True, exist_ok=True)
        if requests:
            for command in ("migrate -v0", "open_clinic", "collectstatic -v0 --noinput", f"seed_requests {requests}"):
                subprocess.run(
                    [sys.executable, "manage.py", *command.split()],
                    cwd=PROJECT,
                    env=environment,
                    check=True,
                    stdout=sys.stderr,
                )
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve"],
            cwd=PROJECT,
            env=environment | {"PYTHONPATH": str(PROJECT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, page: str) -> dict:
        self.process.stdin.write(f"{page}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def serve() -> None:
    """In a clinic's process: one line in, the name of a page; one line out, what it cost."""
    import django

    django.setup()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from appointments.models import AppointmentRequest

    settings.ALLOWED_HOSTS = ["*"]
    client = Client()
    client.force_login(User.objects.get(username="owner"))
    requests = "/admin/appointments/appointmentrequest/"
    waiting = AppointmentRequest.objects.to_answer().next_first().first()
    found = client.post(requests, {"q": "Ruiz"})["Location"]
    addresses = {
        "queue": requests,
        "all": f"{requests}?state=all",
        "waiting list": f"{requests}?state=waitlisted",
        "search": found,
        "request": f"{requests}{waiting.pk}/change/",
        "book": f"{requests}{waiting.pk}/move/book/",
        "day": "/admin/appointments/appointment/day/",
        "week": "/admin/appointments/appointment/week/",
    }
    for line in sys.stdin:
        address = addresses[line.strip()]
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(address)
        asked = len(queries)
        assert answer.status_code == 200, (address, answer.status_code)
        costs = []
        for _ in range(5):
            begun = time.process_time_ns()
            client.get(address)
            costs.append(time.process_time_ns() - begun)
        print(json.dumps({"ns": min(costs), "queries": asked}), flush=True)


def measure(clinics: list[Clinic]) -> dict:
    costs = {page: {clinic.name: [] for clinic in clinics} for page in PAGES}
    queries = {page: {} for page in PAGES}
    for number in range(ROUNDS):
        print(f"\rround {number + 1} of {ROUNDS}", end="", file=sys.stderr)
        for page in PAGES:
            for clinic in random.sample(clinics, len(clinics)):
                answer = clinic.ask(page)
                costs[page][clinic.name].append(answer["ns"])
                queries[page][clinic.name] = answer["queries"]
    print(file=sys.stderr)
    return {"costs": costs, "queries": queries}


def report(found: dict) -> None:
    print(f"{'page':<14}{'small, ms':>10}{'large/small':>13}{'quartiles':>16}{'small/small':>13}{'queries':>9}")
    for page, costs in found["costs"].items():
        small, again, large = (costs[name] for name in ("small", "small again", "large"))
        ratios = [one / other for one, other in zip(large, small, strict=True)]
        itself = median(one / other for one, other in zip(again, small, strict=True))
        low, _middle, high = quantiles(ratios, n=4)
        queries = found["queries"][page]
        verdict = "" if abs(itself - 1) <= TOO_NOISY else "  too noisy"
        few, many = queries["small"], queries["large"]
        same = str(few) if few == many else f"{few}, {many}"
        print(
            f"{page:<14}{median(small) / 1e6:>10.1f}{median(ratios):>13.2f}{f'{low:.2f}-{high:.2f}':>16}"
            f"{itself:>13.2f}{same:>9}{verdict}"
        )


def compare(few: int, many: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        small = Clinic("small", few, Path(folder, "small"))
        again = Clinic("small again", 0, Path(folder, "small"))
        large = Clinic("large", many, Path(folder, "large"))
        clinics = [small, again, large]
        report(measure(clinics))
        for clinic in clinics:
            clinic.process.stdin.close()
            clinic.process.wait()


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--small", type=int, default=5_000, help="requests of the small clinic (default 5,000)")
    words.add_argument("--large", type=int, default=100_000, help="requests of the large clinic (default 100,000)")
    words.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = words.parse_args()
    if options.serve:
        serve()
    else:
        compare(options.small, options.large)


if __name__ == "__main__":
    main()
