"""The real site in processes of its own, as `make run` starts it: gunicorn, the message sender, a folder of its own."""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress
from http.client import HTTPException
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import psycopg

PROJECT = Path(__file__).resolve().parent.parent
PUBLIC_PAGES = [
    "/",
    "/treatments/",
    "/treatments/microneedling/",
    "/treatments/microneedling/aftercare/",
    "/request-an-appointment/",
    "/privacy/",
    "/accessibility/",
    "/no-such-page/",
]
WITHOUT_DIGEST = """
from medspa.models import Clinic
Clinic.objects.update(morning_digest_at=None)  # or tests that count mail would fail on open days from eight to ten
"""
GONE = (OSError, HTTPException)  # what a visitor meets when the server dies in the middle of an answer


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Site:
    """One clinic on this machine. `start` and `kill` as often as wanted; what was stored stays."""

    code = PROJECT  # another release, for tests in which two of them follow each other
    run_folder: Path | None = None  # of a run of the tests, in which all copy one site; without it each is installed

    def __init__(self, folder: Path, server_url: str = "", database: str = ""):
        self.folder, self.port = folder, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "log.txt"
        self.server_url, self.database = server_url, database or f"medspa_site_{uuid.uuid4().hex[:12]}"
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        self.environment = {**kept, "VAR_DIR": str(folder / "var"), "PORT": str(self.port), "SITE_URL": self.url}
        self.environment["SUBMIT_LIMIT_PER_HOUR"] = "100000"  # every patient here comes from one address
        if server_url:
            self.environment["DATABASE_URL"] = server_url.rpartition("/")[0] + f"/{self.database}"
        self.running: list[subprocess.Popen] = []
        try:
            if self.run_folder:
                self._copy(original(self.run_folder, server_url))
            else:
                self._install()
        except BaseException:
            self._drop_database()
            raise

    def _install(self) -> None:
        if self.server_url:
            self._on_server(f'CREATE DATABASE "{self.database}"')
        for command in (["migrate", "-v", "0"], ["open_clinic"], ["collectstatic", "--noinput", "-v", "0"]):
            self.manage(*command)
        self.manage("shell", "--no-imports", "-c", WITHOUT_DIGEST)

    def _copy(self, first: Path) -> None:
        if self.server_url:
            self._on_server(f'CREATE DATABASE "{self.database}" TEMPLATE "{first.name}"')
        shutil.copytree(first / "var", self.folder / "var")

    @classmethod
    def beside(cls, first: "Site", folder: Path) -> "Site":
        """Another machine of the same clinic: `folder` is its own, the database is the first one's to remove."""
        second = cls.__new__(cls)
        vars(second).update(vars(first))
        second.folder, second.port, second.log, second.running = folder, free_port(), folder / "log.txt", []
        second.url = f"http://127.0.0.1:{second.port}"
        own = {"VAR_DIR": str(folder / "var"), "PORT": str(second.port), "SITE_URL": second.url}
        second.environment = first.environment | own
        shutil.copytree(first.folder / "var" / "static", folder / "var" / "static")
        return second

    def manage(self, *command: str, **options) -> str:
        """What a management command prints. Raises when it fails."""
        done = subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=self.code,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
            timeout=120,
            **options,
        )
        return done.stdout

    def start(self, *, sender: bool = False) -> "Site":
        self.start_web()
        if sender:
            self.start_sender()
        return self.wait_until_open()

    def start_web(self, *under: str) -> subprocess.Popen:
        """`under` is a program that runs it and looks on, with its options."""
        return self._run(*under, sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "medspa.wsgi")

    def start_sender(self) -> subprocess.Popen:
        return self._run(sys.executable, "manage.py", "send_messages")

    def wait_until_open(self) -> "Site":
        for _ in range(600):
            with suppress(*GONE), visitor().open(f"{self.url}/healthz", timeout=20):
                return self
            time.sleep(0.05)
        raise TimeoutError(self.log.read_text())

    def _run(self, *command: str) -> subprocess.Popen:
        with self.log.open("ab") as log:
            started = subprocess.Popen(
                command, cwd=self.code, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.running.append(started)
        return started

    def end(self, process: subprocess.Popen, how: signal.Signals = signal.SIGKILL) -> int:
        """One of those that run, with all that it started. Returns its exit code."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        self.running.remove(process)
        return process.wait(timeout=60)

    def kill(self) -> None:
        """Everything at once, with no chance to tidy up."""
        self._stop(signal.SIGKILL)

    def stop(self) -> None:
        self._stop(signal.SIGTERM)

    def _stop(self, how: signal.Signals) -> None:
        for process in self.running:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, how)
        for process in self.running:
            process.wait(timeout=30)
        self.running.clear()

    def remove(self) -> None:
        self.kill()
        self._drop_database()

    def _drop_database(self) -> None:
        if self.server_url:
            self._on_server(f'DROP DATABASE IF EXISTS "{self.database}" WITH (FORCE)')

    def _on_server(self, statement: str) -> None:
        with psycopg.connect(self.server_url, autocommit=True) as connection:
            connection.execute(statement)


class InstalledSite(Site):
    """Made by the site's own commands even where others are copies."""

    run_folder = None


def original(run_folder: Path, server_url: str) -> Path:
    """The site that a run copies, made by whichever process wants it first while the others wait.

    Its database has the name of its folder.
    """
    folder = run_folder / f"{run_folder.name}-{'postgresql' if server_url else 'sqlite'}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "installed").exists():
            InstalledSite(folder, server_url, folder.name)
            (folder / "installed").touch()
    return folder


def remove_original(run_folder: Path, server_url: str) -> None:
    """Its database; the folder goes with the run's."""
    if server_url and (folder := run_folder / f"{run_folder.name}-postgresql").exists():
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{folder.name}" WITH (FORCE)')


def visitor():
    """A browser without a screen: keeps cookies, follows redirects."""
    return build_opener(HTTPCookieProcessor(CookieJar()))


def send_request(site: Site, **answers: str) -> str | None:
    """Fill in the form and send it. The private page's address once the site has acknowledged it, else None."""
    browser = visitor()
    try:
        page = browser.open(f"{site.url}/request-an-appointment/", timeout=20).read().decode()
        hidden = {
            name: re.search(rf'name="{name}" value="([^"]+)"', page)[1]
            for name in ("csrfmiddlewaretoken", "form_token")
        }
        form = {
            "full_name": "Ana Ruiz",
            "phone": "520 555 0199",
            "email": "ana@example.com",
            "contact_by": "text",
            "treatment": "microneedling",
            **hidden,
            **answers,
        }
        sent = browser.open(f"{site.url}/request-an-appointment/", urlencode(form).encode(), timeout=20)
    except HTTPError as refusal:
        raise AssertionError(f"{refusal.code}: {refusal.read().decode()}") from None
    except GONE:
        return None
    return sent.geturl()


def keep_sending(site: Site, acknowledged: list[tuple[str, str]], stop: threading.Event, **answers: str) -> None:
    """One request after the other. Notes the private page's address and the reference that it shows."""
    while not stop.is_set():
        address = send_request(site, **answers)
        if address is None:
            continue
        try:
            page = visitor().open(address, timeout=20).read().decode()
        except GONE:
            continue
        acknowledged.append((address, re.search(r"\b[2-9A-Y]{3}-[2-9A-Y]{4}\b", page)[0]))
