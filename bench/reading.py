"""What it costs to read a page: finished pages beside a bare WSGI application that sends the same bytes.

    .venv/bin/python bench/reading.py [--rounds 12] [--peer NAME=URL ...] [--cached-peer NAME=URL ...]

Both are served by gunicorn as the site is, with one worker; nginx and Caddy send the exported pages, if they are there;
granian serves the same application, if it is installed. The load is wrk's, or a client of our own where there is none.
All servers have one core and who asks has another, where there are two; each kind of answer is compared with the bare
one of its kind, whose slices are next to it. A peer is a page of another program that is served already, on this
machine: one that is made for each visit, or one from that program's cache. Ends with exit code 1 if a goal is missed.
"""

import argparse
import http.client
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

import bare
from slices import (
    PROJECT,
    Server,
    Slice,
    cores,
    cpu_of,
    cpu_ratios,
    family,
    free_port,
    gunicorn,
    interleaved,
    is_steady,
    prepared,
    ratios,
    staying_on,
    table,
    verdicts,
)

PAGE = "/treatments/microneedling/"
KINDS = {"plain": {}, "br": {"Accept-Encoding": "br"}, "304": {"Accept-Encoding": "br", "If-None-Match": ""}}
ANEW_PAGE = "made anew"
ANEW = {ANEW_PAGE: PAGE, "made anew, front page": "/", "made anew, list": "/treatments/"}
CLIENTS = 8
LEAST = 0.90  # of the bare one, through a real client; within one process more is asked: bench/in_process.py
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log;
events {{ worker_connections 256; }}
http {{
  access_log off; types {{ text/html html; }} client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; root {folder}/export/pages; charset utf-8; gzip_static on;
    location / {{ try_files $uri $uri/index.html =404; include {folder}/export/headers.conf; }} }}
}}
"""
CADDY = """
{{
  admin off
  auto_https off
}}
:{port} {{
  bind 127.0.0.1
  root * {folder}/export/pages
  file_server {{
    precompressed br gzip
  }}
}}
"""


def ask(port: int, path: str, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.getheaders(), body


def contestant(
    server: Server, path: str, headers: dict[str, str], expected: int, *, clients: int = CLIENTS
) -> Callable[[], Slice]:
    """`clients` is 1 for pages that are made anew: what wrk leaves unanswered when it stops has cost CPU already."""
    assert ask(server.port, path, headers)[0] == expected, (server.port, path)
    load = by_wrk if shutil.which("wrk") and clients > 1 else partial(by_hand, clients)

    def one_slice() -> Slice:
        begun, before = time.monotonic(), server.cpu_ns()
        right, wrong = load(server.port, path, headers, expected)
        return Slice(right, wrong, time.monotonic() - begun, server.cpu_ns() - before)

    return one_slice


def by_wrk(port: int, path: str, headers: dict[str, str], expected: int) -> tuple[int, int]:
    told = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    command = ["wrk", "-t1", f"-c{CLIENTS}", "-d1s", *told, f"http://127.0.0.1:{port}{path}"]
    words = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    every = int(re.search(r"(\d+) requests in", words)[1])
    other = int(found[1]) if (found := re.search(r"Non-2xx or 3xx responses: (\d+)", words)) else 0
    broken = sum(map(int, found[1:])) if (found := re.search(ERRORS, words)) else 0
    wrong = other + broken
    return every - wrong, wrong


ERRORS = r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)"


def by_hand(clients: int, port: int, path: str, headers: dict[str, str], expected: int) -> tuple[int, int]:
    ends_at, counts = time.monotonic() + 1, []

    def go_on() -> None:
        connection, right, wrong = http.client.HTTPConnection("127.0.0.1", port, timeout=20), 0, 0
        while time.monotonic() < ends_at:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            right, wrong = right + (answer.status == expected), wrong + (answer.status != expected)
        connection.close()
        counts.append((right, wrong))

    threads = [threading.Thread(target=go_on) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(right for right, _wrong in counts), sum(wrong for _right, wrong in counts)


def measure(rounds: int, peers: dict[str, str], cached_peers: dict[str, str], folder: Path) -> dict[str, list[Slice]]:
    port = free_port()
    address = {"SITE_URL": f"http://127.0.0.1:{port}", "WEB_CONCURRENCY": "1"}
    site_folder = prepared(folder / "site", **address)
    ours, askers = cores()
    servers: list[Server] = []
    try:
        with staying_on(ours):
            servers.append(site := gunicorn("medspa.wsgi", port, site_folder, **address))
            kinds = {name: dict(headers) for name, headers in KINDS.items()}
            kinds["304"]["If-None-Match"] = dict(ask(port, PAGE, kinds["br"])[1])["ETag"]
            servers.append(limit := serve_bare(site, kinds, folder))
            also = {}
            for name, server in others(site_folder, folder, address):
                servers.append(server)
                also[name] = contestant(server, PAGE, {"Accept-Encoding": "gzip"}, 200)
        contestants = {}
        for name, headers in kinds.items():
            status = ask(site.port, PAGE, headers)[0]
            contestants[f"finished, {name}"] = contestant(site, PAGE, headers, status)
            contestants[f"bare, {name}"] = contestant(limit, f"{PAGE}{name}", headers, status)
            contestants[f"bare, {name}, again"] = contestant(limit, f"{PAGE}{name}", headers, status)
        groups = [[f"finished, {kind}", f"bare, {kind}", f"bare, {kind}, again"] for kind in KINDS]
        for name, path in ANEW.items():
            also[name] = contestant(site, path, {"Cookie": "session=nobody"}, 200, clients=1)
        also |= {name: peer(url, ours, 1) for name, url in peers.items()}
        also |= {name: peer(url, ours, CLIENTS) for name, url in cached_peers.items()}
        with staying_on(askers):
            return interleaved(contestants | also, rounds, groups)
    finally:
        for server in servers:
            server.stop()


def serve_bare(site: Server, kinds: dict[str, dict[str, str]], folder: Path) -> Server:
    """With the site's own answers, byte for byte."""
    by_the_server = {"server", "date", "connection"}
    answers = {}
    for name, headers in kinds.items():
        status, said, body = ask(site.port, PAGE, headers)
        answers[f"{PAGE}{name}"] = (
            f"{status} X",
            [pair for pair in said if pair[0].lower() not in by_the_server],
            body,
        )
    bare.write(answers, file := folder / "answers.json")
    paths = {"PYTHONPATH": f"{PROJECT / 'bench'}:{PROJECT}", "BARE_ANSWERS": str(file), "WEB_CONCURRENCY": "1"}
    server = gunicorn("bare:application", free_port(), folder / "site", **paths)
    for name, headers in kinds.items():
        alike = [undated(ask(one.port, path, headers)) for one, path in ((site, PAGE), (server, f"{PAGE}{name}"))]
        assert alike[0] == alike[1], name
    return server


