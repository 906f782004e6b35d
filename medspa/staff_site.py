"""The desk: Django's admin under the clinic's name and in the clinic's time."""

from zoneinfo import ZoneInfo

from django.contrib.admin import AdminSite
from django.core.exceptions import BadRequest
from django.db import DataError
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from medspa.models import Clinic


class StaffSite(AdminSite):
    """Every page is shown in the clinic's time zone, wherever the reader sits.

    A ModelAdmin with a method `to_do(request)` has its words said first on the first page: a dict of `words`, `url`,
    `count`, `overdue` and pairs of words and addresses that lead `also` there, or None for those who may not know.
    What can be overdue is said before the rest. One with a method `alarm(request)` has its `words`, which lead to its
    `url`, said on every page as long as it returns them.
    """

    index_title = "Today"
    enable_nav_sidebar = False
    empty_value_display = "–"

    def admin_view(self, view, cacheable=False):
        def in_the_clinics_time(request, *args, **kwargs):
            if "%00" in request.META.get("QUERY_STRING", ""):
                raise BadRequest("NUL in an address")  # nothing stored has one, and PostgreSQL refuses to look for it
            zone = Clinic.objects.values_list("time_zone", flat=True).first()
            with timezone.override(ZoneInfo(zone) if zone else timezone.get_default_timezone()):
                try:
                    response = view(request, *args, **kwargs)
                    if hasattr(response, "render") and not response.is_rendered:
                        response.render()
                except (OverflowError, DataError):
                    raise BadRequest("A number in the address is too large for the database") from None
                return response

        return super().admin_view(in_the_clinics_time, cacheable)

    def each_context(self, request: HttpRequest) -> dict:
        name = Clinic.objects.values_list("name", flat=True).first()
        header = f"{name} front desk" if name else "Front desk"
        alarms = self._alarms(request) if self.has_permission(request) else []
        return super().each_context(request) | {"site_header": header, "site_title": header, "alarms": alarms}

    def _alarms(self, request: HttpRequest) -> list[dict]:
        rooms = [model_admin for model_admin in self._registry.values() if hasattr(model_admin, "alarm")]
        return [alarm for room in rooms if (alarm := room.alarm(request))]

    def index(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        rooms = [model_admin for model_admin in self._registry.values() if hasattr(model_admin, "to_do")]
        lines = [line for room in rooms if (line := room.to_do(request))]
        words = {"to_do": sorted(lines, key=lambda line: "overdue" not in line)}
        if request.user.has_perm("medspa.change_clinic") and (clinic := Clinic.objects.first()):
            address = reverse("admin:medspa_clinic_change", args=[clinic.pk])
            words |= {"placeholders": clinic.placeholders, "clinic_url": address}
        return super().index(request, words | (extra_context or {}))
