"""The same patient asked twice, or a family shares a telephone: the desk sees it, and decides."""

import re
from html import unescape

import pytest
from django.db import IntegrityError, transaction

from appointments import workflow
from appointments.models import AppointmentRequest
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"
SAME = {"phone": "520 555 0188", "email": "mo@example.com"}

pytestmark = pytest.mark.django_db


def words(answer):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


@pytest.fixture
def pair(clinic):
    return factories.appointment_request(**SAME), factories.appointment_request(**SAME)


@pytest.mark.parametrize(
    ("other", "is_alike"),
    [
        ({"phone": "(520) 555-0188", "email": "x@example.com"}, True),
        ({"phone": "520 555 0199", "email": "MO@example.com"}, True),
        ({"phone": "520 555 0199", "email": "x@example.com"}, False),
        ({"phone": "", "email": "x@example.com"}, False),
        ({"phone": "520 555 0199", "email": ""}, False),
    ],
)
def test_alike_is_the_same_number_however_written_or_the_same_address(clinic, other, is_alike):
    row = factories.appointment_request(**SAME)
    other = factories.appointment_request(**other)

    assert (other in AppointmentRequest.objects.alike(row)) is is_alike
    assert row not in AppointmentRequest.objects.alike(row)


def test_two_without_telephone_or_address_are_not_alike_for_that(clinic):
    one = factories.appointment_request(phone="", email="a@example.com")
    factories.appointment_request(phone="", email="b@example.com")
    factories.appointment_request(phone="ask Bob", email="")

    assert not AppointmentRequest.objects.alike(one).exists()


def test_the_page_names_the_others_and_offers_to_merge(desk, pair):
    copy, kept = pair
    page = desk.get(f"{QUEUE}{copy.pk}/change/")

    assert f"1 other request from this number or address {kept.reference}" in words(page)
    assert f"{QUEUE}{copy.pk}/move/merge/" in page.content.decode()
    alone = factories.appointment_request(phone="520 555 0101", email="")
    assert "/move/merge/" not in desk.get(f"{QUEUE}{alone.pk}/change/").content.decode()


def test_a_merged_copy_is_closed_and_both_histories_name_the_other(desk, pair, receptionist):
    copy, kept = pair
    workflow.add_note(copy, by=receptionist, seen=1, note="Asked twice")
    answer = desk.post(f"{QUEUE}{copy.pk}/move/merge/", {"seen": copy.version, "into": kept.pk, "note": "Same"})

    assert answer.status_code == 303
    copy.refresh_from_db()
    kept.refresh_from_db()
    assert (copy.status, copy.closed_reason, copy.duplicate_of) == ("closed", "duplicate", kept)
    assert (kept.status, kept.next_action_at) == ("new", kept.respond_by)
    assert [event.kind for event in copy.events.all()] == ["received", "noted", "merged"]
    assert kept.events.last().details == f"{copy.reference} was a copy of this"
    assert f"{kept.reference} {kept.full_name}" in words(desk.get(f"{QUEUE}{copy.pk}/change/"))
    assert "a copy of this" in words(desk.get(f"{QUEUE}{kept.pk}/change/"))
    assert AppointmentRequest.objects.to_answer().get() == kept


def test_nothing_is_merged_by_itself(pair):
    assert AppointmentRequest.objects.to_answer().count() == 2


def test_a_copy_is_not_merged_into_itself_a_stranger_or_another_copy(desk, pair):
    copy, kept = pair
    stranger = factories.appointment_request(phone="520 555 0101", email="")
    third = factories.appointment_request(**SAME)
    workflow.merge(third, by=factories.receptionist(), seen=1, into=kept)

    for into in (copy, stranger, third):
        answer = desk.post(f"{QUEUE}{copy.pk}/move/merge/", {"seen": 1, "into": into.pk})
        assert answer.status_code == 422
        assert "Choose one from the list" in words(answer)
    with pytest.raises(workflow.MoveNotAllowed, match="a copy itself"):
        workflow.merge(copy, by=factories.receptionist(), seen=1, into=third)
    copy.refresh_from_db()
    assert copy.status == "new"


def test_a_reopened_copy_is_no_copy_any_more(pair, receptionist):
    copy, kept = pair
    workflow.merge(copy, by=receptionist, seen=1, into=kept)
    workflow.reopen(copy, by=receptionist, seen=2, note="It was the sister")

    assert (copy.status, copy.duplicate_of) == ("contacting", None)


def test_a_booked_request_is_kept_and_never_closed_as_a_copy(pair, receptionist):
    booked = factories.booked(**SAME)

    assert "merge" not in workflow.allowed_moves(booked, receptionist)


def test_the_database_knows_no_copy_that_is_open(pair):
    copy, kept = pair
    with pytest.raises(IntegrityError), transaction.atomic():
        AppointmentRequest.objects.filter(pk=copy.pk).update(duplicate_of=kept)


@pytest.mark.django_db(transaction=True)
def test_two_people_who_merge_crosswise_leave_one_open_request(at_once, pair):
    one, other = pair
    staff = [factories.receptionist() for _ in range(2)]

    def merge(turn):
        copy, into, person = turn
        seen = AppointmentRequest.objects.get(pk=copy.pk)
        workflow.merge(seen, by=person, seen=1, into=AppointmentRequest.objects.get(pk=into.pk))

    outcomes = at_once(merge, [(one, other, staff[0]), (other, one, staff[1])])

    assert outcomes.count(None) == 1
    assert {type(outcome) for outcome in outcomes} == {type(None), workflow.MoveNotAllowed}
    assert AppointmentRequest.objects.to_answer().count() == 1
