"""Fake requests for load tests: believable, repeatable, and never among those of real patients."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from appointments.models import Appointment, AppointmentRequest, Event, EventChain, Message, Status
from tests import factories
from tests.conftest import lift_event_rules

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic")]


def seed(many: int, **options) -> str:
    out = StringIO()
    call_command("seed_requests", many, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def test_requests_have_histories_and_visits_and_nobody_is_mailed():
    factories.treatment()
    assert seed(600) == "600 fake requests were made.\n"
    assert AppointmentRequest.objects.count() == Event.objects.filter(kind="received").count() == 600
    assert Appointment.objects.filter(status="fulfilled").count() > 200
    assert {*AppointmentRequest.objects.values_list("status", flat=True)} >= {Status.CLOSED, Status.BOOKED}
    assert not Message.objects.exists()
    call_command("check_integrity", stdout=(out := StringIO()))
    assert out.getvalue() == "All is well.\n"


def test_what_is_booked_stands_and_what_is_closed_does_not():
    seed(400)
    for row in AppointmentRequest.objects.prefetch_related("appointments"):
        assert (row.booked_appointment() is not None) == (row.status == Status.BOOKED), row
        assert row.version == row.events.latest("version").version


def test_the_same_seed_makes_the_same_patients_and_it_may_run_again():
    seed(30, seed=7)
    names = [*AppointmentRequest.objects.order_by("pk").values_list("full_name", "email")]
    lift_event_rules()
    Event.objects.all()._raw_delete("default")
    EventChain.objects.all().delete()
    AppointmentRequest.objects.all().delete()
    seed(30, seed=7)
    assert [*AppointmentRequest.objects.order_by("pk").values_list("full_name", "email")] == names
    seed(30, seed=8)
    assert AppointmentRequest.objects.count() == 60


def test_a_reference_that_is_drawn_twice_is_drawn_again(monkeypatch):
    drawn = iter(["AAA-AAAA", "AAA-AAAA", "BBB-BBBB"])
    monkeypatch.setattr("appointments.management.seeding.new_reference", lambda: next(drawn))
    seed(2)
    assert {*AppointmentRequest.objects.values_list("reference", flat=True)} == {"AAA-AAAA", "BBB-BBBB"}


def test_a_site_with_real_requests_is_left_alone_unless_forced():
    factories.appointment_request(email="")
    with pytest.raises(CommandError, match="real patients"):
        seed(5)
    assert AppointmentRequest.objects.count() == 1
    seed(5, force=True)
    assert AppointmentRequest.objects.count() == 6


@pytest.mark.parametrize("many", [0, -3])
def test_a_number_that_makes_nothing_is_refused(many):
    with pytest.raises(CommandError, match="at least 1"):
        seed(many)


def test_nobody_can_sign_in_as_the_fake_desk(client):
    seed(2)
    assert not client.login(username="fake-desk", password="")
    assert not factories.User.objects.get(username="fake-desk").is_active
