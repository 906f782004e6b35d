"""The treatment's page at the desk: one form, in the order in which the page is read."""

from django import forms
from django.contrib import admin, messages
from django.db import models, transaction
from django.forms.models import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.html import format_html

from treatments.claims import claim_words
from treatments.models import (
    Benefit,
    Contraindication,
    Faq,
    Photo,
    ProcedureStep,
    Provider,
    RecoveryNote,
    Treatment,
)

LONG_TEXT = 150  # characters; from here on a text gets several lines to write in
SAVED_MEANWHILE = (
    "Somebody else saved this treatment after you opened it, so your changes are not saved. "
    "Copy what you wrote, open the page again, and put it into the newer text."
)


class TreatmentForm(forms.ModelForm):
    """Knows which state of the treatment its writer saw, and refuses to write over a newer one."""

    seen = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.initial["seen"] = self.instance.updated_at.isoformat()

    def clean(self) -> dict:
        if self.instance.pk:
            # Locked until this save is committed, so that of two saves at one moment the second is refused.
            now = Treatment.objects.select_for_update().get(pk=self.instance.pk).updated_at.isoformat()
            if self.cleaned_data.get("seen") != now:
                raise forms.ValidationError(SAVED_MEANWHILE)
        return super().clean()


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


class PhotoInline(PointInline):
    model = Photo
    after = "The page"
    fields = ["position", "image", "alt", "caption"]


@admin.register(Treatment)
class TreatmentAdmin(RoomToWrite, admin.ModelAdmin):
    form = TreatmentForm
    list_display = ["name", "status", "position", "updated_at", "page"]
    list_editable = ["position"]
    list_filter = ["status"]
    search_fields = ["name", "summary"]
    actions = ["publish", "make_draft"]
    prepopulated_fields = {"slug": ["name"]}
    save_on_top = True
    inlines = [
        PhotoInline,
        BenefitInline,
        ContraindicationInline,
        StepInline,
        RecoveryNoteInline,
        FaqInline,
    ]
    # In the order of the page. Each list stands after the fields named in its `after`.
    fieldsets = [
        ("The page", {"fields": ["name", "slug", ("status", "publish_at", "position"), "summary", "description"]}),
        (
            "Facts in a row",
            {"fields": ["procedure_minutes", ("calming_minutes_min", "calming_minutes_max"), "time_off", "price_from"]},
        ),
        ("What it is", {"fields": ["what_it_is"]}),
        ("What it can help", {"fields": ["benefits_intro"]}),
        ("What it can help, after the list", {"fields": ["benefits_close"]}),
        ("Who it suits", {"fields": ["who_it_suits"]}),
        ("What happens on the day", {"fields": ["on_the_day"]}),
        ("Risks", {"fields": ["risks"]}),
        ("Recovery", {"fields": ["recovery_intro"]}),
        ("Prices", {"fields": ["prices"]}),
        ("Review", {"fields": ["reviewed_by", ("reviewed_on", "next_review_on")]}),
        ("Visit us", {"fields": ["closing"]}),
    ]

    @admin.display(description="page")
    def page(self, treatment: Treatment) -> str:
        words = "View" if treatment.is_published else "Preview"
        return format_html('<a href="{}">{} {}</a>', treatment.get_absolute_url(), words, treatment.name)

    def view_on_site(self, treatment: Treatment) -> str:
        return treatment.get_absolute_url()

    def render_change_form(self, request, context, *args, **kwargs):
        context["in_page_order"] = _in_page_order(context["adminform"], context["inline_admin_formsets"])
        return super().render_change_form(request, context, *args, **kwargs)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        if claims := claim_words(_texts(form.instance)):
            messages.warning(
                request, f"Saved, but read these words again; they may promise too much: {', '.join(claims)}."
            )

    @admin.action(description="Publish the selected treatments", permissions=["change"])
    def publish(self, request, queryset):
        self._give_status(request, queryset, Treatment.Status.PUBLISHED)

    @admin.action(description="Take the selected treatments off the site (draft)", permissions=["change"])
    def make_draft(self, request, queryset):
        self._give_status(request, queryset, Treatment.Status.DRAFT)

    def _give_status(self, request: HttpRequest, queryset, status: Treatment.Status) -> None:
        """Saved one by one, so that each is stamped as changed."""
        with transaction.atomic():
            for treatment in queryset.exclude(status=status):
                treatment.status = status
                treatment.save(update_fields=["status", "updated_at"])
                self.log_change(request, treatment, f"Status: {status.label}.")
                messages.success(request, f"{treatment} is now: {status.label}.")


def _in_page_order(adminform, inlines: list) -> list:
    """Fields and lists as the page reads. A list whose place is unknown comes last rather than getting lost."""
    inlines, order = list(inlines), []
    for fieldset in adminform:
        order.append(fieldset)
        here = [inline for inline in inlines if inline.opts.after == fieldset.name]
        order += here
        inlines = [inline for inline in inlines if inline not in here]
    return order + inlines


def _texts(treatment: Treatment) -> list[str]:
    """Every text that staff wrote for this treatment's page."""
    points = [point for inline in TreatmentAdmin.inlines for point in inline.model.objects.filter(treatment=treatment)]
    return [
        value
        for row in [treatment, *points]
        for field in row._meta.fields
        if field.editable and isinstance(value := field.value_from_object(row), str)
    ]


@admin.register(Provider)
class ProviderAdmin(admin.ModelAdmin):
    list_display = ["name", "is_active", "user"]
    list_select_related = ["user"]
    list_filter = ["is_active"]
    search_fields = ["name"]
