"""One's own second step: set up, seen, and made anew."""

from http import HTTPStatus
from io import BytesIO

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from medspa import doors
from medspa.doors import passkeys
from medspa.doors.guessing import second_step_of
from medspa.late import Late
from medspa.models import Clinic, DoorEvent, Passkey, SecondFactor
from medspa.staff_site.forms import SetUpForm
from medspa.staff_site.sign_in import LOCKED, come_in, who_is_half_way

segno = Late("segno")
WRONG = "The code is not right. Look at your phone's clock, and enter the code that it shows now."


def set_up_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """For those who are in, and for those who are half way and have no second step yet."""
    user = _whose(site, request)
    if user is None:
        return HttpResponseRedirect(reverse("admin:login"), status=HTTPStatus.SEE_OTHER)
    if _has_codes(user):
        return HttpResponseRedirect(reverse("admin:my_second_step"), status=HTTPStatus.SEE_OTHER)
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    form = SetUpForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _show(site, request, user, form)
    try:
        doors.try_once(second_step_of(user), request.origin)
    except doors.LockedOut:
        form.add_error(None, LOCKED)
        return _show(site, request, user, form, HTTPStatus.TOO_MANY_REQUESTS)
    if form.is_valid() and doors.enrol(user, form.cleaned_data["code"]):
        doors.forgive(second_step_of(user), request.origin)
        return _codes_page(site, request, user)
    if form.is_valid():
        form.add_error("code", WRONG)
    return _show(site, request, user, form, HTTPStatus.UNPROCESSABLE_ENTITY)


def qr_image(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """What the phone's camera reads, while the phone is being set up."""
    user = _whose(site, request)
    if user is None or _has_codes(user):
        raise Http404
    picture = BytesIO()
    segno.make(doors.start(user, site=_site()).address, error="m").save(picture, kind="svg", light="#fff", scale=5)
    return HttpResponse(picture.getvalue(), content_type="image/svg+xml; charset=utf-8")


def my_second_step(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """What opens the door for this person."""
    user = request.user
    options = ""
    if passkeys.can_be_used():
        options, request.session["challenge"] = passkeys.to_register(user, site=_site())
    words = {
        **site.each_context(request),
        "title": "My second step",
        "options": options,
        "has_codes": _has_codes(user),
        "passkeys": user.passkeys.all(),
        "codes_left": user.recovery_codes.filter(used_at=None).count(),
    }
    return TemplateResponse(request, "admin/doors/my_second_step.html", words)


def new_passkey(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """The device's answer to `my_second_step`. The first thing that opens the door brings recovery codes along."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    is_first = not doors.has_second_step(request.user)
    challenge, name = request.session.pop("challenge", ""), request.POST.get("name", "").replace("\x00", "").strip()
    if not passkeys.register(request.user, request.POST.get("credential", ""), challenge=challenge, name=name):
        messages.error(request, "The passkey was not kept. Try again.")
    elif is_first:
        return _codes_page(site, request, request.user)
    else:
        doors.end_sessions(request.user, but=request.session.session_key)
        messages.success(request, "The passkey is kept.")
    return HttpResponseRedirect(reverse("admin:my_second_step"), status=HTTPStatus.SEE_OTHER)


def remove_passkey(site: AdminSite, request: HttpRequest, key: int) -> HttpResponse:
    """One of the person's own."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    gone, _rows = Passkey.objects.filter(user=request.user, pk=key).delete()
    if gone:
        doors.write_down(DoorEvent.Kind.FACTOR_RESET, request.user, by=request.user)
        doors.end_sessions(request.user, but=request.session.session_key)
        messages.success(request, "The passkey opens nothing any more.")
    return HttpResponseRedirect(reverse("admin:my_second_step"), status=HTTPStatus.SEE_OTHER)


def new_codes(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """Ten new recovery codes in place of the old ones."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not doors.has_second_step(request.user):
        messages.error(request, "Set up the second step first.")
        return HttpResponseRedirect(reverse("admin:my_second_step"), status=HTTPStatus.SEE_OTHER)
    return _codes_page(site, request, request.user)


def _codes_page(site: AdminSite, request: HttpRequest, user: User) -> HttpResponse:
    """The codes stand on the answer itself: nothing keeps them."""
    codes = doors.new_recovery_codes(user)
    if request.user.is_authenticated:
        request.session["second_step"] = True
        request.session.cycle_key()
        doors.end_sessions(user, but=request.session.session_key)
    else:
        come_in(request, user)
    words = {**site.each_context(request), "title": "Your recovery codes", "codes": codes}
    return TemplateResponse(request, "admin/doors/recovery_codes.html", words)


def _show(
    site: AdminSite, request: HttpRequest, user: User, form: SetUpForm, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    secret = doors.start(user, site=_site()).secret
    spaced = " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))
    words = {**site.each_context(request), "title": "Set up the second step", "form": form, "secret": spaced}
    return TemplateResponse(request, "admin/doors/set_up.html", words, status=status)


def _whose(site: AdminSite, request: HttpRequest) -> User | None:
    return request.user if site.has_permission(request) else who_is_half_way(request)


def _has_codes(user: User) -> bool:
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists()


def _site() -> str:
    return Clinic.objects.values_list("name", flat=True).first() or "Front desk"
