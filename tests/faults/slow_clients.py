"""Slow clients of four kinds, two hundred of each at once, and a flood: what other visitors notice of it.

    .venv/bin/python -m tests.faults.slow_clients [--each 200] [--seconds 8] [--bare]

A site of its own, served as the documents say: nginx in front of gunicorn on a local socket; with `--bare` also
gunicorn alone, to show what nginx is for. The slow ones open a connection and say nothing, send a header or a body
byte by byte, or read an answer byte by byte; whoever is shown the door comes back. Each has an address of its own, so
that no limit for one address helps. The flood is one address that asks and sends as fast as it can. Meanwhile visitors
look at pages, open the form and send it, each time by a new connection, and their waits are measured. Exit code 1 if a
visitor behind nginx was not answered, or if beside the slow ones one in twenty waited for longer than 100 ms. There is
no verdict where one in twenty waits for half as long in quiet. Needs nginx.
"""

import argparse
import http.client
import itertools
import json
import multiprocessing
import os
import resource
import signal
import socket
import ssl
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

from tests.deploy.behind import HOST, SiteOnASocket, certificate, program, web_server
from tests.deploy.test_nginx import MAIN, placed
from tests.faults.visitors import FORM, Browser
from tests.site import GONE, Site, free_port

GOAL_MS = 100
VISITORS, PAUSE_SECONDS = 4, 0.05
DRIBBLE_SECONDS = 1
FLOODERS = 16
PATIENCE_SECONDS = 10
PAGE = "/treatments/microneedling/"
LARGE = "/static/admin/js/vendor/jquery/jquery.js"  # 285 kB, more than a connection keeps under way


def main(*arguments: str) -> int:
    options = read_options(*arguments)
    if not program("nginx"):
        print("nginx is not installed.", file=sys.stderr)
        return 1
    is_bad = False
    print("| served by | meanwhile | answers | half wait, ms | one in twenty, ms | longest, ms | not answered |")
    print("|---|---|---|---|---|---|---|")
    for name, serve in [("nginx and gunicorn", behind_nginx), ("gunicorn alone", alone)][: 1 + options.bare]:
        with tempfile.TemporaryDirectory(prefix="slow-clients-") as folder, serve(Path(folder)) as door:
            quiet = told(name, "nothing", watched(door, options.seconds))
            with beside(dawdle, door, options.each) as slow:
                troubled = told(name, f"{4 * options.each} slow clients", watched(door, options.seconds))
            with beside(flood, door) as flooded:
                flooded_waits = told(name, "a flood", watched(door, options.seconds))
            print(f"\nslow clients: {slow}\nflood: {flooded}\n", file=sys.stderr)
            if name == "nginx and gunicorn":
                is_bad = is_missed(troubled, quiet, options.goal_ms) or bool(flooded_waits.failures)
    return 1 if is_bad else 0


def read_options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Slow clients and a flood; what other visitors notice.")
    parser.add_argument("--each", type=int, default=200, help="slow clients of each of the four kinds")
    parser.add_argument("--seconds", type=float, default=8, help="that each part takes")
    parser.add_argument("--goal-ms", type=float, default=GOAL_MS, help="that one in twenty may wait, at most")
    parser.add_argument("--bare", action="store_true", help="gunicorn alone as well")
    return parser.parse_args(arguments)


class Door(NamedTuple):
    """Where the site is reached: by HTTPS where there is a certificate."""

    port: int
    certificate: str = ""

    @property
    def host(self) -> str:
        return HOST if self.certificate else f"127.0.0.1:{self.port}"

    def knock(self, address: str, patience: float = PATIENCE_SECONDS, receives: int = 0) -> socket.socket:
        """A connection from `address`, an address of this machine; `receives` bytes at a time."""
        plain = socket.socket()
        try:
            if receives:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receives)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as browsers do
            plain.settimeout(patience)
            plain.bind((address, 0))
            plain.connect(("127.0.0.1", self.port))
            return _trusting(self.certificate).wrap_socket(plain, server_hostname=HOST) if self.certificate else plain
        except BaseException:
            plain.close()
            raise

    def enter(self, address: str) -> http.client.HTTPConnection:
        if self.certificate:  # a context of its own for each would cost more than the answer
            connection = http.client.HTTPSConnection(self.host, context=_trusting(self.certificate))
        else:
            connection = http.client.HTTPConnection(self.host)
        connection.auto_open = 0  # no other door, and no name to be looked up
        connection.sock = self.knock(address)
        return connection


