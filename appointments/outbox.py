"""Messages on their way: written with the move, sent by a worker, tried again, given up in plain sight.

A message is claimed by compare-and-swap on `due_at` and is sent with no transaction open. A worker that dies leaves
its one claimed message to be sent again when the claim ends; its Message-ID stays the same.
"""

import logging
import secrets
import smtplib
from collections.abc import Callable
from datetime import datetime, timedelta
from email.mime.text import MIMEText
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import transaction
from django.db.models import F, Min
from django.utils import timezone

from appointments.models import AppointmentRequest, Message
from medspa import new_rows

CLAIM = timedelta(minutes=10)  # longer than any conversation: each of its steps may take EMAIL_TIMEOUT (20 s)
DELAYS = [timedelta(minutes=minutes) for minutes in (1, 4, 15, 60, 4 * 60, 12 * 60, 24 * 60)]
SERVERS_DELAY = timedelta(minutes=15)  # at most, where the server refuses everybody: it may be well again any minute
LONGEST_HOLD = timedelta(hours=1)  # of what was never tried: as long as the clinic may let mail wait
GIVE_UP_AFTER = timedelta(days=5)  # RFC 5321, 4.5.4.1: at least four to five days

log = logging.getLogger(__name__)


def queue(*messages: Message | None, due_at: datetime | None = None) -> None:
    """Write the messages, in the caller's transaction. None, for a patient without an address, is passed over.

    They go at once, or from `due_at` on.
    """
    written = [message for message in messages if message]
    for message in written:
        message.due_at = message.queued_at = due_at or message.due_at
        message.message_id = f"<{secrets.token_hex(16)}@{urlsplit(settings.SITE_URL).hostname or 'localhost'}>"
    new_rows.insert(*written)


def withdraw(appointment_request: AppointmentRequest, *, now: datetime) -> None:
    """Take back unsent news about the appointment, held back or not: newer news is about to be queued."""
    news = appointment_request.messages.filter(kind__in=Message.ABOUT_THE_APPOINTMENT)
    news.unsent().update(withdrawn_at=now, sending_since=None)
    news.held_back().update(held_back=False)


def hold_back(message: Message, *, now: datetime) -> bool:
    """Keep the message from going. False if a worker was first, or it is no longer to be sent."""
    waiting = Message.objects.to_hold_back().filter(pk=message.pk)
    return bool(waiting.update(withdrawn_at=now, held_back=True))


def send_after_all(message: Message, *, now: datetime) -> bool:
    """Let a message go that was held back, from `now` on. False if it is not held back."""
    held = Message.objects.held_back().filter(pk=message.pk)
    return bool(held.update(withdrawn_at=None, held_back=False, due_at=now, queued_at=now))


def send_again(message: Message, *, now: datetime) -> bool:
    """Try a message anew from `now` on, for five days more. False if it was sent, taken back or is being sent."""
    stopped = Message.objects.filter(pk=message.pk, sent_at=None, withdrawn_at=None, sending_since=None)
    return bool(stopped.exclude(error="", given_up_at=None).update(given_up_at=None, due_at=now, queued_at=now))


def draw_near(now: datetime) -> None:
    """Let go now what is due later than anything is put off: it was written while the clock was ahead.

    What a worker seems to have in hand keeps a whole claim, in which a living one finishes.
    """
    unsent = Message.objects.unsent()
    unsent.filter(sending_since__isnull=False, due_at__gt=now + 2 * CLAIM).update(due_at=now + CLAIM)
    free = unsent.filter(sending_since=None)
    free.filter(attempts=0, due_at__gt=now + LONGEST_HOLD + CLAIM).update(due_at=now, queued_at=now)
    free.filter(due_at__gt=now + DELAYS[-1] + CLAIM).update(due_at=now, queued_at=now)


