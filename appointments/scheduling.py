"""A provider's time: taking it, moving it, giving it back. The database refuses what overlaps."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F

from appointments.models import Appointment, AppointmentRequest
from treatments.models import Provider


class SlotTaken(Exception):
    """The provider has another appointment then. `other` is it, unless it has gone in the meantime."""

    def __init__(self, other: Appointment | None):
        self.other = other
        super().__init__("That time is taken.")


def reserve(
    appointment_request: AppointmentRequest, *, provider: Provider, starts_at: datetime, minutes: int
) -> Appointment:
    """Book `minutes` of the provider's time for the request, or raise SlotTaken and change nothing."""
    appointment = Appointment(
        appointment_request=appointment_request,
        provider=provider,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
    )
    _write(appointment)
    return appointment


def move(appointment: Appointment, *, provider: Provider, starts_at: datetime, minutes: int) -> Appointment:
    """Give the appointment another time or provider, or raise SlotTaken and change nothing."""
    appointment.provider = provider
    appointment.starts_at = starts_at
    appointment.ends_at = starts_at + timedelta(minutes=minutes)
    appointment.sequence = F("sequence") + 1
    _write(appointment)
    appointment.refresh_from_db()
    return appointment


def release(appointment: Appointment, *, status: Appointment.Status) -> None:
    """The appointment is `status` from now on. A cancelled one gives its time back."""
    appointment.status = status
    appointment.save(update_fields=["status"])


def _write(appointment: Appointment) -> None:
    # One writer a provider at a time: PostgreSQL's exclusion constraint may otherwise end two of them in a deadlock.
    Provider.objects.select_for_update().get(pk=appointment.provider_id)
    try:
        with transaction.atomic():
            appointment.save()
    except IntegrityError:
        other = _overlapping(appointment)
        raise SlotTaken(other) from None


def _overlapping(appointment: Appointment) -> Appointment | None:
    return (
        Appointment.objects.filter(
            provider=appointment.provider, starts_at__lt=appointment.ends_at, ends_at__gt=appointment.starts_at
        )
        .exclude(status=Appointment.Status.CANCELLED)
        .exclude(pk=appointment.pk)
        .select_related("provider")
        .first()
    )
