"""Time off at the desk: never set over a booked visit unseen."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest

from appointments.models import Appointment, ProviderHours, TimeOff
from tests import factories

ADD = "/admin/appointments/timeoff/add/"
DECEMBER_EIGHTH = datetime(2026, 12, 8, 17, 0, tzinfo=UTC)  # 10 am in Tucson
DAY = {"starts_on": "2026-12-08", "ends_on": "2026-12-08"}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic", "tuesday_noon")]


@pytest.fixture
def owner(client):
    permissions = [f"appointments.{verb}_timeoff" for verb in ("view", "add", "change", "delete")]
    client.force_login(factories.user(*permissions, "appointments.view_appointmentrequest"))
    return client


@pytest.fixture
def visit() -> Appointment:
    return factories.booked(starts_at=DECEMBER_EIGHTH, full_name="Ana Ruiz").appointments.get()


def words(answer) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def shown(answer) -> str:
    return re.search(r'name="shown" value="([^"]*)"', answer.content.decode())[1]


def test_time_off_over_nothing_is_saved_at_once(owner, visit):
    answer = owner.post(ADD, {"provider": visit.provider_id, "starts_on": "2026-12-09", "ends_on": "2026-12-12"})
    assert answer.status_code == 302
    assert str(TimeOff.objects.get()) == f"{visit.provider}: Dec 9, 2026 to Dec 12, 2026"


def test_a_visit_in_it_is_shown_first_and_stays_booked(owner, visit):
    answer = owner.post(ADD, {"provider": visit.provider_id, **DAY})
    assert answer.status_code == 200
    assert "A visit is booked in this time off. Move it first, or save the time off all the same." in words(answer)
    assert f"/appointmentrequest/{visit.appointment_request_id}/change/" in answer.content.decode()
    assert "Ana Ruiz" not in answer.content.decode()
    assert not TimeOff.objects.exists()

    again = {"provider": visit.provider_id, **DAY, "shown": shown(answer), "anyway": "on"}
    assert owner.post(ADD, again).status_code == 302
    assert TimeOff.objects.exists()
    visit.refresh_from_db()
    assert visit.status == "booked"


def test_a_visit_booked_after_the_others_were_shown_is_shown_as_well(owner, visit):
    answer = owner.post(ADD, {"provider": visit.provider_id, **DAY})
    later = factories.workflow.book(
        factories.appointment_request(),
        by=factories.receptionist(),
        seen=1,
        provider=visit.provider,
        starts_at=DECEMBER_EIGHTH + timedelta(hours=1),
        minutes=30,
    )
    again = owner.post(ADD, {"provider": visit.provider_id, **DAY, "shown": shown(answer), "anyway": "on"})
    assert "2 visits are booked in this time off." in words(again)
    assert set(shown(again).split()) == {str(visit.pk), str(later.pk)}
    assert 'name="anyway" id="id_anyway"' in again.content.decode()
    assert not TimeOff.objects.exists()


@pytest.mark.parametrize(
    ("answers", "saved"),
    [
        ({"starts_at": "11:00", "ends_at": "12:00"}, True),
        ({"starts_at": "09:00", "ends_at": "10:00"}, True),
        ({"starts_at": "10:29", "ends_at": "10:45"}, False),
        ({"starts_on": "2026-12-01", "ends_on": "2026-12-08"}, False),
        ({"starts_on": "2026-12-01", "ends_on": "2026-12-07"}, True),
    ],
)
def test_only_visits_within_it_are_in_the_way(owner, visit, answers, saved):
    owner.post(ADD, {"provider": visit.provider_id, **DAY, **answers})
    assert TimeOff.objects.exists() == saved


def test_visits_of_others_and_cancelled_ones_are_not_in_the_way(owner, visit):
    owner.post(ADD, {"provider": factories.provider().pk, **DAY})
    factories.workflow.cancel(
        visit.appointment_request, by=factories.receptionist(), seen=visit.appointment_request.version
    )
    owner.post(ADD, {"provider": visit.provider_id, **DAY})
    assert TimeOff.objects.count() == 2


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"ends_on": "2026-12-07"}, "The last day must not be before the first day."),
        ({"starts_at": "09:00"}, "Fill in both times for a part of one day, or neither for whole days."),
        ({"ends_at": "09:00"}, "Fill in both times for a part of one day, or neither for whole days."),
        ({"starts_at": "10:00", "ends_at": "09:00"}, "Fill in both times for a part of one day"),
        ({"ends_on": "2026-12-09", "starts_at": "09:00", "ends_at": "10:00"}, "Fill in both times for a part"),
        ({"starts_on": "soon"}, "Enter a valid date."),
    ],
)
def test_time_off_that_cannot_be_says_why(owner, answers, said):
    answer = owner.post(ADD, {"provider": factories.provider().pk, **DAY, **answers})
    assert said in words(answer)
    assert not TimeOff.objects.exists()


def test_hours_that_end_before_they_begin_are_refused(client):
    client.force_login(factories.user(is_superuser=True))
    provider = factories.provider()
    rows = {"hours-0-weekday": "1", "hours-0-starts_at": "17:00", "hours-0-ends_at": "09:00"}
    managed = {"hours-TOTAL_FORMS": "1", "hours-INITIAL_FORMS": "0", "name": "Lena", "is_active": "on"}
    answer = client.post(f"/admin/treatments/provider/{provider.pk}/change/", {**managed, **rows})
    assert "The end must be later than the start." in words(answer)
    assert not ProviderHours.objects.exists()
    rows["hours-0-ends_at"] = "18:00"
    assert client.post(f"/admin/treatments/provider/{provider.pk}/change/", {**managed, **rows}).status_code == 302
    assert str(provider.hours.get()) == "Tuesday 5 pm to 6 pm"


def test_the_list_opens_on_what_is_to_come_and_needs_permission(owner, client):
    provider = factories.provider(name="Lena")
    TimeOff.objects.create(provider=provider, starts_on="2026-11-01", ends_on="2026-11-23")
    TimeOff.objects.create(provider=provider, starts_on="2026-11-23", ends_on="2026-11-24")
    page = words(owner.get("/admin/appointments/timeoff/"))
    assert "Nov 23, 2026 to Nov 24, 2026" in page
    assert "Nov 1, 2026" not in page
    client.force_login(factories.user("treatments.view_treatment"))
    assert client.get("/admin/appointments/timeoff/").status_code == client.get(ADD).status_code == 403
