"""Whether what nobody sees is at work: mail, the sender, backups, the disk. In sentences, with what to do."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.timesince import timesince

from medspa import backups
from medspa.watch.measures import Measures, disk, measure

SENDER_IS_SILENT_AFTER = timedelta(minutes=5)  # it leaves a sign every half minute, or a little later
LEAST_FREE_SHARE, LEAST_FREE_BYTES = 0.1, 10**9
DOCS = "docs/operations.md"


class Finding(NamedTuple):
    """One thing about the site: how it is, and, where it is not well, what to do."""

    about: str
    words: str
    advice: str = ""
    url: str = ""  # where that is done
    link: str = ""  # the words that lead there

    @property
    def is_well(self) -> bool:
        return not self.advice


def how_it_runs(now: datetime | None = None) -> list[Finding]:
    """What may turn bad by itself. Four questions to the database."""
    found = measure(now)
    return [_mail(found), _sender(found), _backup(found.at), _disk()]


def _mail(found: Measures) -> Finding:
    outbox, parts, state = reverse("admin:appointments_message_changelist"), [], "stuck"
    if found.mail_stuck:
        parts.append(f"{_messages(found.mail_stuck)} not getting through.")
    if found.mail_failed:
        parts.append(f"{_messages(found.mail_failed)} given up within a day.")
        state = state if found.mail_stuck else "failed"
    if parts:
        advice = (
            "Read in the Outbox what the mail server said. If its address or password here is wrong, mend EMAIL_URL "
            "and start the site anew. What was given up is sent again by a press."
        )
        return Finding("Mail", " ".join(parts), advice, f"{outbox}?state={state}", "Open the Outbox")
    waiting = f"{_messages(found.mail_due)} on the way." if found.mail_due else "None is waiting."
    if found.mail_sent_at is None:
        return Finding("Mail", f"No message has gone out yet. {waiting}")
    last = f"The last message went out {_ago(found.mail_sent_at, found.at)}."
    return Finding("Mail", f"Mail is flowing. {last} {waiting}")


def _sender(found: Measures) -> Finding:
    advice = (
        "Start it: it is manage.py send_messages, and should start with the machine, as " + DOCS + " says. Until then "
        "nobody gets mail."
    )
    if found.sender_at is None:
        return Finding("Message sender", "It has never been at work.", advice)
    words = f"It was last at work {_ago(found.sender_at, found.at)}."
    is_silent = found.at - found.sender_at > SENDER_IS_SILENT_AFTER
    return Finding("Message sender", words, advice if is_silent else "")


def _backup(now: datetime) -> Finding:
    fresh = backups.freshness(now)
    advice = f"Make one now with manage.py backup, and let a timer make one each night, as {DOCS} says."
    return Finding("Backup", str(fresh), "" if fresh.is_fresh else advice)


def _disk() -> Finding:
    size, free = disk()
    words = f"{filesizeformat(free)} of {filesizeformat(size)} are free, {free * 100 // size} %."
    fills = free < LEAST_FREE_BYTES or free < size * LEAST_FREE_SHARE
    advice = f"Make room on the disk of {settings.VAR_DIR}: once it is full no request can be stored."
    return Finding("Disk", words, advice if fills else "")


def _messages(number: int) -> str:
    return f"{number} message is" if number == 1 else f"{number} messages are"


def _ago(moment: datetime, now: datetime) -> str:
    return f"{timesince(moment, now)} ago" if now - moment >= timedelta(minutes=1) else "a moment ago"
