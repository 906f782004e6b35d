"""Free times as the desk sees them: to choose from when it books, and to give away when a visit is cancelled."""

from typing import Any, NamedTuple

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.utils import timezone

from appointments import scheduling, workflow
from appointments.admin import glance
from appointments.forms import VisitForm, slot_code
from appointments.free_times import Offer
from appointments.models import Appointment, AppointmentRequest
from medspa.models import Clinic

MOST_SUGGESTED = 5


class Choice(NamedTuple):
    code: str
    words: str
    with_whom: str  # only where the heading does not say it


class Choices(NamedTuple):
    heading: str
    times: list[Choice]


class FreedTime(NamedTuple):
    """Time that a cancelled visit gave back, and who waits for such a time."""

    words: str
    visit: Appointment
    slot: str
    waiting: list[AppointmentRequest]


def choices(form: VisitForm) -> dict[str, Any]:
    """What the page of a visit shows besides the form's own fields."""
    alone = form.fields["provider"].queryset.count() == 1
    return {
        "offers": [_group(offer, alone) for offer in form.offers],
        "visit_minutes": form.visit_minutes,
        "visit_lengths": form.visit_lengths,
    }


def _group(offer: Offer, alone: bool) -> Choices:
    named = offer.provider is not None or alone
    heading = "Soonest" if alone else f"Soonest with {offer.provider}"
    times = [
        Choice(
            slot_code(time.provider, time.starts_at), glance.moment(time.starts_at), "" if named else time.provider.name
        )
        for time in offer.times
    ]
    return Choices(heading if offer.provider else "What the patient asked for", times)


def freed(appointment_request: AppointmentRequest, user: AbstractBaseUser | AnonymousUser) -> FreedTime | None:
    """The time that this request's cancelled visit gave back, as long as it is still to come and free."""
    if not user.has_perm(workflow.PERMISSION):
        return None
    now = timezone.now()
    cancelled = [
        visit
        for visit in appointment_request.appointments.all()
        if visit.status == Appointment.Status.CANCELLED and visit.starts_at > now
    ]
    if not cancelled or not scheduling.is_free(cancelled[-1], Clinic.objects.current()):
        return None
    visit = cancelled[-1]
    waiting = AppointmentRequest.objects.waiting_for(timezone.localtime(visit.starts_at), visit.minutes)
    waiting = waiting.exclude(pk=appointment_request.pk).select_related("treatment").prefetch_related("preferred_times")
    return FreedTime(
        glance.moment(visit.starts_at),
        visit,
        slot_code(visit.provider, visit.starts_at),
        list(waiting[:MOST_SUGGESTED]),
    )