def send_due(now: datetime | None = None, *, limit: int = 100, stop: Callable[[], bool] = bool) -> int:
    """Send what is due, at most `limit` messages or until `stop` says so, and say how many went out.

    Safe in any number of processes. A mail server that cannot be reached costs the messages nothing: OSError or
    SMTPException is raised before any of them is claimed.
    """
    due = list(Message.objects.due(now or timezone.now()).values_list("pk", "due_at")[:limit])
    if not due:
        return 0
    sent = 0
    with get_connection() as connection:
        for pk, seen in due:
            if stop():
                break
            message = _claim(pk, seen, timezone.now() if now is None else now)
            if message is not None:
                sent += _send(message, connection)
    return sent


def oldest_due_seconds(now: datetime | None = None) -> int:
    """For how long the oldest due message has waited for a worker or a mail server that answers; 0 if none does."""
    now = now or timezone.now()
    oldest = Message.objects.due(now).aggregate(oldest=Min("due_at"))["oldest"]
    return int((now - oldest).total_seconds()) if oldest else 0


def _claim(pk: int, seen: datetime, now: datetime) -> Message | None:
    claimed = Message.objects.unsent().filter(pk=pk, due_at=seen)
    if not claimed.update(due_at=now + CLAIM, sending_since=now, attempts=F("attempts") + 1):
        return None  # another worker was first
    return Message.objects.get(pk=pk)


def _send(message: Message, connection: BaseEmailBackend) -> bool:
    try:
        connection.send_messages([_as_email(message)])
    except smtplib.SMTPRecipientsRefused as refusal:
        codes = [code for code, _words in refusal.recipients.values()]
        _put_off(message, _words_of(refusal), for_good=all(code >= 500 for code in codes))
        return False
    except Exception as trouble:  # whatever it is, the messages behind this one still go
        _put_off(message, _words_of(trouble), for_good=isinstance(trouble, ValueError), at_most=SERVERS_DELAY)
        _reopen(connection)
        return False
    Message.objects.filter(pk=message.pk).update(sent_at=timezone.now(), sending_since=None, error="")
    log.info("Message %s sent: %s", message.pk, message.kind)
    return True


def _as_email(message: Message) -> EmailMultiAlternatives:
    email = EmailMultiAlternatives(
        message.subject,
        message.text,
        to=[message.recipient],
        headers={"Message-ID": message.message_id, "Auto-Submitted": "auto-generated"},
    )
    if message.html:
        email.attach_alternative(message.html, "text/html")
    if message.calendar:
        file = MIMEText(message.calendar, "calendar", "utf-8")
        file.set_param("method", "CANCEL" if message.kind == Message.Kind.CANCELLED else "PUBLISH")
        file.add_header("Content-Disposition", "attachment", filename="visit.ics")
        email.attach(file)
    return email


def _put_off(message: Message, words: str, *, for_good: bool, at_most: timedelta = DELAYS[-1]) -> None:
    now = timezone.now()
    gives_up = for_good or now - message.queued_at > GIVE_UP_AFTER
    delay = min(DELAYS[min(message.attempts, len(DELAYS)) - 1], at_most)
    with transaction.atomic():
        Message.objects.filter(pk=message.pk).update(
            due_at=now + delay, sending_since=None, error=words[:500], given_up_at=now if gives_up else None
        )
        if gives_up and message.kind in Message.NEWS:  # what no mail can tell is told by telephone
            untold = AppointmentRequest.objects.filter(messages=message, to_tell_since=None)
            untold.update(to_tell_since=now)
    log.warning("Message %s %s after %s attempts", message.pk, "given up" if gives_up else "put off", message.attempts)


def _words_of(trouble: Exception) -> str:
    """What the server said. Shown at the desk, never logged: servers quote addresses."""
    if isinstance(trouble, smtplib.SMTPRecipientsRefused):
        replies = trouble.recipients.values()
        return "; ".join(f"{code} {words.decode('utf-8', 'replace')}" for code, words in replies)
    return str(trouble) or type(trouble).__name__


def _reopen(connection: BaseEmailBackend) -> None:
    # After a broken conversation the old one cannot be trusted; what cannot be opened again fails message by message.
    try:
        connection.close()
    except Exception:
        log.warning("The mail server's connection did not close cleanly")
