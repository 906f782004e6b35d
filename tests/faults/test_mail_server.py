"""The mail server is ill for hours, in each way that one can be: every mail arrives once it is well, and once only."""

import signal
import socket
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from smtplib import SMTPException

import pytest
import time_machine
from aiosmtpd.controller import Controller

from appointments import outbox, workflow
from appointments.models import Message
from bench.mail import Mailbox
from bench.slices import free_port
from tests import factories
from tests.faults.kills import asked
from tests.faults.visitors import Visitors, wait_until

NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
STEP = timedelta(minutes=5)
BANNER = 'class="alarm"'


class Ill(Mailbox):
    """Says `illness` at that point of a conversation, until it is None."""

    def __init__(self, point: str, illness: str):
        super().__init__()
        self.point, self.illness, self.tries = point, illness, 0

    async def handle_MAIL(self, server, session, envelope, address, options):
        if answer := self._says("MAIL"):
            return answer
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        return self._says("DATA") or await super().handle_DATA(server, session, envelope)

    def _says(self, point: str) -> str | None:
        if point != self.point or self.illness is None:
            return None
        self.tries += 1
        return self.illness


@pytest.fixture
def clock():
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def try_for(clock, hours, client=None):
    """As the sender does, each five minutes. Returns at how many of the looks the desk was shown the banner."""
    seen = []
    for _ in range(int(timedelta(hours=hours) / STEP)):
        workflow.make_rounds()
        with suppress(OSError, SMTPException):
            outbox.send_due()
        if client:
            seen.append(BANNER in client.get("/admin/").content.decode())
        clock.shift(STEP)
    return seen


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("point", "illness"),
    [
        ("MAIL", "451 4.3.0 try later"),
        ("MAIL", "530 5.7.0 authentication required"),
        ("MAIL", "421 4.3.2 going down"),
        ("DATA", "452 4.3.1 disk full"),
        ("DATA", "554 5.3.0 broken"),
    ],
)
def test_a_server_that_refuses_everybody_for_hours_costs_no_mail_and_the_desk_is_told(
    point, illness, clock, settings, client
):
    factories.clinic(morning_digest_at=None)
    mailbox = Ill(point, illness)
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", controller.port, 5
    for _ in range(3):
        factories.appointment_request()
    controller.start()
    try:
        try_for(clock, 6)
        assert not mailbox.taken
        assert mailbox.tries <= 6 * 6 * 5, "it is asked more often than each quarter of an hour"
        client.force_login(factories.user(is_superuser=True))
        assert all(try_for(clock, 1, client)[1:])
        mailbox.illness = None
        try_for(clock, 1)
        assert not try_for(clock, 0.25, client)[-1]
    finally:
        controller.stop()
    assert Counter(mailbox.taken.values()) == {1: 6}
    assert Message.objects.filter(sent_at__isnull=False).count() == 6


@pytest.mark.django_db
def test_a_server_that_is_away_for_hours_costs_no_mail_and_is_asked_again_at_once_when_it_is_back(
    clock, settings, client
):
    factories.clinic(morning_digest_at=None)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()
    factories.appointment_request()
    client.force_login(factories.user(is_superuser=True))
    seen = try_for(clock, 6, client)
    assert all(seen[4:])
    assert {message.attempts for message in Message.objects.all()} == {0}
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=settings.EMAIL_PORT)
    controller.start()
    try:
        assert outbox.send_due() == 2
    finally:
        controller.stop()
    assert Counter(mailbox.taken.values()) == {1: 2}


@pytest.mark.django_db
def test_a_server_that_refuses_every_recipient_gives_mail_up_in_plain_sight_and_a_press_sends_each(
    clock, settings, client, receptionist
):
    """It cannot be told from wrong addresses. The desk sees it at once, and presses when the server is well."""

    class Refusing(Mailbox):
        refuses = True

        async def handle_RCPT(self, server, session, envelope, address, options):
            if self.refuses:
                return "554 5.7.1 relay access denied"
            envelope.rcpt_tos.append(address)
            return "250 OK"

    factories.clinic(morning_digest_at=None)
    mailbox = Refusing()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    row = factories.appointment_request()
    client.force_login(factories.user(is_superuser=True))
    controller.start()
    try:
        assert try_for(clock, 1, client)[0]
        assert {message.state for message in Message.objects.all()} == {"failed"}
        mailbox.refuses = False
        try_for(clock, 1)
        assert not mailbox.taken
        for message in Message.objects.all():
            row.refresh_from_db()
            workflow.send_again(row, by=receptionist, seen=row.version, message=message.pk)
        try_for(clock, 0.25)
    finally:
        controller.stop()
    assert Counter(mailbox.taken.values()) == {1: 2}


@contextmanager
def server_that_hangs(port: int, *, after: bytes = b""):
    """Falls silent for ever: at once, or where a conversation has come to `after`. What it was told is kept."""
    heard, stop = [], threading.Event()
    listener = socket.create_server(("127.0.0.1", port))
    listener.settimeout(0.1)

    def converse(visitor):
        visitor.settimeout(0.1)
        with visitor:
            if after:
                visitor.sendall(b"220 hello\r\n")
            while not stop.is_set():
                try:
                    said = visitor.recv(65536)
                except TimeoutError:
                    continue
                if not said:
                    return
                heard.append(said)
                if not after or after in said:
                    stop.wait()
                visitor.sendall(b"354 go on\r\n" if said.startswith(b"data") else b"250 OK\r\n")

    def listen():
        while not stop.is_set():
            with suppress(TimeoutError):
                visitor, _address = listener.accept()
                heard.append(b"")
                conversations.append(threading.Thread(target=converse, args=(visitor,)))
                conversations[-1].start()

    conversations = []
    listening = threading.Thread(target=listen)
    listening.start()
    try:
        yield heard
    finally:
        stop.set()
        listening.join()
        for one in conversations:
            one.join()
        listener.close()


@pytest.mark.parametrize("after", [b"", b"\r\n.\r\n"], ids=["before a word", "with a mail in hand"])
def test_a_sender_before_a_server_that_hangs_gives_up_in_time_and_stops_when_it_is_told_to(site, after):
    """EMAIL_TIMEOUT is 20 seconds. A mail in hand may have been taken or not: it goes again, under the same ID."""
    port = free_port()
    site.environment["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
    site.start()
    with Visitors(site, 1) as visitors:
        visitors.wait_for(1)
    with server_that_hangs(port, after=after) as heard:
        sender = site.start_sender()
        wait_until(lambda: any(after in said for said in heard))
        began_at = time.monotonic()
        assert site.end(sender, signal.SIGTERM) == 0, site.log.read_text()
        assert time.monotonic() - began_at < 30
    tried = sorted(asked(site, TRIES))
    assert tried[-1] == [int(bool(after)), False]  # and in nobody's hand
    mailbox = Mailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        asked(site, DUE_NOW)
        site.start_sender()
        wait_until(lambda: len(mailbox.taken) == 2 * len(visitors.acknowledged))
    finally:
        controller.stop()
    assert set(mailbox.taken.values()) == {1}


TRIES = """
import json
from appointments.models import Message
print("@@" + json.dumps([[row.attempts, bool(row.sending_since)] for row in Message.objects.all()]))
"""
DUE_NOW = """
from django.utils import timezone
from appointments.models import Message
print("@@", Message.objects.unsent().update(due_at=timezone.now()))
"""
