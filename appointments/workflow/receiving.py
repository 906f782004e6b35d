"""A patient's request comes in."""

import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from appointments import notifications, outbox
from appointments.models import AppointmentRequest, Event, PreferredTime, hash_token
from appointments.references import new_reference
from appointments.response_clock import respond_by
from appointments.telephones import as_e164
from appointments.workflow.moves import write_down
from medspa.models import Clinic
from treatments.models import Treatment


def receive(
    *,
    form_token: uuid.UUID,
    full_name: str,
    phone: str,
    email: str,
    contact_by: str,
    treatment: Treatment | None,
    preferred_times: Iterable[PreferredTime],
    message: str,
    language: str = "en",
    now: datetime | None = None,
) -> AppointmentRequest:
    """Store what a patient asked for: request, preferred times, first event and both messages, all or nothing.

    Idempotent by `form_token`: sent again, even at the same moment, it returns the request already stored.
    """
    now = now or timezone.now()
    clinic = Clinic.objects.current()
    token = secrets.token_urlsafe(32)
    appointment_request = AppointmentRequest(
        form_token=form_token,
        private_token=token,
        private_token_hash=hash_token(token),
        full_name=full_name,
        phone=phone,
        phone_e164=as_e164(phone),
        email=email,
        contact_by=contact_by,
        treatment=treatment,
        message=message,
        language=language,
        created_at=now,
        respond_by=(due := respond_by(clinic, now)),
        next_action_at=due,
    )
    while True:
        appointment_request.reference = new_reference()
        try:
            with transaction.atomic():
                return _store(appointment_request, preferred_times, clinic)
        except IntegrityError:
            if stored := AppointmentRequest.objects.filter(form_token=form_token).first():
                return stored
            if not AppointmentRequest.objects.filter(reference=appointment_request.reference).exists():
                raise  # not a reference drawn twice, which is drawn again
            appointment_request.pk = None


def _store(
    appointment_request: AppointmentRequest, preferred_times: Iterable[PreferredTime], clinic: Clinic
) -> AppointmentRequest:
    appointment_request.save(force_insert=True)
    for preferred_time in preferred_times:
        preferred_time.appointment_request = appointment_request
    PreferredTime.objects.bulk_create(preferred_times)
    write_down(appointment_request, Event.Kind.RECEIVED, by=None, now=appointment_request.created_at)
    outbox.queue(
        notifications.received(appointment_request, clinic), notifications.desk_notice(appointment_request, clinic)
    )
    return appointment_request
