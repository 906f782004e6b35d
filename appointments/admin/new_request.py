"""A request taken on the telephone or in person: the patient's form, filled in by whoever listens."""

import logging
from http import HTTPStatus

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from appointments import workflow
from appointments.forms import DeskRequestForm
from appointments.models import AppointmentRequest

TROUBLE = "The request could not be stored just now. What you typed is still here: save it again in a minute"

log = logging.getLogger(__name__)


def may_take(desk: ModelAdmin, request: HttpRequest) -> bool:
    """Whether the person may work on requests, and see the page of the one that was taken."""
    return desk.has_view_permission(request) and request.user.has_perm(workflow.PERMISSION)


def new_request_page(desk: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """GET shows the form; only POST stores a request."""
    if not may_take(desk, request):
        raise PermissionDenied
    if request.method == "POST":
        return _take(desk, request)
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    return _show(desk, request, DeskRequestForm())


def _take(desk: ModelAdmin, request: HttpRequest) -> HttpResponse:
    form = DeskRequestForm(request.POST)
    if not form.is_valid():
        return _show(desk, request, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        appointment_request = form.save(by=request.user)
    except DatabaseError:
        log.exception("A request taken at the desk could not be stored")
        form.add_error(None, TROUBLE)
        return _show(desk, request, form, HTTPStatus.SERVICE_UNAVAILABLE)
    desk.log_addition(request, appointment_request, f"Taken: {appointment_request.get_source_display()}.")
    messages.success(request, _done(appointment_request))
    address = reverse("admin:appointments_appointmentrequest_change", args=[appointment_request.pk])
    return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)


def _show(
    desk: ModelAdmin, request: HttpRequest, form: DeskRequestForm, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    words = {
        **desk.admin_site.each_context(request),
        "title": "New phone request",
        "opts": desk.opts,
        "form": form,
        "questions": [field for field in form.visible_fields() if field.name != "agreed"],
    }
    return TemplateResponse(request, "admin/appointments/appointmentrequest/new.html", words, status=status)


def _done(appointment_request: AppointmentRequest) -> str:
    """What happened and who was told. No name and no address: messages travel in a cookie."""
    if appointment_request.email:
        return f"Request {appointment_request} is stored. Its receipt goes to the patient by e-mail."
    return f"Request {appointment_request} is stored. No e-mail address is known: tell the patient this reference."
