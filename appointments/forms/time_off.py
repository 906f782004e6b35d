"""A provider's time off, never set over a booked visit unseen."""

from typing import Any

from django import forms

from appointments import scheduling
from appointments.models import Appointment, TimeOff
from medspa.models import Clinic


class TimeOffForm(forms.ModelForm):
    """Time off. Visits booked in it are shown first, and are kept: `anyway` says that they have been seen.

    Clean it in the transaction that saves it. Then nobody can book in between.
    """

    anyway = forms.BooleanField(
        label="Save the time off all the same; the visits stay booked", required=False, widget=forms.HiddenInput
    )
    shown = forms.CharField(required=False, widget=forms.HiddenInput)

    in_the_way: list[Appointment] = []

    class Meta:
        model = TimeOff
        fields = ["provider", "starts_on", "ends_on", "starts_at", "ends_at"]
        widgets = {
            "starts_on": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            "ends_on": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            "starts_at": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
            "ends_at": forms.TimeInput(format="%H:%M", attrs={"type": "time"}),
        }

    def clean(self) -> dict[str, Any]:
        answers = super().clean() or {}
        anyway, shown = answers.pop("anyway", False), set(answers.pop("shown", "").split())
        return answers | {"seen": shown if anyway else set()}

    def _post_clean(self) -> None:
        super()._post_clean()
        if self.errors:
            return
        visits = scheduling.visits_in_the_way(self.instance, Clinic.objects.current())
        if {str(visit.pk) for visit in visits} <= self.cleaned_data["seen"]:
            return
        self.in_the_way = visits
        self.fields["anyway"].widget = forms.CheckboxInput()
        self.data = self.data.copy()
        self.data["shown"] = " ".join(str(visit.pk) for visit in visits)
        self.data.pop("anyway", None)
        booked, them = ("A visit is", "it") if len(visits) == 1 else (f"{len(visits)} visits are", "them")
        self.add_error(None, f"{booked} booked in this time off. Move {them} first, or save the time off all the same.")
