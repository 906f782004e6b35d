"""The desk: Django's admin under the clinic's name and in the clinic's time."""

from functools import partial, wraps
from http import HTTPStatus
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.admin import AdminSite
from django.core.exceptions import BadRequest, PermissionDenied
from django.db import DataError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect

from medspa.doors import write_down
from medspa.models import Clinic, DoorEvent
from medspa.staff_site import sessions
from medspa.staff_site.proof import my_sessions, prove_page, proved
from medspa.staff_site.second_step import my_second_step, new_codes, new_passkey, qr_image, remove_passkey, set_up_page
from medspa.staff_site.sign_in import as_reading, password_page, second_step_page, typed_page


class StaffSite(AdminSite):
    """Every page is shown in the clinic's time zone, wherever the reader sits.

    A ModelAdmin with a method `to_do(request)` has its words said first on the first page: a dict of `words`, `url`,
    perhaps `count`, `overdue` and pairs of words and addresses that lead `also` there, or None for those who may not
    know. What can be overdue is said before the rest. One with a method `alarm(request)` has its `words`, which lead to
    its `url`, said on every page as long as it returns them.
    """

    index_title = "Today"
    enable_nav_sidebar = False
    empty_value_display = "–"

    def has_permission(self, request: HttpRequest) -> bool:
        """Active staff, who have taken the second step where it is required."""
        is_staff = super().has_permission(request)
        return is_staff and (settings.STAFF_MFA == "offered" or bool(request.session.get("second_step")))

    def get_urls(self) -> list:
        door = [
            ("second-step/", second_step_page, "second_step"),
            ("second-step/set-up/", set_up_page, "set_up"),
            ("second-step/qr.svg", qr_image, "qr_image"),
        ]
        inside = [
            ("second-step/prove/", prove_page, "prove"),
            ("second-step/sessions/", proved(my_sessions), "my_sessions"),
            ("second-step/mine/", proved(my_second_step), "my_second_step"),
            ("second-step/new-codes/", proved(new_codes), "new_codes"),
            ("second-step/passkeys/new/", proved(new_passkey), "new_passkey"),
            ("second-step/passkeys/<int:key>/remove/", proved(remove_passkey), "remove_passkey"),
            ("typed/", typed_page, "typed"),
        ]
        outer = [path(where, csrf_protect(never_cache(partial(page, self))), name=name) for where, page, name in door]
        inner = [path(where, self.admin_view(partial(page, self)), name=name) for where, page, name in inside]
        return [*outer, path("stay/", never_cache(self.stay), name="stay"), *inner, *super().get_urls()]

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return password_page(self, request)

    def logout(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        if request.user.is_authenticated:
            write_down(DoorEvent.Kind.SIGNED_OUT, request.user)
        answer = super().logout(request, extra_context)
        answer["Clear-Site-Data"] = '"cache", "storage"'
        return answer

    def stay(self, request: HttpRequest) -> HttpResponse:
        """Seconds until the person is signed out, for the page that warns. POST stays; GET only asks."""
        sessions.go_on_or_end(request, counts=request.method == "POST")
        if not self.has_permission(request):
            return JsonResponse({"left": 0}, status=HTTPStatus.FORBIDDEN)
        if request.method == "POST":
            request.session["seen_at"] = timezone.now().timestamp()
        return JsonResponse({"left": sessions.seconds_left(request), "token": get_token(request)})

    def admin_view(self, view, cacheable=False):
        guarded = self._guarded(view, cacheable)

        @wraps(view)
        def at_the_door(request, *args, **kwargs):
            sessions.go_on_or_end(request)
            if request.method == "POST" and sessions.has_typed(request) and not self.has_permission(request):
                return password_page(self, as_reading(request))
            try:
                return guarded(request, *args, **kwargs)
            except PermissionDenied:
                write_down(DoorEvent.Kind.DENIED, request.user)
                raise

        return at_the_door

    def _guarded(self, view, cacheable):
        def in_the_clinics_time(request, *args, **kwargs):
            if "%00" in request.META.get("QUERY_STRING", ""):
                raise BadRequest("NUL in an address")  # nothing stored has one, and PostgreSQL refuses to look for it
            zone = _clinic(request)[0]
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
        name = _clinic(request)[1]
        header = f"{name} front desk" if name else "Front desk"
        alarms = self._alarms(request) if self.has_permission(request) else []
        idle = settings.STAFF_IDLE_SECONDS if request.user.is_authenticated else 0
        ours = {"site_header": header, "site_title": header, "alarms": alarms, "idle_seconds": idle}
        return super().each_context(request) | ours

    def _alarms(self, request: HttpRequest) -> list[dict]:
        rooms = [model_admin for model_admin in self._registry.values() if hasattr(model_admin, "alarm")]
        return [alarm for room in rooms if (alarm := room.alarm(request))]

    def index(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        rooms = [model_admin for model_admin in self._registry.values() if hasattr(model_admin, "to_do")]
        lines = [line for room in rooms if (line := room.to_do(request))]
        words = {"to_do": sorted(lines, key=lambda line: ("overdue" not in line, "count" not in line))}
        if request.user.has_perm("medspa.change_clinic") and (clinic := Clinic.objects.first()):
            address = reverse("admin:medspa_clinic_change", args=[clinic.pk])
            words |= {"placeholders": clinic.placeholders, "clinic_url": address}
        return super().index(request, words | (extra_context or {}))


def _clinic(request: HttpRequest) -> tuple[str, str]:
    """Its time zone and its name, read once for each page. Empty before the clinic is opened."""
    if not hasattr(request, "clinic"):
        request.clinic = Clinic.objects.values_list("time_zone", "name").first() or ("", "")
    return request.clinic