@cache
def _trusting(certificate: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)


@contextmanager
def behind_nginx(place: Path) -> Iterator[Door]:
    """With the very configuration that a server gets."""
    place.chmod(0o755)  # nginx's workers are another user
    site = SiteOnASocket(place)
    site.environment["SUBMIT_LIMIT_PER_HOUR"] = "1000000"
    try:
        site.manage("export_pages", str(site.pages))
        site.start_web()
        public, _private = certificate(place)
        plain, secure = free_port(), free_port()
        (place / "site.conf").write_text(placed(place, site, plain, secure))
        (place / "nginx.conf").write_text(MAIN.format(place=place))
        command = [program("nginx"), "-p", str(place), "-c", f"{place}/nginx.conf", "-e", f"{place}/early.log"]
        with web_server(command, secure, place / "words.log"):
            door = Door(secure, str(public))
            Browser(door.enter("127.0.0.1")).close()
            yield door
    finally:
        site.remove()


@contextmanager
def alone(place: Path) -> Iterator[Door]:
    site = Site(place)
    try:
        yield Door(site.start().port)
    finally:
        site.remove()


# Those who are served


class Waits(NamedTuple):
    milliseconds: list[float]
    failures: Counter[str]

    def at(self, percent: int) -> float:
        return quantiles(self.milliseconds, n=100)[percent - 1] if len(self.milliseconds) > 1 else float("inf")


