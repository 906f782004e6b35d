"""The words of every mail: one function each, returning a Message that is not yet saved.

A mail carries the clinic's name and telephone, the reference, a time and a link, nothing else: a stranger's address
can be typed into the form, so neither what was typed there nor the treatment is repeated. What the desk writes itself
stands in `reply` alone.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import ParamSpec

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import override

from appointments.models import Appointment, AppointmentRequest, Message, SavedReply
from appointments.placeholders import fill_in
from appointments.response_clock import promise, spoken
from medspa.models import Clinic

Kind = Message.Kind
Told = ParamSpec("Told")
SAMPLE_REFERENCE, SAMPLE_TIME = "ABC-1234", datetime(2030, 1, 8, 17, 0, tzinfo=UTC)


def in_their_language(wording: Callable[Told, Message | None]) -> Callable[Told, Message | None]:
    """Words, dates and the link's page in the language that the patient asked in."""

    @wraps(wording)
    def worded(*told: Told.args, **more: Told.kwargs) -> Message | None:
        appointment_request: AppointmentRequest = told[0]  # type: ignore[assignment]
        with override(appointment_request.language):
            return wording(*told, **more)

    return worded


@in_their_language
def received(appointment_request: AppointmentRequest, clinic: Clinic) -> Message | None:
    """The receipt: not yet an appointment, and by when we answer."""
    due = promise(clinic, appointment_request.respond_by, appointment_request.created_at)
    return _to_patient(Kind.RECEIVED, appointment_request, clinic, promise=due)


def desk_notice(appointment_request: AppointmentRequest, clinic: Clinic) -> Message | None:
    """To the desk: one new request, with a link for those who may sign in. None where no DESK_EMAIL is set."""
    link = reverse("admin:appointments_appointmentrequest_change", args=[appointment_request.pk])
    return _message(Kind.DESK_NOTICE, settings.DESK_EMAIL, appointment_request, clinic, link=link)


@in_their_language
def booked(appointment_request: AppointmentRequest, clinic: Clinic, appointment: Appointment) -> Message | None:
    return _to_patient(Kind.BOOKED, appointment_request, clinic, time=spoken(clinic, appointment.starts_at))


@in_their_language
def rescheduled(appointment_request: AppointmentRequest, clinic: Clinic, appointment: Appointment) -> Message | None:
    return _to_patient(Kind.RESCHEDULED, appointment_request, clinic, time=spoken(clinic, appointment.starts_at))


@in_their_language
def cancelled(appointment_request: AppointmentRequest, clinic: Clinic, appointment: Appointment) -> Message | None:
    return _to_patient(Kind.CANCELLED, appointment_request, clinic, time=spoken(clinic, appointment.starts_at))


@in_their_language
def reply(appointment_request: AppointmentRequest, clinic: Clinic, *, subject: str, text: str) -> Message | None:
    """What the desk writes to the patient, word for word, and below it who writes and the reference."""
    return _to_patient(Kind.REPLY, appointment_request, clinic, subject=subject, text=text)


def filled_in(saved: SavedReply, appointment_request: AppointmentRequest, clinic: Clinic) -> dict[str, str]:
    """`subject` and `text` of a saved reply for this patient, in the reply's language.

    KeyError for one that tells the time where no visit is booked.
    """
    appointment = appointment_request.booked_appointment()
    return _filled_in(saved, appointment_request, clinic, appointment.starts_at if appointment else None)


def sample(saved: SavedReply, clinic: Clinic) -> Message | None:
    """How a saved reply reads when it is sent, to nobody: the reference, the time and the link are made up."""
    nobody = AppointmentRequest(
        reference=SAMPLE_REFERENCE, private_token="sample", email="patient@example.com", language=saved.language
    )
    return reply(nobody, clinic, **_filled_in(saved, nobody, clinic, SAMPLE_TIME))


def _filled_in(
    saved: SavedReply, appointment_request: AppointmentRequest, clinic: Clinic, starts_at: datetime | None
) -> dict[str, str]:
    with override(saved.language):
        words = {
            "clinic": clinic.name,
            "telephone": clinic.telephone,
            "reference": appointment_request.reference,
            "link": settings.SITE_URL + _link_to(appointment_request),
        }
        if starts_at:
            words["time"] = spoken(clinic, starts_at)
    return {"subject": fill_in(saved.subject, words), "text": fill_in(saved.text, words)}


def _link_to(appointment_request: AppointmentRequest) -> str:
    return reverse("appointments:my_request", args=[appointment_request.private_token])


def _to_patient(
    kind: Message.Kind, appointment_request: AppointmentRequest, clinic: Clinic, **words: str
) -> Message | None:
    """None where the patient gave no address: the desk tells them by telephone."""
    link = _link_to(appointment_request)
    return _message(kind, appointment_request.email, appointment_request, clinic, link=link, **words)


def _message(
    kind: Message.Kind, recipient: str, appointment_request: AppointmentRequest, clinic: Clinic, link: str, **words: str
) -> Message | None:
    if not recipient:
        return None
    words |= {
        "clinic_name": clinic.name,
        "clinic_telephone": clinic.telephone,
        "reference": appointment_request.reference,
        "link": settings.SITE_URL + link,
    }
    return Message(
        appointment_request=appointment_request,
        kind=kind,
        version=appointment_request.version,
        recipient=recipient,
        subject=" ".join(render_to_string(f"appointments/email/{kind}.subject.txt", words).split()),
        text=render_to_string(f"appointments/email/{kind}.txt", words),
    )
