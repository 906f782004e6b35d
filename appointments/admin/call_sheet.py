"""Whom to call today, on paper: in the order of the clock, with a line to write on."""

from datetime import timedelta

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils import timezone

from appointments import privacy
from appointments.admin import glance
from appointments.diary import midnight
from appointments.models import AppointmentRequest

MOST = 200  # what nobody calls in a day is not printed either; the sheet says how many more there are


def call_sheet(desk: ModelAdmin, request: HttpRequest) -> HttpResponse:
    if not desk.has_view_permission(request):
        raise PermissionDenied
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    now = timezone.now()
    tonight = midnight(timezone.localdate(now) + timedelta(days=1), timezone.get_current_timezone())
    calls = AppointmentRequest.objects.due_before(tonight)
    shown = calls.next_first().select_related("treatment").prefetch_related("preferred_times")[:MOST]
    shown = list(shown)
    privacy.listed(shown, by=request.user, what="Call sheet", now=now)
    words = {
        **desk.admin_site.each_context(request),
        "title": "Call sheet",
        "opts": desk.opts,
        "printed": glance.printed(now),
        "calls": [(row, glance.due(row.next_action_at, now), row.is_late(now)) for row in shown],
        "left_out": max(calls.count() - MOST, 0),
    }
    return TemplateResponse(request, "admin/appointments/appointmentrequest/calls.html", words)
