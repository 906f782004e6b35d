"""What a new patient's booking costs with django-appointment, beside an accepted form of ours.

    .venv/bin/python bench/booking.py [--rounds 12] [--folder DIR]

A booking there is three POSTs: the time, the person, and the code from a mail. The pages between are opened as by a
browser, but not counted. Each of the two answers within a process of its own, without a web server (bench/patient.py),
and makes ten bookings or takes ten forms when it is told to, in random order; all are found stored.

The peer comes from PyPI into a virtual environment of its own: in `--folder`, where the next run finds it again.
Ends with exit code 1 if the goal is missed, and with 2 if the peer cannot be had.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median, quantiles

import django
from patient import MANY
from slices import Slice, interleaved, is_steady, prepared, ratios, verdicts

PEER, LEAST = "django-appointment==3.12.0", 6
PATIENT = Path(__file__).with_name("patient.py")
STEPS = ("the time", "the person", "the code", "the page of thanks, with its mail; not counted")
SETTINGS = """
DEBUG, ALLOWED_HOSTS = False, ["127.0.0.1"]
INSTALLED_APPS += ["appointment"]
DATABASES["default"] |= {"CONN_MAX_AGE": None, "OPTIONS": {
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;", "transaction_mode": "IMMEDIATE"}}
EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
"""
ADDRESSES = """
from django.urls import include
urlpatterns += [path("appointment/", include("appointment.urls"))]
"""


class CannotMeasure(Exception):
    """The peer is not to be had. Says why."""


class Program:
    """One of the two, which does ten when it is told to. `steps` says what each step of all ten took."""

    def __init__(self, python: Path | str, what: str, environment: dict[str, str]):
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen([python, PATIENT, what], env=os.environ | environment, **pipes)
        self.steps: list[list[int]] = []

    def do_ten(self) -> Slice:
        begun = time.monotonic()
        print(file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("One of the programs has ended; what it said stands above.")
        self.steps.append(json.loads(line))
        return Slice(MANY, 0, time.monotonic() - begun, sum(self.steps[-1][:3]))

    def stop(self) -> None:
        self.process.stdin.close()
        self.process.wait(30)


def peers_python(folder: Path) -> Path:
    """That of a virtual environment in `folder`, with the peer and the Django that we have. Raises CannotMeasure."""
    python, wanted = folder / "bin/python", [PEER, f"django=={django.__version__}"]
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    if python.exists():
        found = subprocess.run([*pip, "freeze"], capture_output=True, text=True).stdout.lower().split()
        if set(wanted) <= set(found):
            return python
    for command in ([sys.executable, "-m", "venv", "--clear", folder], [*pip, "install", "--quiet", *wanted]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2]
            raise CannotMeasure(f"{PEER} could not be installed, so nothing was measured: {last}")
    return python


def prepared_peer(python: Path, folder: Path) -> dict[str, str]:
    """A project in `folder` as Django begins one, with an empty database. Returns the environment that it needs."""
    folder.mkdir()
    subprocess.run([python, "-m", "django", "startproject", "clinic", folder], check=True)
    for name, lines in (("settings.py", SETTINGS), ("urls.py", ADDRESSES)):
        with open(folder / "clinic" / name, "a") as file:
            file.write(lines)
    environment = {"PYTHONPATH": str(folder), "DJANGO_SETTINGS_MODULE": "clinic.settings"}
    migrate = [python, "-m", "django", "migrate", "--run-syncdb", "-v", "0"]  # the peer brings no migrations
    subprocess.run(migrate, env=os.environ | environment, check=True, stdout=subprocess.DEVNULL)
    return environment


def measure(rounds: int, folder: Path, kept: Path) -> int:
    python = peers_python(kept / "django-appointment")
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "MIN_FILL_SECONDS": "0", "SITE_URL": "http://127.0.0.1"}
    site = prepared(folder / "site", **settings)
    there = Program(python, "bookings", prepared_peer(python, folder / "peer"))
    here = Program(sys.executable, "forms", {"VAR_DIR": str(site), **settings})
    contestants = {"a booking": there.do_ten, "a form": here.do_ten, "a form again": here.do_ten}
    try:
        for do_ten in contestants.values():
            do_ten()
        there.steps.clear()  # those were to warm up
        found = interleaved(contestants, rounds)
    finally:
        for program in (there, here):
            program.stop()
    return judge(found, there.steps)


def judge(found: dict[str, list[Slice]], steps: list[list[int]]) -> int:
    reference, again = "a form", "a form again"
    costs = {name: [one.cpu_of_one / 1e6 for one in slices] for name, slices in found.items()}
    table("CPU of one", costs)
    each = [[cost / MANY / 1e6 for cost in step] for step in zip(*steps, strict=True)]
    table("CPU of one step of a booking", dict(zip(STEPS, each, strict=True)))
    times = ratios(found, "a booking", reference, by="cpu_of_one")
    low, middle, high = quantiles(times, n=4)
    least = min(costs["a booking"]) / min(costs[reference])
    print(
        f"\nA booking takes {middle:.2f} times a form's CPU, quartiles {low:.2f}-{high:.2f}; by the least {least:.2f}"
    )
    print(f"{again} / {reference}: {median(ratios(found, again, reference, by='cpu_of_one')):.3f}")
    goals = [("a booking there, times a form's CPU, at least", LEAST, middle, middle >= LEAST)]
    return verdicts(goals, is_noisy=not is_steady(found, reference, again))


def table(what: str, costs: dict[str, list[float]]) -> None:
    print(f"\n| {what} | least, ms | median, ms |\n|---|---|---|")
    for name, found in costs.items():
        print(f"| {name} | {min(found):.2f} | {median(found):.2f} |")


def main() -> int:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=12)
    words.add_argument("--folder", type=Path, help="where the peer stays for the next run")
    options = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kept = (options.folder or Path(folder)).resolve()
        try:
            return 1 if measure(options.rounds, Path(folder), kept) else 0
        except CannotMeasure as reason:
            print(reason, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main())
