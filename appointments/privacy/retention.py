"""How long: which rows are over by the policy. Carrying it out is `workflow.let_go`."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import models
from django.db.models import Q

from appointments.models import AppointmentRequest, Arrival, ClosedReason, Event, Message
from appointments.privacy.policy import months

MONTH = timedelta(days=30.4375)  # a twelfth of a year, leap years included
A_DAY = timedelta(days=1)


class Period(NamedTuple):
    """One rule of the policy: its name there, what it says, and which rows are over."""

    name: str
    words: str
    over: Callable[[datetime], models.QuerySet]


def ends_before(name: str, now: datetime) -> datetime:
    """What ended before this moment is over."""
    return now - months(name) * MONTH


class ClockInDoubt(Exception):
    """Why today may be another day than the clock says, in one line for the owner."""


def insist_on_the_clock(now: datetime) -> None:
    """Raise ClockInDoubt unless the log is young, or says that somebody was here in the two months before yesterday.

    A clock that is years ahead must not let go of everything by itself. Nor is a site that nobody visits in a hurry.
    """
    last = Event.objects.filter(at__lt=now - A_DAY).order_by("-position").first()
    if last and last.at <= now - 2 * MONTH:
        raise ClockInDoubt(
            f"The clock says {now:%Y-%m-%d}, and the log says that nobody was here in the two months before yesterday. "
            "Is the clock right?"
        )


def _ended(name: str, now: datetime) -> models.QuerySet[AppointmentRequest]:
    return AppointmentRequest.objects.to_keep_no_longer(ends_before(name, now))


def spam(now: datetime) -> models.QuerySet:
    return _ended("spam", now).filter(closed_reason=ClosedReason.SPAM)


def unbooked(now: datetime) -> models.QuerySet:
    return _ended("unbooked", now).exclude(closed_reason=ClosedReason.SPAM).filter(appointments=None)


def booked(now: datetime) -> models.QuerySet:
    return _ended("booked", now).filter(appointments__isnull=False).distinct()


def mail(now: datetime) -> models.QuerySet:
    over = ends_before("mail", now)
    done = Q(sent_at__lt=over) | Q(given_up_at__lt=over) | Q(withdrawn_at__lt=over)
    free = Q(appointment_request=None) | Q(appointment_request__legal_hold_since=None)
    return Message.objects.filter(done & free).exclude(text="")


def searches(now: datetime) -> models.QuerySet:
    return Event.objects.filter(kind=Event.Kind.SEARCHED, at__lt=ends_before("searches", now)).exclude(note="")


def arrivals(now: datetime) -> models.QuerySet:
    return Arrival.objects.filter(at__lt=ends_before("arrivals", now))


def events(now: datetime) -> models.QuerySet:
    return Event.objects.filter(at__lt=ends_before("events", now))


PERIODS = [
    Period("spam", "requests that were filed as spam", spam),
    Period("unbooked", "requests that never became an appointment", unbooked),
    Period("booked", "requests that became an appointment", booked),
    Period("mail", "mails: their words", mail),
    Period("searches", "searches: the words that were looked for", searches),
    Period("arrivals", "addresses that forms came from", arrivals),
    Period("events", "events of the log", events),
]
