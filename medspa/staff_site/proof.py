"""The password anew, before anything is changed that opens the door; and one's own sessions."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from medspa import doors
from medspa.models import DoorEvent
from medspa.staff_site import sessions
from medspa.staff_site.sign_in import LOCKED


class ProofForm(forms.Form):
    use_required_attribute = False

    password = forms.CharField(
        label="Your password",
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
        error_messages={"required": "Enter your password"},
    )


def to_prove(request: HttpRequest) -> HttpResponse | None:
    """To where the password is asked for; None where it was given just now. What is posted waits for nobody."""
    if sessions.has_just_proved(request):
        return None
    onward = request.get_full_path() if request.method == "GET" else reverse("admin:my_second_step")
    address = f"{reverse('admin:prove')}?{urlencode({'next': onward})}"
    return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)


def proved(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For a page of the site that opens to those who gave their password just now."""

    @wraps(page)
    def asked(site: AdminSite, request: HttpRequest, **named: int) -> HttpResponse:
        return to_prove(request) or page(site, request, **named)

    return asked


def prove_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    form, status = ProofForm(request.POST if request.method == "POST" else None), HTTPStatus.OK
    if request.method == "POST":
        status = _look_at(request, form)
        if status == HTTPStatus.SEE_OTHER:
            onward = request.GET.get("next", "")
            safe = url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure())
            return HttpResponseRedirect(onward if safe and onward else reverse("admin:index"), status=status)
    words = {**site.each_context(request), "title": "Your password, please", "form": form}
    return TemplateResponse(request, "admin/doors/prove.html", words, status=status)


def _look_at(request: HttpRequest, form: ProofForm) -> HTTPStatus:
    name = request.user.get_username()
    try:
        doors.try_once(name, request.origin)
    except doors.LockedOut:
        form.add_error(None, LOCKED)
        return HTTPStatus.TOO_MANY_REQUESTS
    if form.is_valid() and request.user.check_password(form.cleaned_data["password"]):
        doors.forgive(name, request.origin)
        request.session["proved_at"] = timezone.now().timestamp()
        return HTTPStatus.SEE_OTHER
    if form.is_valid():
        doors.write_down(DoorEvent.Kind.REFUSED, request.user)
        form.add_error("password", "The password is not right.")
    return HTTPStatus.UNPROCESSABLE_ENTITY


def my_sessions(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Where the person is signed in; POST ends the others."""
    if request.method == "POST":
        ended = doors.end_sessions(request.user, but=request.session.session_key)
        doors.write_down(DoorEvent.Kind.SESSIONS, request.user, by=request.user)
        messages.success(request, f"Other sessions that were ended: {ended}.")
        return HttpResponseRedirect(reverse("admin:my_sessions"), status=HTTPStatus.SEE_OTHER)
    found = [(session.pk == request.session.session_key, session.get_decoded()) for session in _own(request)]
    lines = [
        (is_this, timezone.datetime.fromtimestamp(kept.get("signed_in_at", 0), timezone.get_current_timezone()), kept)
        for is_this, kept in found
    ]
    words = {**site.each_context(request), "title": "Where I am signed in", "sessions": lines}
    return TemplateResponse(request, "admin/doors/my_sessions.html", words)


def _own(request: HttpRequest) -> list:
    return doors.sessions_of(request.user)
