"""A treatment's earlier versions at the desk: who saved what and when, what a page said, and the way back."""

from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse

from treatments import versions
from treatments.models import Treatment, TreatmentVersion

A_PAGE = 20
RETURN_REFUSED = (
    "Somebody else saved this treatment after you opened its history, so nothing is changed. "
    "Here is the history as it is now."
)


class KeepsVersions:
    """For a ModelAdmin of treatments: each save leaves a version, and the history page lists them."""

    object_history_template = "admin/treatments/treatment/history.html"

    def get_urls(self):
        view = self.admin_site.admin_view(self.version_view)
        return [
            path("<path:object_id>/history/<int:number>/", view, name="treatments_treatment_version"),
            *super().get_urls(),
        ]

    def save_model(self, request, obj, form, change):
        if change:
            versions.keep_what_was(obj)
        super().save_model(request, obj, form, change)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        versions.keep(form.instance, by=request.user)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponse:
        """Django's own view checks who asks, and shows what is added here."""
        pages = Paginator(
            TreatmentVersion.objects.filter(treatment=unquote(object_id)).select_related("by"),
            A_PAGE,
        )
        page = pages.get_page(request.GET.get("p", 1))
        words = {"entries": _entries(page), "page": page, "may_return": self.has_change_permission(request)}
        return super().history_view(request, object_id, words | (extra_context or {}))

    def version_view(self, request: HttpRequest, object_id: str, number: int) -> HttpResponse:
        """One version, to read; a POST returns to it."""
        version = get_object_or_404(TreatmentVersion, pk=number, treatment=unquote(object_id))
        treatment = version.treatment
        if request.method == "POST":
            if not self.has_change_permission(request, treatment):
                raise PermissionDenied
            return self._return(request, treatment, version)
        if not self.has_view_or_change_permission(request, treatment):
            raise PermissionDenied
        words = {
            **self.admin_site.each_context(request),
            "title": f"{treatment} as it was",
            "opts": self.opts,
            "object": treatment,
            "module_name": "Treatments",
            "version": version,
            "parts": versions.read(version.content),
            "since_then": versions.differences(version.content, versions.content_of(treatment)),
            "may_return": self.has_change_permission(request, treatment),
        }
        return TemplateResponse(request, "admin/treatments/treatment/version.html", words)

    def _return(self, request: HttpRequest, treatment: Treatment, version: TreatmentVersion) -> HttpResponse:
        when = f"{version}".removeprefix(f"{treatment} ")
        try:
            treatment = versions.return_to(version, by=request.user, seen=request.POST.get("seen", ""))
        except versions.SavedMeanwhile:
            messages.error(request, RETURN_REFUSED)
            return _see("history", treatment)
        self.log_change(request, treatment, f"Returned to the version {when}.")
        messages.success(
            request,
            f"{treatment} says again what it said {when}. Its status, address and place in the list are as they were.",
        )
        return _see("change", treatment)


def _entries(page: Any) -> list[dict]:
    """Each version of this page of the history with what it changed in the one before it."""
    shown, end = list(page), page.end_index()
    before = list(page.paginator.object_list[end : end + 1])  # the one that the last of this page is compared with
    pairs = zip(shown, [*shown[1:], *(before or [None])], strict=False)
    return [
        {
            "version": version,
            "changes": versions.differences(older.content if older else None, version.content),
            "is_latest": page.number == 1 and version is shown[0],
        }
        for version, older in pairs
    ]


def _see(name: str, treatment: Treatment) -> HttpResponse:
    address = reverse(f"admin:treatments_treatment_{name}", args=[quote(treatment.pk)])
    return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)
