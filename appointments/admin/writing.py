"""Writing to a patient in three presses: choose a saved reply, look at the mail as it will go, send it."""

from typing import Any

from django.http import HttpRequest

from appointments import notifications
from appointments.forms import WriteForm
from appointments.models import AppointmentRequest, SavedReply
from medspa.models import Clinic

SEND, PREVIEW = "send", "preview"


def is_sent(request: HttpRequest) -> bool:
    """Whether the person has seen the mail as it will go and presses Send."""
    return request.POST.get("step") == SEND


def chosen(request: HttpRequest, appointment_request: AppointmentRequest) -> dict[str, str]:
    """The words of the saved reply that a link has chosen, filled in; nothing for one that is not offered."""
    replies = SavedReply.objects.to_write(appointment_request)
    found = next((reply for reply in replies if str(reply.pk) == request.GET.get("reply")), None)
    return notifications.filled_in(found, appointment_request, Clinic.objects.current()) if found else {}


def steps(request: HttpRequest, form: WriteForm) -> dict[str, Any]:
    """What the page shows: the saved replies while words are written, the mail once they can go."""
    row = form.appointment_request
    words: dict[str, Any] = {"chosen_reply": request.GET.get("reply", "")}
    if request.POST.get("step") == PREVIEW and form.is_valid():
        answers = {name: form.cleaned_data[name] for name in ("subject", "text")}
        return words | {"preview": notifications.reply(row, Clinic.objects.current(), **answers)}
    return words | {"saved_replies": SavedReply.objects.to_write(row)}
