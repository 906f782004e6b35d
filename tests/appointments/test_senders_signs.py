"""The sender leaves signs of life, for whoever looks whether it is at work, and never at the cost of mail."""

import socket
import threading
import time
from datetime import timedelta
from urllib.request import urlopen

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.utils import timezone

from appointments.management.commands import send_messages
from appointments.models import Message
from medspa.models import Sign
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _clinic():
    factories.clinic(morning_digest_at=None)


def once():
    call_command("send_messages", "--once", verbosity=0)


def is_just_now(name):
    sign = Sign.objects.of(name)
    return sign is not None and timezone.now() - sign.at < timedelta(minutes=1)


def test_a_round_without_mail_leaves_the_senders_sign_alone():
    once()
    assert is_just_now(Sign.SENDER)
    assert Sign.objects.of(Sign.MAIL) is None


def test_mail_that_went_out_leaves_its_own_sign():
    factories.appointment_request()
    once()
    assert is_just_now(Sign.SENDER)
    assert is_just_now(Sign.MAIL)


def test_while_the_mail_server_is_away_the_sender_is_alive_and_no_mail_has_gone(settings):
    factories.appointment_request()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = probe.getsockname()
    with pytest.raises(CommandError):
        once()
    assert is_just_now(Sign.SENDER)
    assert Sign.objects.of(Sign.MAIL) is None


def test_mail_goes_out_even_if_no_sign_can_be_left(monkeypatch, caplog):
    def refuse(*_words, **_more):
        raise DatabaseError("a row of somebody")

    factories.appointment_request()
    monkeypatch.setattr(type(Sign.objects), "leave", refuse)
    once()
    assert Message.objects.unsent().count() == 0
    assert len(mail.outbox) == 2
    assert "No sign of life could be left: DatabaseError" in caplog.text
    assert "somebody" not in caplog.text


def test_in_the_middle_of_much_mail_a_sign_is_left_every_half_minute(monkeypatch):
    left, clock = [], iter(range(0, 10_000, 20))
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(send_messages, "leave", left.append)
    alive = send_messages.SignOfLife()
    for _ in range(6):
        alive.leave()
    assert left == [Sign.SENDER] * 3  # each look takes 20 s of this clock, or 40 with a sign


def test_a_look_at_every_message_asks_whether_to_stop_and_leaves_a_sign(monkeypatch):
    factories.appointment_request()
    looks = []
    monkeypatch.setattr(send_messages.SignOfLife, "leave", lambda _self: looks.append(1))
    assert send_messages.send_everything_due(threading.Event(), send_messages.SignOfLife()) == 2
    assert len(looks) == 2


def test_health_tells_how_long_ago_the_sender_was_at_work(client):
    assert client.get("/healthz").json()["sender_age_seconds"] is None
    Sign.objects.leave(Sign.SENDER, at=timezone.now() - timedelta(minutes=7))
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert 420 <= answer.json()["sender_age_seconds"] < 480


def test_a_clock_that_was_set_back_makes_no_sign_old():
    Sign.objects.leave(Sign.SENDER, at=timezone.now() + timedelta(hours=1))
    assert Sign.objects.age_seconds(Sign.SENDER, timezone.now()) == 0


@pytest.mark.django_db(transaction=True)
def test_the_running_sender_leaves_its_sign_within_seconds(site):
    site.start(sender=True)
    for _ in range(100):
        answer = urlopen(f"{site.url}/healthz", timeout=20).read().decode()
        if '"sender_age_seconds": null' not in answer:
            break
        time.sleep(0.2)
    assert '"sender_age_seconds": null' not in answer, site.log.read_text()