def undated(answer: tuple[int, list[tuple[str, str]], bytes]) -> tuple:
    return answer[0], [pair for pair in answer[1] if pair[0] != "Date"], answer[2]


def others(site_folder: Path, folder: Path, address: dict[str, str]) -> Iterator[tuple[str, Server]]:
    environment = {**os.environ, **address, "VAR_DIR": str(site_folder)}
    if find_spec("granian"):
        port = free_port()
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--workers", "1"]
        yield "finished, granian", Server([*command, "medspa.wsgi:application"], port, environment)
    command = [sys.executable, "manage.py", "export_pages", str(folder / "export")]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, stdout=subprocess.DEVNULL)
    folder.chmod(0o755)  # nginx reads as a user of its own
    for name, words, options in (
        ("nginx", NGINX, ["-c", "{file}", "-p", "{folder}"]),
        ("caddy", CADDY, ["run", "--adapter", "caddyfile", "--config", "{file}"]),
    ):
        if shutil.which(name):
            port, file = free_port(), folder / f"{name}.conf"
            file.write_text(words.format(folder=folder, port=port))
            command = [name, *(word.format(file=file, folder=folder) for word in options)]
            homes = {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "GOMAXPROCS": "1"}
            yield f"exported, {name}", Server(command, port, os.environ | homes)


def peer(url: str, stays_on: set[int], clients: int) -> Callable[[], Slice]:
    """A page that is served already: its CPU is that of whoever listens there, and of what that started."""
    parts = urlsplit(url)
    running = Server.__new__(Server)
    running.port = parts.port or 80
    pids = subprocess.run(["fuser", f"{running.port}/tcp"], capture_output=True, text=True).stdout.split()
    oldest = min(map(int, pids))
    for pid in family(oldest):
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), stays_on)
    running.cpu_ns = lambda: sum(cpu_of(pid) for pid in family(oldest))  # type: ignore[method-assign]
    return contestant(running, parts.path, {}, 200, clients=clients)


def judge(found: dict[str, list[Slice]], peers: Iterable[str], cached_peers: Iterable[str]) -> int:
    beside = {name: f"bare, {kind}" for name in found for kind in KINDS if name.split(", ")[1:2] == [kind]}
    table(found, "bare, plain", "bare, plain, again", beside=beside)
    steady = [is_steady(found, f"bare, {kind}", f"bare, {kind}, again") for kind in KINDS]
    goals = []

    def ask_for(words: str, least: float, reached: float) -> None:
        goals.append((f"{words}, at least", least, reached, reached >= least))

    for kind in KINDS:
        names = f"finished, {kind}", f"bare, {kind}"
        ask_for(f"finished of bare by CPU, {kind}", LEAST, median(cpu_ratios(found, *names)))
        ask_for(f"finished of bare by rate, {kind}", LEAST, median(ratios(found, *names, by="rate")))
    cheaper = [("exported, nginx", "finished, br", 7), ("finished, granian", "finished, br", 4)]
    cheaper += [(ANEW_PAGE, name, 6) for name in peers] + [("finished, plain", name, 2.8) for name in cached_peers]
    for name, than, times in cheaper:
        if name in found:
            ask_for(f"{name}, times cheaper than {than}", times, median(cpu_ratios(found, name, than)))
    failures = sum(one.failures for slices in found.values() for one in slices)
    goals.append(("failures", 0, failures, failures == 0))
    return verdicts(goals, is_noisy=not all(steady))


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=12)
    words.add_argument("--peer", action="append", default=[], metavar="NAME=URL", help="another program's page")
    words.add_argument("--cached-peer", action="append", default=[], metavar="NAME=URL", help="one from its cache")
    options = words.parse_args()
    peers, cached = (dict(one.split("=", 1) for one in some) for some in (options.peer, options.cached_peer))
    with tempfile.TemporaryDirectory() as folder:
        found = measure(options.rounds, peers, cached, Path(folder))
    sys.exit(1 if judge(found, peers, cached) else 0)


if __name__ == "__main__":
    main()
