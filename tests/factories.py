"""Rows for tests, by plain functions. What a test does not care about has a believable value."""

import itertools
import uuid
from datetime import UTC, datetime, time

from django.contrib.auth.models import Group, Permission, User

from appointments import workflow
from appointments.models import AppointmentRequest, PreferredTime
from medspa.models import Clinic, OpeningHours
from treatments.models import Provider, Treatment

_number = itertools.count(1)

MONDAY_MORNING = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)  # 10 am in Tucson, where Monday is a closed day
TUESDAY_MORNING = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)  # 10 am in Tucson, open since nine


def clinic(*, weekdays=range(1, 6), opens_at=time(9), closes_at=time(17), **facts) -> Clinic:
    """The clinic, open Tuesday to Saturday from nine to five. Its mail goes at once, unless a test holds it."""
    facts = {"telephone": "(520) 555-0142", "town": "Tucson", "region": "Arizona", "region_code": "AZ", **facts}
    facts.setdefault("hold_mail_minutes", 0)
    row, _new = Clinic.objects.update_or_create(pk=1, defaults=facts)
    row.hours.all().delete()
    OpeningHours.objects.bulk_create(
        OpeningHours(clinic=row, weekday=day, opens_at=opens_at, closes_at=closes_at) for day in weekdays
    )
    return Clinic.objects.current()


def treatment(**facts) -> Treatment:
    number = next(_number)
    facts = {"name": f"Treatment {number}", "slug": f"treatment-{number}", "summary": "It helps.", **facts}
    return Treatment.objects.create(**{"status": Treatment.Status.PUBLISHED, **facts})


def provider(**facts) -> Provider:
    return Provider.objects.create(**{"name": f"Room {next(_number)}", **facts})


def user(*permissions: str, group: str = "", **facts) -> User:
    """Somebody who may sign in at the desk, with these permissions and no others."""
    facts = {"username": f"staff{next(_number)}", "is_staff": True, **facts}
    row = User.objects.create_user(**facts)
    for permission in permissions:
        app, codename = permission.split(".")
        row.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    if group:
        row.groups.add(Group.objects.get(name=group))
    return row


def receptionist(**facts) -> User:
    views = [f"appointments.view_{model}" for model in ("appointmentrequest", "appointment", "event", "message")]
    return user(workflow.PERMISSION, *views, **facts)


def appointment_request(**answers) -> AppointmentRequest:
    """A request as the form hands it over."""
    if not Clinic.objects.exists():
        clinic()
    number = next(_number)
    answers = {
        "form_token": uuid.uuid4(),
        "full_name": f"Ana Ruiz {number}",
        "phone": f"520 555 {number % 10000:04}",
        "email": f"ana{number}@example.com",
        "contact_by": "text",
        "treatment": None,
        "preferred_times": [PreferredTime(weekdays="1234", part="am")],
        "message": "",
        **answers,
    }
    return workflow.receive(**answers)


def form_answers(**changes) -> dict:
    """What a patient's browser sends, as somebody filled the form in. A field that is None is not sent."""
    filled = {
        "form_token": str(uuid.uuid4()),
        "full_name": "Ana Ruiz",
        "phone": "520 555 0199",
        "email": "ana@example.com",
        "contact_by": "text",
        "treatment": "microneedling",
        "preferred_times": ["1234-am", "5-pm"],
        "message": "After three is best.",
    }
    return {name: value for name, value in {**filled, **changes}.items() if value is not None}


def booked(*, by: User | None = None, starts_at: datetime | None = None, **answers) -> AppointmentRequest:
    """A request with a booked visit."""
    row = appointment_request(**answers)
    workflow.book(
        row,
        by=by or receptionist(),
        seen=row.version,
        provider=provider(),
        starts_at=starts_at or datetime(2030, 1, 8, 17, 0, tzinfo=UTC),
        minutes=30,
        anyway=True,
    )
    return row
