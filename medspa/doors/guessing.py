"""Guessing is stopped: five tries for one name from one address, thirty for one name from all the world, and
sixty for whatever names from one address.

A try is written down before it is looked at, and counted with it, so that a hundred at once are not more than one
after the other. After half an hour without tries everything is open again. An address from which the person has come
in during the last month is not stopped by what strangers try elsewhere, so that nobody can lock a colleague out for
good.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from medspa import origin
from medspa.doors.writing import write_down
from medspa.models import Attempt, DoorEvent

FROM_ONE_ADDRESS, FROM_ANYWHERE = 5, 30
FOR_ALL_NAMES = 60  # from one address: nobody fills the disk by making up names
LOCKED_FOR = timedelta(minutes=30)
KNOWN_FOR = timedelta(days=30)


class LockedOut(Exception):
    """Too many wrong tries. Says nothing about whether the name is known."""


def try_once(name: str, address: str, *, now: datetime | None = None) -> Attempt:
    """Count one try before it is looked at. LockedOut where it is one too many: then nothing may be looked at."""
    now, sender = now or timezone.now(), origin.budget_of(address)
    attempt = Attempt.objects.create(name_digest=_digest(name), address=sender, at=now)
    # Not those of years to come, written while the clock was ahead: they would lock the door until then.
    counted = Attempt.objects.filter(at__gt=now - LOCKED_FOR, at__lt=now + LOCKED_FOR)
    recent, of_sender = counted.filter(name_digest=attempt.name_digest), counted.filter(address=sender)
    if (
        recent.filter(address=sender).count() > FROM_ONE_ADDRESS
        or of_sender.count() > FOR_ALL_NAMES
        or (recent.count() > FROM_ANYWHERE and not _is_known(name, sender, now))
    ):
        attempt.delete()  # what was not looked at teaches nobody anything, and does not lengthen the lock
        _say_once(User.objects.filter(username=name).first(), now)
        raise LockedOut
    return attempt


def forgive(name: str, address: str) -> None:
    """It was right: what was tried for this name from this address counts no more."""
    Attempt.objects.filter(name_digest=_digest(name), address=origin.budget_of(address)).delete()


def unlock(user: User, *, by: User | None = None) -> None:
    """Lift every lock on this person."""
    Attempt.objects.filter(name_digest__in=[_digest(user.username), _digest(second_step_of(user))]).delete()
    write_down(DoorEvent.Kind.UNLOCKED, user, by=by)


def second_step_of(user: User) -> str:
    """The name under which tries at a person's second step are counted. No user name has a line break."""
    return f"{user.pk}\ncode"


def _say_once(user: User | None, now: datetime) -> None:
    """One event for one lock, however often somebody goes on trying."""
    address = origin.current()
    said = DoorEvent.objects.filter(kind=DoorEvent.Kind.LOCKED, user=user, address=address, at__gt=now - LOCKED_FOR)
    if not said.exists():
        write_down(DoorEvent.Kind.LOCKED, user)


def _is_known(name: str, sender: str, now: datetime) -> bool:
    came_in = DoorEvent.objects.filter(kind=DoorEvent.Kind.SIGNED_IN, at__gt=now - KNOWN_FOR, user__username=name)
    return any(origin.budget_of(address) == sender for address in came_in.values_list("address", flat=True))


def _digest(name: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), name.casefold().encode(), hashlib.sha256).hexdigest()
