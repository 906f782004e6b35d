"""The patient's side: the form, the private page, the privacy notice."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def request_form(request: HttpRequest) -> HttpResponse:
    return render(request, "appointments/request_form.html")


def my_request(request: HttpRequest, token: str) -> HttpResponse:
    return render(request, "appointments/my_request.html")


def privacy_notice(request: HttpRequest) -> HttpResponse:
    return render(request, "appointments/privacy.html")


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return render(request, "403.html", status=403)
