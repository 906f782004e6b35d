"""What the benchmarks share: servers that are started once, slices of a second in random order, ratios, and a verdict.

The figure of merit is the CPU time that the server's processes took for one answer, which says the same whatever else
the machine does; the rate is second. The reference is listed twice: where it differs from itself by more than 15 %,
there is no verdict.
"""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

PROJECT = Path(__file__).resolve().parent.parent
TOO_NOISY = 0.15


class Slice(NamedTuple):
    """What came of one second: answers that were right, failures, and nanoseconds of CPU of the server."""

    answers: int
    failures: int
    seconds: float
    cpu_ns: int

    @property
    def cpu_of_one(self) -> float:
        return self.cpu_ns / max(1, self.answers)

    @property
    def rate(self) -> float:
        return self.answers / self.seconds


class Server:
    """A program that answers on a port of this machine."""

    def __init__(self, command: list[str], port: int, environment: dict[str, str], folder: Path = PROJECT):
        self.port = port
        self.process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True)
        ends_at = time.monotonic() + 60
        while time.monotonic() < ends_at and self.process.poll() is None:
            with socket.socket() as visitor:
                if visitor.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.05)
        raise RuntimeError(f"{command[:4]} does not answer on port {port}")

    def stop(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(30)

    def cpu_ns(self) -> int:
        """CPU time of the process and all that it started, in all their threads."""
        return sum(cpu_of(pid) for pid in family(self.process.pid))


def family(pid: int) -> list[int]:
    """`pid` and every process below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in task.read_text().split():
                found += family(int(child))
    return found


def cpu_of(pid: int) -> int:
    total = 0
    for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with suppress(OSError):
            total += int(task.read_text().split()[0])
    return total


def gunicorn(application: str, port: int, folder: Path, **settings: str) -> Server:
    """`application` in the server that the site has, by its own configuration."""
    environment = {**os.environ, "PORT": str(port), "VAR_DIR": str(folder), "PYTHONPATH": str(PROJECT), **settings}
    once = ["--max-requests", "0"]  # a worker that is replaced takes its figures along
    command = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", *once, application]
    return Server(command, port, environment)


def cores() -> tuple[set[int], set[int]]:
    """One for the servers, the others for who asks; the same for both where there is but one."""
    mine = sorted(os.sched_getaffinity(0))
    return {mine[-1]}, set(mine[:-1] or mine)


@contextmanager
def staying_on(some: set[int]) -> Iterator[None]:
    """While inside, this program and what it starts run on these cores alone."""
    former = os.sched_getaffinity(0)
    os.sched_setaffinity(0, some)
    try:
        yield
    finally:
        os.sched_setaffinity(0, former)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def prepared(folder: Path, **settings: str) -> Path:
    """A site of its own in `folder`, ready to be served. The database that the shell names is left alone."""
    os.environ.pop("DATABASE_URL", None)
    environment = {**os.environ, "VAR_DIR": str(folder), **settings}
    folder.mkdir(parents=True, exist_ok=True)
    for command in (["migrate", "-v", "0"], ["open_clinic"], ["collectstatic", "--noinput", "-v", "0"]):
        done = [sys.executable, "manage.py", *command]
        subprocess.run(done, cwd=PROJECT, env=environment, check=True, stdout=subprocess.DEVNULL)
    return folder


def interleaved(
    contestants: dict[str, Callable[[], Slice]], rounds: int, groups: Sequence[Sequence[str]] = ()
) -> dict[str, list[Slice]]:
    """One slice of each in every round, in random order; those of a group next to each other, in random order too."""
    found: dict[str, list[Slice]] = {name: [] for name in contestants}
    grouped = {name for group in groups for name in group}
    every = [*groups, *([name] for name in contestants if name not in grouped)]
    for number in range(rounds):
        print(f"\rround {number + 1} of {rounds}", end="", file=sys.stderr)
        for group in random.sample(every, len(every)):
            for name in random.sample(group, len(group)):
                found[name].append(contestants[name]())
    print(file=sys.stderr)
    return found


def table(
    found: dict[str, list[Slice]], reference: str, again: str, *, beside: Mapping[str, str] | None = None
) -> None:
    """CPU of the reference over CPU of each, and rate of each over rate of the reference: 1 is as good.

    `beside` names those that have a reference of their own."""
    print(f"\n1 is {reference}, where nothing else is said.\n")
    print("| what | CPU of one, µs | by CPU | quartiles | by rate | failures |\n|---|---|---|---|---|---|")
    for name, slices in found.items():
        other = (beside or {}).get(name, reference)
        by_cpu, by_rate = cpu_ratios(found, name, other), ratios(found, name, other, by="rate")
        low, _middle, high = quantiles(by_cpu, n=4)
        words = name if other in (reference, name) else f"{name} / {other}"
        print(
            f"| {words} | {median(one.cpu_of_one for one in slices) / 1000:.0f} | {median(by_cpu):.3f} |"
            f" {low:.3f}-{high:.3f} | {median(by_rate):.3f} | {sum(one.failures for one in slices)} |"
        )
    itself = median(cpu_ratios(found, again, reference))
    print(f"\n{again} / {reference}: {itself:.3f}{'' if is_steady(found, reference, again) else ': too noisy'}")


def cpu_ratios(found: dict[str, list[Slice]], name: str, reference: str) -> list[float]:
    return [1 / max(ratio, 1e-9) for ratio in ratios(found, name, reference, by="cpu_of_one")]


def ratios(found: dict[str, list[Slice]], name: str, reference: str, *, by: str) -> list[float]:
    """Of `name` to `reference`, round by round."""
    pairs = zip(found[name], found[reference], strict=True)
    return [getattr(one, by) / max(1, getattr(other, by)) for one, other in pairs]


def is_steady(found: dict[str, list[Slice]], reference: str, again: str) -> bool:
    return abs(median(cpu_ratios(found, again, reference)) - 1) <= TOO_NOISY


def verdicts(goals: Iterable[tuple[str, float, float, bool]], *, is_noisy: bool = False) -> int:
    """Print each goal, what it asks, what was reached, and whether it is met; return how many are missed."""
    print("\n| goal | asked | reached |  |\n|---|---|---|---|")
    missed = 0
    for words, asked, reached, is_met in goals:
        verdict = "too noisy" if is_noisy else "met" if is_met else "missed"
        missed += verdict == "missed"
        print(f"| {words} | {asked:g} | {reached:.3g} | {verdict} |")
    return missed
