"""The same patient asked twice: the copy is closed, and both requests say so."""

from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from appointments.models import AppointmentRequest, ClosedReason, Event
from appointments.workflow.moves import MoveNotAllowed, ended, swap, write_down


@transaction.atomic
def merge(
    appointment_request: AppointmentRequest,
    *,
    by: User,
    seen: int,
    into: AppointmentRequest,
    note: str = "",
    now: datetime | None = None,
) -> None:
    """Close the request as a copy of `into`, which is kept as it stands. Each keeps its history and names the other.

    Never done by a program: families share telephones. MoveNotAllowed if `into` is a copy itself.
    """
    now = now or timezone.now()
    # Both in one order, or two people who merge crosswise would wait for each other.
    pair = AppointmentRequest.objects.filter(pk__in=[appointment_request.pk, into.pk])
    list(pair.select_for_update().order_by("pk").values_list("pk"))
    closed = ended(ClosedReason.DUPLICATE, now)
    closed["to_tell_since"] = appointment_request.to_tell_since  # whoever was not told yet still is to be
    swap("merge", appointment_request, by=by, seen=seen, now=now, duplicate_of=into, **closed)
    kept = AppointmentRequest.objects.filter(pk=into.pk, duplicate_of=None).exclude(pk=appointment_request.pk)
    if not kept.update(version=F("version") + 1):
        raise MoveNotAllowed(f"{into} is a copy itself. Choose the request that it was merged into.")
    into.refresh_from_db()
    write_down(appointment_request, Event.Kind.MERGED, by=by, now=now, details=f"A copy of {into}", note=note)
    write_down(into, Event.Kind.MERGED, by=by, now=now, details=f"{appointment_request} was a copy of this")
