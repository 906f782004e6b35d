"""The machine with the PostgreSQL is unplugged: nothing says no, nothing answers at all."""

import ctypes
import os
import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress
from http import HTTPStatus
from urllib.parse import urlsplit

import pytest

from tests.faults.test_database_in_trouble import Patient, emails, private_link, readers_are_served, waiting
from tests.site import Site

CLONE_NEWNET = 0x40000000
PATIENCE_SECONDS = 30  # at most, for an answer: a question to the database gives up after five


class Cable:
    """A network of two machines: ours, and one that only passes on to the real PostgreSQL what it hears."""

    def __init__(self, server_url):
        number = os.getpid() % 60_000
        self.name, self.ours, self.theirs = f"medspa{number}", f"ms{number}a", f"ms{number}b"
        self.address = f"198.18.{number % 250}.2"  # of a network that is set aside for tests (RFC 2544)
        parts = urlsplit(server_url)
        self.server = parts.hostname, parts.port or 5432
        self.url = parts._replace(netloc=f"{parts.username}@{self.address}:5432").geturl()
        self._ip("netns", "add", self.name)
        self._ip("link", "add", self.ours, "type", "veth", "peer", "name", self.theirs, "netns", self.name)
        self._ip("addr", "add", f"{self.address.removesuffix('2')}1/30", "dev", self.ours)
        self._ip("link", "set", self.ours, "up")
        self._ip("-n", self.name, "addr", "add", f"{self.address}/30", "dev", self.theirs)
        self.plug_in()
        self.listener = self._listen_there()
        threading.Thread(target=self._pass_on, daemon=True).start()

    def plug_in(self):
        self._ip("-n", self.name, "link", "set", self.theirs, "up")

    def unplug(self):
        self._ip("-n", self.name, "link", "set", self.theirs, "down")

    def remove(self):
        self.listener.close()
        self._ip("link", "del", self.ours)
        self._ip("netns", "del", self.name)

    def _ip(self, *words):
        subprocess.run(["ip", *words], check=True, capture_output=True, timeout=30)

    def _listen_there(self):
        """A socket belongs to the network of the thread that opened it."""
        opened = []

        def listen():
            with open(f"/run/netns/{self.name}") as network:
                assert ctypes.CDLL(None, use_errno=True).setns(network.fileno(), CLONE_NEWNET) == 0
            opened.append(socket.create_server((self.address, 5432)))

        thread = threading.Thread(target=listen)
        thread.start()
        thread.join()
        return opened[0]

    def _pass_on(self):
        with suppress(OSError):
            while True:
                near, _address = self.listener.accept()
                far = socket.create_connection(self.server)
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()


def pump(source, target):
    with suppress(OSError), source:
        while heard := source.recv(65536):
            target.sendall(heard)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def cable(site):
    if not site.server_url:
        pytest.skip("only a PostgreSQL can be on another machine; TEST_DATABASE_URL would name one")
    if os.geteuid() or not shutil.which("ip"):
        pytest.skip("a network can be made only by root, with iproute2")
    try:
        cable = Cable(site.server_url)
    except subprocess.CalledProcessError:
        pytest.skip("this machine lets nobody make a network")
    yield cable
    cable.remove()


def test_an_unplugged_database_is_given_up_soon_and_costs_no_words(site: Site, cable):
    site.environment["DATABASE_URL"] = cable.url.rpartition("/")[0] + f"/{site.database}"
    site.start(sender=True)
    patient = Patient(site)
    cable.unplug()
    began = time.monotonic()
    status, page = patient.send()
    assert time.monotonic() - began < PATIENCE_SECONDS
    assert status == HTTPStatus.ACCEPTED
    link = private_link(page)
    readers_are_served(site)

    cable.plug_in()
    until = time.monotonic() + 90
    while "Your reference is" not in patient.look(link)[1]:
        assert time.monotonic() < until, site.log.read_text()
        time.sleep(0.5)
    while waiting(site) and time.monotonic() < until:
        time.sleep(0.5)
    assert emails(site) == ["ana@example.com"]
