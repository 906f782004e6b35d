"""One's own calendar at the desk: whether it has a secret address, a new one, none any more."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse

from appointments import calendar_feeds
from appointments.admin import glance
from appointments.models import CalendarFeed

MADE_MEANWHILE = "Nothing was changed: another address was made meanwhile. Make a new one if you do not have that one."


@admin.register(CalendarFeed)
class CalendarFeedAdmin(admin.ModelAdmin):
    """Everybody has their own page and no list. An address is made and ended by two buttons."""

    def get_urls(self) -> list:
        views = {"": self.changelist_view, "new/": self.new_view, "end/": self.end_view}
        name = "appointments_calendarfeed_{}".format
        return [
            path(route, self.admin_site.admin_view(view), name=name(route.strip("/") or "changelist"))
            for route, view in views.items()
        ]

    def has_view_permission(self, request: HttpRequest, obj: CalendarFeed | None = None) -> bool:
        return calendar_feeds.may_have_one(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: CalendarFeed | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: CalendarFeed | None = None) -> bool:
        return False  # it is ended on its own page

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        if refusal := self._refuse(request, "GET", "HEAD"):
            return refusal
        return self._show(request)

    def new_view(self, request: HttpRequest) -> HttpResponse:
        """The address is on the answer itself: nothing keeps it until another page could show it."""
        if refusal := self._refuse(request, "POST"):
            return refusal
        seen = request.POST.get("seen", "")[:18]
        try:
            feed, token = calendar_feeds.make(by=request.user, seen=int(seen) if seen.isdecimal() else 0)
        except calendar_feeds.MadeMeanwhile:
            messages.error(request, MADE_MEANWHILE)
            return _to_the_page()
        self.log_addition(request, feed, "A new address was made.")
        return self._show(request, address=f"{settings.SITE_URL}{reverse('calendar_feed', args=[token])}")

    def end_view(self, request: HttpRequest) -> HttpResponse:
        if refusal := self._refuse(request, "POST"):
            return refusal
        feeds = CalendarFeed.objects.of(request.user)
        self.log_deletions(request, feeds)
        calendar_feeds.end(by=request.user)
        messages.success(request, "You have no address now. A calendar that reads the old one gets nothing.")
        return _to_the_page()

    def _refuse(self, request: HttpRequest, *methods: str) -> HttpResponse | None:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return None if request.method in methods else HttpResponseNotAllowed(methods)

    def _show(self, request: HttpRequest, address: str = "") -> HttpResponse:
        feed = CalendarFeed.objects.of(request.user).first()
        words: dict[str, Any] = {
            **self.admin_site.each_context(request),
            "title": "My calendar",
            "opts": self.opts,
            "feed": feed,
            "made": glance.moment(feed.created_at) if feed else "",
            "provider": calendar_feeds.provider_of(request.user),
            "address": address,
            "back": calendar_feeds.BACK.days,
            "ahead": calendar_feeds.AHEAD.days,
        }
        return TemplateResponse(request, "admin/appointments/calendarfeed/my_calendar.html", words)


def _to_the_page() -> HttpResponse:
    address = reverse("admin:appointments_calendarfeed_changelist")
    return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)
