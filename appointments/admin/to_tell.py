"""News that the desk is to tell by telephone: since when, why no mail is enough, and what is true to say now."""

from typing import NamedTuple

from django.urls import reverse

from appointments.admin import glance
from appointments.models import Appointment, AppointmentRequest, Message

Visit = Appointment.Status
SAY = {
    Visit.BOOKED: "Say that the visit is on {when}.",
    Visit.ARRIVED: "Say that the visit is on {when}.",
    Visit.CANCELLED: "Say that the visit on {when} is cancelled.",
    Visit.NOSHOW: "Say that the visit on {when} was missed, and offer another time.",
    Visit.FULFILLED: "Say how to recover after the visit on {when}.",
}
BESIDE = {"sent": "A mail was sent as well", "held back": "The mail was held back"}  # by Message.state; else on its way


class Untold(NamedTuple):
    since: str
    why: str
    say: str
    aftercare: str  # the address of the recovery notes; empty: they are not what is to be told


def untold(appointment_request: AppointmentRequest) -> Untold | None:
    """None where the patient knows all."""
    since = appointment_request.to_tell_since
    if since is None:
        return None
    news = [mail for mail in appointment_request.messages.all() if mail.kind in Message.NEWS]
    failed = [mail for mail in news if mail.given_up_at and mail.given_up_at >= since]
    visit = max(appointment_request.appointments.all(), key=lambda row: row.pk, default=None)
    return Untold(
        glance.moment(since),
        _why(appointment_request, news, failed),
        _say(visit, failed),
        _aftercare(appointment_request, visit),
    )


def _why(appointment_request: AppointmentRequest, news: list[Message], failed: list[Message]) -> str:
    if not appointment_request.email:
        return "No e-mail address is known."
    if failed:
        return "The mail could not be delivered."
    standing = [mail.state for mail in news if mail.state != "cancelled"]
    beside = BESIDE.get(standing[-1], "A mail is on its way as well") if standing else "No mail was sent"
    if not appointment_request.prefers_the_telephone:
        return f"{beside}."
    way = appointment_request.get_contact_by_display().lower()
    return f"{beside}, but the patient asked to be reached by {way}."


def _say(visit: Appointment | None, failed: list[Message]) -> str:
    sentences = []
    if any(mail.kind == Message.Kind.REPLY for mail in failed):
        sentences.append("Say what the e-mail said: its words stand below.")
    if visit:
        sentences.append(SAY[Visit(visit.status)].format(when=glance.moment(visit.starts_at)))
    return " ".join(sentences)


def _aftercare(appointment_request: AppointmentRequest, visit: Appointment | None) -> str:
    treatment = appointment_request.treatment
    if visit is None or visit.status != Visit.FULFILLED or treatment is None or not treatment.is_published:
        return ""
    return reverse("treatments:aftercare", args=[treatment.slug])
