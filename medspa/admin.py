"""The clinic's facts at the desk, on one page; who works here, who came in when, and how the site is."""

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import formats, timezone
from django.views.decorators.http import require_safe

from medspa import doors, watch
from medspa.models import Clinic, Closure, DoorEvent, OpeningHours, Sign
from medspa.staff_site import NoticesOtherEdits, to_prove

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
class ClinicAdmin(NoticesOtherEdits, admin.ModelAdmin):
    """There is one clinic: it is never added here nor deleted, and its list is its page."""

    edited_along = ("hours", "closures")
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


admin.site.unregister(User)


@admin.register(User)
class StaffAdmin(NoticesOtherEdits, UserAdmin):
    """One account for each person. Whoever leaves is made inactive: what they did keeps their name."""

    actions = ["take_second_step_away", "unlock"]
    changes_by_itself = ("last_login", "password")
    list_display = ["username", "first_name", "last_name", "is_active", "has_second_step", "last_login"]
    list_filter = ["is_active", "groups"]

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def alarm(self, request: HttpRequest) -> dict | None:
        """For every page, until the person has a password of their own."""
        ends = doors.first_password_ends(request.user) if request.session.get("first_password") else None
        if ends is None:
            return None
        until = formats.date_format(timezone.localtime(ends), "l, F j")
        words = f"Your password was made for you. Change it: it opens until {until}."
        return {"words": words, "url": reverse("admin:password_change")}

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, *args, **kwargs) -> HttpResponse:
        return to_prove(request) or super().changeform_view(request, object_id, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> HttpResponse:
        asked = to_prove(request) if request.method == "POST" else None
        return asked or super().changelist_view(request, extra_context)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        """A colleague's. One's own asks for the old one."""
        if str(request.user.pk) == str(id):
            return HttpResponseRedirect(reverse("admin:password_change"))
        return to_prove(request) or super().user_change_password(request, id, form_url)

    @admin.display(description="second step", boolean=True)
    def has_second_step(self, user: User) -> bool:
        return doors.has_second_step(user)

    @admin.action(description="Take the second step away (lost phone)", permissions=["change"])
    def take_second_step_away(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        for user in chosen:
            doors.reset(user, by=request.user)
            self.log_change(request, user, "Second step taken away.")
        messages.success(request, "They are signed out, and set up the second step when they sign in again.")

    @admin.action(description="Unlock after wrong tries", permissions=["change"])
    def unlock(self, request: HttpRequest, chosen: QuerySet[User]) -> None:
        for user in chosen:
            doors.unlock(user, by=request.user)
        messages.success(request, "They may try again at once.")


@admin.register(DoorEvent)
class DoorEventAdmin(admin.ModelAdmin):
    """Who came in, and who was kept out. For reading."""

    actions = None
    list_display = ["at", "kind", "user", "by", "address"]
    list_display_links = None
    list_filter = ["kind"]
    list_select_related = ["user", "by"]
    list_per_page = 50
    show_full_result_count = False

    def has_view_permission(self, request: HttpRequest, obj: DoorEvent | None = None) -> bool:
        return request.user.has_perm("medspa.review_doorevent")

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: DoorEvent | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: DoorEvent | None = None) -> bool:
        return False


SEES_THE_STATUS = "medspa.view_sign"


@require_safe
def status_page(request: HttpRequest) -> HttpResponse:
    """How the site is, for those with the permission alone."""
    if not request.user.has_perm(SEES_THE_STATUS):
        raise PermissionDenied
    groups = [("While it runs", watch.how_it_runs()), ("How it is set up", watch.how_it_is_set_up())]
    words = {
        **admin.site.each_context(request),
        "title": "Status of the site",
        "groups": groups,
        "to_mend": sum(not finding.is_well for _heading, findings in groups for finding in findings),
        "facts": watch.what_it_is(),
    }
    return TemplateResponse(request, "admin/status.html", words)


@admin.register(Sign)
class SignAdmin(admin.ModelAdmin):
    """Signs have no list: they are told in sentences, on the page of the status."""

    def get_urls(self) -> list:
        return []

    def has_module_permission(self, request: HttpRequest) -> bool:
        return False

    def to_do(self, request: HttpRequest) -> dict | None:
        """For the desk's first page: whether what nobody sees is at work."""
        if not request.user.has_perm(SEES_THE_STATUS):
            return None
        url, bad = reverse("status"), [finding for finding in watch.how_it_runs() if not finding.is_well]
        if not bad:
            return {"words": "The site is well", "url": url}
        also = [(finding.about, url) for finding in bad]
        return {"words": "The site needs you", "url": url, "count": len(bad), "also": also}
