"""The patient's form: its fields, its rules, its words. Errors say what to do."""

import uuid
from collections.abc import Iterable
from copy import deepcopy
from datetime import datetime
from functools import cached_property
from typing import Any, NamedTuple

from django import forms
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from appointments import gatekeeping, workflow
from appointments.gatekeeping import Flood
from appointments.models import AppointmentRequest, PreferredTime
from appointments.preferences import read_preference, times_to_prefer
from appointments.telephones import as_e164, has_enough_digits
from medspa.languages import MAIN
from medspa.models import Clinic
from treatments.kept_content import while_content_is_the_same
from treatments.models import Treatment

UNSURE = "unsure"
TRAP = "website"
MOST_TIMES = 7 * len(PreferredTime.Part)
ContactBy = AppointmentRequest.ContactBy


class TypedText(forms.CharField):
    """What a person typed, without what nobody can type: NUL, and line breaks where there is one line.

    No `maxlength` in the page: a browser would cut the text without a word.
    """

    def to_python(self, value: Any) -> str:
        text = str(value or "").replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n")
        if not isinstance(self.widget, forms.Textarea):
            text = " ".join(text.split("\n"))
        return super().to_python(text)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return attrs


class TypedEmail(TypedText):
    widget = forms.EmailInput
    default_validators = forms.EmailField.default_validators


class FormToken(forms.UUIDField):
    """Makes a double click one request. A token that was lost or spoilt on the way is replaced, never refused."""

    widget = forms.HiddenInput

    def clean(self, value: Any) -> uuid.UUID:
        try:
            return super().clean(value) or uuid.uuid4()
        except forms.ValidationError:
            return uuid.uuid4()


class PreferringForm(forms.Form):
    """Asks for times that would suit."""

    preferred_times = forms.TypedMultipleChoiceField(
        label=_("When could you come in? (optional)"),
        help_text=_("Choose any that suit you"),
        required=False,
        coerce=read_preference,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"invalid_choice": _("Choose times from the list"), "invalid_list": _("Choose from the list")},
    )
    message = TypedText(
        label=_("Anything else? (optional)"),
        help_text=_("Leave out health details. We will ask about those in private"),
        max_length=500,
        required=False,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"max_length": _("Your message must be 500 characters or fewer")},
    )

    def offer_times(self, times: dict[str, str], chosen: Iterable[str] = ()) -> None:
        """Offer `times`, and what was `chosen` or is ticked besides. Without any, do not ask."""
        ticked = self.data.getlist("preferred_times") if hasattr(self.data, "getlist") else []
        besides = [read_preference(code) for code in [*chosen, *ticked] if code not in times]
        known, field = {**times, **_in_words(time for time in besides if time)}, self.fields["preferred_times"]
        if not known:
            del self.fields["preferred_times"]
        elif known != dict(field.choices):
            self.fields["preferred_times"] = offering(field, known)

    def clean_preferred_times(self) -> list[PreferredTime]:
        """Each time once, and no more than a week has parts of days."""
        times = {time.code: time for time in self.cleaned_data["preferred_times"]}
        if len(times) > MOST_TIMES:
            raise forms.ValidationError(self.fields["preferred_times"].error_messages["invalid_choice"])
        return list(times.values())


def offering(field: forms.ChoiceField, choices: dict[str, str]) -> forms.ChoiceField:
    """The same question with these answers to choose from."""
    field = deepcopy(field)
    field.choices = list(choices.items())
    return field


class Offer(NamedTuple):
    """What the form is about, in one language."""

    clinic: Clinic
    treatments: dict[str, Treatment]
    which: forms.ChoiceField
    when: forms.ChoiceField
    times: dict[str, str]


@while_content_is_the_same(even_while_away=True)
def offer(language: str) -> Offer:
    """What patients may ask for now."""
    offered = Treatment.objects.published().originals().names_alone()
    if language != MAIN:
        offered = offered.with_translations()
    names = [(one.slug, (one if language == MAIN else one.in_words_of(language)).name) for one in offered]
    choices = {"": _("Choose one"), **dict(names), UNSURE: _("I am not sure, I would like advice")}
    fields, clinic = AppointmentRequestForm.base_fields, Clinic.objects.current()
    which, times = offering(fields["treatment"], choices), times_offered(clinic)
    when = offering(fields["preferred_times"], times)
    return Offer(clinic, {one.slug: one for one in offered}, which, when, times)


def times_offered(clinic: Clinic) -> dict[str, str]:
    """Which times its opening hours allow, and how the form names them."""
    return _in_words(times_to_prefer(clinic))


def _in_words(times: Iterable[PreferredTime]) -> dict[str, str]:
    return {time.code: capfirst(str(time)) for time in times}


