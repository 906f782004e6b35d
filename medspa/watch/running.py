"""Whether what nobody sees is at work: mail, the sender, backups, the disk. In sentences, with what to do."""

from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.timesince import timesince

from appointments import spool
from appointments.models import STUCK_AFTER
from medspa import backups
from medspa.watch.measures import Measures, disk, measure

SENDER_IS_SILENT_AFTER = timedelta(minutes=5)  # it leaves a sign every half minute, or a little later
LEAST_FREE_SHARE, LEAST_FREE_BYTES = 0.1, 10**9
FOLDER = "spool/aside of VAR_DIR"
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
    return [_mail(found), _sender(found), _kept(), _backup(found.at), _disk()]


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
        "Until it is, nobody gets mail. On a server: sudo systemctl restart medspa-sender, and if it stops again, "
        "sudo journalctl -u medspa-sender says why. Elsewhere make run starts it."
    )
    if found.sender_at is None:
        return Finding("Message sender", "It has never been at work.", advice)
    words = f"It was last at work {_ago(found.sender_at, found.at)}."
    is_silent = found.at - found.sender_at > SENDER_IS_SILENT_AFTER
    return Finding("Message sender", words, advice if is_silent else "")


def _kept() -> Finding:
    waiting, aside, about = spool.waiting(), spool.set_aside(), "Requests"
    if aside:
        words = f"{aside} that the database refused could not be stored afterwards. They are safe, as sealed files."
        advice = f"Start the message sender anew: it tries them once more. If they stay in {FOLDER}, see {DOCS}."
        return Finding(about, words, advice)
    if not waiting:
        return Finding(about, "The database has all of them.")
    is_late = spool.oldest_seconds() > STUCK_AFTER.total_seconds()
    words = f"{waiting} came while the database was away. They are safe, as sealed files, and wait to be stored."
    return Finding(about, words, "The message sender stores them: see whether it is at work." if is_late else "")


def _backup(now: datetime) -> Finding:
    fresh = backups.freshness(now)
    advice = (
        "On a server a timer makes one each night: systemctl status medspa-backup.timer tells whether it is set, "
        f"sudo systemctl start medspa-backup makes one now. Elsewhere it is manage.py backup. See {DOCS}."
    )
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
