"""One patient's details go. What happened and when stays, and names nobody."""

import secrets
from datetime import datetime
from typing import Any

from django.db.models.base import ModelBase

from appointments.models import AppointmentRequest, hash_token
from appointments.privacy.policy import erasing_of, fields_of

ERASED = "(erased)"


def emptied(now: datetime) -> dict[str, Any]:
    """What erasing changes about a request: nothing of the person stays, and the private link opens nothing."""
    token = secrets.token_urlsafe(32)
    return {
        **dict.fromkeys(fields_of(AppointmentRequest, "person", "words"), ""),
        "full_name": ERASED,
        "phone_e164": "",
        "private_token": token,
        "private_token_hash": hash_token(token),
        "erased_at": now,
        "to_tell_since": None,
        "review_since": None,
        "next_action_at": None,
    }


def let_go_of_what_belongs_to(appointment_request: AppointmentRequest) -> None:
    """Answers, times, mails and where the form came from go; events lose their notes and stay."""
    for relation in AppointmentRequest._meta.related_objects:
        model = relation.related_model
        if isinstance(model, ModelBase) and erasing_of(model) == "delete":
            model._base_manager.filter(**{relation.field.name: appointment_request}).delete()
    appointment_request.events.all().erase_notes()
