"""SIGTERM under load, as at each upgrade: what has begun is finished, and nothing is left half done."""

import signal
import time

from aiosmtpd.controller import Controller

from bench.mail import Mailbox
from bench.slices import free_port
from tests.faults.kills import STORED, asked
from tests.faults.visitors import Visitors, wait_until

ROUNDS = 3


def test_the_web_server_answers_everybody_whose_request_it_has_taken(site):
    """Each request that is stored was also acknowledged: nobody was left with a press that led nowhere."""
    with Visitors(site, 6) as visitors:
        for _ in range(ROUNDS):
            web = site.start_web()
            visitors.wait_for(len(visitors.acknowledged) + 20)
            assert site.end(web, signal.SIGTERM) == 0, site.log.read_text()
    stored = {form for _token, form, _reference in asked(site, STORED)["requests"]}
    assert stored == set(visitors.acknowledged)
    assert visitors.cut_off == 0
    assert visitors.broken  # there was load while nobody answered
    assert set(visitors.answers) == {303}


class SlowMailbox(Mailbox):
    async def handle_DATA(self, server, session, envelope):
        taken = await super().handle_DATA(server, session, envelope)
        time.sleep(0.2)  # the message is taken, but the sender does not know it yet
        return taken


def test_the_sender_finishes_the_message_in_hand_and_sends_none_twice(site):
    mailbox = SlowMailbox()
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    site.environment["EMAIL_URL"] = f"smtp://127.0.0.1:{controller.port}"
    site.start()
    with Visitors(site, 4) as visitors:
        visitors.wait_for(10)
    controller.start()
    try:
        for round_ in range(1, ROUNDS + 1):
            sender = site.start_sender()
            wait_until(lambda enough=3 * round_: len(mailbox.taken) >= enough)
            began_at = time.monotonic()
            assert site.end(sender, signal.SIGTERM) == 0, site.log.read_text()
            assert time.monotonic() - began_at < 10
            counted = asked(site, IN_HAND)
            assert counted == {"in hand": 0, "sent": len(mailbox.taken)}
        assert len(mailbox.taken) < 20, "there was nothing left to send: it proves nothing"
        site.start_sender()
        wait_until(lambda: len(mailbox.taken) >= 2 * len(visitors.acknowledged))
    finally:
        controller.stop()
    assert set(mailbox.taken.values()) == {1}


IN_HAND = """
import json
from appointments.models import Message
taken = Message.objects.filter(sending_since__isnull=False)
print("@@" + json.dumps({"in hand": taken.count(), "sent": Message.objects.filter(sent_at__isnull=False).count()}))
"""
