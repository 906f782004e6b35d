"""The queue: what waits for an answer, what is due first on top."""

from http import HTTPStatus
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.timesince import timesince
from django.views.decorators.cache import never_cache

from appointments import privacy
from appointments.admin import glance, searches
from appointments.admin.call_sheet import call_sheet
from appointments.admin.filters import StateFilter, StatusFilter, TreatmentFilter, shows_few
from appointments.admin.move_page import move_page
from appointments.admin.new_request import may_take, new_request_page
from appointments.admin.numbers import BoundedPaginator, numbers
from appointments.admin.records import ReadOnlyAdmin
from appointments.admin.reports_page import PERMISSION as REPORTS_PERMISSION
from appointments.admin.reports_page import reports_page
from appointments.admin.request_page import health_page, message_page, request_page
from appointments.models import NEWEST, AppointmentRequest, Standing
from appointments.references import read_reference

HEADINGS = {"To answer": "Requests to answer", "All": "All requests", "Mine": "My requests"}


class Queue(ChangeList):
    """Django's list, searched by words that are kept in the session instead of the address."""

    def get_filters_params(self, params: dict | None = None) -> dict:
        return {name: value for name, value in super().get_filters_params(params).items() if name != "found"}

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet:
        self.request, self.may_take = request, may_take(self.model_admin, request)
        self.query = searches.words_behind(request) or read_reference(self.query) or ""
        return super().get_queryset(request, exclude_parameters)

    @cached_property
    def standing(self) -> Standing:
        return numbers(self.request).standing

    @cached_property
    def tabs(self) -> list[dict[str, Any]]:
        return [
            tab for spec in self.filter_specs if isinstance(spec, StateFilter) for tab in spec.tabs(self, self.standing)
        ]

    @property
    def heading(self) -> str:
        chosen = next((str(tab["display"]) for tab in self.tabs if tab["selected"]), "")
        return HEADINGS.get(chosen, f"Requests: {chosen.lower()}")

    @property
    def longest_wait(self) -> str:
        return timesince(self.standing.oldest, depth=1) if self.standing.oldest else ""