class SharedFields(dict[str, forms.Field]):
    """Fields that one form after another uses, and threads at once: nobody changes them. Django would copy each."""

    def __deepcopy__(self, memo: Any) -> dict[str, forms.Field]:
        return dict(self)


class AppointmentRequestForm(PreferringForm):
    """Request an appointment. Which answers are needed depends on how the patient wants to be reached."""

    use_required_attribute = False
    changes_its_fields = False

    form_token = FormToken(required=False, initial=uuid.uuid4)
    opened = forms.CharField(required=False, initial=gatekeeping.opened_now, widget=forms.HiddenInput)
    full_name = TypedText(
        label=_("Full name"),
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        error_messages={
            "required": _("Enter your full name"),
            "max_length": _("Your name must be 100 characters or fewer"),
        },
    )
    phone = TypedText(
        label=_("Phone number"),
        help_text=_("A US number that we can call or text"),
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "tel"}),
        error_messages={"max_length": _("Your phone number must be 100 characters or fewer")},
    )
    email = TypedEmail(
        label=_("Email (optional)"),
        max_length=254,
        required=False,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
        error_messages={
            "invalid": _("Enter an email address in the correct format, like name@example.com"),
            "max_length": _("Your email address must be 254 characters or fewer"),
        },
    )
    contact_by = forms.ChoiceField(
        label=_("How should we reach you?"),
        choices=ContactBy.choices,
        widget=forms.RadioSelect,
        error_messages={
            "required": _("Choose how we should reach you"),
            "invalid_choice": _("Choose how we should reach you"),
        },
    )
    treatment = forms.ChoiceField(
        label=_("What would you like to come in for?"),
        error_messages={
            "required": _("Choose a treatment, or choose that you are not sure"),
            "invalid_choice": _("Choose a treatment, or choose that you are not sure"),
        },
    )
    field_order = ["full_name", "phone", "email", "contact_by", "treatment", "preferred_times", "message"]

    def __init__(self, *args: Any, **kwargs: Any):
        self.language = get_language() or MAIN
        self.clinic, self.treatments, which, when, times = offer(self.language)
        fields = {**self.base_fields, "treatment": which, "preferred_times": when}
        self.base_fields = fields if self.changes_its_fields else SharedFields(fields)
        super().__init__(*args, **kwargs)
        if not self.treatments:
            del self.fields["treatment"]
        self.offer_times(times)

    def clean(self) -> dict[str, Any]:
        """The rules between fields: a way to reach the patient must come with what reaches them."""
        answers = super().clean()
        contact_by, phone = answers.get("contact_by"), answers.get("phone", "")
        if contact_by in (ContactBy.TEXT, ContactBy.CALL) and "phone" not in self.errors:
            if not phone:
                self.add_error("phone", _("Enter your phone number"))
            elif not has_enough_digits(phone):
                self.add_error("phone", _("Enter a phone number with 10 digits"))
        if contact_by == ContactBy.EMAIL and not answers.get("email") and "email" not in self.errors:
            self.add_error("email", _("Enter your email address, or choose another way to reach you"))
        return answers

    def judge_and_save(self, *, address: str) -> AppointmentRequest:
        """In one transaction, in which an address waits for itself. Raises `Flood`."""
        with gatekeeping.one_at_a_time(address):
            opinion = self.judge(address)
            if opinion.is_flood:
                raise Flood
            return self.save(opinion=opinion)

    @cached_property
    def phone_e164(self) -> str:
        return as_e164(self.cleaned_data["phone"])

    def judge(self, address: str, *, now: datetime | None = None) -> gatekeeping.Opinion:
        """Whether the valid answers look like a person's. `website` is the trap: a person does not see it."""
        answers = self.cleaned_data
        return gatekeeping.judge(
            trap=self.data.get(TRAP, ""),
            opened=answers["opened"],
            address=address,
            phone_e164=self.phone_e164,
            message=answers["message"],
            now=now,
        )

    def save(
        self, *, opinion: gatekeeping.Opinion | None = None, now: datetime | None = None, **taken: Any
    ) -> AppointmentRequest:
        """Hand the answers to the workflow. Sent twice, the same form gives the same request."""
        answers = {"language": self.language, "phone_e164": self.phone_e164, **self.cleaned_data, **taken}
        answers.pop("opened")
        if opinion:
            answers |= {"arrival": opinion.arrival(now or timezone.now()), "is_spam": opinion.is_spam}
        treatment = self.treatments.get(answers.pop("treatment", UNSURE))
        preferred_times: list[PreferredTime] = answers.pop("preferred_times", [])
        return workflow.receive(
            treatment=treatment, preferred_times=preferred_times, clinic=self.clinic, now=now, **answers
        )
