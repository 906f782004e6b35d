"""What is kept about one patient, handed out: as JSON for programs, as a page for people."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.template.loader import render_to_string

from appointments.models import AppointmentRequest, Event
from appointments.privacy.policy import HANDED_OUT, fields_of

FOR_PROGRAMS = ("html", "calendar")  # of a mail; its text says the same
BELONGING = {
    "preferred_times": "Times that suit",
    "health_answers": "Health check",
    "appointments": "Appointments",
    "messages": "E-mails",
    "events": "What happened",
}


class Copy(NamedTuple):
    """A file to hand out."""

    name: str
    content_type: str
    body: str


def copy_of(rows: Iterable[AppointmentRequest], *, as_page: bool, now: datetime) -> Copy:
    """All that the policy hands out about these requests, which the caller says are one person's."""
    requests = [_whole(row) for row in rows]
    name = f"patient-{requests[0]['request']['reference']}"
    if as_page:
        page = render_to_string(
            "admin/appointments/appointmentrequest/copy.html", {"requests": _for_people(requests), "made": now}
        )
        return Copy(f"{name}.html", "text/html; charset=utf-8", page)
    content = {"made_at": now, "requests": requests}
    body = json.dumps(content, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    return Copy(f"{name}.json", "application/json", body)


def _whole(appointment_request: AppointmentRequest) -> dict[str, Any]:
    belonging = {name: [_told(row) for row in _rows(appointment_request, name)] for name in BELONGING}
    return {"request": _told(appointment_request), **belonging}


def _rows(appointment_request: AppointmentRequest, name: str) -> Iterable[models.Model]:
    rows = getattr(appointment_request, name).all()
    return rows.exclude(kind__in=Event.GLANCES) if name == "events" else rows


def _told(row: models.Model) -> dict[str, Any]:
    return {name: _value(row, name) for name in fields_of(type(row), *HANDED_OUT)}


def _value(row: models.Model, name: str) -> Any:
    value = getattr(row, name)
    if isinstance(value, models.Model):
        return str(value)
    shown = getattr(row, f"get_{name}_display", None)
    return str(shown()) if shown else value


def _for_people(requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Names instead of keys, and nothing that is empty."""
    return [
        {
            "reference": whole["request"]["reference"],
            "facts": _lines(whole["request"]),
            "parts": [
                (words, [_lines(row) for row in whole[name]]) for name, words in BELONGING.items() if whole[name]
            ],
        }
        for whole in requests
    ]


def _lines(row: dict[str, Any]) -> list[tuple[str, Any]]:
    filled = [
        (name, value) for name, value in row.items() if value not in ("", None) and name not in ("html", "calendar")
    ]
    return [(name.replace("_", " ").capitalize(), value) for name, value in filled]
