"""News of a visit reaches the patient: by mail, or from the desk by telephone where no address is known."""

from datetime import datetime, timedelta

from django.db.models import F, Value
from django.db.models.functions import Coalesce

from appointments import outbox
from appointments.models import AppointmentRequest, Message
from medspa.models import Clinic


def goes_at(clinic: Clinic, now: datetime) -> datetime:
    """When a mail goes that a move of the desk has caused: until then the desk can think better of it."""
    return now + timedelta(minutes=clinic.hold_mail_minutes)


def tell(
    appointment_request: AppointmentRequest,
    news: Message | None,
    clinic: Clinic,
    *,
    now: datetime,
    at_once: bool = False,
    may_surprise: bool = False,
) -> None:
    """Queue the mail in place of older news. None, for want of an address, is left to the desk to tell.

    What may surprise, such as a visit that the desk has moved, is told by telephone as well to a patient who asked to
    be reached so. It is to be told since the first news that nobody has told yet.
    """
    outbox.withdraw(appointment_request, now=now)
    outbox.queue(news, due_at=now if at_once else goes_at(clinic, now))
    if news is None or may_surprise and appointment_request.prefers_the_telephone:
        since = Coalesce(F("to_tell_since"), Value(now))
        AppointmentRequest.objects.filter(pk=appointment_request.pk).update(to_tell_since=since)
        appointment_request.refresh_from_db(fields=["to_tell_since"])


def told(appointment_request: AppointmentRequest) -> None:
    """Somebody has spoken to the patient: nothing is left to tell."""
    if appointment_request.to_tell_since:
        AppointmentRequest.objects.filter(pk=appointment_request.pk).update(to_tell_since=None)
        appointment_request.to_tell_since = None
