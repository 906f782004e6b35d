"""A request that the desk takes on the telephone or in person: the patient's own form, and what only the desk knows."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User

from appointments.forms.patient import AppointmentRequestForm
from appointments.models import AppointmentRequest

Source = AppointmentRequest.Source


class DeskRequestForm(AppointmentRequestForm):
    """The patient's questions and rules, asked aloud. `agreed` says that the privacy words were read out."""

    changes_its_fields = True
    source = forms.ChoiceField(
        label="Where is the patient?",
        choices=[(Source.PHONE, "On the telephone"), (Source.WALK_IN, "Here, in person")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose where the patient is", "invalid_choice": "Choose where the patient is"},
    )
    language = forms.ChoiceField(
        label="Which language do we write in?",
        choices=settings.LANGUAGES,
        initial="en",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a language", "invalid_choice": "Choose a language from the list"},
    )
    agreed = forms.BooleanField(
        label="I read this to the patient, who agreed",
        error_messages={"required": "Read the words to the patient, and tick this once the patient has agreed"},
    )

    field_order = ["form_token", "source"]

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for name in ("full_name", "phone", "email"):
            self.fields[name].widget.attrs["autocomplete"] = "off"  # a browser would offer the name of the staff

    def clean(self) -> dict[str, Any]:
        answers = super().clean()
        answers.pop("agreed", None)  # without it there is no request, so nothing is to be stored
        return answers

    def save(self, *, by: User) -> AppointmentRequest:
        return super().save(by=by)
