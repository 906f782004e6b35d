"""When a visit is and who sees the patient: one of the times that are free, or any other that the desk types."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from appointments import free_times
from appointments.forms.moves import MoveForm
from appointments.models import AppointmentRequest
from appointments.scheduling import NotWorking, SlotTaken
from medspa.models import Clinic
from medspa.opening_times import clock_time
from treatments.models import Provider

USUAL_MINUTES, LEAST_MINUTES, MOST_MINUTES = 30, 5, 480
FARTHEST = timedelta(days=2 * 366)
ANOTHER = "another"


class VisitForm(MoveForm):
    """A visit: a `slot` of those offered, or provider, day and time on the clinic's clock."""

    slot = forms.CharField(label="When?", required=False, max_length=60, widget=forms.RadioSelect)
    provider = forms.ModelChoiceField(
        label="With",
        required=False,
        queryset=Provider.objects.filter(is_active=True),
        empty_label="Choose one",
        error_messages={"invalid_choice": "Choose who sees the patient"},
    )
    day = forms.DateField(
        label="Day",
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        error_messages={"invalid": "Enter the day as year-month-day, like 2030-01-08"},
    )
    time = forms.TimeField(
        label="Starts at",
        required=False,
        widget=forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        input_formats=["%H:%M", "%H:%M:%S", "%I:%M %p"],
        error_messages={"invalid": "Enter a time like 9:30 am"},
    )
    minutes = forms.IntegerField(
        label="Minutes",
        min_value=LEAST_MINUTES,
        max_value=MOST_MINUTES,
        error_messages={
            "required": "Enter how many minutes the visit takes",
            "invalid": "Enter the minutes as a whole number, like 30",
            "min_value": f"A visit takes at least {LEAST_MINUTES} minutes",
            "max_value": f"A visit takes at most {MOST_MINUTES} minutes",
        },
    )
    anyway = forms.BooleanField(label="Book it all the same", required=False, widget=forms.HiddenInput)

    NEEDED = {"provider": "Choose who sees the patient", "day": "Enter the day", "time": "Enter when the visit starts"}

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
        """Whatever was chosen becomes `provider` and `starts_at`: aware, and still to come."""
        answers = super().clean() or {}
        slot = answers.pop("slot", "")
        day, time = answers.pop("day", None), answers.pop("time", None)
        if slot and slot != ANOTHER:
            return self._clean_slot(slot, answers)
        if not (slot or day or time or {"day", "time"} & set(self.errors)):
            self.add_error("slot", "Choose one of the times, or enter another one")
            return answers
        for name, words in self.NEEDED.items():
            if name not in self.errors and {"day": day, "time": time, **answers}.get(name) is None:
                self.add_error(name, words)
        if day is not None and time is not None:
            self._clean_start(day, time, answers)
        return answers

    def _clean_slot(self, slot: str, answers: dict[str, Any]) -> dict[str, Any]:
        if {"day", "time"} & set(self.changed_data):
            self.add_error(
                "slot", "You chose a time and typed another one. Choose “Another time” to take what you typed"
            )
            return answers
        for name in self.NEEDED:
            self._errors.pop(name, None)  # of what is not looked at
        try:
            answers["provider"], answers["starts_at"] = self._read_slot(slot)
        except (ValueError, OverflowError, ValidationError):
            self.add_error("slot", "Choose one of the times")
        else:
            if answers["starts_at"] <= timezone.now():
                self.add_error("slot", "That time has passed. Choose another time")
            elif answers["starts_at"] > timezone.now() + FARTHEST:
                self.add_error("slot", "Choose a time within the next two years")
        return answers

    def _read_slot(self, slot: str) -> tuple[Provider, datetime]:
        provider, _at, moment = slot.partition("@")
        starts_at = datetime.fromisoformat(moment)
        if starts_at.tzinfo is None or not provider:
            raise ValueError(slot)
        return self.fields["provider"].clean(provider), starts_at.astimezone(UTC)

    def _clean_start(self, day: Any, time: Any, answers: dict[str, Any]) -> None:
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

    def refuse(self, trouble: SlotTaken | NotWorking) -> None:
        """Say beside the time why it cannot be had. Where nobody works then, offer to book it all the same."""
        asked = self.data.get("slot") or ""
        beside = "slot" if asked and asked != ANOTHER else "time"
        if isinstance(trouble, NotWorking):
            self.fields["anyway"].widget = forms.CheckboxInput()
            self.add_error(beside, f"{trouble} Choose another time, or book it all the same below.")
        elif trouble.other is None:
            self.add_error(beside, "That time was taken a moment ago. Choose another time")
        else:
            begins, ends = (
                clock_time(timezone.localtime(at).time()) for at in (trouble.other.starts_at, trouble.other.ends_at)
            )
            words = f"{trouble.other.provider} is booked then, from {begins} to {ends}. Choose another time."
            self.add_error(beside, words)

    @property
    def visit_minutes(self) -> int:
        """How long the visit is that free times are offered for."""
        with suppress(TypeError, ValueError):
            if LEAST_MINUTES <= (minutes := int(self["minutes"].value())) <= MOST_MINUTES:
                return minutes
        return USUAL_MINUTES

    @property
    def visit_lengths(self) -> list[int]:
        """How long this treatment's visits usually are, where there is a choice."""
        treatment = self.appointment_request.treatment
        lengths = treatment.visit_lengths if treatment else []
        return lengths if len(lengths) > 1 else []

    @cached_property
    def offers(self) -> list[free_times.Offer]:
        return free_times.offers(
            self.appointment_request,
            minutes=self.visit_minutes,
            clinic=Clinic.objects.current(),
            now=timezone.now(),
            but=self.appointment_request.booked_appointment(),
        )


def slot_code(provider: Provider, starts_at: datetime) -> str:
    """How the form names a free time."""
    return f"{provider.pk}@{starts_at.astimezone(UTC):%Y-%m-%dT%H:%MZ}"


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
