"""One small form for each move of the staff. What is cleaned is what the workflow's verb of that name takes."""

from typing import Any

from django import forms

from appointments import workflow
from appointments.forms.patient import TypedText
from appointments.models import AppointmentRequest, ClosedReason

LONGEST_NOTE = 2000


def note_field(label: str, *, needed: str = "") -> TypedText:
    """`needed` is what is said when it is left empty; without it, the note may be."""
    return TypedText(
        label=label if needed else f"{label} (optional)",
        required=bool(needed),
        max_length=LONGEST_NOTE,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": needed, "max_length": f"The note must be {LONGEST_NOTE} characters or fewer"},
    )


class MoveForm(forms.Form):
    """A move that asks nothing. `seen` is the version of the request that the person had before them."""

    use_required_attribute = False

    seen = forms.IntegerField(
        min_value=0, max_value=2**31 - 1, widget=forms.HiddenInput, error_messages={"required": "Open this page again"}
    )

    def __init__(self, *args: Any, appointment_request: AppointmentRequest, **kwargs: Any):
        self.appointment_request = appointment_request
        kwargs["initial"] = {"seen": appointment_request.version, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)

    def see(self, version: int) -> None:
        """Stand on this version from now on: its news is on the page that is about to be shown."""
        self.data = self.data.copy()
        self.data["seen"] = version


class LogCallForm(MoveForm):
    reached = forms.ChoiceField(
        label="How did the call end?",
        choices=workflow.REACHED.items(),
        widget=forms.RadioSelect,
        error_messages={"required": "Choose how the call ended", "invalid_choice": "Choose how the call ended"},
    )
    note = note_field("Note")


class NoteForm(MoveForm):
    note = note_field("Note")


class CloseForm(MoveForm):
    reason = forms.ChoiceField(
        label="Why is it closed?",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose why it is closed", "invalid_choice": "Choose a reason from the list"},
    )
    note = note_field("Note")

    def __init__(self, *args: Any, appointment_request: AppointmentRequest, **kwargs: Any):
        super().__init__(*args, appointment_request=appointment_request, **kwargs)
        # A visit that took place is closed by the move of that name, which mails the patient how to recover.
        reasons = [(reason, words) for reason, words in ClosedReason.choices if reason != ClosedReason.COMPLETED]
        self.fields["reason"].choices = reasons


class MergeForm(MoveForm):
    into = forms.ModelChoiceField(
        label="Which request is kept?",
        queryset=AppointmentRequest.objects.none(),
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={"required": "Choose the request that is kept", "invalid_choice": "Choose one from the list"},
    )
    note = note_field("Note")

    def __init__(self, *args: Any, appointment_request: AppointmentRequest, **kwargs: Any):
        super().__init__(*args, appointment_request=appointment_request, **kwargs)
        into = self.fields["into"]
        into.queryset = AppointmentRequest.objects.alike(appointment_request).filter(duplicate_of=None)
        into.label_from_instance = lambda row: f"{row.reference}: {row.full_name}, {row.get_status_display().lower()}"


class MailForm(MoveForm):
    """A move of one of the request's mails, pressed beside it."""

    message = forms.IntegerField(
        min_value=1,
        max_value=2**31 - 1,
        widget=forms.HiddenInput,
        error_messages={"required": "Press the button beside the mail"},
    )


class ReviewForm(MoveForm):
    verdict = forms.ChoiceField(
        label="What does the health check mean for the visit?",
        choices=workflow.VERDICTS.items(),
        widget=forms.RadioSelect,
        help_text="The front desk sees this.",
        error_messages={"required": "Choose what it means", "invalid_choice": "Choose one from the list"},
    )
    note = note_field("What should the desk do?")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["note"].help_text = "The front desk sees this. Write no answer of the health check."


class OnePatientForm(MoveForm):
    """Concerns a person, who may have asked more than once: whoever presses says which requests are theirs."""

    others = forms.ModelMultipleChoiceField(
        label="Which other requests are the same person's? (optional)",
        help_text="They share the telephone number or the e-mail address. Families do too: ask.",
        queryset=AppointmentRequest.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": "Choose from the list", "invalid_pk_value": "Choose from the list"},
    )

    def __init__(self, *args: Any, appointment_request: AppointmentRequest, **kwargs: Any):
        super().__init__(*args, appointment_request=appointment_request, **kwargs)
        others = self.fields["others"]
        others.queryset = AppointmentRequest.objects.alike(appointment_request).filter(erased_at=None)
        others.label_from_instance = lambda row: f"{row.reference}: {row.full_name}, {row.get_status_display().lower()}"
        if not others.queryset.exists():
            del self.fields["others"]


class ExportForm(OnePatientForm):
    as_page = forms.TypedChoiceField(
        label="What kind of file?",
        choices=[("page", "A page to read (HTML)"), ("data", "For programs (JSON)")],
        initial="page",
        coerce=lambda choice: choice == "page",
        widget=forms.RadioSelect,
        error_messages={"required": "Choose a kind of file", "invalid_choice": "Choose a kind of file"},
    )


class EraseForm(OnePatientForm):
    sure = forms.BooleanField(
        label="The patient asked for it, or the clinic decided it. It cannot be undone.",
        error_messages={"required": "Tick this to erase"},
    )
    note = note_field("Why")

    def clean(self) -> dict[str, Any]:
        answers = super().clean()
        answers.pop("sure", None)
        return answers


class HoldForm(MoveForm):
    note = note_field("Why?", needed="Enter why")


class ReopenForm(MoveForm):
    note = note_field("Why is it reopened?", needed="Enter why it is reopened")


class AddNoteForm(MoveForm):
    note = note_field("Note", needed="Enter the note")
