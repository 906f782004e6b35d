"""Calendar files (RFC 5545): visits as calendar programs read them, and how little of them a feed says.

It writes text and sends nothing. Whoever asks for a file says what a visit is called in it, for its own readers.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from email.utils import parseaddr
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from appointments.models import Appointment, AppointmentRequest
from medspa.models import Clinic

CONTENT_TYPE = "text/calendar; charset=utf-8"
LONGEST_LINE = 75  # octets without the line break (RFC 5545, 3.1)
LINE_BREAK = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")  # never allowed in a text (3.3.11)
ESCAPED = str.maketrans({"\\": r"\\", ";": r"\;", ",": r"\,", "\n": r"\n"})


class Entry(NamedTuple):
    """One visit, and what it is called in this file."""

    appointment: Appointment
    summary: str
    description: str = ""
    location: str = ""


def file_for_patient(appointment: Appointment, reference: str, clinic: Clinic, now: datetime | None = None) -> str:
    """The visit for the patient's own calendar, in the language in hand. It names the clinic and no treatment.

    METHOD is CANCEL for a visit that is cancelled, and PUBLISH for any other (RFC 5546, 3.2): nobody is asked to reply.
    """
    words = _("Reference: %(reference)s") % {"reference": reference}
    if clinic.telephone:
        words = f"{words}\n{clinic.telephone}"
    name = _("Visit to %(clinic)s") % {"clinic": clinic.name}
    entry = Entry(appointment, name, words, ", ".join(filter(None, [clinic.street, clinic.town, clinic.region_code])))
    method = "CANCEL" if appointment.status == Appointment.Status.CANCELLED else "PUBLISH"
    lines = [*_head(clinic, method), *event(entry, now or timezone.now(), organizer=clinic)]
    return _written([*lines, "END:VCALENDAR"])


def calendar_file(
    entries: Iterable[Entry], *, name: str, clinic: Clinic, ask_again: str = "PT15M", now: datetime | None = None
) -> str:
    """A whole file. Programs that have subscribed to it are asked to read it again after `ask_again`."""
    lines = [
        *_head(clinic, "PUBLISH"),
        f"NAME:{text(name)}",
        f"X-WR-CALNAME:{text(name)}",
        f"REFRESH-INTERVAL;VALUE=DURATION:{ask_again}",
        f"X-PUBLISHED-TTL:{ask_again}",
    ]
    for entry in entries:
        lines += event(entry, now or timezone.now())
    return _written([*lines, "END:VCALENDAR"])


def _head(clinic: Clinic, method: str) -> list[str]:
    return [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//{text(clinic.name)}//Appointments//EN",
        "CALSCALE:GREGORIAN",
        f"METHOD:{method}",
        f"X-WR-TIMEZONE:{text(clinic.time_zone)}",
    ]


def _written(lines: Iterable[str]) -> str:
    return "".join(f"{fold(line)}\r\n" for line in lines)


def event(entry: Entry, now: datetime, organizer: Clinic | None = None) -> Iterator[str]:
    """The lines of one visit. It keeps its UID when it is moved, and its SEQUENCE rises."""
    visit = entry.appointment
    yield "BEGIN:VEVENT"
    yield f"UID:visit-{visit.pk}@{urlsplit(settings.SITE_URL).hostname}"
    yield f"SEQUENCE:{visit.sequence}"
    yield f"DTSTAMP:{moment(now)}"
    yield f"DTSTART:{moment(visit.starts_at)}"
    yield f"DTEND:{moment(visit.ends_at)}"
    yield f"SUMMARY:{text(entry.summary)}"
    if entry.description:
        yield f"DESCRIPTION:{text(entry.description)}"
    if entry.location:
        yield f"LOCATION:{text(entry.location)}"
    if organizer:
        name, address = organizer.name.replace('"', "'"), organizer.email or parseaddr(settings.DEFAULT_FROM_EMAIL)[1]
        yield f'ORGANIZER;CN="{CONTROL.sub("", name)}":mailto:{address}'
    yield f"STATUS:{'CANCELLED' if visit.status == Appointment.Status.CANCELLED else 'CONFIRMED'}"
    yield "CLASS:PRIVATE"
    yield "END:VEVENT"


def moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def text(words: str) -> str:
    """`words` as a TEXT value (3.3.11): no line is broken by them, and none is begun."""
    return CONTROL.sub("", LINE_BREAK.sub("\n", words)).translate(ESCAPED)


def fold(line: str) -> str:
    """The line in pieces of at most 75 octets (3.1). No character is torn, whatever its length in UTF-8."""
    pieces, piece, octets = [], "", 0
    for character in line:
        length = len(character.encode())
        if octets + length > LONGEST_LINE:
            pieces.append(piece)
            piece, octets = " ", 1
        piece, octets = piece + character, octets + length
    return "\r\n".join([*pieces, piece])


def desk_name(appointment_request: AppointmentRequest) -> str:
    """What a visit is called in a staff member's own calendar, which may lie on anybody's server: `K7Q-4MXR A. B.`"""
    return " ".join([appointment_request.reference, *initials(appointment_request.full_name)])


def initials(full_name: str) -> list[str]:
    """Of the first and the last name. A character that is a syllable or a word (Chinese, Korean) names too much."""
    names = unicodedata.normalize("NFC", full_name).split()
    found = [next(filter(str.isalpha, name), "") for name in names]
    letters = [letter for letter in found if letter and unicodedata.east_asian_width(letter) not in "WF"]
    return [f"{letter.upper()[0]}." for letter in letters[:1] + letters[1:][-1:]]
