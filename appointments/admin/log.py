"""Who did and who saw what: the log for the owner, by person and by patient, what is unusual in it, and as a file."""

import csv
from collections.abc import Iterator
from datetime import timedelta

from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from appointments import privacy
from appointments.admin import glance
from appointments.admin.records import ReadOnlyAdmin
from appointments.admin.spreadsheets import BOM, harmless
from appointments.models import Event
from appointments.references import read_reference
from medspa.models import Clinic

PERMISSION = "appointments.review_event"
LONGEST_IN_A_ROW = 100  # characters of an event's details
PERIODS = {"7": "7 days", "30": "30 days", "90": "90 days"}
USUAL = "30"
COLUMNS = ["at", "by", "from", "what", "request", "records", "details", "position", "digest"]


class WhatFilter(admin.SimpleListFilter):
    title, parameter_name = "what", "what"
    KINDS = {
        "looked": Event.LOOKS,
        "read": (Event.Kind.HEALTH_READ, Event.Kind.MESSAGE_READ),
        "searched": (Event.Kind.SEARCHED,),
        "left": (Event.Kind.EXPORTED,),
        "erased": (Event.Kind.ERASED,),
    }

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [
            ("looked", "Looked at"),
            ("read", "Sealed words read"),
            ("searched", "Searched"),
            ("left", "Exported"),
            ("erased", "Erased"),
            ("changed", "Changed"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "changed":
            return queryset.moves()
        return queryset.filter(kind__in=self.KINDS[self.value()]) if self.value() in self.KINDS else queryset


class PersonFilter(admin.SimpleListFilter):
    title, parameter_name = "person", "by"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        people = Event._meta.get_field("by").related_model.objects.filter(is_staff=True).order_by("username")
        return [("nobody", "The patient, or a command"), *((str(user.pk), glance.who(user)) for user in people)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        chosen = self.value() or ""
        if chosen == "nobody":
            return queryset.filter(by=None)
        return queryset.filter(by=int(chosen)) if chosen.isdecimal() and len(chosen) < 19 else queryset


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """Read by those who review the log. The notes of events stay with the requests."""

    list_display = ["moment", "person", "address", "what", "about", "records", "said"]
    list_display_links = None
    list_filter = [WhatFilter, PersonFilter]
    list_select_related = ["by", "appointment_request"]
    search_fields = ["appointment_request__reference"]
    search_help_text = "A request's reference, such as K7Q-4MXR"
    ordering = ["-position"]

    def has_view_permission(self, request: HttpRequest, obj: Event | None = None) -> bool:
        return request.user.has_perm(PERMISSION)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(PERMISSION)

    def get_urls(self) -> list:
        pages = [("file", self.file_view), ("unusual", self.unusual_view)]
        ours = [
            path(f"{name}/", self.admin_site.admin_view(view), name=f"appointments_event_{name}")
            for name, view in pages
        ]
        return [*ours, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).defer("note")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        if not search_term.strip():
            return queryset, False
        reference = read_reference(search_term)
        return (queryset.about(reference) if reference else queryset.none()), False

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        words = {"title": "Who did and saw what", "chosen": request.GET.urlencode()}
        return super().changelist_view(request, {**words, **(extra_context or {})})

    def file_view(self, request: HttpRequest) -> HttpResponse:
        """What the list shows, whole, as CSV; that it left is written down first."""
        self._refuse_others(request)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        try:
            found = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            raise BadRequest("The list has no such filter") from None
        privacy.exported("The log as CSV", by=request.user, records=found.count())
        answer = StreamingHttpResponse(lines(found), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="log-{timezone.localdate().isoformat()}.csv"'
        return answer

    def unusual_view(self, request: HttpRequest) -> HttpResponse:
        self._refuse_others(request)
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        days = request.GET.get("days", USUAL)
        days = days if days in PERIODS else USUAL
        hours = privacy.unusual_hours(Clinic.objects.current(), timezone.now() - timedelta(days=int(days)))
        words = {
            **self.admin_site.each_context(request),
            "title": "Unusual looking",
            "opts": self.opts,
            "hours": [(hour, glance.moment(hour.begins), glance.who(hour.person)) for hour in hours],
            "many": privacy.MANY,
            "periods": PERIODS.items(),
            "days": days,
        }
        return TemplateResponse(request, "admin/appointments/event/unusual.html", words)

    def to_do(self, request: HttpRequest) -> dict | None:
        if not self.has_view_permission(request):
            return None
        hours = privacy.unusual_hours(Clinic.objects.current(), timezone.now() - timedelta(days=7))
        address = reverse("admin:appointments_event_unusual")
        words = {"words": "Hours of unusual looking, in a week", "url": f"{address}?days=7", "count": len(hours)}
        return words | {"also": [("Who did and saw what", reverse("admin:appointments_event_changelist"))]}

    def _refuse_others(self, request: HttpRequest) -> None:
        if not self.has_view_permission(request):
            raise PermissionDenied

    @admin.display(description="when")
    def moment(self, event: Event) -> str:
        return glance.moment(event.at)

    @admin.display(description="who")
    def person(self, event: Event) -> SafeString:
        return format_html("<bdi>{}</bdi>", who(event))

    @admin.display(description="what")
    def what(self, event: Event) -> str:
        return event.get_kind_display()

    @admin.display(description="request")
    def about(self, event: Event) -> SafeString | str:
        if event.appointment_request is None:
            return glance.NOTHING
        query = urlencode({"q": event.appointment_request.reference})
        return format_html('<a href="?{}">{}</a>', query, event.appointment_request)

    @admin.display(description="details")
    def said(self, event: Event) -> str:
        return Truncator(event.details).chars(LONGEST_IN_A_ROW) or glance.NOTHING


def who(event: Event) -> str:
    if event.by is None and event.kind not in Event.BY_PATIENTS:
        return "A command"
    return glance.who(event.by)


def lines(found: QuerySet) -> Iterator[str]:
    """The file, a line at a time, so that six years fit."""
    writer = csv.writer(_Echo())
    yield BOM + writer.writerow(COLUMNS)
    for event in found.iterator(chunk_size=2000):
        reference = event.appointment_request.reference if event.appointment_request else ""
        row = [event.at.isoformat(), who(event), event.address or "", event.kind, reference, event.records]
        yield writer.writerow([harmless(str(value)) for value in [*row, event.details, event.position, event.digest]])


class _Echo:
    def write(self, line: str) -> str:
        return line
