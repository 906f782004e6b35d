"""Rows that are written by our own statement are what Django would have written."""

import uuid

import pytest
from django.db import IntegrityError, connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy

from appointments.models import AppointmentRequest, Arrival, Message, PreferredTime
from medspa import new_rows
from medspa.models import Closure
from tests import factories

pytestmark = pytest.mark.django_db


def a_request(**facts) -> AppointmentRequest:
    now = timezone.now()
    facts = {"reference": uuid.uuid4().hex[:8], "private_token_hash": uuid.uuid4().hex, **facts}
    return AppointmentRequest(
        **{"full_name": "Zoë 100% %s ; --", "phone": "520", "message": "Mornings\n“please”", "private_token": "secret"},
        **{"respond_by": now, "next_action_at": now, **facts},
    )


@pytest.fixture(params=["in one statement", "row by row"][: 2 if connection.vendor == "sqlite" else 1])
def whichever_way(request, monkeypatch):
    """A database that tells the keys of what it was given, and an older SQLite, which does not."""
    if request.param == "row by row":
        monkeypatch.setattr(connection.features, "can_return_columns_from_insert", False)


def columns_of(row: models.Model) -> dict:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_a_row_comes_back_as_it_was_given(clinic, whichever_way):
    row = a_request(treatment=factories.treatment())
    new_rows.insert(row)
    assert not row._state.adding
    assert columns_of(AppointmentRequest.objects.get(pk=row.pk)) == columns_of(row)


def test_what_is_sealed_is_sealed(clinic):
    row = a_request()
    new_rows.insert(row)
    with connection.cursor() as cursor:
        cursor.execute("SELECT message, private_token FROM appointments_appointmentrequest")
        assert "Mornings" not in str(stored := cursor.fetchone())
        assert "secret" not in str(stored)


def test_several_rows_get_each_its_own_key(clinic, whichever_way):
    row = a_request()
    new_rows.insert(row)
    times = [PreferredTime(appointment_request=row, weekdays=days, part="am") for days in ("3", "1", "2")]
    new_rows.insert(*times)
    assert [PreferredTime.objects.get(pk=time.pk).weekdays for time in times] == ["3", "1", "2"]


def test_a_row_knows_the_key_of_one_that_was_written_after_it_was_named(clinic, whichever_way):
    row = a_request()
    arrival = Arrival(appointment_request=row, address="198.51.100.7")
    new_rows.insert(row)
    new_rows.insert(arrival)
    assert row.arrival.address == "198.51.100.7"


def test_a_row_whose_other_is_not_written_is_refused(clinic):
    with pytest.raises(ValueError, match="unsaved related object"):
        new_rows.insert(Arrival(appointment_request=a_request()))


def test_nothing_is_written_of_several_when_one_is_refused(clinic):
    twice = uuid.uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        new_rows.insert(a_request(form_token=twice), a_request(form_token=twice))
    assert not AppointmentRequest.objects.exists()


def test_nothing_costs_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        new_rows.insert()


def test_days_without_a_time_are_days(clinic):
    first, last = timezone.now().date(), timezone.now().date()
    new_rows.insert(Closure(starts_on=first, ends_on=last, reason="Thanksgiving"))
    assert Closure.objects.get(reason="Thanksgiving").starts_on == first


def test_messages_of_one_statement_have_each_its_own_number(clinic):
    row = factories.appointment_request()
    assert Message.objects.filter(appointment_request=row).values("message_id").distinct().count() == 2


def test_what_is_of_another_type_than_its_column_goes_djangos_way(clinic, whichever_way):
    row = a_request(version="3")
    row.full_name, row.source = gettext_lazy("Email"), AppointmentRequest.Source.PHONE
    new_rows.insert(row)
    stored = AppointmentRequest.objects.get(pk=row.pk)
    assert (stored.full_name, stored.version, stored.source) == ("Email", 3, "phone")


def test_what_only_one_may_have_is_not_taken_from_another_and_the_transaction_goes_on(clinic, whichever_way):
    first, second = a_request(reference="ABC-1234"), a_request(reference="ABC-1234")
    assert new_rows.insert_unless_taken(first)
    assert not new_rows.insert_unless_taken(second)
    assert second.pk is None
    assert second._state.adding
    second.reference = "ABC-1235"
    assert new_rows.insert_unless_taken(second)
    assert set(AppointmentRequest.objects.values_list("pk", "reference")) == {
        (first.pk, "ABC-1234"),
        (second.pk, "ABC-1235"),
    }


@pytest.mark.skipif(not connection.features.can_return_columns_from_insert, reason="An older SQLite says only that.")
def test_what_the_database_refuses_for_another_reason_is_said(clinic):
    with pytest.raises(IntegrityError), transaction.atomic():
        new_rows.insert_unless_taken(a_request(status="closed"))
