"""The treatment's page at the desk: its fields and lists in the order of the public page."""

from django import forms
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html

from medspa.models import Clinic
from treatments import content_report, versions
from treatments.admin.consent import WithdrawsConsent
from treatments.admin.history import KeepsVersions
from treatments.admin.lists import (
    BenefitInline,
    ContraindicationInline,
    FaqInline,
    RecoveryNoteInline,
    RoomToWrite,
    StepInline,
)
from treatments.admin.order import PutsInOrder
from treatments.admin.pictures import PhotoInline, ResultInline
from treatments.admin.spanish import InSpanish
from treatments.claims import claim_words
from treatments.models import Picture, Treatment

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
            now = Treatment.objects.select_for_update().get(pk=self.instance.pk)
            if self.cleaned_data.get("seen") != now.updated_at.isoformat():
                raise forms.ValidationError(SAVED_MEANWHILE)
            self.instance.position = now.position  # moved in the list meanwhile, perhaps; no form holds it
        return super().clean()


@admin.register(Treatment)
class TreatmentAdmin(WithdrawsConsent, KeepsVersions, PutsInOrder, InSpanish, RoomToWrite, admin.ModelAdmin):
    form = TreatmentForm
    list_display = ["name", "state", "updated_at", "page"]
    list_filter = ["status"]
    search_fields = ["name", "summary", "translations__name", "translations__summary"]
    actions = ["publish", "make_draft"]
    prepopulated_fields = {"slug": ["name"]}
    save_on_top = True
    inlines = [
        PhotoInline,
        BenefitInline,
        ResultInline,
        ContraindicationInline,
        StepInline,
        RecoveryNoteInline,
        FaqInline,
    ]
    # In the order of the page. Each list stands after the fields named in its `after`.
    fieldsets = [
        ("The page", {"fields": ["name", "slug", ("status", "publish_at"), "summary", "description"]}),
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

    @admin.display(description="status", ordering="status")
    def state(self, treatment: Treatment) -> str:
        if treatment.is_scheduled:
            return f"Will be shown from {localize(timezone.localtime(treatment.publish_at))}"
        return treatment.get_status_display()

    @admin.display(description="page")
    def page(self, treatment: Treatment) -> str:
        words = "View" if treatment.is_published else "Preview"
        return format_html('<a href="{}">{} {}</a>', treatment.get_absolute_url(), words, treatment.name)

    def view_on_site(self, treatment: Treatment) -> str:
        return treatment.get_absolute_url()

    def get_inlines(self, request, obj):
        """Pictures are kept at the treatment itself, and shown on its pages in every language."""
        of_its_own = [inline for inline in self.inlines if not issubclass(inline.model, Picture)]
        return of_its_own if obj and obj.original_id else self.inlines

    def render_change_form(self, request, context, *args, **kwargs):
        context["in_page_order"] = _in_page_order(context["adminform"], context["inline_admin_formsets"])
        if context["original"]:
            context |= _findings(request, context["original"])
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
                versions.keep_what_was(treatment)
                treatment.status = status
                treatment.save(update_fields=["status", "updated_at"])
                versions.keep(treatment, by=request.user)
                self.log_change(request, treatment, f"Status: {status.label}.")
                messages.success(request, f"{treatment} is now: {status.label}.")


def _findings(request: HttpRequest, treatment: Treatment) -> dict:
    """What the page as it was last saved still lacks, for the panel above the form."""
    clinic = Clinic.objects.current()
    page = content_report.about_treatment(content_report.to_report().get(pk=treatment.pk), clinic)
    whole = content_report.about_clinic(clinic)
    may_mend = request.user.has_perm("medspa.change_clinic")
    return {
        "page_findings": page,
        "clinic_findings": whole,
        "needed": sum(finding.is_needed for finding in [*page, *whole]),
        "clinic_url": reverse("admin:medspa_clinic_change", args=[clinic.pk]) if may_mend else "",
    }


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
