"""How long somebody stays signed in: fifteen idle minutes, twelve hours at most. What was typed is not lost.

The times stand in the session. `seen_at` is written at most every half minute.
"""

import json
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest
from django.utils import timezone

from medspa import origin
from medspa.doors import write_down
from medspa.models import DoorEvent
from medspa.sealed import seal, unseal

AT_MOST = timedelta(hours=12)
PROVED_FOR = timedelta(minutes=5)
WRITTEN_EVERY = 30  # seconds
SET_BACK = 5 * 60  # seconds by which a clock may be set back without ado; by more, and a session has ended
MOST_KEPT = 64 * 1024  # characters
NEVER_KEPT = ("csrfmiddlewaretoken", "password", "code")  # in a field's name


def begins(request: HttpRequest, **_signal: Any) -> None:
    now = timezone.now().timestamp()
    request.session["signed_in_at"] = request.session["seen_at"] = now
    request.session["address"] = origin.current()


user_logged_in.connect(begins, dispatch_uid="medspa.staff_site.sessions")


def seconds_left(request: HttpRequest) -> int:
    """Until the person is signed out, if nothing is done meanwhile. 0 for nobody."""
    if not request.user.is_authenticated:
        return 0
    since_seen = seconds_since(request.session.get("seen_at", 0))
    since_signed_in = seconds_since(request.session.get("signed_in_at", 0))
    left = min(settings.STAFF_IDLE_SECONDS - since_seen, AT_MOST.total_seconds() - since_signed_in)
    return int(max(0, left))


def seconds_since(moment: float) -> float:
    """Seconds from `moment` until now; without end if it is still to come, so that it opens nothing for longer."""
    gone = timezone.now().timestamp() - moment
    return max(0.0, gone) if gone > -SET_BACK else float("inf")


def has_just_proved(request: HttpRequest) -> bool:
    """Whether the person gave the password within five minutes: asked before what opens the door is changed."""
    proved = max(request.session.get("signed_in_at", 0), request.session.get("proved_at", 0))
    return seconds_since(proved) < PROVED_FOR.total_seconds()


def go_on_or_end(request: HttpRequest, *, counts: bool = True) -> None:
    """At each request: sign out whom the clock has run out for, else note that somebody is there, if it `counts`."""
    if not request.user.is_authenticated:
        return
    if seconds_left(request) == 0:
        _end(request)
    elif counts and abs(timezone.now().timestamp() - request.session.get("seen_at", 0)) > WRITTEN_EVERY:
        request.session["seen_at"] = timezone.now().timestamp()


def _end(request: HttpRequest) -> None:
    user = request.user
    write_down(DoorEvent.Kind.TIMED_OUT, user)
    logout(request)
    if request.method == "POST":
        _keep(request, user)


def _keep(request: HttpRequest, user: User) -> None:
    """What was typed waits, sealed, in the session of whoever signs in next here; it is for the same person alone."""
    lists = request.POST.lists()
    fields = [(name, value) for name, values in lists for value in values if not _is_secret(name)]
    typed = json.dumps({"user": user.pk, "path": request.get_full_path(), "fields": fields})
    if len(typed) <= MOST_KEPT:
        request.session["typed"] = seal(typed)


def _is_secret(field: str) -> bool:
    return any(word in field.lower() for word in NEVER_KEPT)


def has_typed(request: HttpRequest) -> bool:
    return "typed" in request.session


def take_typed(request: HttpRequest) -> dict[str, Any] | None:
    """What this person had typed, once. Somebody else's is thrown away."""
    sealed = request.session.pop("typed", "")
    typed = json.loads(unseal(sealed)) if sealed else None
    return typed if typed and typed["user"] == request.user.pk else None