def watched(door: Door, seconds: float) -> Waits:
    """Some visitors, for so long: how long each answer took."""
    waits, ends_at = Waits([], Counter()), time.monotonic() + seconds
    threads = [threading.Thread(target=visit, args=(door, number, ends_at, waits)) for number in range(VISITORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return waits


def visit(door: Door, number: int, ends_at: float, waits: Waits) -> None:
    address = f"127.0.9.{number + 1}"
    browser = None
    for step in itertools.cycle(("/", PAGE, FORM, "send")):
        if time.monotonic() > ends_at:
            break
        began_at = time.perf_counter()
        try:
            if step == "send" and browser:
                status, expected = browser.send(str(uuid.uuid4()))[0], 303
                browser = browser.close()
            elif step == FORM:
                browser, status, expected = Browser(door.enter(address)), 200, 200
            else:
                status, expected = look(door, step, address), 200
        except GONE as trouble:
            waits.failures[type(trouble).__name__] += 1
            continue
        waits.milliseconds.append((time.perf_counter() - began_at) * 1000)
        if status != expected:
            waits.failures[f"{step} {status}"] += 1
        time.sleep(PAUSE_SECONDS)
    if browser:
        browser.close()


def look(door: Door, path: str, address: str) -> int:
    connection = door.enter(address)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


def told(name: str, meanwhile: str, waits: Waits) -> Waits:
    half, most, longest = waits.at(50), waits.at(95), max(waits.milliseconds, default=float("inf"))
    print(
        f"| {name} | {meanwhile} | {len(waits.milliseconds)} | {half:.0f} | {most:.0f} | {longest:.0f} "
        f"| {dict(waits.failures) or 0} |",
        flush=True,
    )
    return waits


def is_missed(waits: Waits, quiet: Waits, goal_ms: float) -> bool:
    if waits.failures:
        return True
    if waits.at(95) <= goal_ms:
        return False
    if quiet.at(95) > goal_ms / 2:
        print("The machine is too busy for a verdict.", file=sys.stderr)
        return False
    return True


# Those who dawdle


@contextmanager
def beside(work: Callable, *arguments) -> Iterator[dict]:
    """`work` in a process of its own, until the block ends. What it counted is in the dictionary then."""
    context, counted = multiprocessing.get_context("spawn"), {}
    stop, ready, told_by = context.Event(), context.Event(), context.SimpleQueue()
    process = context.Process(target=work, args=(stop, ready, told_by, *arguments))
    process.start()
    try:
        if not ready.wait(60):
            raise TimeoutError("The others did not begin")
        yield counted
    finally:
        stop.set()
        counted |= json.loads(told_by.get()) if process.is_alive() or not told_by.empty() else {}
        process.join(30)


KINDS = ("idle", "headers", "body", "reader")


class Slow:
    """One who dawdles: what is sent at once, what dribbles after it, and whether anything is read."""

    def __init__(self, kind: str, number: int, door: Door):
        self.kind, self.door = kind, door
        self.address = f"127.0.{KINDS.index(kind) + 1}.{number % 250 + 1}"
        host = f"Host: {door.host}\r\n"
        form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 5000\r\n\r\n"
        self.begins = {
            "idle": "",
            "headers": f"GET / HTTP/1.1\r\n{host}X-Slow: ",
            "body": f"POST {FORM} HTTP/1.1\r\n{host}{form}",
            "reader": f"GET {LARGE} HTTP/1.1\r\n{host}\r\n" * 3,
        }[kind].encode()
        self.socket: socket.socket | None = None

    def go_on(self) -> str:
        """One byte more, there or back. What became of it, if something did."""
        try:
            if self.socket is None:
                self.socket = self.door.knock(self.address, 2, 2048 if self.kind == "reader" else 0)
                self.socket.sendall(self.begins)
                self.socket.setblocking(False)
                return "came"
            if self.kind in ("headers", "body"):
                self.socket.send(b"x")
            elif not self._receive():
                return self.close("was shown the door")
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return ""
        except OSError:
            return self.close("was shown the door" if self.socket else "was not let in")
        return ""

    def _receive(self) -> bytes:
        """As it comes over the line: one byte that is read from TLS would take a whole record."""
        with socket.socket(fileno=os.dup(self.socket.fileno())) as line:
            return line.recv(1 if self.kind == "reader" else 512)

    def close(self, why: str = "") -> str:
        if self.socket:
            self.socket.close()
        self.socket = None
        return why


def dawdle(stop, ready, told_by, door: Door, each: int) -> None:
    _many_files()
    os.nice(10)  # these have machines of their own, elsewhere
    everybody = [Slow(kind, number, door) for number in range(each) for kind in KINDS]
    counted: Counter[str] = Counter()
    while not stop.is_set():
        began_at = time.monotonic()
        for one in everybody:
            if happened := one.go_on():
                counted[f"{one.kind} {happened}"] += 1
            if stop.is_set():
                break
        ready.set()
        stop.wait(max(0.0, DRIBBLE_SECONDS - (time.monotonic() - began_at)))
    counted["connected at the end"] = sum(one.socket is not None for one in everybody)
    for one in everybody:
        one.close()
    told_by.put(json.dumps(counted))


def _many_files() -> None:
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 65536), hard))


# Those who flood


def flood(stop, ready, told_by, door: Door) -> None:
    counted: Counter[str] = Counter()
    os.nice(10)
    threads = [threading.Thread(target=ask_on, args=(stop, door, counted), daemon=True) for _ in range(FLOODERS)]
    for thread in threads:
        thread.start()
    ready.set()
    stop.wait()
    for thread in threads:
        thread.join(PATIENCE_SECONDS + 1)
    told_by.put(json.dumps(counted))


def ask_on(stop, door: Door, counted: Counter) -> None:
    while not stop.is_set():
        try:
            browser = Browser(door.enter("127.0.0.2"))
        except GONE as trouble:
            counted[f"form {trouble}"[:40]] += 1
            continue
        try:
            while not stop.is_set():
                counted[f"sent {browser.send(str(uuid.uuid4()))[0]}"] += 1
        except GONE as trouble:
            counted[f"sent {type(trouble).__name__}"] += 1
        finally:
            browser.close()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up as after Ctrl-C
    sys.exit(main(*sys.argv[1:]))
