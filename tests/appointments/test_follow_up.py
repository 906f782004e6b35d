"""When somebody is to be called again, and how the queue stands by that clock."""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from appointments import workflow
from appointments.models import AppointmentRequest, Standing
from appointments.response_clock import follow_up, in_days
from medspa.models import days_of_follow_up
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"
TUCSON = ZoneInfo("America/Phoenix")
NEW_YORK = ZoneInfo("America/New_York")
TUESDAY_NOON = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday_noon")]


def tucson(day, hour, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=TUCSON)


def names(page):
    return re.findall(r'<th class="field-name">.*?<bdi>(.*?)</bdi>', page)


def called(row, reached="no_answer", by=None, now=TUESDAY_NOON):
    row.refresh_from_db()
    workflow.log_call(row, by=by or factories.receptionist(), seen=row.version, reached=reached, now=now)


# The ladder


@pytest.mark.parametrize(
    ("calls", "at", "again"),
    [
        (1, tucson(24, 10), tucson(24, 13)),  # the same day, three hours later
        (1, tucson(24, 15), tucson(25, 9)),  # that would be after closing
        (2, tucson(24, 10), tucson(25, 10)),  # the next day at this time
        (3, tucson(24, 10), tucson(27, 10)),
        (4, tucson(24, 10), tucson(1, 9).replace(month=12)),  # Sunday and Monday are closed
        (9, tucson(24, 10), tucson(1, 9).replace(month=12)),  # the last step repeats
    ],
)
def test_the_ladder_leads_to_an_open_moment(clinic, calls, at, again):
    assert follow_up(clinic, calls, at) == again


@pytest.mark.parametrize(("month", "day"), [(3, 7), (10, 31)])
def test_a_day_later_is_the_same_time_on_the_wall_when_the_clocks_change(month, day):
    clinic = factories.clinic(weekdays=range(7), time_zone="America/New_York")
    called_at = datetime(2026, month, day, 10, 15, tzinfo=NEW_YORK)

    again = in_days(clinic, 1, called_at).astimezone(NEW_YORK)
    assert (again.date() - called_at.date(), again.time()) == (timedelta(days=1), time(10, 15))


def test_the_clinic_sets_its_own_ladder():
    clinic = factories.clinic(follow_up_days="2,7")

    assert follow_up(clinic, 1, tucson(24, 10)) == tucson(26, 10)
    assert follow_up(clinic, 2, tucson(24, 10)) == tucson(1, 10).replace(month=12)


@pytest.mark.parametrize("text", ["", "a", "1,", "3, 1", "-1", "1.5", "٣", "1;2", "0,99999"])
def test_a_ladder_that_makes_no_sense_is_refused(text):
    with pytest.raises(ValidationError):
        days_of_follow_up(text)


def test_a_clinic_without_hours_is_called_from_all_the_same():
    clinic = factories.clinic(weekdays=[])

    assert follow_up(clinic, 2, tucson(24, 10)) == tucson(25, 10)


# What a call changes


def test_a_request_is_first_due_when_it_was_promised():
    row = factories.appointment_request(now=TUESDAY_NOON)
    assert row.next_action_at == row.respond_by


def test_calls_in_vain_climb_the_ladder_and_a_talk_begins_anew():
    row = factories.appointment_request(now=TUESDAY_NOON)
    seen = []
    for reached in ("no_answer", "voicemail", "wrong", "answered", "no_answer"):
        called(row, reached)
        seen.append((row.calls_in_vain, row.next_action_at - TUESDAY_NOON))

    day = timedelta(days=1)
    assert seen == [(1, timedelta(hours=3)), (2, day), (3, 3 * day), (0, day), (1, timedelta(hours=3))]
    assert row.first_response_at == TUESDAY_NOON


def test_a_call_to_somebody_who_is_booked_leaves_nothing_due():
    row = factories.booked()
    called(row)
    assert (row.status, row.next_action_at) == ("booked", None)


@pytest.mark.parametrize("status", ["waitlisted", "closed"])
def test_the_database_keeps_a_time_for_what_waits_and_for_nothing_else(status):
    row = factories.appointment_request()
    reason = "other" if status == "closed" else ""

    ended_at = TUESDAY_NOON if reason else None
    with pytest.raises(IntegrityError), transaction.atomic():
        AppointmentRequest.objects.filter(pk=row.pk).update(status=status, closed_reason=reason, ended_at=ended_at)
    with pytest.raises(IntegrityError), transaction.atomic():
        AppointmentRequest.objects.filter(pk=row.pk).update(next_action_at=None)


# The queue by the clock


