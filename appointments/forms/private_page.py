"""What a patient answers on the private page: times that suit, and the health check."""

import hashlib
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from appointments import workflow
from appointments.forms.patient import PreferringForm, times_offered
from appointments.models import AppointmentRequest, HealthAnswer
from medspa.models import Clinic


class TimesForm(PreferringForm):
    """When the patient could come instead, or also."""

    def __init__(self, *args: Any, clinic: Clinic, appointment_request: AppointmentRequest, **kwargs: Any):
        chosen = [time.code for time in appointment_request.preferred_times.all()]
        super().__init__(*args, initial={"preferred_times": chosen}, **kwargs)
        self.fields["message"].label = _("Anything else about the time? (optional)")
        self.offer_times(times_offered(clinic), chosen)

    def clean(self) -> dict[str, Any]:
        answers = {"preferred_times": [], **super().clean()}
        if not (self.errors or answers["preferred_times"] or answers["message"]):
            field = "preferred_times" if "preferred_times" in self.fields else "message"
            self.add_error(field, _("Choose when you could come, or write it below"))
        return answers


class HealthCheckForm(forms.Form):
    """One yes, no or not sure for each reason to wait. `questions` are pairs of a question and the advice for staff."""

    def __init__(
        self, *args: Any, questions: Sequence[tuple[str, str]], given: Sequence[HealthAnswer] = (), **kwargs: Any
    ):
        before = {answer.question: answer.answer for answer in given}
        super().__init__(*args, **kwargs)
        self.questions = questions
        asked = "\n".join(question for question, _advice in questions)
        self.edition = hashlib.sha256(asked.encode()).hexdigest()[:16]
        self.fields["edition"] = forms.CharField(widget=forms.HiddenInput, required=False, initial=self.edition)
        for number, (question, _advice) in enumerate(questions, start=1):
            refusal = _("Answer with yes, no or not sure: %(question)s") % {"question": question}
            self.fields[f"answer_{number}"] = forms.ChoiceField(
                label=question,
                choices=HealthAnswer.Answer.choices,
                widget=forms.RadioSelect,
                initial=before.get(question),
                error_messages={"required": refusal, "invalid_choice": refusal},
            )

    def clean(self) -> dict[str, Any]:
        """Answers to questions that have been changed meanwhile are answers to something else."""
        if self.cleaned_data.get("edition") != self.edition:
            self.data = {"edition": self.edition}
            self.errors.clear()
            changed = _("The questions have changed since you opened this page. Answer them as they are now")
            self.add_error(None, changed)
        return self.cleaned_data

    @property
    def answers(self) -> list[workflow.Answered]:
        return [
            workflow.Answered(question, advice, self.cleaned_data[f"answer_{number}"])
            for number, (question, advice) in enumerate(self.questions, start=1)
        ]
