"""How fast the outbox sends, and what a killed sender costs: 10,000 messages to a real mail server on loopback.

    .venv/bin/python bench/mail.py [--messages N] [--database-url URL]

The server is away at first. Then the sender runs, is killed outright twice in the middle, and starts again. At the
end every message must have arrived, and none twice but those that a killed sender had in hand. The claims of those
last ten minutes; so as not to wait for them, their ends are set to now. The database is thrown away, or emptied: name
none that matters.
"""

import argparse
import logging
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
AWAY_SECONDS = 5


def main() -> int:
    options = read_options()
    prepare(options)
    os.chdir(PROJECT)
    sys.path.insert(0, str(PROJECT))

    import django

    django.setup()
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    call_command("flush", verbosity=0, interactive=False)
    call_command("open_clinic", no_owner=True, verbosity=0)
    write_messages(options.messages)
    print(f"{options.messages} messages on {connection.vendor}, the mail server is away for {AWAY_SECONDS} s")
    return run(options.messages)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Sends messages to a mail server on loopback; the sender is killed twice."
    )
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--database-url", default="", help="emptied! Default: SQLite in a folder of its own")
    return parser.parse_args()


def prepare(options: argparse.Namespace) -> None:
    """An environment of its own, with a free port for the mail server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        options.port = probe.getsockname()[1]
    os.environ |= {
        "VAR_DIR": tempfile.mkdtemp(prefix="bench-mail-"),
        "DJANGO_SETTINGS_MODULE": "medspa.settings",
        "EMAIL_URL": f"smtp://127.0.0.1:{options.port}",
        "DATABASE_URL": options.database_url,
        "MAIL_PORT": str(options.port),
    }


def write_messages(many: int) -> None:
    """Receipts, all due now, as the workflow queues them."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from appointments.management.seeding import Seeder
    from appointments.models import AppointmentRequest, Message
    from medspa.models import Clinic
    from treatments.models import Provider

    Clinic.objects.update(reminder_hours="", morning_digest_at=None)
    staff, rooms = User.objects.create(username="bench"), [Provider.objects.create(name="Room")]
    stories = Seeder(many, 1, timezone.now(), staff, rooms).stories()
    rows = AppointmentRequest.objects.bulk_create((story.request for story in stories), batch_size=500)
    words = {"kind": "received", "version": 1, "subject": "We have your request", "text": "Words.\n" * 20}
    messages = (
        Message(
            appointment_request=row,
            recipient=row.email,
            html="<p>Words.</p>" * 40,
            message_id=f"<bench-{row.pk}@localhost>",
            **words,
        )
        for row in rows
    )
    Message.objects.bulk_create(messages, batch_size=500)


class Mailbox:
    """What has arrived, by Message-ID."""

    def __init__(self) -> None:
        self.taken: Counter[bytes] = Counter()
        self.first_at = self.last_at = 0.0

    async def handle_DATA(self, server, session, envelope):
        head = envelope.content.partition(b"\r\n\r\n")[0]
        self.taken[next(line for line in head.splitlines() if line.startswith(b"Message-ID"))] += 1
        self.last_at = time.monotonic()
        self.first_at = self.first_at or self.last_at
        return "250 taken"


def run(many: int) -> int:
    from aiosmtpd.controller import Controller
    from django.db import connection
    from django.utils import timezone

    from appointments.models import Message

    mailbox = Mailbox()
    sender = start_sender()
    time.sleep(AWAY_SECONDS)
    controller = Controller(mailbox, hostname="127.0.0.1", port=int(os.environ["MAIL_PORT"]))
    controller.start()
    back_at, cpu, killed = time.monotonic(), 0.0, []
    stops = sorted(random.Random().sample(range(many // 10, many * 9 // 10), 2))
    while len(mailbox.taken) < many - 2 and sender.poll() is None:
        if stops and len(mailbox.taken) >= stops[0]:
            killed.append(stops.pop(0))
            cpu += cpu_of(sender)
            sender.send_signal(signal.SIGKILL)
            sender.wait()
            sender = start_sender()
        time.sleep(0.02)
    in_hand = Message.objects.unsent().filter(due_at__gt=timezone.now())
    left = in_hand.count()
    in_hand.update(due_at=timezone.now())
    deadline = time.monotonic() + 60
    while Message.objects.unsent().exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    cpu += cpu_of(sender)
    sender.terminate()
    sender.wait()
    controller.stop()
    connection.close()
    seconds = mailbox.last_at - mailbox.first_at
    twice = sum(times - 1 for times in mailbox.taken.values())
    print(f"first mail {mailbox.first_at - back_at:.1f} s after the server was back")
    print(f"killed after {killed[0]} and {killed[1]} messages, {left} in hand then")
    print(f"{many / seconds:.0f} messages a second, {cpu / many * 1000:.2f} ms of CPU each, {seconds:.0f} s in all")
    print(f"{len(mailbox.taken)} of {many} arrived, {twice} twice")
    return 0 if len(mailbox.taken) == many and twice <= len(killed) else 1


def start_sender() -> subprocess.Popen:
    command = [sys.executable, str(PROJECT / "manage.py"), "send_messages"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def cpu_of(process: subprocess.Popen) -> float:
    """Seconds of CPU that a running process has used (Linux)."""
    with open(f"/proc/{process.pid}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
