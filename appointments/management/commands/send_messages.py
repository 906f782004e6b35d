"""The outbox worker."""

import logging
import signal
import smtplib
import threading
import time

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, close_old_connections

from appointments import outbox, workflow
from medspa.models import ClinicNotOpenedYet

PAUSE_SECONDS = 2
ROUNDS_SECONDS = 30
LONGEST_PAUSE_SECONDS = 60
AWAY = (OSError, smtplib.SMTPException, DatabaseError)

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Send the messages that are due, queue what the clock brings about (reminders, apologies, the morning digest), "
        "and go on until stopped with Ctrl-C or SIGTERM, which lets the message in "
        "hand go out first. More than one may run: each message is claimed by one of them. A mail server that is "
        "away costs nothing but time. With --once: send what is due now and end; exit code 1 if the mail server or "
        "the database could not be reached."
    )

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="send what is due now, then end")

    def handle(self, *, once: bool, **options):
        if once:
            try:
                make_rounds()
                sent = send_everything_due(threading.Event())
            except AWAY as trouble:
                raise CommandError(f"Nothing more could be sent: {type(trouble).__name__}.") from None
            self.stdout.write(f"{sent} sent")
            return
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        self.stdout.write("Sending messages. Ctrl-C stops.")
        pause, rounds_at = PAUSE_SECONDS, 0.0
        while not stopping.wait(pause):
            is_time = time.monotonic() >= rounds_at
            if is_time:
                rounds_at = time.monotonic() + ROUNDS_SECONDS
            pause = self._round(stopping, pause, makes_rounds=is_time)
        self.stdout.write("Stopped.")

    def _round(self, stopping: threading.Event, pause: int, *, makes_rounds: bool) -> int:
        """One look at the outbox. Returns the seconds to wait: longer and longer while something is away."""
        close_old_connections()
        try:
            if makes_rounds:
                make_rounds()
            send_everything_due(stopping)
        except AWAY as trouble:
            log.warning("The mail server or the database is away: %s", type(trouble).__name__)
            return min(pause * 2, LONGEST_PAUSE_SECONDS)
        return PAUSE_SECONDS


def make_rounds() -> None:
    """What the clock brings about. Trouble with it keeps no message back that is written already."""
    try:
        workflow.make_rounds()
    except ClinicNotOpenedYet:
        return
    except Exception as trouble:
        if isinstance(trouble, AWAY):
            raise
        log.exception("The rounds could not be made")


def send_everything_due(stopping: threading.Event) -> int:
    """Send batch after batch until nothing more goes out, and say how many did."""
    sent = 0
    while batch := outbox.send_due(stop=stopping.is_set):
        sent += batch
    return sent
