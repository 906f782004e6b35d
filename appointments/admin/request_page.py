"""One request's page: what the patient asked, what stands, what can be done, and all that happened."""

from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse

from appointments import privacy, workflow
from appointments.admin import glance, pending_mail, to_tell, visit_times
from appointments.models import Appointment, AppointmentRequest, Event, Message
from treatments.models import Contraindication

MOST_ALIKE = 10


class Entry(NamedTuple):
    """One line of the timeline: something that was done, or a message."""

    at: datetime
    what: str
    who: str
    details: str = ""
    note: str = ""
    state: str = ""

    @property
    def moment(self) -> str:
        return glance.moment(self.at)


def request_page(
    desk: ModelAdmin, request: HttpRequest, object_id: str, *, shows_message: bool = False
) -> HttpResponse:
    appointment_request = find(desk, request, object_id)
    prefetch_related_objects([appointment_request], "messages")
    words = about(desk, request, appointment_request) | {
        "moves": workflow.allowed_moves(appointment_request, request.user),
        "pending_mail": pending_mail.pending(appointment_request, request.user),
        "timeline": timeline(request, appointment_request),
        "has_written": wrote_something(appointment_request),
        "written": what_was_written(request, appointment_request) if shows_message else [],
        "may_review_log": request.user.has_perm("appointments.review_event"),
        "freed": visit_times.freed(appointment_request, request.user),
        "alike": alike(appointment_request),
        "no_shows": Appointment.objects.missed_by(appointment_request).count(),
        "call_outcomes": workflow.REACHED.items() if appointment_request.phone else (),
        "review_since": glance.moment(flagged) if (flagged := appointment_request.review_since) else "",
        "advice": advice(appointment_request),
        "may_read_health": request.user.has_perm(workflow.READS_HEALTH) and appointment_request.health_answers.exists(),
        "untold": to_tell.untold(appointment_request),
        "is_out_of_reach": appointment_request.is_waiting
        and appointment_request.calls_in_vain >= workflow.ENOUGH_CALLS,
    }
    return TemplateResponse(request, "admin/appointments/appointmentrequest/request.html", words)


def message_page(desk: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """The same page with what the patient wrote, shown by POST alone; the reading is written down first."""
    if not request.user.has_perm(workflow.PERMISSION):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    return request_page(desk, request, object_id, shows_message=True)


def wrote_something(appointment_request: AppointmentRequest) -> bool:
    asked = appointment_request.events.filter(kind=Event.Kind.ASKED, has_note=True).exclude(note__isnull=True)
    return bool(appointment_request.message) or any(event.note for event in asked)


def what_was_written(request: HttpRequest, appointment_request: AppointmentRequest) -> list[tuple[str, str]]:
    words = workflow.read_message(appointment_request, by=request.user)
    return [(glance.moment(at), text) for at, text in words if text]


def advice(appointment_request: AppointmentRequest) -> list[Contraindication]:
    """For whoever has a health check to be reviewed: every reason to wait, so that nobody learns which was answered."""
    treatment = appointment_request.treatment
    return list(treatment.contraindications.all()) if treatment and appointment_request.review_since else []


def health_page(desk: ModelAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """The answers of the health check, shown by POST alone, to those who may; the reading is written down first."""
    if not request.user.has_perm(workflow.READS_HEALTH):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    appointment_request = find(desk, request, object_id)
    if not appointment_request.health_answers.exists():
        raise Http404  # nothing is read, so no reading is written down
    rows = workflow.read_health_check(appointment_request, by=request.user)
    versions = [list(answers) for _version, answers in groupby(rows, key=lambda row: row.version)]
    words = about(desk, request, appointment_request) | {
        "title": f"Health check: {appointment_request}",
        "versions": [(glance.moment(answers[0].answered_at), answers) for answers in versions],
        "moves": workflow.allowed_moves(appointment_request, request.user),
    }
    return TemplateResponse(request, "admin/appointments/appointmentrequest/health.html", words)


def alike(appointment_request: AppointmentRequest) -> list[AppointmentRequest]:
    """Other requests from this number or address, the newest first, and its own copies among them."""
    return list(AppointmentRequest.objects.alike(appointment_request)[:MOST_ALIKE])


def find(desk: ModelAdmin, request: HttpRequest, object_id: str) -> AppointmentRequest:
    """The request for those who may view requests; 403 for other staff, found or not."""
    appointment_request = desk.get_object(request, unquote(object_id))
    if not desk.has_view_permission(request, appointment_request):
        raise PermissionDenied
    if appointment_request is None:
        raise Http404
    prefetch_related_objects([appointment_request], "appointments__provider")
    return appointment_request


def about(desk: ModelAdmin, request: HttpRequest, appointment_request: AppointmentRequest) -> dict[str, Any]:
    """What the request's page and the pages of its moves both show; that it was seen is written down.

    The title holds no patient data.
    """
    appointment = appointment_request.booked_appointment()
    privacy.looked_at(appointment_request, by=request.user)
    return {
        **desk.admin_site.each_context(request),
        "title": f"Request {appointment_request}",
        "opts": desk.opts,
        "appointment_request": appointment_request,
        "chip": glance.chip(appointment_request),
        "is_waiting": appointment_request.status in glance.SHOWN_WAITING or appointment_request.is_waiting,
        "waiting": glance.waiting(appointment_request),
        "times": glance.times(appointment_request),
        "ways": [way.button(way.written) for way in glance.ways_to_reach(appointment_request)],
        "appointment": appointment,
        "appointment_time": glance.moment(appointment.starts_at) if appointment else "",
        "received": glance.moment(appointment_request.created_at),
        "answer_due": glance.moment(due) if (due := appointment_request.next_action_at) else "",
    }


def timeline(request: HttpRequest, appointment_request: AppointmentRequest) -> list[Entry]:
    """Events and messages in one list by time, as far as the person may see them."""
    entries: list[Entry] = []
    if request.user.has_perm("appointments.view_event"):
        entries += map(_of_event, appointment_request.events.exclude(kind__in=Event.GLANCES).select_related("by"))
    if request.user.has_perm("appointments.view_message"):
        entries += map(_of_message, appointment_request.messages.all())
    return sorted(entries, key=lambda entry: entry.at)


def _of_event(event: Event) -> Entry:
    note = "" if event.kind == Event.Kind.ASKED else event.note  # the patient's own words: `message_page` shows them
    return Entry(event.at, event.get_kind_display(), glance.who(event.by), event.details, note)


def _of_message(message: Message) -> Entry:
    """What became of a mail. How often it was tried is said where once was not enough."""
    tries = message.attempts
    shown = tries > 1 or tries == 1 and bool(message.error)
    state = f"{message.state}, after {tries} tr{'ies' if tries > 1 else 'y'}" if shown else message.state
    said = f"The mail server said: {message.error}" if message.error else ""
    return Entry(
        message.created_at, f"Mail: {message.get_kind_display()}", f"To {message.recipient}", said, state=state
    )