@admin.register(AppointmentRequest)
class AppointmentRequestAdmin(ReadOnlyAdmin):
    """Requests are read here, and changed by moves alone."""

    list_display = ["name", "status_chip", "waiting", "reach", "times"]
    list_filter = [StateFilter, StatusFilter, "source", TreatmentFilter]
    list_select_related = ["claimed_by"]
    search_fields = ["reference"]  # has the search box shown; `get_search_results` does the search

    def get_urls(self) -> list:
        move = path(
            "<path:object_id>/move/<slug:name>/",
            self.admin_site.admin_view(self.move_view),
            name="appointments_appointmentrequest_move",
        )
        reports = path(
            "reports/", self.admin_site.admin_view(self.reports_view), name="appointments_appointmentrequest_reports"
        )
        calls = path(
            "calls/", self.admin_site.admin_view(self.calls_view), name="appointments_appointmentrequest_calls"
        )
        health = path(
            "<path:object_id>/health/",
            self.admin_site.admin_view(never_cache(self.health_view)),
            name="appointments_appointmentrequest_health",
        )
        message = path(
            "<path:object_id>/message/",
            self.admin_site.admin_view(never_cache(self.message_view)),
            name="appointments_appointmentrequest_message",
        )
        new = path("new/", self.admin_site.admin_view(self.new_view), name="appointments_appointmentrequest_new")
        return [new, move, health, message, calls, reports, *super().get_urls()]

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return Queue

    def get_queryset(self, request: HttpRequest) -> QuerySet[AppointmentRequest]:
        return super().get_queryset(request).with_lists("preferred_times")

    def get_ordering(self, request: HttpRequest) -> tuple:
        """By the clock what waits, by age the waiting list and what is to be told; else the newest first."""
        if request.GET.get("state") == "waitlisted":
            return AppointmentRequest.objects.longest_waiting_first().query.order_by
        if request.GET.get("state") == "over":
            return ("appointments__ends_at", "pk")
        if request.GET.get("state") == "to_review":
            return AppointmentRequest.objects.longest_unreviewed_first().query.order_by
        if request.GET.get("state") == "to_tell":
            return AppointmentRequest.objects.longest_untold_first().query.order_by
        beyond_the_queue = {"state", "status", "q", "found"} & set(request.GET)
        if {"q", "found"} & set(request.GET) and not shows_few(request):
            return ("-pk",)
        if beyond_the_queue and request.GET.get("state") not in StateFilter.IN_ORDER_OF_THE_CLOCK:
            return ("-created_at", "-pk")
        return AppointmentRequest.objects.next_first().query.order_by

    def get_paginator(self, request: HttpRequest, *args: Any, **options: Any) -> BoundedPaginator:
        """What a search finds is the newest; whoever finds very many adds a word instead of turning pages."""
        most = NEWEST if {"q", "found"} & set(request.GET) else 0
        return super().get_paginator(request, *args, most=most, **options)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """What is found among all stands in the order in which it came, which the index knows; nothing is sorted."""
        if not search_term:
            return queryset, False
        among_all = not {"state", "status", "source__exact", "treatment"} & set(request.GET)
        return queryset.search(search_term, among_all=among_all, few=shows_few(request)), False

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method == "POST":
            return self._look_for(request, request.POST.get("q", ""))
        typed = request.GET.get("q", "")
        if typed.strip() and not read_reference(typed):
            return self._look_for(request, typed)  # the words leave the address at once
        if "found" in request.GET and searches.words_behind(request) is None:
            messages.warning(request, "What you looked for is no longer kept. Search again.")
            return HttpResponseRedirect(request.path)
        return super().changelist_view(request, extra_context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return request_page(self, request, object_id)

    def health_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return health_page(self, request, object_id)

    def message_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return message_page(self, request, object_id)

    def calls_view(self, request: HttpRequest) -> HttpResponse:
        return call_sheet(self, request)

    def move_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        return move_page(self, request, object_id, name)

    def reports_view(self, request: HttpRequest) -> HttpResponse:
        return reports_page(self, request)

    def new_view(self, request: HttpRequest) -> HttpResponse:
        return new_request_page(self, request)

    def to_do(self, request: HttpRequest) -> dict | None:
        """What the desk's first page says first, to those who may see it."""
        if not self.has_view_permission(request):
            return None
        standing = numbers(request).standing
        return {
            "words": "Requests to answer",
            "url": reverse("admin:appointments_appointmentrequest_changelist"),
            "count": standing.to_answer,
            "overdue": standing.late,
            "also": [*self._to_review(standing), *self._reports(request)],
        }

    def _reports(self, request: HttpRequest) -> list[tuple[str, str]]:
        may_see = request.user.has_perm(REPORTS_PERMISSION)
        return [("Reports", reverse("admin:appointments_appointmentrequest_reports"))] if may_see else []

    def _to_review(self, standing: Standing) -> list[tuple[str, str]]:
        address = f"{reverse('admin:appointments_appointmentrequest_changelist')}?state=to_review"
        return [(f"Health checks to review ({standing.to_review})", address)] if standing.to_review else []

    def _look_for(self, request: HttpRequest, words: str) -> HttpResponse:
        """To the list of what was found. The words stay here; the address has a key that stands for them."""
        if words.strip():
            privacy.searched(words.replace("\x00", "")[: searches.LONGEST], by=request.user)
        query = f"?{urlencode({'found': searches.keep(request, words)})}" if words.strip() else ""
        return HttpResponseRedirect(request.path + query, status=HTTPStatus.SEE_OTHER)

    @admin.display(description="name")
    def name(self, row: AppointmentRequest) -> SafeString:
        return format_html("<bdi>{}</bdi>", row.full_name)

    @admin.display(description="status")
    def status_chip(self, row: AppointmentRequest) -> SafeString:
        if row.claimed_by is None:
            return glance.chip(row)
        return format_html("{} <small><bdi>{}</bdi></small>", glance.chip(row), glance.who(row.claimed_by))

    @admin.display(description="waiting")
    def waiting(self, row: AppointmentRequest) -> SafeString | str:
        return glance.waiting(row)

    @admin.display(description="reach")
    def reach(self, row: AppointmentRequest) -> SafeString | str:
        return glance.reach(row)

    @admin.display(description="times")
    def times(self, row: AppointmentRequest) -> SafeString:
        return glance.times(row)
