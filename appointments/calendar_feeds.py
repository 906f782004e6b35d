"""Secret addresses of the calendar: how one is made and ended, and who reads what by it."""

import secrets
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from appointments import calendar_files, privacy
from appointments.models import Appointment, CalendarFeed, hash_token
from medspa.models import Clinic
from treatments.models import Provider

PERMISSION = "appointments.view_appointment"
BACK, AHEAD = timedelta(days=30), timedelta(days=90)


class MadeMeanwhile(Exception):
    """Another address was made after the one that the caller saw. Nothing was changed."""


@transaction.atomic
def make(*, by: User, seen: int) -> tuple[CalendarFeed, str]:
    """A new address in place of the one with the key `seen`, which ends; 0 where there was none.

    The token is returned here and never again. Of two presses at once one succeeds: MadeMeanwhile for the other, so
    that nobody is shown an address that is dead already.
    """
    CalendarFeed.objects.of(by).filter(pk=seen).delete()
    token = secrets.token_urlsafe(32)
    try:
        with transaction.atomic():
            feed = CalendarFeed.objects.create(user=by, token_hash=hash_token(token))
    except IntegrityError:
        raise MadeMeanwhile from None
    return feed, token


def end(*, by: User) -> bool:
    """The person's address answers nobody from now on. Whether there was one."""
    ended, _rows = CalendarFeed.objects.of(by).delete()
    return bool(ended)


def may_have_one(user: User) -> bool:
    return user.is_active and user.is_staff and user.has_perm(PERMISSION)


def reader_behind(token: str) -> User | None:
    """Whose address this is; None where there is none, or where its owner may no longer see visits at the desk."""
    feed = CalendarFeed.objects.behind(token).select_related("user").first()
    return feed.user if feed and may_have_one(feed.user) else None


def provider_of(user: User) -> Provider | None:
    """Whoever treats patients reads their own visits, everybody else those of all."""
    return Provider.objects.filter(user=user).first()


def file_for(user: User, now: datetime | None = None) -> str:
    """The last 30 days and the next 90, by reference and initials. What was cancelled has gone."""
    now, clinic, provider = now or timezone.now(), Clinic.objects.current(), provider_of(user)
    visits = Appointment.objects.beginning_between(now - BACK, now + AHEAD).not_cancelled()
    if provider:
        visits = visits.filter(provider=provider)
    entries = [
        calendar_files.Entry(visit, calendar_files.desk_name(visit.appointment_request))
        for visit in visits.select_related("appointment_request").order_by("starts_at", "pk")
    ]
    privacy.exported("Calendar feed", by=user, records=len(entries), now=now)  # read every few minutes: no references
    return calendar_files.calendar_file(entries, name=f"{clinic}: {provider or 'appointments'}", clinic=clinic, now=now)
