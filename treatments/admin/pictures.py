"""The pictures of a treatment's page, each with its words in every language, as part of its form."""

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import quote
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import localize
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from medspa.models import Clinic
from treatments.admin.lists import PointFormSet, RoomToWrite
from treatments.models import Photo, Picture, Result
from treatments.models.picture_fields import PhotoField, PhotoFile

MOVE = (
    '<button class="move" type="submit" id="{0}-{1}-{2}" name="_move-{0}-{1}-{2}" aria-label="Move {2}: {3}">'
    "Move {2}</button>"
)
NARROW = 160  # pixels; wide enough to tell one picture from another


class PictureInline(RoomToWrite, admin.StackedInline):
    """One picture below the other. What is kept is shown, not named."""

    formset = PointFormSet
    extra = 0
    after = ""
    readonly_fields = ["kept", "order"]

    def formfield_for_dbfield(self, db_field, request, **options):
        field = super().formfield_for_dbfield(db_field, request, **options)
        if isinstance(db_field, PhotoField):
            field.widget = forms.FileInput(attrs=field.widget.attrs)
        return field

    @admin.display(description="order")
    def order(self, picture: Picture) -> SafeString | str:
        if not picture.pk:
            return "At the end of the list, once it is saved."
        buttons = [(f"{self.opts.model_name}s", picture.pk, place, picture.alt) for place in ("up", "down")]
        return format_html_join(" ", MOVE, buttons)


class PhotoInline(PictureInline):
    model = Photo
    after = "The page"
    fields = ["kept", "image", ("alt", "alt_es"), ("caption", "caption_es"), "order"]

    @admin.display(description="kept")
    def kept(self, photo: Photo) -> SafeString | str:
        return shown(photo.image, photo.alt) if photo.pk else "Nothing yet."


class ResultForm(forms.ModelForm):
    """A withdrawn consent is a record: it is shown, and can no longer be written over."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.instance.consent_withdrawn_at:
            for field in self.fields.values():
                field.disabled = True


class ResultInline(PictureInline):
    model = Result
    form = ResultForm
    after = "What it can help, after the list"
    readonly_fields = ["standing", *PictureInline.readonly_fields]
    fields = [
        "standing",
        "kept",
        ("before", "after"),
        ("alt", "alt_es"),
        ("caption", "caption_es"),
        ("consent_by", "consent_scope"),
        ("consent_on", "consent_expires_on"),
        "order",
    ]

    def get_queryset(self, request):
        self.today = Clinic.objects.current().today()
        return super().get_queryset(request)

    @admin.display(description="kept")
    def kept(self, result: Result) -> SafeString | str:
        if result.consent_withdrawn_at:
            return "The files are gone."
        if not result.pk:
            return "Nothing yet."
        return format_html("{} {}", shown(result.before, "Before"), shown(result.after, "After"))

    @admin.display(description="on the page")
    def standing(self, result: Result) -> SafeString | str:
        if not result.pk:
            return "Shown once it is saved, from the day on which consent was given."
        standing = result.standing(self.today)
        if result.consent_withdrawn_at:
            return f"{standing.label} on {localize(timezone.localtime(result.consent_withdrawn_at))}."
        address = reverse("admin:treatments_result_withdraw", args=[quote(result.treatment_id), result.pk])
        return format_html('{}. <a href="{}">Withdraw consent</a>', standing.label, address)


def shown(picture: PhotoFile, words: str) -> SafeString:
    height = round(picture.pixels_high * NARROW / max(picture.pixels, 1))
    tag = '<img class="kept" src="{}" width="{}" height="{}" alt="{}" loading="lazy">'
    return format_html(tag, picture.url, NARROW, height, words)