def four():
    """One late, one due soon, one in time, one on the waiting list."""
    late = factories.appointment_request(full_name="Late", now=TUESDAY_NOON - timedelta(hours=2))
    soon = factories.appointment_request(full_name="Soon", now=TUESDAY_NOON - timedelta(minutes=40))
    fresh = factories.appointment_request(full_name="Fresh", now=TUESDAY_NOON)
    later = factories.appointment_request(full_name="Later", now=TUESDAY_NOON - timedelta(hours=3))
    workflow.waitlist(later, by=factories.receptionist(), seen=1, now=TUESDAY_NOON)
    return late, soon, fresh


def test_the_queue_stands_in_bands(desk, receptionist):
    late, _soon, _fresh = four()
    workflow.claim(late, by=receptionist, seen=1, now=TUESDAY_NOON)

    standing = AppointmentRequest.objects.standing(TUESDAY_NOON, receptionist)
    two_hours_ago = TUESDAY_NOON - timedelta(hours=2)
    nobody = {"to_tell": 0, "to_review": 0, "over": 0, "spam": 0}
    assert standing == Standing(
        late=1, soon=1, in_time=1, mine=1, unclaimed=2, waitlisted=1, oldest=two_hours_ago, **nobody
    )
    page = " ".join(re.sub(r"<[^>]+>", " ", desk.get(QUEUE).content.decode()).replace("\xa0", " ").split())
    assert "1 late 1 due within half an hour 1 in time Longest wait: 2 hours" in page
    assert (
        "To answer 3 To call now 2 Mine 1 Unclaimed 2 Waiting list 1 To tell by phone 0 To review 0 Visits over 0 "
        "Spam 0 All" in page
    )


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("", ["Late", "Soon", "Fresh"]),
        ("now", ["Late", "Soon"]),
        ("mine", ["Late"]),
        ("unclaimed", ["Soon", "Fresh"]),
        ("waitlisted", ["Later"]),
    ],
)
def test_each_tab_is_one_click_and_in_the_order_of_the_clock(desk, receptionist, state, shown):
    late, _soon, _fresh = four()
    workflow.claim(late, by=receptionist, seen=1, now=TUESDAY_NOON)

    page = desk.get(QUEUE, {"state": state} if state else {}).content.decode()
    assert names(page) == shown
    assert page.count('aria-current="page"') == 1


def test_one_that_is_to_be_tried_again_later_makes_way(desk):
    late, _soon, _fresh = four()
    called(late)

    assert names(desk.get(QUEUE).content.decode()) == ["Soon", "Fresh", "Late"]
    assert '<span class="overdue">' not in desk.get(QUEUE).content.decode()


def test_of_those_that_came_in_over_a_night_the_oldest_is_first(desk):
    night = datetime(2026, 11, 25, 6, 0, tzinfo=UTC)  # Tuesday, 11 pm
    factories.appointment_request(full_name="Later", now=night + timedelta(hours=4))
    factories.appointment_request(full_name="Earlier", now=night)

    assert names(desk.get(QUEUE).content.decode()) == ["Earlier", "Later"]


def test_an_empty_queue_shows_no_clock(desk):
    factories.booked()
    page = desk.get(QUEUE).content.decode()
    assert 'class="clock"' not in page
    assert "Nobody waits for an answer." in page


# One press on the request's page


@pytest.mark.parametrize("reached", workflow.REACHED)
def test_each_outcome_is_one_press(desk, reached):
    row = factories.appointment_request(now=TUESDAY_NOON)
    page = desk.get(f"{QUEUE}{row.pk}/change/").content.decode()
    assert f'name="reached" value="{reached}">{workflow.REACHED[reached]}</button>' in page
    seen = re.search(r'name="seen" value="(\d+)"', page)[1]

    answer = desk.post(f"{QUEUE}{row.pk}/move/log_call/", {"seen": seen, "reached": reached})
    assert answer.status_code == 303
    row.refresh_from_db()
    assert (row.status, row.events.last().details) == ("contacting", workflow.REACHED[reached])


def test_after_six_calls_in_vain_the_desk_suggests_to_close(desk):
    row = factories.appointment_request(now=TUESDAY_NOON)
    address = f"{QUEUE}{row.pk}/change/"
    for _ in range(5):
        called(row)
    assert "reached nobody" not in desk.get(address).content.decode()
    called(row)
    page = desk.get(address).content.decode()
    assert "6 calls reached nobody." in page
    closing = re.search(r'href="([^"]+reason=unreachable)"', page)[1]
    assert re.search(r'value="unreachable"[^>]*checked', desk.get(closing).content.decode())


def test_nobody_is_offered_a_press_that_they_may_not_make(client):
    row = factories.appointment_request()
    client.force_login(factories.user("appointments.view_appointmentrequest"))

    assert 'name="reached"' not in client.get(f"{QUEUE}{row.pk}/change/").content.decode()


def test_without_a_telephone_there_is_no_call_to_write_down(desk):
    row = factories.appointment_request(phone="", contact_by="email")

    assert 'name="reached"' not in desk.get(f"{QUEUE}{row.pk}/change/").content.decode()
