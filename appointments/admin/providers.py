"""Who treats patients, when they work, and when they are off."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from appointments.admin import glance
from appointments.admin.filters import OpensOnOne
from appointments.forms import TimeOffForm
from appointments.models import Appointment, ProviderHours, TimeOff
from medspa.staff_site import NoticesOtherEdits
from treatments.models import Provider


class ProviderHoursInline(admin.StackedInline):
    model = ProviderHours
    fields = [("weekday", "starts_at", "ends_at")]
    extra = 2
    formfield_overrides = {models.TimeField: {"widget": forms.TimeInput(format="%H:%M", attrs={"type": "time"})}}
    verbose_name_plural = "working hours; with none, the clinic's opening hours"


@admin.register(Provider)
class ProviderAdmin(NoticesOtherEdits, admin.ModelAdmin):
    edited_along = ("hours",)
    list_display = ["name", "is_active", "user"]
    list_select_related = ["user"]
    list_filter = ["is_active"]
    search_fields = ["name"]
    inlines = [ProviderHoursInline]


class TimeOffFilter(OpensOnOne):
    title, parameter_name = "when", "when"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("coming", "From today on"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        today: date = timezone.localdate()
        return queryset.filter(ends_on__gte=today) if self.value() == "coming" else queryset


@admin.register(TimeOff)
class TimeOffAdmin(NoticesOtherEdits, admin.ModelAdmin):
    """Time off. What is booked in it is shown before it is saved."""

    form = TimeOffForm
    list_display = ["provider", "when"]
    list_display_links = ["when"]
    list_filter = [TimeOffFilter, "provider"]
    list_select_related = ["provider"]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any):
        context["in_the_way"] = [_line(visit) for visit in context["adminform"].form.in_the_way]
        return super().render_change_form(request, context, *args, **kwargs)


def _line(visit: Appointment) -> dict[str, Any]:
    return {"visit": visit, "moment": glance.moment(visit.starts_at)}
