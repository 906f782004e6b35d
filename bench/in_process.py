"""What a finished page costs within one process, beside a bare WSGI callable that gives the same answers.

    .venv/bin/python bench/in_process.py [--batches 40] [--least 0.93]

Both are called by gunicorn's own threaded worker, one request after the other on a connection that is kept: it parses
the request, builds the environment, calls the application, checks the headers and writes the answer to a socket. No
selector, no other thread and no client is counted, but the CPU time of that work alone. Batches of the two take
turns, and the cheapest of each counts: neighbours on the machine can make it come later, but not cheaper. Every
batch of ours begins with a look at the content's version in the database. Ends with exit code 1 if a goal is missed.
"""

import argparse
import os
import random
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import bare
from gunicorn.config import Config
from gunicorn.workers.gthread import TConn, ThreadWorker
from slices import PROJECT, prepared, verdicts

PAGE, HOST = "/treatments/microneedling/", "127.0.0.1:8000"
LIKE_A_BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}
KINDS = {"plain": {}, "br": LIKE_A_BROWSER, "304": LIKE_A_BROWSER}
REQUESTS_A_BATCH, MOST_BYTES = 1000, 1_000_000  # so many come between two looks, where most come


class Visitor:
    """A connection to gunicorn's worker in this process, kept alive."""

    def __init__(self, application: Callable):
        config = Config()
        config.set("threads", 16)
        self.worker = ThreadWorker(1, os.getppid(), [], Mock(), 60, config, Mock(access=lambda *_: None))
        self.worker.wsgi, self.worker.alive = application, True
        theirs, self.socket = socket.socketpair()
        for end in (theirs, self.socket):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_BYTES)
        self.connection = TConn(config, theirs, ("127.0.0.1", 40_000), ("127.0.0.1", 8000))
        self.connection.init()
        self.spent_ns = 0

    def ask(self, request: bytes) -> bytes:
        self.socket.sendall(request)
        before = time.thread_time_ns()
        is_kept = self.worker.handle(self.connection)
        self.spent_ns += time.thread_time_ns() - before
        assert is_kept, "gunicorn closed the connection"
        return self.socket.recv(MOST_BYTES)

    def cost_ns(self, request: bytes) -> float:
        """Of one request, the mean of a batch. All answers are as long as the first."""
        length = len(self.ask(request))
        self.spent_ns = 0
        assert all(len(self.ask(request)) == length for _ in range(REQUESTS_A_BATCH)), "another answer came"
        return self.spent_ns / REQUESTS_A_BATCH


def measure(batches: int, least: float) -> int:
    from medspa.wsgi import application as pages  # the environment that it starts in is made only now
    from treatments.exported_pages import asked
    from treatments.page_cache import answer_of

    goals, known = [], ""
    for kind, headers in KINDS.items():
        told = headers | ({"If-None-Match": known} if kind == "304" else {})
        environ = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in told.items()}
        answer = answer_of(pages, asked(PAGE) | environ)
        known = dict(answer[1])["ETag"]
        lines = [f"GET {PAGE} HTTP/1.1", f"Host: {HOST}", *(f"{name}: {value}" for name, value in told.items())]
        request = "".join(f"{line}\r\n" for line in [*lines, ""]).encode()
        ours, limit = Visitor(pages), Visitor(bare.knowing({PAGE: answer}))
        assert undated(ours.ask(request)) == undated(limit.ask(request)), kind
        spent: dict[Visitor, list[float]] = {ours: [], limit: []}
        for _ in range(batches):
            for one in random.sample([ours, limit], 2):
                pages.looked_at = float("-inf")
                spent[one].append(one.cost_ns(request))
        ratio = min(spent[limit]) / min(spent[ours])
        print(f"{kind}, {answer[0]}: bare {min(spent[limit]) / 1000:.1f} µs, finished {min(spent[ours]) / 1000:.1f} µs")
        goals.append((f"finished of bare in process, {kind}, at least", least, ratio, ratio >= least))
    return verdicts(goals)


def undated(answer: bytes) -> bytes:
    return b"\r\n".join(line for line in answer.split(b"\r\n") if not line.startswith(b"Date: "))


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--batches", type=int, default=40)
    words.add_argument("--least", type=float, default=0.93, help="the ratio that is asked for")
    options = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = {"SITE_URL": f"http://{HOST}"}
        os.environ |= settings | {"VAR_DIR": str(prepared(Path(folder) / "site", **settings))}
        sys.path.insert(0, str(PROJECT))
        sys.exit(1 if measure(options.batches, options.least) else 0)


if __name__ == "__main__":
    main()
