"""The site is killed outright under load, again and again: every acknowledged request is there, every mail arrives.

    .venv/bin/python -m tests.faults.kills [--kills 200] [--acknowledged 2000] [--server-url postgres://...]

Visitors send the form to a site of its own, and a mail server on loopback counts what arrives by Message-ID. At random
moments one process of the web server, the whole web server, the message sender, or everything gets SIGKILL and is
started again. A visitor whose press got no answer presses again. The claims of killed senders last ten minutes; so as
not to wait for them, their ends are set to now when the kills are over. Exit code 1 if anything acknowledged is
missing, stored twice or not mailed, or if more mails came twice than senders were killed.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from bench.mail import Mailbox
from bench.slices import family, free_port
from tests.faults.visitors import Visitors
from tests.site import Site

VISITORS = 6
KINDS = {"a web process": 5, "the web server": 2, "the sender": 4, "everything": 1}  # and how often each
AT_ONCE = 0.2  # of the kills follow the last one without a pause, so that what starts is hit as well
ALL_SENT_SECONDS = 180


def main(*arguments: str) -> int:
    options = read_options(*arguments)
    seed = options.seed if options.seed is not None else random.randrange(10**6)
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        site = Site(Path(folder), options.server_url)
        mailbox = Mailbox()
        controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
        controller.start()
        site.environment["EMAIL_URL"] = f"smtp://127.0.0.1:{controller.port}"
        try:
            began_at, kills = time.monotonic(), Kills(site, random.Random(seed))
            with Visitors(site, VISITORS) as visitors:
                kills.go_on(visitors, options.kills, options.acknowledged)
            in_hand = send_the_rest(site)
            return report(site, visitors, kills.done, mailbox, in_hand, seed, time.monotonic() - began_at)
        finally:
            site.remove()
            controller.stop()


def read_options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Kills the site under load and counts what is lost.")
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--acknowledged", type=int, default=2000, help="requests, at least")
    parser.add_argument("--server-url", default="", help="a PostgreSQL server on which a database may be made")
    parser.add_argument("--seed", type=int, help="the same random moments again")
    return parser.parse_args(arguments)


class Kills:
    """What was killed, and how often. What is killed is started again at once."""

    def __init__(self, site: Site, chance: random.Random):
        self.site, self.chance = site, chance
        self.done: Counter[str] = Counter()
        site.start(sender=True)
        self.web, self.sender = site.running

    def go_on(self, visitors: Visitors, kills: int, acknowledged: int) -> None:
        for number in range(kills):
            if self.chance.random() > AT_ONCE:
                visitors.wait_for(acknowledged * number // kills)
                time.sleep(self.chance.uniform(0, 0.5))
            self.kill(self.chance.choices(list(KINDS), list(KINDS.values()))[0])
            if sys.stderr.isatty():
                print(f"\r{number + 1} kills, {len(visitors.acknowledged)} acknowledged", end="", file=sys.stderr)
        visitors.wait_for(acknowledged)

    def kill(self, what: str) -> None:
        if what == "a web process":
            below = family(self.web.pid)[1:]
            if not below:  # it has just been started
                what = "the web server"
            else:
                os.kill(self.chance.choice(below), signal.SIGKILL)
        self.done[what] += 1
        if what in ("the sender", "everything"):
            self.site.end(self.sender)
        if what in ("the web server", "everything"):
            self.site.end(self.web)
            self.web = self.site.start_web()
        if what in ("the sender", "everything"):
            self.sender = self.site.start_sender()


def send_the_rest(site: Site) -> int:
    """Let the sender finish. Returns how many messages were in a killed sender's hand."""
    site.wait_until_open()
    ends_at, in_hand = time.monotonic() + ALL_SENT_SECONDS, 0
    while True:
        released, unsent = asked(site, RELEASE)
        in_hand += released
        if not unsent or time.monotonic() > ends_at:
            return in_hand
        time.sleep(0.5)


def asked(site: Site, code: str) -> Any:
    return json.loads(site.manage("shell", "--no-imports", "-c", code).split("@@")[1])


RELEASE = """
import json
from datetime import timedelta
from django.utils import timezone
from appointments.models import Message
now = timezone.now()
# In hand for longer than a conversation on loopback takes: by a sender that is no more.
left = Message.objects.unsent().filter(sending_since__lt=now - timedelta(seconds=10), due_at__gt=now)
print("@@" + json.dumps([left.update(due_at=now), Message.objects.unsent().count()]))
"""
STORED = """
import json
from appointments.models import AppointmentRequest, Message
print("@@" + json.dumps({
    "requests": [[row.private_token, str(row.form_token), row.reference] for row in AppointmentRequest.objects.all()],
    "messages": list(Message.objects.filter(withdrawn_at=None).values_list("message_id", flat=True)),
    "receipts": Message.objects.filter(kind__in=["received", "desk_notice"]).count(),
}))
"""


def report(
    site: Site, visitors: Visitors, kills: Counter, mailbox: Mailbox, in_hand: int, seed: int, seconds: float
) -> int:
    stored = asked(site, STORED)
    site.manage("check_integrity")  # fails loudly
    tokens = {token: form for token, form, _reference in stored["requests"]}
    arrived = Counter({name.decode().partition(":")[2].strip(): times for name, times in mailbox.taken.items()})
    counted = {
        "acknowledged and not stored as such": sum(
            tokens.get(address.strip("/").rpartition("/")[2]) != form for form, address in visitors.acknowledged.items()
        ),
        "forms stored twice": len(tokens) - len(set(tokens.values())),
        "references given twice": len(tokens) - len({reference for *_others, reference in stored["requests"]}),
        "requests without both of their messages": abs(2 * len(tokens) - stored["receipts"]),
        "messages that never arrived": len(set(stored["messages"]) - set(arrived)),
        "mails that nobody had written": len(set(arrived) - set(stored["messages"])),
    }
    twice = sum(times - 1 for times in arrived.values())
    senders = kills["the sender"] + kills["everything"]
    database = "PostgreSQL" if site.server_url else "SQLite"
    print(f"{sum(kills.values())} kills on {database} in {seconds:.0f} s (seed {seed}): {dict(kills)}")
    print(f"{len(visitors.acknowledged)} acknowledged, {len(tokens)} stored, {visitors.broken} presses broken off")
    print(f"answers: {dict(visitors.answers)}")
    print(f"{len(arrived)} of {len(stored['messages'])} mails arrived, {twice} twice; {in_hand} were in a killed hand")
    for words, number in counted.items():
        print(f"{words}: {number}")
    refused = set(visitors.answers) - {303}
    return 1 if any(counted.values()) or twice > senders or refused else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up as after Ctrl-C
    sys.exit(main(*sys.argv[1:]))
