"""How a request is told in a few words: its status, how long it waits, how to reach the patient, and when."""

from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from django.contrib.auth.models import AbstractUser
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timesince import timesince

from appointments.models import WAITING, AppointmentRequest, Status
from medspa.opening_times import clock_time

ContactBy = AppointmentRequest.ContactBy
VERBS = {ContactBy.TEXT: "Text", ContactBy.CALL: "Call", ContactBy.EMAIL: "Email"}
SCHEMES = {ContactBy.TEXT: "sms", ContactBy.CALL: "tel"}
SHOWN_WAITING = (*WAITING, Status.WAITLISTED)

NOTHING = SafeString('<span class="none">–</span>')  # left out where rows are cards


class Way(NamedTuple):
    """One way to reach a patient, as a button."""

    verb: str
    written: str  # as the patient typed it
    link: str

    def button(self, words: str) -> SafeString:
        return format_html('<a class="reach" href="{}">{} <bdi>{}</bdi></a>', self.link, self.verb, words)


def ways_to_reach(appointment_request: AppointmentRequest) -> list[Way]:
    """Every way that exists, the one the patient prefers first."""
    row, found = appointment_request, {}
    digits = row.phone_e164 or "".join(filter("0123456789".__contains__, row.phone))
    if digits:
        found = {kind: Way(VERBS[kind], row.phone, f"{scheme}:{digits}") for kind, scheme in SCHEMES.items()}
    if row.email:
        found[ContactBy.EMAIL] = Way(VERBS[ContactBy.EMAIL], row.email, f"mailto:{quote(row.email, safe='@')}")
    return sorted(found.values(), key=lambda way: way.verb != VERBS[ContactBy(row.contact_by)])


def reach(appointment_request: AppointmentRequest) -> SafeString | str:
    """One button: the preferred way, or whichever there is. A number is shown, an address only named."""
    for way in ways_to_reach(appointment_request):
        return way.button("" if way.verb == VERBS[ContactBy.EMAIL] else way.written)
    return format_html("<bdi>{}</bdi>", appointment_request.phone)


def chip(appointment_request: AppointmentRequest) -> SafeString:
    """The status, and whether a clinician is to look at the health check first."""
    chips = [(appointment_request.status, appointment_request.get_status_display())]
    if appointment_request.review_since:
        chips.append(("review", "Review first"))
    return format_html_join(" ", '<span class="chip chip--{}">{}</span>', chips)


def waiting(appointment_request: AppointmentRequest, now: datetime | None = None) -> SafeString | str:
    """For how long, in one unit, and by when to act; marked once that is late. Where nobody waits, what is untold."""
    now = now or timezone.now()
    if appointment_request.asks_for_another_time:
        if appointment_request.is_late(now):
            return SafeString('<span class="overdue">Asks for another time<small>, late</small></span>')
        return format_html("Asks for another time <small>{}</small>", due(appointment_request.next_action_at, now))
    if appointment_request.status not in SHOWN_WAITING:
        return untold(appointment_request, now)
    spell = timesince(appointment_request.created_at, now, depth=1)
    words = "Just now" if spell.startswith("0") else spell
    if appointment_request.is_late(now):
        return format_html('<span class="overdue">{}<small>, late</small></span>', words)
    if appointment_request.next_action_at is None:
        return words
    return format_html("{} <small>{}</small>", words, due(appointment_request.next_action_at, now))


def untold(appointment_request: AppointmentRequest, now: datetime) -> SafeString:
    """For how long news of the visit has waited for a call; NOTHING where the patient knows it."""
    if appointment_request.to_tell_since is None:
        return NOTHING
    return format_html("Not told <small>for {}</small>", timesince(appointment_request.to_tell_since, now, depth=1))


def due(at: datetime, now: datetime) -> str:
    """`by 3 pm` today, else `by Wed, Nov 25, 9 am`."""
    local = timezone.localtime(at)
    return f"by {clock_time(local.time()) if local.date() == timezone.localtime(now).date() else moment(at)}"


def times(appointment_request: AppointmentRequest) -> SafeString:
    preferred = [(str(time),) for time in appointment_request.preferred_times.all()]
    return format_html_join(SafeString("<br>"), "{}", preferred) or NOTHING


def moment(at: datetime) -> str:
    """`Tue, Nov 24, 9:30 am`, on the clock of the page, with the year where it is not this one."""
    local = timezone.localtime(at)
    day = date_format(local, "D, M j" if local.year == timezone.localtime().year else "D, M j, Y")
    return f"{day}, {clock_time(local.time())}"


def printed(at: datetime) -> str:
    """`8:05 am, Tue Nov 24`: when a sheet was made."""
    local = timezone.localtime(at)
    return f"{clock_time(local.time())}, {date_format(local, 'D M j')}"


def who(user: AbstractUser | None) -> str:
    return (user.get_full_name() or user.get_username()) if user else "The patient"
