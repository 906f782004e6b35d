"""The outbox worker, which also brings in what the database refused."""

import logging
import signal
import smtplib
import threading
import time
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.core.wsgi import get_wsgi_application
from django.db import Error, close_old_connections
from django.utils import timezone

from appointments import event_log, outbox, privacy, spool, workflow
from appointments.forms import store_kept
from medspa import doors
from medspa.models import Clinic, ClinicNotOpenedYet, Sign
from medspa.sealed import CannotUnseal
from treatments.exported_pages import Exported, export, is_fresh

PAUSE_SECONDS = 2
ROUNDS_SECONDS = 30
LETTING_GO_SECONDS = 6 * 60 * 60
LONGEST_PAUSE_SECONDS = 60
AWAY = (OSError, smtplib.SMTPException, Error)

log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Store the requests that were kept while the database refused them, send the messages that are due, "
        "queue what the clock brings about (reminders, apologies, the morning digest), "
        "let go every six hours of what the retention policy keeps no longer, "
        "write the public pages anew into PAGES_DIR whenever they change, if it is set, "
        "and go on until stopped with Ctrl-C or SIGTERM, which lets the message in "
        "hand go out first. More than one may run: each message is claimed by one of them. A mail server that is "
        "away costs nothing but time. With --once: send what is due now and end; exit code 1 if the mail server or "
        "the database could not be reached."
    )

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="send what is due now, then end")

    def handle(self, *, once: bool, **options):
        insist_on_keys()
        spool.try_again()
        alive = SignOfLife()
        if once:
            try:
                alive.leave()
                replay(threading.Event())
                make_rounds()
                sent = send_everything_due(threading.Event(), alive)
            except AWAY as trouble:
                raise CommandError(f"Nothing more could be sent: {type(trouble).__name__}.") from None
            self.stdout.write(f"{sent} sent")
            return
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        self.stdout.write("Sending messages. Ctrl-C stops.")
        pause, rounds_at, lets_go_at = PAUSE_SECONDS, 0.0, 0.0
        exported: Exported | None = None
        while not stopping.wait(pause):
            is_time = time.monotonic() >= rounds_at
            if is_time:
                rounds_at = time.monotonic() + ROUNDS_SECONDS
            pause = self._round(stopping, pause, alive, makes_rounds=is_time)
            exported = keep_pages_fresh(exported)
            if time.monotonic() >= lets_go_at and not let_go_of_some():
                lets_go_at = time.monotonic() + LETTING_GO_SECONDS
        self.stdout.write("Stopped.")

    def _round(self, stopping: threading.Event, pause: int, alive: "SignOfLife", *, makes_rounds: bool) -> int:
        """One look at the outbox. Returns the seconds to wait: longer and longer while something is away."""
        close_old_connections()
        alive.leave()
        try:
            replay(stopping)
            if makes_rounds:
                make_rounds()
            send_everything_due(stopping, alive)
        except AWAY as trouble:
            log.warning("The mail server or the database is away: %s", type(trouble).__name__)
            return PAUSE_SECONDS if spool.waiting() else min(pause * 2, LONGEST_PAUSE_SECONDS)
        return PAUSE_SECONDS


class SignOfLife:
    """Tells whoever looks that this sender is at work: every half minute at most, in the middle of much mail too."""

    def __init__(self) -> None:
        self.next_at = float("-inf")

    def leave(self) -> None:
        if time.monotonic() >= self.next_at:
            self.next_at = time.monotonic() + ROUNDS_SECONDS
            leave(Sign.SENDER)


def leave(sign: str) -> None:
    """Trouble with it keeps no mail back."""
    try:
        Sign.objects.leave(sign, at=timezone.now())
    except Exception as trouble:
        log.warning("No sign of life could be left: %s", type(trouble).__name__)


def replay(stopping: threading.Event) -> None:
    """What was kept while the database refused it becomes requests, before anything is sent."""
    if not spool.waiting():
        return
    try:
        Clinic.objects.current()
    except ClinicNotOpenedYet:
        return
    replayed = spool.replay(store_kept, stop=stopping.is_set)
    log.info("%d kept requests are in the database now", replayed)


def insist_on_keys() -> None:
    """Before the first message: what the keys cannot open would go out as nothing."""
    try:
        event_log.insist_on_keys()
    except CannotUnseal as trouble:
        raise CommandError(str(trouble)) from None
    except Error:
        log.warning("The database is away, so that the keys could not be tried")


def let_go_of_some() -> int:
    """A batch of what the retention policy keeps no longer, so that mail never waits for it; 0: nothing is left."""
    now = timezone.now()
    try:
        privacy.insist_on_the_clock(now)
        if gone := next((gone for period in privacy.PERIODS if (gone := workflow.let_go(period, now=now))), 0):
            return gone
        doors.tidy(now, events_before=privacy.ends_before("events", now))
    except privacy.ClockInDoubt as doubt:
        log.warning("Nothing is let go. %s See apply_retention", doubt)
    except Exception:
        log.exception("The retention policy could not be carried out; it is tried again")
    return 0


def keep_pages_fresh(exported: Exported | None) -> Exported | None:
    """The pages for a web server to send by itself, written anew if they have changed. Trouble keeps no mail back."""
    if not settings.PAGES_DIR:
        return None
    try:
        if is_fresh(exported, timezone.now()):
            return exported
        return export(get_wsgi_application(), Path(settings.PAGES_DIR))
    except Exception:
        log.exception("The pages could not be exported; it is tried again")
        return None


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


def send_everything_due(stopping: threading.Event, alive: SignOfLife) -> int:
    """Send batch after batch until nothing more goes out, and say how many did."""
    sent = 0

    def stop() -> bool:
        alive.leave()
        return stopping.is_set()

    while batch := outbox.send_due(stop=stop):
        sent += batch
        leave(Sign.MAIL)
    return sent
