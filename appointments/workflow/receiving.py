"""A patient's request comes in: from the website, or taken by the desk on the telephone or in person."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from appointments import notifications, outbox
from appointments.models import (
    AppointmentRequest,
    Arrival,
    ClosedReason,
    Event,
    PreferredTime,
    Status,
    hash_token,
    private_token_of,
)
from appointments.references import new_reference
from appointments.response_clock import respond_by
from appointments.telephones import as_e164
from appointments.workflow.moves import ended, write_down
from medspa import new_rows
from medspa.models import Clinic
from treatments.models import Treatment


def receive(
    *,
    form_token: uuid.UUID,
    full_name: str,
    phone: str,
    phone_e164: str | None = None,
    email: str,
    contact_by: str,
    treatment: Treatment | None,
    preferred_times: Iterable[PreferredTime],
    message: str,
    language: str = "en",
    source: str = AppointmentRequest.Source.WEB,
    by: User | None = None,
    arrival: Arrival | None = None,
    is_spam: bool = False,
    clinic: Clinic | None = None,
    now: datetime | None = None,
) -> AppointmentRequest:
    """Store what a patient asked for: request, preferred times, first event and the messages, all or nothing.

    Idempotent by `form_token`: sent again, even at the same moment, it returns the request already stored.

    `by` is whoever took the request from the patient's mouth; None where the patient sent it. What was taken is
    claimed by that person, counts as answered, and is not mailed to the desk. The clock runs on: no time is agreed yet.

    `arrival`, unsaved, says from where the form came. With `is_spam` all of it is stored and filed as spam: nobody is
    mailed and nobody waits, until the desk presses `not_spam`. What is None of `clinic`, `phone_e164` is read here.
    """
    now, clinic = now or timezone.now(), clinic or Clinic.objects.current()
    token, due = private_token_of(form_token), respond_by(clinic, now)
    appointment_request = AppointmentRequest(
        form_token=form_token,
        private_token=token,
        private_token_hash=hash_token(token),
        full_name=full_name,
        phone=phone,
        phone_e164=as_e164(phone) if phone_e164 is None else phone_e164,
        email=email,
        contact_by=contact_by,
        treatment=treatment,
        message=message,
        language=language,
        source=source,
        created_at=now,
        respond_by=due,
        **({"claimed_by": by, "status": Status.CONTACTING, "first_response_at": now} if by else {}),
        **(ended(ClosedReason.SPAM, now) if is_spam else {"next_action_at": due}),
    )
    return _store_once(appointment_request, preferred_times, clinic, by, arrival)


def _store_once(
    appointment_request: AppointmentRequest,
    preferred_times: Iterable[PreferredTime],
    clinic: Clinic,
    by: User | None,
    arrival: Arrival | None,
) -> AppointmentRequest:
    """Under a reference that is free, or as what was stored already for the same form."""
    appointment_request.reference = new_reference()
    with transaction.atomic(savepoint=False):
        while not new_rows.insert_unless_taken(appointment_request):
            if stored := AppointmentRequest.objects.filter(form_token=appointment_request.form_token).first():
                return stored
            if not AppointmentRequest.objects.filter(reference=appointment_request.reference).exists():
                raise IntegrityError("another request has the same private link")
            appointment_request.reference = new_reference()
        _store_the_rest(appointment_request, preferred_times, clinic, by, arrival)
    return appointment_request


def _store_the_rest(
    appointment_request: AppointmentRequest,
    preferred_times: Iterable[PreferredTime],
    clinic: Clinic,
    by: User | None,
    arrival: Arrival | None,
) -> None:
    for preferred_time in preferred_times:
        preferred_time.appointment_request = appointment_request
    new_rows.insert(*preferred_times)
    if arrival:
        arrival.appointment_request = appointment_request
        new_rows.insert(arrival)
    details = appointment_request.get_source_display() if by else ""
    if not appointment_request.is_open:
        details = f"Filed as spam: {arrival.reasons}" if arrival else details
    elif by:
        outbox.queue(notifications.received(appointment_request, clinic))
    else:
        outbox.queue(*notifications.on_arrival(appointment_request, clinic))
    # Last, because from here on nobody else writes an event.
    write_down(appointment_request, Event.Kind.RECEIVED, by=by, now=appointment_request.created_at, details=details)
