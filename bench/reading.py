"""What it costs to read a page: finished pages beside a bare WSGI application that sends the same bytes.

    .venv/bin/python bench/reading.py [--rounds 8] [--peer NAME=URL ...]

Both are served by gunicorn as the site is; nginx sends the exported pages, if it is there; granian serves the same
application, if it is installed. The load is wrk's, or a client of our own where there is none. A peer is a page of
another program that is served already, on this machine. Ends with exit code 1 if a goal is missed.
"""

import argparse
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from slices import (
    PROJECT,
    Server,
    Slice,
    cpu_ratios,
    family,
    free_port,
    gunicorn,
    interleaved,
    is_steady,
    prepared,
    table,
    verdicts,
)

PAGE = "/treatments/microneedling/"
KINDS = {"plain": {}, "br": {"Accept-Encoding": "br"}, "304": {"Accept-Encoding": "br", "If-None-Match": ""}}
CLIENTS = 8
LEAST_CPU, LEAST_RATE, LEAST_NGINX, LEAST_GRANIAN = 0.93, 0.90, 7, 4
BARE = """
import json
from pathlib import Path

given = json.loads(Path(__file__).with_name("answers.json").read_text())
answers = {f"/{name}": (status, [tuple(pair) for pair in headers], bytes.fromhex(body))
           for name, (status, headers, body) in given.items()}


def application(environ, start_response):
    status, headers, body = answers[environ["PATH_INFO"]]
    start_response(status, headers)
    return [body] if body else []
"""
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


def ask(port: int, path: str, headers: dict[str, str]) -> tuple[int, list[tuple[str, str]], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.getheaders(), body


def contestant(server: Server, path: str, headers: dict[str, str], expected: int) -> Callable[[], Slice]:
    assert ask(server.port, path, headers)[0] == expected, (server.port, path)
    load = by_wrk if shutil.which("wrk") else by_hand

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


def by_hand(port: int, path: str, headers: dict[str, str], expected: int) -> tuple[int, int]:
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

    threads = [threading.Thread(target=go_on) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(right for right, _wrong in counts), sum(wrong for _right, wrong in counts)


def measure(rounds: int, peers: dict[str, str], folder: Path) -> int:
    port = free_port()
    address = {"SITE_URL": f"http://127.0.0.1:{port}"}
    site_folder = prepared(folder / "site", **address)
    servers = [gunicorn("medspa.wsgi", port, site_folder, **address)]
    try:
        site = servers[0]
        kinds = {name: dict(headers) for name, headers in KINDS.items()}
        kinds["304"]["If-None-Match"] = dict(ask(port, PAGE, kinds["br"])[1])["ETag"]
        answers = {name: ask(port, PAGE, headers) for name, headers in kinds.items()}
        servers.append(bare := serve_bare(answers, folder))
        contestants = {}
        for name, headers in kinds.items():
            status = answers[name][0]
            contestants[f"bare, {name}"] = contestant(bare, f"/{name}", headers, status)
            contestants[f"finished, {name}"] = contestant(site, PAGE, headers, status)
        contestants["bare, plain, again"] = contestant(bare, "/plain", {}, 200)
        contestants["made anew"] = contestant(site, PAGE, {"Cookie": "session=nobody"}, 200)
        for name, server in [*others(site_folder, folder, address)]:
            servers.append(server)
            contestants[name] = contestant(server, PAGE, {"Accept-Encoding": "gzip"}, 200)
        for name, url in peers.items():
            contestants[name] = peer(url)
        found = interleaved(contestants, rounds)
    finally:
        for server in servers:
            server.stop()
    return judge(found)


def serve_bare(answers: dict, folder: Path) -> Server:
    left_out = {"server", "date", "connection"}
    kept = {
        name: (f"{status} X", [pair for pair in headers if pair[0].lower() not in left_out], body.hex())
        for name, (status, headers, body) in answers.items()
    }
    (folder / "answers.json").write_text(json.dumps(kept))
    (folder / "bare.py").write_text(BARE)
    return gunicorn("bare:application", free_port(), folder / "site", PYTHONPATH=f"{folder}:{PROJECT}")


def others(site_folder: Path, folder: Path, address: dict[str, str]):
    if find_spec("granian"):
        port = free_port()
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--workers", "2"]
        environment = {**os.environ, **address, "VAR_DIR": str(site_folder)}
        yield "finished, granian", Server([*command, "medspa.wsgi:application"], port, environment)
    if shutil.which("nginx"):
        port = free_port()
        (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
        command = [sys.executable, "manage.py", "export_pages", str(folder / "export")]
        environment = {**os.environ, **address, "VAR_DIR": str(site_folder)}
        subprocess.run(command, cwd=PROJECT, env=environment, check=True, stdout=subprocess.DEVNULL)
        folder.chmod(0o755)  # nginx reads as a user of its own
        command = ["nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)]
        yield "exported, nginx", Server(command, port, dict(os.environ))


def peer(url: str) -> Callable[[], Slice]:
    """A page that is served already: its CPU is that of whoever listens there, and of what that started."""
    parts = urlsplit(url)
    running = Server.__new__(Server)
    running.port = parts.port or 80
    pids = subprocess.run(["fuser", f"{running.port}/tcp"], capture_output=True, text=True).stdout.split()
    oldest = min(map(int, pids))
    running.cpu_ns = lambda: sum(_cpu(pid) for pid in family(oldest))  # type: ignore[method-assign]
    return contestant(running, parts.path, {}, 200)


def _cpu(pid: int) -> int:
    return sum(int(task.read_text().split()[0]) for task in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def judge(found: dict[str, list[Slice]]) -> int:
    table(found, "bare, plain", "bare, plain, again")
    goals = []
    for kind in KINDS:
        cpu = median(cpu_ratios(found, f"finished, {kind}", f"bare, {kind}"))
        pairs = zip(found[f"finished, {kind}"], found[f"bare, {kind}"], strict=True)
        rate = median(one.rate / other.rate for one, other in pairs)
        goals.append((f"finished of bare by CPU, {kind}, at least", LEAST_CPU, cpu, cpu >= LEAST_CPU))
        goals.append((f"finished of bare by rate, {kind}, at least", LEAST_RATE, rate, rate >= LEAST_RATE))
    for name, least in (("exported, nginx", LEAST_NGINX), ("finished, granian", LEAST_GRANIAN)):
        if name in found:
            times = median(cpu_ratios(found, name, "finished, br"))
            goals.append((f"{name}, times cheaper than gunicorn", least, times, times >= least))
    failures = sum(one.failures for slices in found.values() for one in slices)
    goals.append(("failures", 0, failures, failures == 0))
    return verdicts(goals, is_noisy=not is_steady(found, "bare, plain", "bare, plain, again"))


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=8)
    words.add_argument("--peer", action="append", default=[], metavar="NAME=URL", help="another program's page")
    options = words.parse_args()
    peers = dict(one.split("=", 1) for one in options.peer)
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(1 if measure(options.rounds, peers, Path(folder)) else 0)


if __name__ == "__main__":
    main()
