"""One small form for each move of the staff. What is cleaned is what the workflow's verb of that name takes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.utils import timezone

from appointments import workflow
from appointments.forms.patient import TypedText
from appointments.models import AppointmentRequest, ClosedReason
from appointments.scheduling import SlotTaken
from medspa.opening_times import clock_time
from treatments.models import Provider

LONGEST_NOTE = 2000
USUAL_MINUTES = 30
FARTHEST = timedelta(days=2 * 366)


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


class VisitForm(MoveForm):
    """When a visit is, on the clinic's clock, and who sees the patient."""

    provider = forms.ModelChoiceField(
        label="With",
        queryset=Provider.objects.filter(is_active=True),
        empty_label="Choose one",
        error_messages={"required": "Choose who sees the patient", "invalid_choice": "Choose who sees the patient"},
    )
    day = forms.DateField(
        label="Day",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"required": "Enter the day", "invalid": "Enter the day as year-month-day, like 2030-01-08"},
    )
    time = forms.TimeField(
        label="Starts at",
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        input_formats=["%H:%M", "%H:%M:%S", "%I:%M %p"],
        error_messages={"required": "Enter when the visit starts", "invalid": "Enter a time like 9:30 am"},
    )
    minutes = forms.IntegerField(
        label="Minutes",
        min_value=5,
        max_value=480,
        error_messages={
            "required": "Enter how many minutes the visit takes",
            "invalid": "Enter the minutes as a whole number, like 30",
            "min_value": "A visit takes at least 5 minutes",
            "max_value": "A visit takes at most 480 minutes",
        },
    )

    def __init__(self, *args: Any, appointment_request: AppointmentRequest, **kwargs: Any):
        kwargs["initial"] = usual_visit(appointment_request) | kwargs.get("initial", {})
        super().__init__(*args, appointment_request=appointment_request, **kwargs)
        choices = list(self.fields["provider"].queryset)
        if len(choices) == 1:
            self.fields["provider"].empty_label = None
            self.initial["provider"] = choices[0].pk
        if not choices:
            self.fields["provider"].help_text = "Nobody takes appointments now. The owner can change that."

    def clean(self) -> dict[str, Any]:
        """Day and time become `starts_at`: aware, and still to come."""
        answers = super().clean() or {}
        day, time = answers.pop("day", None), answers.pop("time", None)
        if day is None or time is None:
            return answers
        now = timezone.localtime()
        if day < now.date():
            self.add_error("day", "Choose a day that has not passed")
        elif day > now.date() + FARTHEST:
            self.add_error("day", "Choose a day within the next two years")
        elif (starts_at := on_the_clock(datetime.combine(day, time))) is None:
            self.add_error("time", "The clocks change then. Choose another time")
        elif starts_at <= now:
            self.add_error("time", "Choose a time that has not passed")
        else:
            answers["starts_at"] = starts_at
        return answers

    def refuse(self, taken: SlotTaken) -> None:
        """Say on the start time when that provider is taken."""
        if taken.other is None:
            self.add_error("time", "That time was taken a moment ago. Choose another time")
            return
        begins, ends = (
            clock_time(timezone.localtime(at).time()) for at in (taken.other.starts_at, taken.other.ends_at)
        )
        words = f"{taken.other.provider} is booked then, from {begins} to {ends}. Choose another time."
        self.add_error("time", words)


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
        appointment = appointment_request.booked_appointment()
        took_place = appointment is not None and appointment.has_begun()
        self.fields["reason"].choices = [
            (reason, words) for reason, words in ClosedReason.choices if took_place or reason != ClosedReason.COMPLETED
        ]


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


class ReopenForm(MoveForm):
    note = note_field("Why is it reopened?", needed="Enter why it is reopened")


class AddNoteForm(MoveForm):
    note = note_field("Note", needed="Enter the note")


MOVE_FORMS: dict[str, type[MoveForm]] = {
    "claim": MoveForm,
    "log_call": LogCallForm,
    "book": VisitForm,
    "reschedule": VisitForm,
    "cancel": NoteForm,
    "arrive": MoveForm,
    "no_show": NoteForm,
    "waitlist": NoteForm,
    "merge": MergeForm,
    "close": CloseForm,
    "reopen": ReopenForm,
    "add_note": AddNoteForm,
}


def usual_visit(appointment_request: AppointmentRequest) -> dict[str, Any]:
    """What the form of a visit opens with: the visit that stands, or else how long the treatment takes."""
    if appointment := appointment_request.booked_appointment():
        begins = timezone.localtime(appointment.starts_at)
        visit = {"day": begins.date(), "time": begins.time(), "minutes": appointment.minutes}
        return visit | {"provider": appointment.provider_id}
    treatment = appointment_request.treatment
    return {"minutes": treatment.procedure_minutes if treatment else USUAL_MINUTES}


def on_the_clock(wall: datetime) -> datetime | None:
    """The moment when the clinic's clock shows `wall`; None where it never does, or does twice."""
    moment = wall.replace(tzinfo=timezone.get_current_timezone())
    if moment.utcoffset() != moment.replace(fold=1).utcoffset():
        return None
    return moment.astimezone(UTC)
