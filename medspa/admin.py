"""The clinic's facts at the desk: one page, with its hours and its closures."""

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from medspa.models import Clinic, Closure, OpeningHours

# The browser's own fields: Django's come with a "now" and a note about the server's clock, both wrong for a week.
DATE = {"widget": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})}
TIME = {"widget": forms.TimeInput(format="%H:%M", attrs={"type": "time"})}

HOW_SOON = ["response_target_minutes", "follow_up_days"]
MAILS = ["hold_mail_minutes", "reminder_hours", "apologizes_when_late", "morning_digest_at"]


class HoursInline(admin.TabularInline):
    model = OpeningHours
    extra = 0
    verbose_name = "spell of opening hours"
    verbose_name_plural = "opening hours"
    formfield_overrides = {models.TimeField: TIME}


class ClosureInline(admin.TabularInline):
    model = Closure
    extra = 0
    formfield_overrides = {models.DateField: DATE}


@admin.register(Clinic)
class ClinicAdmin(admin.ModelAdmin):
    """There is one clinic: it is never added here nor deleted, and its list is its page."""

    inlines = [HoursInline, ClosureInline]
    fieldsets = [
        ("Name", {"fields": ["name", "site_name", "tagline", "tagline_es"]}),
        ("How patients reach us", {"fields": ["telephone", "email"]}),
        ("Where we are", {"fields": ["street", "town", ("region", "region_code", "postal_code"), "map_url"]}),
        ("Time", {"fields": ["time_zone", *HOW_SOON, "hours_confirmed"]}),
        ("Mail", {"fields": MAILS}),
    ]

    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # `open_clinic` makes the row

    def has_delete_permission(self, request: HttpRequest, obj: Clinic | None = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        if clinic := Clinic.objects.first():
            return HttpResponseRedirect(reverse("admin:medspa_clinic_change", args=[clinic.pk]))
        return super().changelist_view(request, extra_context)
