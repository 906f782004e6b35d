"""A provider's time: taking it, moving it, giving it back. The database refuses what overlaps."""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F

from appointments.free_times import why_not
from appointments.models import Appointment, AppointmentRequest, TimeOff
from medspa.models import Clinic
from treatments.models import Provider


class SlotTaken(Exception):
    """The provider has another appointment then. `other` is it, unless it has gone in the meantime."""

    def __init__(self, other: Appointment | None):
        self.other = other
        super().__init__("That time is taken.")


class NotWorking(Exception):
    """The provider does not work through that time. The words say why, for the desk."""


def reserve(
    appointment_request: AppointmentRequest,
    *,
    provider: Provider,
    starts_at: datetime,
    minutes: int,
    now: datetime,
    anyway: bool = False,
) -> Appointment:
    """Book `minutes` of the provider's time for the request, or raise SlotTaken and change nothing.

    NotWorking is raised likewise when the clinic is closed or the provider off, unless `anyway`.
    """
    appointment = Appointment(
        appointment_request=appointment_request,
        provider=provider,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=minutes),
        agreed_at=now,
    )
    _write(appointment, anyway)
    return appointment


def move(
    appointment: Appointment,
    *,
    provider: Provider,
    starts_at: datetime,
    minutes: int,
    now: datetime,
    anyway: bool = False,
) -> Appointment:
    """Give the appointment another time or provider, or raise SlotTaken or NotWorking and change nothing."""
    appointment.provider = provider
    appointment.starts_at = starts_at
    appointment.ends_at = starts_at + timedelta(minutes=minutes)
    appointment.sequence, appointment.agreed_at, appointment.reminded_hours = F("sequence") + 1, now, None
    _write(appointment, anyway)
    appointment.refresh_from_db()
    return appointment


def release(appointment: Appointment, *, status: Appointment.Status) -> None:
    """The appointment is `status` from now on. A cancelled one gives its time back, in patients' calendars too."""
    appointment.status = status
    if status == Appointment.Status.CANCELLED:
        appointment.sequence = F("sequence") + 1
    appointment.save(update_fields=["status", "sequence"])
    appointment.refresh_from_db(fields=["sequence"])


def _write(appointment: Appointment, anyway: bool) -> None:
    # One writer a provider at a time: PostgreSQL's exclusion constraint may otherwise end two of them in a deadlock.
    provider = Provider.objects.select_for_update().get(pk=appointment.provider_id)
    clinic = Clinic.objects.current()
    if not anyway and (reason := why_not(provider, appointment.starts_at, appointment.ends_at, clinic)):
        raise NotWorking(reason)
    try:
        with transaction.atomic():
            appointment.save()
    except IntegrityError:
        other = _overlapping(appointment)
        raise SlotTaken(other) from None


def _overlapping(appointment: Appointment) -> Appointment | None:
    visits = Appointment.objects.between(appointment.starts_at, appointment.ends_at).exclude(pk=appointment.pk)
    return visits.filter(provider=appointment.provider).select_related("provider").first()


def visits_in_the_way(time_off: TimeOff, clinic: Clinic) -> list[Appointment]:
    """What is booked with the provider in this time off, in order.

    Call it in a transaction: until that ends, nobody can book with the provider.
    """
    Provider.objects.select_for_update().get(pk=time_off.provider_id)
    begins, ends = time_off.spell(clinic.zone)
    visits = Appointment.objects.standing().between(begins, ends).filter(provider=time_off.provider)
    return list(visits.select_related("appointment_request", "provider"))


def is_free(appointment: Appointment, clinic: Clinic) -> bool:
    """Whether the time of a cancelled visit can be given to somebody else."""
    return not (
        why_not(appointment.provider, appointment.starts_at, appointment.ends_at, clinic) or _overlapping(appointment)
    )
