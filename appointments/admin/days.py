"""A day and a week of visits at the desk. The day is also the sheet that is printed in the morning."""

from datetime import date, timedelta
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.formats import date_format

from appointments import diary, privacy
from appointments.admin import glance
from medspa.models import Clinic


def day_page(desk: ModelAdmin, request: HttpRequest) -> HttpResponse:
    return _page(desk, request, "day")


def week_page(desk: ModelAdmin, request: HttpRequest) -> HttpResponse:
    return _page(desk, request, "week")


def _page(desk: ModelAdmin, request: HttpRequest, span: str) -> HttpResponse:
    if not desk.has_view_permission(request):
        raise PermissionDenied
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD"])
    clinic, now = Clinic.objects.current(), timezone.now()
    on = diary.day_named(request.GET.get("date", ""), clinic, now)
    words = {
        **desk.admin_site.each_context(request),
        "opts": desk.opts,
        "on": on,
        "printed": glance.printed(now),
        # Whoever may see visits but not requests is told no more than the list of visits tells.
        "may_read_requests": request.user.has_perm("appointments.view_appointmentrequest"),
    }
    words |= _day(clinic, on) if span == "day" else _week(clinic, on)
    days = [words["day"]] if span == "day" else words["days"]
    shown = [visit.appointment_request for day in days for visit in day.visits]
    privacy.listed(shown, by=request.user, what=f"Visits of {on}", now=now)
    return TemplateResponse(request, f"admin/appointments/appointment/{span}.html", words)


def _day(clinic: Clinic, on: date) -> dict[str, Any]:
    return {
        "title": date_format(on, "l, F j, Y"),
        "day": diary.read_day(clinic, on),
        "before": on - timedelta(days=1),
        "after": on + timedelta(days=1),
    }


def _week(clinic: Clinic, on: date) -> dict[str, Any]:
    days = diary.read_week(clinic, on)
    first, last = days[0].on, days[-1].on
    return {
        "title": f"{date_format(first, 'F j')} to {date_format(last, 'F j, Y')}",
        "days": days,
        "before": on - timedelta(days=7),
        "after": on + timedelta(days=7),
    }
