"""One page for every move: it says what will happen, asks what the move needs, and makes it."""

from http import HTTPStatus

from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from appointments import notifications, privacy, workflow
from appointments.admin import pending_mail, visit_times, writing
from appointments.admin.request_page import about, find
from appointments.forms import MOVE_FORMS, MoveForm, VisitForm, WriteForm
from appointments.models import AppointmentRequest, Message
from appointments.scheduling import NotWorking, SlotTaken
from medspa.models import Clinic

CHOSEN_BY_LINK = {"close": ["reason"], "book": ["minutes", "slot"], "reschedule": ["minutes", "slot"]}

TOLD = {
    "hold_back": "The patient has NOT been told.",
    "send_after_all": "The patient is told by e-mail now.",
    "send_again": "It is tried now.",
}


def move_page(desk: ModelAdmin, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
    """GET shows; only POST makes the move."""
    appointment_request = find(desk, request, object_id)
    if name not in workflow.MOVES:
        raise Http404
    if not request.user.has_perm(workflow.MOVES[name].permission):
        raise PermissionDenied
    if request.method == "POST":
        return _make(desk, request, appointment_request, name)
    if request.method not in ("GET", "HEAD"):
        return HttpResponseNotAllowed(["GET", "HEAD", "POST"])
    if name not in workflow.allowed_moves(appointment_request, request.user):
        messages.error(request, _not_now(appointment_request, name, request))
        return _to(appointment_request)
    if workflow.MOVES[name].is_of_a_mail:
        return _to(appointment_request)  # where its button is
    chosen = _chosen(request, appointment_request, name)
    return _show(desk, request, name, MOVE_FORMS[name](appointment_request=appointment_request, initial=chosen))


def _chosen(request: HttpRequest, appointment_request: AppointmentRequest, name: str) -> dict[str, str]:
    """What a link to the page has chosen beforehand; the form still says what it means and asks for the press."""
    if name == "write":
        return writing.chosen(request, appointment_request)
    return {field: request.GET[field] for field in CHOSEN_BY_LINK.get(name, []) if request.GET.get(field)}


def _make(desk: ModelAdmin, request: HttpRequest, appointment_request: AppointmentRequest, name: str) -> HttpResponse:
    form = MOVE_FORMS[name](request.POST, appointment_request=appointment_request)
    if not form.is_valid():
        return _show(desk, request, name, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    if name == "write" and not writing.is_sent(request):
        return _show(desk, request, name, form)
    mails = workflow.will_mail(name, appointment_request)
    try:
        given = getattr(workflow, name)(appointment_request, by=request.user, **form.cleaned_data)
    except workflow.MoveNotAllowed as refusal:
        return _tell_what_happened(desk, request, name, form, str(refusal))
    except (SlotTaken, NotWorking) as trouble:
        form.refuse(trouble)
        return _show(desk, request, name, form, HTTPStatus.UNPROCESSABLE_ENTITY)
    if isinstance(given, privacy.Copy):
        return _file(given)
    desk.log_change(request, appointment_request, f"{workflow.MOVES[name].label}.")
    messages.success(request, _done(appointment_request, name, mails))
    return _to(appointment_request)


def _file(copy: privacy.Copy) -> HttpResponse:
    answer = HttpResponse(copy.body, content_type=copy.content_type)
    answer["Content-Disposition"] = f'attachment; filename="{copy.name}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _tell_what_happened(
    desk: ModelAdmin, request: HttpRequest, name: str, form: MoveForm, happened: str
) -> HttpResponse:
    """Nothing was changed, because somebody was first. Words already typed are not lost.

    Where the move is still possible, its form is shown again on top of the news. Where it is not, a note that was
    typed is offered as a note.
    """
    now = find(desk, request, str(form.appointment_request.pk))
    still = workflow.allowed_moves(now, request.user)
    note = form.cleaned_data.get("note") or form.cleaned_data.get("text", "")
    is_over = name not in still or workflow.MOVES[name].is_of_a_mail
    if is_over and not (note and "add_note" in still):
        messages.error(request, f"Nothing was changed. {happened}")
        return _to(now)
    if name not in still:
        name, form = "add_note", MOVE_FORMS["add_note"]({"note": note, "seen": 0}, appointment_request=now)
    form.see(now.version)
    form.add_error(None, f"Nothing was changed. {happened}")
    return _show(desk, request, name, form, HTTPStatus.CONFLICT)


def _show(
    desk: ModelAdmin, request: HttpRequest, name: str, form: MoveForm, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    # Read anew: a move that was refused has left its marks on the object in hand, and none in the database.
    appointment_request = find(desk, request, str(form.appointment_request.pk))
    mails = workflow.will_mail(name, appointment_request)
    words = about(desk, request, appointment_request) | {
        "title": f"{workflow.MOVES[name].label}: {appointment_request}",
        "name": name,
        "move": workflow.MOVES[name],
        "form": form,
        "mail_subject": notifications.subject_of(mails, appointment_request, Clinic.objects.current()) if mails else "",
        "hold_mail_minutes": Clinic.objects.current().hold_mail_minutes if mails else 0,
        **(visit_times.choices(form) if isinstance(form, VisitForm) else {}),
        **(writing.steps(request, form) if isinstance(form, WriteForm) else {}),
    }
    page = "write" if isinstance(form, WriteForm) else "move"
    return TemplateResponse(request, f"admin/appointments/appointmentrequest/{page}.html", words, status=status)


def _not_now(appointment_request: AppointmentRequest, name: str, request: HttpRequest) -> str:
    if name == "claim" and appointment_request.claimed_by_id == request.user.pk:
        return "The request is yours already."
    status = appointment_request.get_status_display().lower()
    return f"“{workflow.MOVES[name].label}” is not possible while the request's status is: {status}."


def _done(appointment_request: AppointmentRequest, name: str, mails: Message.Kind | None) -> str:
    """What happened and who was told. No name and no address: messages travel in a cookie."""
    event = appointment_request.events.moves().last()
    happened = f"{event}: {event.details}" if event.details else f"{event}"
    if name in TOLD:
        return f"{happened}. {TOLD[name]}"
    if not mails:
        return f"{happened}. Nobody is mailed."
    if not appointment_request.email:
        return f"{happened}. No e-mail address is known: tell the patient by phone."
    goes = pending_mail.when_it_goes(appointment_request.messages.get(version=appointment_request.version, kind=mails))
    hint = f" The mail {goes}; until then you can hold it back." if goes else ""
    return f"{happened}. The patient is told by e-mail.{hint}"


def _to(appointment_request: AppointmentRequest) -> HttpResponse:
    address = reverse("admin:appointments_appointmentrequest_change", args=[appointment_request.pk])
    return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)
