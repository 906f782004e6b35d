"""The lists of a treatment's page, as rows of its form."""

from django import forms
from django.contrib import admin
from django.db import models
from django.forms.models import BaseInlineFormSet

from treatments.models import Benefit, Contraindication, Faq, ProcedureStep, RecoveryNote

LONG_TEXT = 150  # characters; from here on a text gets several lines to write in


class PointFormSet(BaseInlineFormSet):
    def clean(self) -> None:
        """A new point goes to the end."""
        super().clean()
        last = max((form.instance.position for form in self.initial_forms), default=0)
        new = [form for form in self.extra_forms if form.has_changed()]
        for position, form in enumerate(new, start=last + 1):
            form.instance.position = position


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
    """One list of the page, put in order by buttons. `after` is the heading of the fields that it follows."""

    formset = PointFormSet
    template = "admin/treatments/treatment/points.html"
    extra = 0
    columns = 36
    after = ""


class BenefitInline(PointInline):
    model = Benefit
    after = "What it can help"
    fields = ["name", "text"]


class ContraindicationInline(PointInline):
    model = Contraindication
    after = "Who it suits"
    columns = 32  # three texts beside each other
    fields = ["page_words", "question", "staff_advice"]
    verbose_name_plural = "who should wait"


class StepInline(PointInline):
    model = ProcedureStep
    after = "What happens on the day"
    fields = ["name", "minutes", "text"]
    verbose_name_plural = "steps of the visit"


class RecoveryNoteInline(PointInline):
    model = RecoveryNote
    after = "Recovery"
    fields = ["when", "text"]


class FaqInline(PointInline):
    model = Faq
    after = "Prices"
    fields = ["question", "answer"]
