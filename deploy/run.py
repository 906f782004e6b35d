"""Serves the site with the message sender beside it, until Ctrl-C or SIGTERM: `make run`, `make dev`.

    .venv/bin/python deploy/run.py [--dev]

First the database and the files are made ready. The sender is started again when it dies; when the web server
dies everything stops.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

PROJECT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(PROJECT / "manage.py")]
GUNICORN = [sys.executable, "-m", "gunicorn", "-c", str(PROJECT / "deploy" / "gunicorn.conf.py"), "medspa.wsgi"]
GRACE_SECONDS = 25
LONGEST_PAUSE = 60  # seconds between two starts of a sender that keeps dying
PR_SET_PDEATHSIG = 1  # Linux, prctl(2)


class CannotRun(Exception):
    """Why the site does not start, in one line."""


class Stopped(BaseException):
    """Ctrl-C or SIGTERM. Not an Exception, so that nothing on the way catches it."""


def main(*, is_dev: bool) -> int:
    port = _number("PORT", "8000", 65535)
    _number("WEB_CONCURRENCY", "2", 64)  # gunicorn reads it by itself
    os.umask(0o077)  # what the site writes is for its own user
    os.environ["PYTHONUNBUFFERED"] = "1"
    if is_dev:
        os.environ["DEBUG"] = "1"
    running: list[subprocess.Popen] = []
    try:
        _refuse_taken(port)
        _finish([*MANAGE, "migrate", "--noinput", "-v", "0"], running)
        _finish([*MANAGE, "open_clinic"], running)
        if not is_dev:
            _finish([*MANAGE, "collectstatic", "--noinput", "-v", "0"], running)
        web = _start(MANAGE + ["runserver", f"127.0.0.1:{port}"] if is_dev else GUNICORN, running)
        _wait_until_open(port, web)
        _announce(port)
        return _watch(web, running)
    except Stopped:
        print("Stopping ...", file=sys.stderr, flush=True)
        return 0
    finally:
        _stop(running)


def _number(name: str, default: str, most: int) -> int:
    given = os.environ.get(name, "").strip() or default
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise CannotRun(f"{name} is {given!r}. It must be a number from 1 to {most}, such as {default}.")
    os.environ[name] = given
    return int(given)


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise CannotRun(f"Port {port} needs more rights. Try: make run PORT=8001") from None
        except OSError:
            raise CannotRun(f"Port {port} is taken. Try: make run PORT={port + 1 if port < 65535 else 8001}") from None


def _start(command: list[str], running: list[subprocess.Popen]) -> subprocess.Popen:
    """In a process group of its own: Ctrl-C reaches only this program, which stops the others in order."""
    child = subprocess.Popen(
        command, cwd=PROJECT, stdin=subprocess.DEVNULL, process_group=0, preexec_fn=_end_with_parent
    )
    running.append(child)
    return child


def _end_with_parent() -> None:
    """Even when this program is killed outright, nothing stays behind (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _finish(command: list[str], running: list[subprocess.Popen]) -> None:
    child = _start(command, running)
    if child.wait():
        raise SystemExit(1)  # it has said why
    running.remove(child)


def _wait_until_open(port: int, web: subprocess.Popen) -> None:
    while web.poll() is None:
        with socket.socket() as visitor:
            if visitor.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)


def _announce(port: int) -> None:
    login = Path(PROJECT, os.environ.get("VAR_DIR") or "var") / "first-login.txt"
    print(f"The clinic is open at http://127.0.0.1:{port}/ and its desk at http://127.0.0.1:{port}/admin/")
    if login.exists():
        print(f"The owner's first login is in {login}")
    print("Ctrl-C stops it.", flush=True)


def _watch(web: subprocess.Popen, running: list[subprocess.Popen]) -> int:
    """Returns when the web server has died. Ends by Stopped when make, which started this, is gone."""
    make = os.getppid()
    sender, pause, starts_at = None, 1, 0.0
    while web.poll() is None:
        if os.getppid() != make or _was_interrupted(make):
            raise Stopped
        now = time.monotonic()
        if sender is None and now >= starts_at:
            sender, started_at = _start([*MANAGE, "send_messages"], running), now
        elif sender is not None and sender.poll() is not None:
            pause = 1 if now - started_at > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            print(f"The message sender has stopped. It starts again in {pause} s.", file=sys.stderr, flush=True)
            running.remove(sender)
            sender, starts_at = None, now + pause
        time.sleep(0.2)
    print("The web server has stopped.", file=sys.stderr, flush=True)
    return 1


def _was_interrupted(make: int) -> bool:
    """GNU make passes SIGTERM on but not SIGINT: sent to it alone, it blocks the signal and waits for us (Linux)."""
    with suppress(OSError):
        for line in Path(f"/proc/{make}/status").read_text().splitlines():
            if line.startswith("SigBlk:"):
                return bool(int(line.split()[1], 16) & 1 << (signal.SIGINT - 1))
    return False


def _stop(running: list[subprocess.Popen]) -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)
    for child in running:
        _signal(child, signal.SIGTERM)
    ends_at = time.monotonic() + GRACE_SECONDS
    for child in running:
        try:
            child.wait(max(0.1, ends_at - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(child, signal.SIGKILL)


def _signal(child: subprocess.Popen, number: int) -> None:
    """To its whole group: runserver's reloader does not pass signals on."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, number)


def _stopped(number: int, frame: FrameType | None) -> None:
    raise Stopped


if __name__ == "__main__":
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, _stopped)
    try:
        sys.exit(main(is_dev="--dev" in sys.argv[1:]))
    except CannotRun as reason:
        sys.exit(str(reason))
    except Stopped:
        sys.exit(0)
