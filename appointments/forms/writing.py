"""An e-mail in the desk's own words."""

from typing import Any

from django import forms

from appointments.forms.moves import LONGEST_NOTE, MoveForm
from appointments.forms.patient import TypedText
from appointments.placeholders import left_open

LONGEST_SUBJECT = 150


class WriteForm(MoveForm):
    """Subject and text as they will go: with no placeholder left, and without the patient's link in the subject."""

    subject = TypedText(
        label="Subject",
        max_length=LONGEST_SUBJECT,
        error_messages={
            "required": "Enter the subject",
            "max_length": f"The subject must be {LONGEST_SUBJECT} characters or fewer",
        },
    )
    text = TypedText(
        label="Text",
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 12}),
        help_text="Write nothing about health and name no treatment: an e-mail can be read on its way.",
        error_messages={
            "required": "Enter the text",
            "max_length": f"The text must be {LONGEST_NOTE} characters or fewer",
        },
    )

    def clean_subject(self) -> str:
        subject = self._filled_in("subject")
        if self.appointment_request.private_token in subject:
            raise forms.ValidationError("Put the patient's link into the text: a subject is not sealed")
        return subject

    def clean_text(self) -> str:
        return self._filled_in("text")

    def _filled_in(self, field: str) -> Any:
        words = self.cleaned_data[field]
        if still := left_open(words):
            raise forms.ValidationError(f"Replace {still[0]} by what it stands for")
        return words
