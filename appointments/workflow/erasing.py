"""The end of a patient's details: handed out, erased, kept by law, or over by the policy."""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from appointments import event_log, privacy
from appointments.models import AppointmentRequest, Arrival, Event, Message
from appointments.workflow.moves import MoveNotAllowed, insist, swap, write_down

AT_ONCE = 100  # rows in one transaction


@transaction.atomic
def export(
    appointment_request: AppointmentRequest,
    *,
    by: User,
    seen: int,
    others: Iterable[AppointmentRequest] = (),
    as_page: bool = True,
    now: datetime | None = None,
) -> privacy.Copy:
    """All that is kept about one patient, from this request and `others` of the same person. Written down before.

    `seen` plays no part, because nothing changes.
    """
    now, rows = now or timezone.now(), [appointment_request, *others]
    for row in rows:
        event_log.append(Event.Kind.EXPORTED, by=by, now=now, appointment_request=row, details=_said(rows))
    return privacy.copy_of(rows, as_page=as_page, now=now)


@transaction.atomic
def erase(
    appointment_request: AppointmentRequest,
    *,
    by: User,
    seen: int,
    others: Iterable[AppointmentRequest] = (),
    note: str = "",
    now: datetime | None = None,
) -> None:
    """One patient's details go from this request and from `others` of the same person, all or none.

    What happened stays, naming nobody. MoveNotAllowed where one of them is open or under a legal hold.
    """
    now, rows = now or timezone.now(), [appointment_request, *others]
    keys = AppointmentRequest.objects.filter(pk__in=[row.pk for row in rows])
    list(keys.select_for_update().order_by("pk").values_list("pk"))  # in one order, whoever else does so
    for row in rows:
        if row.legal_hold_since:
            raise MoveNotAllowed(f"Request {row} is under a legal hold.")
        version = seen if row is appointment_request else row.version
        swap("erase", row, by=by, seen=version, now=now, **privacy.emptied(now))
        privacy.let_go_of_what_belongs_to(row)
    for row in rows:
        write_down(row, Event.Kind.ERASED, by=by, now=now, details=_said(rows), note=note)


@transaction.atomic
def place_hold(
    appointment_request: AppointmentRequest, *, by: User, seen: int, note: str, now: datetime | None = None
) -> None:
    """Nothing of the request is erased until the hold is lifted, whoever asks and whatever the policy says."""
    now = now or timezone.now()
    insist("place_hold", appointment_request, by=by, now=now)
    swap("place_hold", appointment_request, by=by, seen=seen, now=now, legal_hold_since=now)
    write_down(appointment_request, Event.Kind.ON_HOLD, by=by, now=now, note=note)


@transaction.atomic
def lift_hold(
    appointment_request: AppointmentRequest, *, by: User, seen: int, note: str, now: datetime | None = None
) -> None:
    now = now or timezone.now()
    insist("lift_hold", appointment_request, by=by, now=now)
    swap("lift_hold", appointment_request, by=by, seen=seen, now=now, legal_hold_since=None)
    write_down(appointment_request, Event.Kind.OFF_HOLD, by=by, now=now, note=note)


@transaction.atomic
def let_go(period: privacy.Period, *, now: datetime | None = None, at_most: int = AT_ONCE) -> int:
    """Carry out one rule of the policy on its oldest rows, and say on how many; 0: it is done.

    All rows are locked first, in one order, and the end of the log after them, as by everybody else. Then each is
    looked at again, so that two who do this at once, or a legal hold placed meanwhile, are heard. Safe to stop and to
    repeat at any moment.
    """
    now = now or timezone.now()
    if period.name == "events":
        return event_log.forget_before(privacy.ends_before("events", now), at_most)
    over = period.over(now)
    keys = list(over.order_by("pk").values_list("pk", flat=True)[:at_most])
    list(over.model._base_manager.filter(pk__in=keys).select_for_update().order_by("pk").values_list("pk"))
    if period.name == "mail":
        return Message.objects.filter(pk__in=keys).update(text="", html="", calendar="")
    if period.name == "searches":
        return Event.objects.filter(pk__in=keys).erase_notes()
    if period.name == "arrivals":
        return Arrival.objects.filter(pk__in=keys).delete()[0]
    return sum(_expire(key, period, now) for key in keys)


def _expire(key: int, period: privacy.Period, now: datetime) -> bool:
    row = AppointmentRequest.objects.filter(pk=key, legal_hold_since=None, erased_at=None).first()
    if row is None:
        return False
    AppointmentRequest.objects.filter(pk=key).update(version=F("version") + 1, **privacy.emptied(now))
    row.refresh_from_db()
    privacy.let_go_of_what_belongs_to(row)
    write_down(row, Event.Kind.ERASED, by=None, now=now, details=f"By the policy: {period.words}")
    return True


def _said(rows: list[AppointmentRequest]) -> str:
    return f"Of one patient: {' '.join(row.reference for row in rows)}" if len(rows) > 1 else ""
