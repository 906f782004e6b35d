"""Messages on their way, in real SMTP conversations on loopback."""

import socket
import threading
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP
from django.core import mail
from django.utils import timezone

from appointments import outbox, workflow
from appointments.models import Message
from tests import factories

pytestmark = pytest.mark.django_db


class Mailbox:
    """What a mail server took in, and what it says to each recipient."""

    def __init__(self):
        self.taken = []
        self.refusals = {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.taken.append(envelope)
        return "250 taken"


class Ipv4Controller(Controller):
    def factory(self):
        return SMTP(self.handler, hostname="localhost")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def smtp(settings):
    """A mail server on loopback, and the site told to use it."""
    mailbox = Mailbox()
    controller = Ipv4Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    use_server(settings, controller.port)
    yield mailbox
    controller.stop()


def use_server(settings, port):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_TIMEOUT = "127.0.0.1", port, 1


@contextmanager
def server_that_hangs():
    """Accepts connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_request_is_mailed_to_patient_and_desk_in_one_round(smtp):
    request = factories.appointment_request(email="ana@example.com")

    assert outbox.send_due() == 2

    assert [envelope.rcpt_tos for envelope in smtp.taken] == [["ana@example.com"], ["front-desk@localhost"]]
    assert all(request.reference.encode() in envelope.content for envelope in smtp.taken)
    assert outbox.send_due() == 0


def test_headers_are_those_of_an_automatic_message(smtp):
    factories.appointment_request(email="ana@example.com")
    outbox.send_due()

    head = smtp.taken[0].content.decode()
    assert f"Message-ID: {Message.objects.get(kind='received').message_id}" in head
    assert "Auto-Submitted: auto-generated" in head
    assert "\nDate: " in head


def test_a_mail_server_that_refuses_connections_costs_the_messages_nothing(settings):
    factories.appointment_request()
    use_server(settings, free_port())

    for _ in range(3):
        with pytest.raises(OSError, match="refused"):
            outbox.send_due()

    assert set(Message.objects.values_list("attempts", "error", "given_up_at")) == {(0, "", None)}


def test_a_mail_server_that_hangs_costs_the_messages_nothing(settings):
    factories.appointment_request()

    with server_that_hangs() as port:
        use_server(settings, port)
        with pytest.raises(OSError, match="timed out"):
            outbox.send_due()

    assert Message.objects.unsent().count() == 2
    assert set(Message.objects.values_list("attempts", flat=True)) == {0}


def test_messages_go_out_when_the_server_is_back(settings, smtp):
    port = settings.EMAIL_PORT
    settings.EMAIL_PORT = free_port()
    factories.appointment_request()
    with pytest.raises(OSError, match="refused"):
        outbox.send_due()

    settings.EMAIL_PORT = port
    assert outbox.send_due() == 2


def test_one_refused_address_is_given_up_in_plain_sight_and_does_not_stop_the_others(smtp):
    smtp.refusals["nobody@example.com"] = "550 no such user here"
    factories.appointment_request(email="nobody@example.com")
    factories.appointment_request(email="ana@example.com")

    assert outbox.send_due() == 3

    refused = Message.objects.get(recipient="nobody@example.com")
    assert refused.state == "failed"
    assert "no such user here" in refused.error
    assert {"ana@example.com", "front-desk@localhost"} == {envelope.rcpt_tos[0] for envelope in smtp.taken}


def test_a_mailbox_that_is_full_is_tried_again_later_and_later(smtp):
    smtp.refusals["full@example.com"] = "452 mailbox full"
    factories.appointment_request(email="full@example.com")
    outbox.send_due()
    message = Message.objects.get(kind="received")
    assert (message.state, message.attempts) == ("queued, will be tried again", 1)
    assert message.due_at - timezone.now() < timedelta(minutes=1)

    delays = []
    for _ in range(len(outbox.DELAYS)):
        Message.objects.filter(pk=message.pk).update(due_at=timezone.now())
        outbox.send_due()
        message.refresh_from_db()
        delays.append(round((message.due_at - timezone.now()).total_seconds() / 60))
    assert delays == sorted(delays)
    assert delays[-1] == 24 * 60

    smtp.refusals.clear()
    Message.objects.filter(pk=message.pk).update(due_at=timezone.now())
    assert outbox.send_due() == 1
    message.refresh_from_db()
    assert (message.state, message.error) == ("sent", "")


def test_after_five_days_of_temporary_refusals_a_message_is_given_up(smtp):
    smtp.refusals["full@example.com"] = "452 mailbox full"
    factories.appointment_request(email="full@example.com")
    Message.objects.update(queued_at=timezone.now() - timedelta(days=5, minutes=1))

    outbox.send_due()

    assert Message.objects.get(kind="received").state == "failed"


def test_a_claimed_message_is_left_alone_until_its_claim_ends(smtp):
    """As after a worker was killed in the middle of sending."""
    factories.appointment_request()
    for pk, due_at in Message.objects.values_list("pk", "due_at"):
        assert outbox._claim(pk, due_at, timezone.now())

    assert outbox.send_due() == 0
    later = timezone.now() + outbox.CLAIM
    assert outbox.send_due(later) == 2


def test_a_second_worker_cannot_claim_what_the_first_has_seen_too(smtp):
    factories.appointment_request()
    pk, seen = Message.objects.values_list("pk", "due_at").first()

    assert outbox._claim(pk, seen, timezone.now())
    assert outbox._claim(pk, seen, timezone.now()) is None


def test_a_worker_that_is_stopped_finishes_only_the_message_in_hand(smtp):
    factories.appointment_request()
    asked = iter([False, True])

    assert outbox.send_due(stop=lambda: next(asked)) == 1
    assert Message.objects.unsent().count() == 1


def test_older_news_about_the_visit_is_withdrawn_when_newer_news_is_queued(smtp, receptionist):
    booked = factories.booked(by=receptionist)
    visit = booked.booked_appointment()
    later = visit.starts_at + timedelta(hours=3)
    workflow.reschedule(
        booked, by=receptionist, seen=booked.version, provider=visit.provider, starts_at=later, minutes=30
    )

    assert Message.objects.get(kind="booked").state == "cancelled"
    outbox.send_due()
    subjects = b"".join(envelope.content for envelope in smtp.taken)
    assert b"Your visit has a new time" in subjects
    assert b"Your visit is booked" not in subjects


def test_a_patient_without_an_address_is_mailed_nothing_and_the_desk_still_is():
    factories.appointment_request(email="", phone="520 555 0199", contact_by="call")

    assert outbox.send_due() == 1
    assert [message.to for message in mail.outbox] == [["front-desk@localhost"]]


def test_the_server_s_words_are_kept_for_the_desk_and_out_of_the_log(smtp, caplog):
    smtp.refusals["canary@example.com"] = "550 canary@example.com does not live here"
    factories.appointment_request(email="canary@example.com")

    with caplog.at_level("DEBUG", logger="appointments"):
        outbox.send_due()

    assert "canary" in Message.objects.get(kind="received").error
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("appointments")]
    assert any("given up" in line for line in ours)
    assert not any("canary" in line for line in ours)


def test_the_oldest_waiting_message_is_what_health_reports(smtp):
    assert outbox.oldest_due_seconds() == 0
    factories.appointment_request()
    assert outbox.oldest_due_seconds(timezone.now() + timedelta(minutes=20)) >= 20 * 60
    outbox.send_due()
    assert outbox.oldest_due_seconds(timezone.now() + timedelta(minutes=20)) == 0


def test_a_server_that_breaks_off_in_the_middle_spoils_only_that_message(settings):
    """It hangs up after the first greeting: the message is put off, and nothing is lost."""
    stop = threading.Event()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.2)

        def greet_and_hang_up():
            while not stop.is_set():
                try:
                    visitor, _address = listener.accept()
                except TimeoutError:
                    continue
                with visitor, suppress(OSError):
                    visitor.sendall(b"220 hello\r\n")
                    visitor.recv(100)
                    visitor.sendall(b"250 hello\r\n")
                    visitor.recv(100)

        thread = threading.Thread(target=greet_and_hang_up)
        thread.start()
        use_server(settings, listener.getsockname()[1])
        try:
            factories.appointment_request()
            assert outbox.send_due() == 0
        finally:
            stop.set()
            thread.join()

    assert {message.state for message in Message.objects.all()} == {"queued, will be tried again"}


def test_a_server_that_refuses_everybody_for_hours_is_tried_every_quarter_of_an_hour(smtp, monkeypatch):
    """Whose mailbox is full is left alone for longer and longer; but a server that is ill may be well at any minute."""
    factories.appointment_request(email="ana@example.com")

    async def ill(server, session, envelope):
        return "451 try later"

    well = Mailbox.handle_DATA
    monkeypatch.setattr(Mailbox, "handle_DATA", lambda self, *told: ill(*told))
    for _ in range(8):
        Message.objects.update(due_at=timezone.now())
        outbox.send_due()
    waits = [message.due_at - timezone.now() for message in Message.objects.all()]
    assert max(waits) <= outbox.SERVERS_DELAY
    assert {message.state for message in Message.objects.all()} == {"queued, will be tried again"}

    monkeypatch.setattr(Mailbox, "handle_DATA", well)
    assert outbox.send_due(timezone.now() + outbox.SERVERS_DELAY) == 2
