"""The real site as a server runs it: systemd's socket, gunicorn on it, and a real web server with our configuration."""

import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

from tests.site import PROJECT, Site, free_port

HOST = "clinic.example"
BY_SYSTEMD = 'export LISTEN_PID=$$ LISTEN_FDS=1; exec "$@" 3<&0 0</dev/null'  # the socket comes as descriptor 3


class SiteOnASocket(Site):
    """gunicorn on a socket that somebody else holds, as systemd does. It can go and come back; the socket stays."""

    def __init__(self, folder: Path, server_url: str = ""):
        super().__init__(folder, server_url)
        self.pages = folder / "pages-for-all"
        self.environment |= {
            "ALLOWED_HOSTS": HOST,
            "SITE_URL": f"https://{HOST}",
            "TRUSTED_PROXIES": "unix",
            "STAFF_MFA": "offered",
            "SECRET_KEY": (folder / "var" / "secret_key.txt").read_text(),
            "DATA_KEYS": (folder / "var" / "data_keys.txt").read_text(),
        }
        self.socket_path = folder / "web.sock"
        self.web: subprocess.Popen | None = None
        self.hold()

    def hold(self) -> None:
        self.held = socket.socket(socket.AF_UNIX)
        self.held.bind(str(self.socket_path))
        self.held.listen(4096)
        self.socket_path.chmod(0o666)  # a web server is another user

    def start_web(self) -> None:
        program = [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "medspa.wsgi"]
        with self.log.open("ab") as log:
            self.web = subprocess.Popen(
                ["sh", "-c", BY_SYSTEMD, "sh", *program],
                cwd=PROJECT, env=self.environment, stdin=self.held, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def stop_web(self) -> None:
        """As `systemctl stop` does with KillMode=mixed: SIGTERM to gunicorn itself."""
        if self.web:
            self.web.send_signal(signal.SIGTERM)
            self.web.wait(timeout=40)
            self.web = None

    @contextmanager
    def away(self):
        """Nobody answers, not even a socket on which to wait."""
        self.stop_web()
        self.held.close()
        self.socket_path.unlink()
        try:
            yield
        finally:
            self.hold()
            self.start_web()

    def remove(self) -> None:
        self.stop_web()
        self.held.close()
        super().remove()


@contextmanager
def web_server(command: list[str], port: int, log: Path, environment: dict[str, str] | None = None):
    with log.open("ab") as words:
        running = subprocess.Popen(command, stdout=words, stderr=words, env=environment, start_new_session=True)
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert running.poll() is None, log.read_text()
            time.sleep(0.05)
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGTERM)
        running.wait(timeout=30)


def certificate(folder: Path) -> tuple[Path, Path]:
    public, private = folder / "certificate.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
    command += ["-addext", f"subjectAltName=DNS:{HOST}", "-keyout", str(private), "-out", str(public)]
    subprocess.run(command, check=True, capture_output=True)
    return public, private


class Browser:
    """One visitor by HTTPS, who knows the site's certificate and keeps cookies."""

    def __init__(self, port: int, public: Path):
        self.port, self.context, self.cookies = port, ssl.create_default_context(cafile=str(public)), SimpleCookie()

    def connect(self) -> http.client.HTTPSConnection:
        connection = http.client.HTTPSConnection(HOST, self.port, timeout=40, context=self.context)
        connection.sock = self.context.wrap_socket(
            socket.create_connection(("127.0.0.1", self.port), timeout=40), server_hostname=HOST
        )
        return connection

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        told = {"Host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookies:
            told["Cookie"] = "; ".join(f"{name}={one.value}" for name, one in self.cookies.items())
        connection = self.connect()
        try:
            connection.request(method, path, body or None, told)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        for line in answer.headers.get_all("Set-Cookie") or []:
            self.cookies.load(line)
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content

    def get(self, path: str, **headers: str):
        return self.ask("GET", path, **headers)

    def post(self, path: str, form: dict[str, str], **headers: str):
        told = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"https://{HOST}", **headers}
        return self.ask("POST", path, urlencode(form).encode(), **told)

    def request_an_appointment(self, **answers: str) -> tuple[int, dict[str, str], bytes]:
        """Fill in the form and send it."""
        status, _headers, page = self.get("/request-an-appointment/")
        assert status == 200, page.decode()
        return self.post("/request-an-appointment/", filled_in(page.decode()) | answers)


def filled_in(page: str) -> dict[str, str]:
    hidden = {
        name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in ("csrfmiddlewaretoken", "form_token")
    }
    patient = {"full_name": "Ana Ruiz", "phone": "520 555 0199", "email": "ana@example.com", "contact_by": "text"}
    return {**patient, "treatment": "microneedling", **hidden}


def program(name: str) -> str:
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin") or ""


def port_of_its_own() -> int:
    return free_port()
