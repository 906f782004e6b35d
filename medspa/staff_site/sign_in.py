"""Signing in: the password, then the second step. Nobody is in before both.

Between the two the session says who is half way, for ten minutes, and nothing else.
"""

from datetime import timedelta
from http import HTTPStatus

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth import REDIRECT_FIELD_NAME, login
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from medspa import doors
from medspa.doors import passkeys
from medspa.doors.guessing import second_step_of
from medspa.models import DoorEvent
from medspa.staff_site import sessions
from medspa.staff_site.forms import CodeForm

BACKEND = "medspa.permissions.StaffBackend"
HALF_WAY_FOR = timedelta(minutes=10)
ENDED = (
    "The password that was made for you has ended, a week after it was made. "
    "On the machine that serves this site, run: manage.py changepassword %(username)s"
)
LOCKED = "Too many wrong tries. Try again in half an hour, or ask the owner to unlock you."
WRONG = (
    "The code is not right, or it has been used or has ended. Enter the one that your phone shows now. "
    "If that keeps failing, let the phone set its clock by itself."
)


def password_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    if request.method == "GET" and site.has_permission(request):
        return HttpResponseRedirect(reverse("admin:index"))
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    form = AdminAuthenticationForm(request, request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _show_password(site, request, form)
    name = request.POST.get("username", "").replace("\x00", "")[:254]
    try:
        doors.try_once(name, request.origin)
    except doors.LockedOut:
        empty = AdminAuthenticationForm(request, data={})
        empty.full_clean()
        empty.errors.clear()
        empty.add_error(None, LOCKED)
        return _show_password(site, request, empty, HTTPStatus.TOO_MANY_REQUESTS)
    if not form.is_valid():
        doors.write_down(DoorEvent.Kind.REFUSED, User.objects.filter(username=name).first())
        return _show_password(site, request, form)
    doors.forgive(name, request.origin)
    if doors.first_password_has_ended(form.get_user()):
        form.add_error(None, ENDED % {"username": form.get_user().get_username()})
        return _show_password(site, request, form, HTTPStatus.FORBIDDEN)
    return _password_was_right(request, form.get_user())


def as_reading(request: HttpRequest) -> HttpRequest:
    """The same request as if its page were only asked for: what was posted is kept elsewhere."""
    request.method, request.POST = "GET", QueryDict()
    request.GET = QueryDict(mutable=True)
    request.GET[REDIRECT_FIELD_NAME] = reverse("admin:index")
    request.path = reverse("admin:login")
    return request


def _password_was_right(request: HttpRequest, user: User) -> HttpResponse:
    onward = request.POST.get(REDIRECT_FIELD_NAME, "")
    if not doors.has_second_step(user) and settings.STAFF_MFA == "offered":
        return let_in(request, user, onward)
    typed = request.session.get("typed")
    request.session.flush()  # nothing that was there before the password goes along but what was typed
    request.session["half_way"] = {"user": user.pk, "at": timezone.now().timestamp(), "onward": onward}
    if typed:
        request.session["typed"] = typed
    return _see("second_step" if doors.has_second_step(user) else "set_up")


def who_is_half_way(request: HttpRequest) -> User | None:
    """Whose password was right a moment ago, and who is still active."""
    found = request.session.get("half_way") or {}
    if sessions.seconds_since(found.get("at", 0)) > HALF_WAY_FOR.total_seconds():
        return None
    return User.objects.filter(pk=found["user"], is_active=True, is_staff=True).first()


def second_step_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    user = who_is_half_way(request)
    if user is None or not doors.has_second_step(user):
        return _see("login")
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    form = CodeForm(request.POST if request.method == "POST" else None)
    status = HTTPStatus.OK
    if request.method == "POST":
        try:
            doors.try_once(second_step_of(user), request.origin)
        except doors.LockedOut:
            form.add_error(None, LOCKED)
            return _show_code(site, request, form, HTTPStatus.TOO_MANY_REQUESTS)
        status = HTTPStatus.UNPROCESSABLE_ENTITY
        if _is_right(request, user, form):
            return come_in(request, user)
    return _show_code(site, request, form, status)


def _is_right(request: HttpRequest, user: User, form: CodeForm) -> bool:
    """By a passkey, by the phone's code or by one on paper. What is wrong is said in the form."""
    if answer := request.POST.get("credential", ""):
        form.errors.clear()
        challenge = request.session.pop("challenge", "")  # once, whatever comes of it
        if passkeys.signed(user, answer, challenge=challenge):
            return True
        form.add_error(None, "The passkey did not open. Try again, or enter a code.")
    elif form.is_valid():
        code = form.cleaned_data["code"]
        if doors.opens(user, code) or doors.recover(user, code):
            return True
        form.add_error("code", WRONG)
    doors.write_down(DoorEvent.Kind.REFUSED, user)
    return False


def come_in(request: HttpRequest, user: User) -> HttpResponse:
    """After both steps."""
    doors.forgive(second_step_of(user), request.origin)
    onward = request.session.pop("half_way", {}).get("onward", "")
    return let_in(request, user, onward)


def let_in(request: HttpRequest, user: User, onward: str) -> HttpResponse:
    """A new session key, and onward to a page of this site."""
    login(request, user, backend=BACKEND)
    request.session["second_step"] = doors.has_second_step(user)
    request.session["first_password"] = doors.first_password_ends(user) is not None
    doors.write_down(DoorEvent.Kind.SIGNED_IN, user)
    if sessions.has_typed(request):
        return _see("typed")
    safe = url_has_allowed_host_and_scheme(onward, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(onward if safe and onward else reverse("admin:index"))


def typed_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """What was typed when the clock ran out, to be sent again by a press."""
    typed = sessions.take_typed(request)
    if typed is None:
        return _see("index")
    words = {**site.each_context(request), "title": "What you typed is still here", "typed": typed}
    return TemplateResponse(request, "admin/doors/typed.html", words)


def _show_password(
    site: AdminSite, request: HttpRequest, form: AdminAuthenticationForm, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    words = {
        **site.each_context(request),
        "title": "Sign in",
        "subtitle": None,
        "app_path": request.get_full_path() if request.path == reverse("admin:login") else reverse("admin:login"),
        "username": request.user.get_username(),
        REDIRECT_FIELD_NAME: request.POST.get(REDIRECT_FIELD_NAME) or request.GET.get(REDIRECT_FIELD_NAME, ""),
        "form": form,
        "has_typed": sessions.has_typed(request),
    }
    return TemplateResponse(request, "admin/login.html", words, status=status)


def _show_code(
    site: AdminSite, request: HttpRequest, form: CodeForm, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    words = {**site.each_context(request), "title": "Second step", "form": form}
    user = who_is_half_way(request)
    if user and user.passkeys.exists():
        words["options"], request.session["challenge"] = passkeys.to_sign(user)
    return TemplateResponse(request, "admin/doors/second_step.html", words, status=status)


def _see(name: str) -> HttpResponse:
    return HttpResponseRedirect(reverse(f"admin:{name}"), status=HTTPStatus.SEE_OTHER)
