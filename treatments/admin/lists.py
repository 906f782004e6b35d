"""The lists of a treatment's page, as rows of its form."""

from django import forms
from django.contrib import admin
from django.db import models
from django.forms.models import BaseInlineFormSet

from treatments.models import Benefit, Contraindication, Faq, ProcedureStep, RecoveryNote

LONG_TEXT = 150  # characters; from here on a text gets several lines to write in


class PointForm(forms.ModelForm):
    position = forms.IntegerField(
        required=False, min_value=0, max_value=999, widget=forms.NumberInput(attrs={"class": "position"})
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if not self.instance.pk:
            self.initial["position"] = None  # the end of the list, once saved


class PointFormSet(BaseInlineFormSet):
    def clean(self) -> None:
        """A point without a position goes to the end."""
        super().clean()
        last = max((form.instance.position or 0 for form in self.forms), default=0)
        for form in self.forms:
            if form.has_changed() and form.instance.position is None:
                form.instance.position = last = last + 1


class RoomToWrite:
    """Long texts get several lines instead of one narrow one; days get the browser's own calendar."""

    columns = 80

    def formfield_for_dbfield(self, db_field, request, **options):
        if isinstance(db_field, models.DateField) and not isinstance(db_field, models.DateTimeField):
            options["widget"] = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
        if isinstance(db_field, models.DateTimeField):
            options["form_class"] = forms.DateTimeField
            options["widget"] = forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
        if isinstance(db_field, models.TextField):
            options["widget"] = forms.Textarea(attrs={"rows": 6, "cols": self.columns})
        if isinstance(db_field, models.CharField) and db_field.max_length >= LONG_TEXT and not db_field.choices:
            options["widget"] = forms.Textarea(
                attrs={"rows": 3, "cols": self.columns, "maxlength": db_field.max_length}
            )
        return super().formfield_for_dbfield(db_field, request, **options)


class PointInline(RoomToWrite, admin.TabularInline):
    """One list of the page. `after` is the heading of the fields that it follows."""

    form = PointForm
    formset = PointFormSet
    extra = 0
    columns = 36
    after = ""


class BenefitInline(PointInline):
    model = Benefit
    after = "What it can help"
    fields = ["position", "name", "text"]


class ContraindicationInline(PointInline):
    model = Contraindication
    after = "Who it suits"
    fields = ["position", "page_words", "question", "staff_advice"]
    verbose_name_plural = "who should wait"


class StepInline(PointInline):
    model = ProcedureStep
    after = "What happens on the day"
    fields = ["position", "name", "minutes", "text"]
    verbose_name_plural = "steps of the visit"


class RecoveryNoteInline(PointInline):
    model = RecoveryNote
    after = "Recovery"
    fields = ["position", "when", "text"]


class FaqInline(PointInline):
    model = Faq
    after = "Prices"
    fields = ["position", "question", "answer"]
