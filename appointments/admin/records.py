"""What was booked and what was mailed, for reading. Neither is changed here."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator

from appointments import diary, privacy
from appointments.admin import glance
from appointments.admin.days import day_page, week_page
from appointments.admin.filters import DayFilter, MessageStateFilter
from appointments.admin.numbers import BoundedPaginator, numbers
from appointments.models import Appointment, AppointmentRequest, Message

LONGEST_IN_A_ROW = 120  # characters of what a mail server said


class ReadOnlyAdmin(admin.ModelAdmin):
    """Seen by those who may view it, and changed here by nobody. Which requests a list showed is written down."""

    actions = None
    list_per_page = list_max_show_all = 25
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()

    def get_paginator(self, request: HttpRequest, *args: Any, **options: Any) -> BoundedPaginator:
        return BoundedPaginator(*args, request=request, **options)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return self._written_down(request, super().changelist_view(request, extra_context))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        shown = super().change_view(request, object_id, form_url, extra_context)
        if (row := getattr(shown, "context_data", {}).get("original")) and row.appointment_request:
            privacy.looked_at(row.appointment_request, by=request.user, what=str(self.opts.verbose_name))
        return shown

    def _written_down(self, request: HttpRequest, shown: HttpResponse) -> HttpResponse:
        if found := getattr(shown, "context_data", {}).get("cl"):
            rows = [getattr(row, "appointment_request", row) for row in found.result_list]
            privacy.listed(filter(None, rows), by=request.user, what=str(self.opts.verbose_name_plural).capitalize())
        return shown

    @admin.display(description="request")
    def reference(self, row: Appointment | Message) -> SafeString | str:
        return link_to(row.appointment_request) if row.appointment_request else "All that wait"


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """The outbox. A message's text is sealed, because it holds the patient's own link, and is not shown.

    What failed is sent again on its request's page.
    """

    list_display = ["kind", "reference", "state", "attempts", "server_said", "written"]
    list_filter = [MessageStateFilter, "kind"]
    list_select_related = ["appointment_request"]
    ordering = ["-pk"]
    fields = [
        "kind",
        "reference",
        "recipient",
        "subject",
        "state",
        "attempts",
        "created_at",
        "due_at",
        "error",
        "again",
    ]
    readonly_fields = ["reference", "state", "again"]

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "Outbox", **(extra_context or {})})

    def alarm(self, request: HttpRequest) -> dict | None:
        """For every page of the desk: mail that is stuck. None where all is well, or for those who may not know."""
        if not self.has_view_permission(request):
            return None
        _standing, stuck, failed, _listed = numbers(request)
        if not stuck and not failed:
            return None
        parts = [f"{number} {words}" for number, words in ((stuck, "waiting too long"), (failed, "failed")) if number]
        state = "stuck" if stuck else "failed"
        address = f"{reverse('admin:appointments_message_changelist')}?state={state}"
        return {"words": f"Mail does not get through: {', '.join(parts)}.", "url": address}

    @admin.display(description="the mail server's words")
    def server_said(self, message: Message) -> SafeString:
        """Cut to what a row has room for; the message's page has them whole."""
        words = Truncator(message.error).chars(LONGEST_IN_A_ROW)
        return format_html("<bdi>{}</bdi>", words) if words else glance.NOTHING

    @admin.display(description="send again")
    def again(self, message: Message) -> SafeString | str:
        """The way to the button, where there is one."""
        row = message.appointment_request
        if row is None or not message.can_be_sent_again:
            return self.get_empty_value_display()
        address = reverse("admin:appointments_appointmentrequest_change", args=[row.pk])
        return format_html('<a href="{}">On the page of request {}</a>', address, row.reference)

    @admin.display(description="written")
    def written(self, message: Message) -> str:
        return glance.moment(message.created_at)


@admin.register(Appointment)
class AppointmentAdmin(ReadOnlyAdmin):
    list_display = ["when", "provider", "reference", "status"]
    list_display_links = None
    list_filter = [DayFilter, "provider", "status"]
    list_select_related = ["appointment_request", "provider"]
    fields = ["reference", "provider", "starts_at", "ends_at", "status"]
    readonly_fields = ["reference"]

    def get_urls(self) -> list:
        pages = [("day", self.day_view), ("week", self.week_view)]
        return [
            *[
                path(f"{span}/", self.admin_site.admin_view(view), name=f"appointments_appointment_{span}")
                for span, view in pages
            ],
            *super().get_urls(),
        ]

    def day_view(self, request: HttpRequest) -> HttpResponse:
        return day_page(self, request)

    def week_view(self, request: HttpRequest) -> HttpResponse:
        return week_page(self, request)

    def to_do(self, request: HttpRequest) -> dict | None:
        """For the desk's first page: how many come today, and the ways to the day and the week."""
        if not self.has_view_permission(request):
            return None
        today = timezone.localdate()
        return {
            "words": "Appointments today",
            "url": reverse("admin:appointments_appointment_day"),
            "count": diary.visits_on(today, today, zone=timezone.get_current_timezone()).count(),
            "also": [("This week", reverse("admin:appointments_appointment_week"))],
        }

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        return super().changelist_view(request, {"title": "Appointments", **(extra_context or {})})

    @admin.display(description="when")
    def when(self, appointment: Appointment) -> str:
        return glance.moment(appointment.starts_at)


def link_to(appointment_request: AppointmentRequest) -> SafeString:
    address = reverse("admin:appointments_appointmentrequest_change", args=[appointment_request.pk])
    return format_html('<a href="{}">{}</a>', address, appointment_request.reference)
