"""Taking back a patient's consent to be shown: one page that says what will happen, one press that does it."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse

from treatments.models import Result


class WithdrawsConsent:
    """For a ModelAdmin of treatments: the page on which a consent is withdrawn."""

    def get_urls(self):
        view = self.admin_site.admin_view(self.withdraw_view)
        return [
            path("<path:object_id>/results/<int:number>/withdraw/", view, name="treatments_result_withdraw"),
            *super().get_urls(),
        ]

    def withdraw_view(self, request: HttpRequest, object_id: str, number: int) -> HttpResponse:
        result = get_object_or_404(Result.objects.select_related("treatment"), pk=number, treatment=object_id)
        if not request.user.has_perm("treatments.change_result"):
            raise PermissionDenied
        if request.method == "POST":
            return self._withdraw(request, result)
        words = {
            **self.admin_site.each_context(request),
            "title": "Withdraw consent",
            "opts": self.opts,
            "object": result.treatment,
            "module_name": "Treatments",
            "result": result,
        }
        return TemplateResponse(request, "admin/treatments/treatment/withdraw.html", words)

    def _withdraw(self, request: HttpRequest, result: Result) -> HttpResponse:
        if result.withdraw():
            self.log_change(request, result.treatment, f"Consent withdrawn: before and after {result.pk}.")
            messages.success(request, "The pictures are off the page, and their files are gone. The record stays.")
        else:
            messages.warning(request, "This consent had been withdrawn before. Nothing has changed.")
        address = reverse("admin:treatments_treatment_change", args=[quote(result.treatment_id)])
        return HttpResponseRedirect(f"{address}#results-group", status=HTTPStatus.SEE_OTHER)
