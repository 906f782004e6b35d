"""The pictures of a treatment's page, as rows of its form."""

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join

from medspa.models import Clinic
from treatments.admin.lists import PointInline, RoomToWrite
from treatments.models import Photo, Result

MOVE = '<button class="move" type="submit" name="_move-{0}-pk{1}-{2}" aria-label="Move {2}: {3}">Move {2}</button>'
NARROW = 120  # pixels; wide enough to tell one picture from another


class PhotoInline(PointInline):
    model = Photo
    after = "The page"
    fields = ["image", "alt", "alt_es", "caption", "caption_es"]
    columns = 24


class ResultForm(forms.ModelForm):
    """A withdrawn consent is a record: it is shown, and can no longer be written over."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.consent_withdrawn_at:
            for field in self.fields.values():
                field.disabled = True


class ResultInline(RoomToWrite, admin.StackedInline):
    model = Result
    form = ResultForm
    formset = PointInline.formset
    extra = 0
    after = "What it can help, after the list"
    readonly_fields = ["pictures", "standing", "order"]
    fields = [
        "standing",
        "pictures",
        ("before", "after"),
        ("alt", "alt_es"),
        ("caption", "caption_es"),
        ("consent_by", "consent_scope"),
        ("consent_on", "consent_expires_on"),
        "order",
    ]

    def formfield_for_dbfield(self, db_field, request, **options):
        field = super().formfield_for_dbfield(db_field, request, **options)
        if db_field.name in {"before", "after"}:
            field.widget = forms.FileInput(attrs=field.widget.attrs)
        return field

    def get_queryset(self, request):
        self.today = Clinic.objects.current().today()
        return super().get_queryset(request)

    @admin.display(description="order")
    def order(self, result: Result) -> str:
        if not result.pk:
            return "At the end of the list, once it is saved."
        buttons = [(f"{self.opts.model_name}s", result.pk, place, result.alt) for place in ("up", "down")]
        return format_html_join(" ", MOVE, buttons)

    @admin.display(description="kept")
    def pictures(self, result: Result) -> str:
        if not result.pk:
            return "Choose both pictures below."
        if result.consent_withdrawn_at:
            return "The files are gone."
        return format_html(
            '<img src="{}" width="{}" alt="Before"> <img src="{}" width="{}" alt="After">',
            result.before.url,
            NARROW,
            result.after.url,
            NARROW,
        )

    @admin.display(description="on the page")
    def standing(self, result: Result) -> str:
        if not result.pk:
            return "Shown once it is saved, from the day on which consent was given."
        standing = result.standing(self.today)
        if result.consent_withdrawn_at:
            return f"{standing.label} on {localize(timezone.localtime(result.consent_withdrawn_at))}."
        address = reverse("admin:treatments_result_withdraw", args=[quote(result.treatment_id), result.pk])
        return format_html('{}. <a href="{}">Withdraw consent</a>', standing.label, address)
