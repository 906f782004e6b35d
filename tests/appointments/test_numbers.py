"""The numbers at the desk: one query, bounded, and said truly where nobody counted to the end."""

from datetime import timedelta

import pytest
from django.contrib.auth import get_backends
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from appointments.admin import numbers as numbers_room
from appointments.models import AppointmentRequest, questions
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client, receptionist):
    client.force_login(receptionist)
    return client


def test_all_numbers_are_one_query(clinic, receptionist):
    factories.appointment_request()
    request = RequestFactory().get("/")
    request.user = receptionist
    with CaptureQueriesContext(connection) as queries:
        counted = numbers_room.numbers(request, AppointmentRequest.objects.all())
        again = numbers_room.numbers(request)
    assert len(queries) == 1
    assert counted is again
    assert (counted.standing.to_answer, counted.listed, counted.stuck, counted.failed) == (1, 1, 0, 0)
    assert counted.standing.oldest == AppointmentRequest.objects.get().created_at


def test_nothing_at_all_is_nought(db, receptionist):
    standing = AppointmentRequest.objects.standing(timezone.now(), receptionist)
    assert set(standing[:-1]) == {0}
    assert standing.oldest is None


def test_work_is_counted_to_a_bound_and_the_page_says_so(clinic, desk, monkeypatch):
    monkeypatch.setattr(questions, "MOST_COUNTED", 3)
    for _ in range(5):
        factories.appointment_request()
    page = desk.get(QUEUE).content.decode()
    assert "3+ in time" in page
    assert 'tabs__count">3+</span>' in page


def test_a_list_is_counted_to_a_bound_and_the_page_says_so(clinic, desk, monkeypatch):
    monkeypatch.setattr(numbers_room, "MOST_ROWS", 30)
    for _ in range(31):
        factories.appointment_request()
    page = desk.get(QUEUE, {"state": "all"}).content.decode()
    assert "More than 30 appointment requests" in page
    assert "p=3" not in page
    last = desk.get(QUEUE, {"state": "all", "p": 2}).content.decode()
    assert last.count('class="field-name') == 5
    monkeypatch.setattr(numbers_room, "MOST_ROWS", 31)
    assert "More than" not in desk.get(QUEUE, {"state": "all"}).content.decode()


def test_a_search_that_finds_very_many_says_so(clinic, desk, monkeypatch):
    monkeypatch.setattr("appointments.admin.queue.NEWEST", 26)
    monkeypatch.setattr(questions, "NEWEST", 26)
    for _ in range(30):
        factories.appointment_request(full_name="Ana Ruiz")
    page = desk.post(QUEUE, {"q": "ruiz"}, follow=True).content.decode()
    assert "More than 26 appointment requests" in page


def test_soon_and_late_are_apart(clinic, receptionist):
    now = timezone.now()
    for minutes in (-5, 5, 50):
        row = factories.appointment_request()
        AppointmentRequest.objects.filter(pk=row.pk).update(next_action_at=now + timedelta(minutes=minutes))
    standing = AppointmentRequest.objects.standing(now, receptionist)
    assert (standing.late, standing.soon, standing.in_time, standing.now) == (1, 1, 1, 2)


@pytest.mark.parametrize("group", ["Front desk", "Clinician", "Editor", "Owner"])
def test_permissions_that_come_with_the_user_are_djangos_own(client, group):
    call_command("open_clinic", verbosity=0)
    member = factories.user("appointments.view_event", group=group)
    client.force_login(member)
    user = backend().get_user(member.pk)
    with CaptureQueriesContext(connection) as queries:
        allowed = user.get_all_permissions()
    assert len(queries) == 0
    assert allowed == User.objects.get(pk=member.pk).get_all_permissions()
    assert "appointments.view_event" in allowed


def backend():
    return get_backends()[0]


def test_whoever_is_inactive_or_gone_is_nobody(db):
    member = factories.user(is_active=False)
    assert backend().get_user(member.pk) is None
    assert backend().get_user(member.pk + 1) is None


def test_an_owner_may_do_everything(db):
    owner = User.objects.create_superuser("chief")
    assert backend().get_user(owner.pk).has_perm("appointments.erase_appointmentrequest")
    assert "appointments.erase_appointmentrequest" in backend().get_user(owner.pk).get_all_permissions()
