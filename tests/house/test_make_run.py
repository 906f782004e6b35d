"""What `make run` starts, it also stops: no port stays taken and no process stays behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from urllib.request import urlopen

import pytest

from tests.house.blueprint import PROJECT

PATIENCE = 90  # seconds; a busy machine starts slowly


class Run:
    """deploy/run.py in a process of its own, on a port and in a folder of its own."""

    def __init__(self, folder, **given):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        environment = {"PATH": os.environ["PATH"], "VAR_DIR": str(folder / "var"), "PORT": str(self.port), **given}
        self.log = folder / "run.log"
        with open(self.log, "w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "deploy/run.py"], cwd=PROJECT, env=environment, stdout=log, stderr=log
            )

    def said(self) -> str:
        return self.log.read_text()

    def wait_for(self, words: str) -> None:
        ends_at = time.monotonic() + PATIENCE
        while words not in self.said():
            assert time.monotonic() < ends_at, self.said()
            assert self.process.poll() is None, self.said()
            time.sleep(0.1)

    def children(self) -> list[int]:
        told = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
        return [int(pid) for pid, parent in map(str.split, told.splitlines()) if int(parent) == self.process.pid]

    def is_free(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) != 0


@pytest.fixture
def run(tmp_path):
    started = Run(tmp_path)
    yield started
    started.process.terminate()
    started.process.wait(PATIENCE)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_server_and_the_sender(run, number):
    run.wait_for("Sending messages")
    assert urlopen(f"http://127.0.0.1:{run.port}/healthz", timeout=30).status == 200
    children = run.children()
    assert len(children) == 2
    run.process.send_signal(number)
    assert run.process.wait(PATIENCE) == 0, run.said()
    assert run.is_free()
    for child in children:
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_a_dead_sender_is_started_again_and_a_dead_server_stops_everything(run):
    run.wait_for("Sending messages")
    web, sender = sorted(run.children())
    os.kill(sender, signal.SIGKILL)
    run.wait_for("It starts again")
    os.kill(web, signal.SIGKILL)
    assert run.process.wait(PATIENCE) == 1
    assert "The web server has stopped." in run.said()


def test_a_taken_port_is_told_in_one_line_before_anything_is_made(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = Run(tmp_path, PORT=str(port))
        assert refused.process.wait(PATIENCE) == 1
    assert refused.said() == f"Port {port} is taken. Try: make run PORT={port + 1}\n"
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("port", ["web", "0", "65536", "-1"])
def test_what_is_no_port_is_told_in_one_line(tmp_path, port):
    refused = Run(tmp_path, PORT=port)
    assert refused.process.wait(PATIENCE) == 1
    assert len(refused.said().splitlines()) == 1


def test_nonsense_in_the_environment_stops_the_start_in_one_line(tmp_path):
    refused = Run(tmp_path, DATABASE_URL="postgres://u:s3cret@127.0.0.1:1/clinic")
    assert refused.process.wait(PATIENCE) == 1
    assert len(refused.said().splitlines()) == 1
    assert "s3cret" not in refused.said()
