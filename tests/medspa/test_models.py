from datetime import UTC, date, datetime, time

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.utils import translation

from medspa.models import Clinic, ClinicNotOpenedYet, Closure, OpeningHours

pytestmark = pytest.mark.django_db


@pytest.fixture
def clinic():
    """Open Tuesday to Saturday, 9 to 5, in Phoenix."""
    Clinic.objects.all().delete()
    clinic = Clinic.objects.create(telephone="(520) 555-0142", town="Tucson")
    for weekday in range(1, 6):
        clinic.hours.create(weekday=weekday, opens_at=time(9), closes_at=time(17))
    return clinic


def test_a_second_clinic_saved_is_the_same_clinic(clinic):
    Clinic(name="Another", telephone="1").save()
    assert Clinic.objects.get().name == "Another"


def test_the_database_refuses_a_second_clinic(clinic):
    with pytest.raises(IntegrityError):
        Clinic.objects.bulk_create([Clinic(pk=2, telephone="1")])  # passes by `save`, as a program might


def test_the_database_refuses_another_number_for_the_clinic(clinic):
    with pytest.raises(IntegrityError):
        Clinic.objects.update(id=2)


def test_a_site_whose_clinic_is_not_open_yet_says_what_to_run():
    Clinic.objects.all().delete()
    with pytest.raises(ClinicNotOpenedYet, match=r"manage\.py open_clinic"):
        Clinic.objects.current()


def test_the_clinic_comes_with_hours_and_closures_in_one_query(clinic, django_assert_num_queries):
    with django_assert_num_queries(1):
        found = Clinic.objects.current()
        assert found.week()
        assert found.coming_closures() == []
        assert found.is_open(datetime(2026, 3, 10, 17, tzinfo=UTC))


@pytest.mark.parametrize("name", ["America/Tuscon", "", "Arizona", "MST7MDT/x"])
def test_a_time_zone_that_does_not_exist_is_refused(clinic, name):
    clinic.time_zone = name
    with pytest.raises(ValidationError) as refused:
        clinic.full_clean()
    assert list(refused.value.message_dict) == ["time_zone"]


@pytest.mark.parametrize(
    ("telephone", "link"), [("(520) 555-0142", "+15205550142"), ("+44 20 7946 0958", "+442079460958"), ("", "")]
)
def test_the_telephone_number_becomes_a_link(clinic, telephone, link):
    clinic.telephone = telephone
    assert clinic.telephone_link == link


def test_a_new_clinic_names_each_placeholder(clinic):
    assert clinic.placeholders == [
        "The telephone number (520) 555-0142 is reserved for fiction and reaches nobody.",
        "The opening hours are examples.",
        "The street address is empty.",
    ]


def test_a_clinic_with_facts_of_its_own_names_none(clinic):
    clinic.telephone, clinic.hours_confirmed, clinic.street = "(520) 621-2211", True, "1 Main Street"
    assert clinic.placeholders == []


def test_the_week_is_read_in_lines_with_closed_days_last(clinic):
    assert clinic.week() == [("Tuesday to Saturday", "9 am to 5 pm"), ("Monday and Sunday", "Closed")]


def test_a_day_with_a_break_has_a_line_of_its_own(clinic):
    clinic.hours.filter(weekday=5).update(closes_at=time(12))
    clinic.hours.create(weekday=5, opens_at=time(13), closes_at=time(15, 30))
    assert clinic.week() == [
        ("Tuesday to Friday", "9 am to 5 pm"),
        ("Saturday", "9 am to noon, 1 pm to 3:30 pm"),
        ("Monday and Sunday", "Closed"),
    ]


def test_a_clinic_without_hours_has_no_lines(clinic):
    clinic.hours.all().delete()
    assert clinic.week() == []
    assert not clinic.is_open()


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (datetime(2026, 3, 10, 15, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 3, 10, 16, tzinfo=UTC), True),
        (datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 11, 0, tzinfo=UTC), False),
        (datetime(2026, 3, 9, 18, tzinfo=UTC), False),
    ],
)
def test_the_clinic_is_open_from_its_first_minute_until_its_closing_time(clinic, at, is_open):
    assert clinic.is_open(at) is is_open


def test_a_clinic_is_shut_on_a_day_of_closure(clinic):
    clinic.closures.create(starts_on=date(2026, 3, 10), ends_on=date(2026, 3, 10), reason="Staff day")
    assert not clinic.is_open(datetime(2026, 3, 10, 18, tzinfo=UTC))


def test_coming_closures_go_by_the_clinics_own_date(clinic):
    past = clinic.closures.create(starts_on=date(2026, 3, 9), ends_on=date(2026, 3, 9))
    far = clinic.closures.create(starts_on=date(2026, 12, 24), ends_on=date(2026, 12, 26))
    soon = clinic.closures.create(starts_on=date(2026, 4, 1), ends_on=date(2026, 4, 2))
    still_the_ninth_in_tucson = datetime(2026, 3, 10, 6, 59, tzinfo=UTC)
    assert clinic.coming_closures(still_the_ninth_in_tucson) == [past, soon]
    assert far not in clinic.coming_closures(datetime(2026, 3, 10, 7, tzinfo=UTC))
    assert past not in clinic.coming_closures(datetime(2026, 3, 10, 7, tzinfo=UTC))


def test_the_database_refuses_a_closing_time_before_the_opening_time(clinic):
    with pytest.raises(IntegrityError):
        clinic.hours.create(weekday=0, opens_at=time(17), closes_at=time(9))


def test_the_database_refuses_an_eighth_day_of_the_week(clinic):
    with pytest.raises(IntegrityError):
        clinic.hours.create(weekday=7, opens_at=time(9), closes_at=time(17))


def test_the_database_refuses_the_same_opening_twice(clinic):
    with pytest.raises(IntegrityError):
        clinic.hours.create(weekday=1, opens_at=time(9), closes_at=time(12))


def test_the_database_refuses_a_closure_that_ends_before_it_starts(clinic):
    with pytest.raises(IntegrityError):
        clinic.closures.create(starts_on=date(2026, 3, 10), ends_on=date(2026, 3, 9))


def test_hours_and_closures_say_what_they_are():
    assert str(OpeningHours(weekday=1, opens_at=time(9), closes_at=time(17))) == "Tuesday 9 am to 5 pm"
    assert str(Closure(starts_on=date(2026, 11, 26), ends_on=date(2026, 11, 26))) == "Nov 26, 2026"
    assert str(Closure(starts_on=date(2026, 11, 26), ends_on=date(2026, 11, 27))) == "Nov 26, 2026 to Nov 27, 2026"


@pytest.mark.parametrize(
    ("reader", "english", "spanish", "read"),
    [
        ("en", "Clear skin.", "Piel clara.", ("Clear skin.", "en")),
        ("es", "Clear skin.", "Piel clara.", ("Piel clara.", "es")),
        ("es", "Clear skin.", "", ("Clear skin.", "en")),
        ("es", "", "Piel clara.", ("Piel clara.", "es")),
        ("en", "", "Piel clara.", ("", "en")),
    ],
)
def test_the_clinics_own_words_are_read_in_the_readers_language(clinic, reader, english, spanish, read):
    clinic.tagline, clinic.tagline_es = english, spanish
    closure = Closure(reason=english, reason_es=spanish)
    with translation.override(reader):
        assert clinic.tagline_for_reader == closure.reason_for_reader == read
        assert bool(clinic.tagline_for_reader) == bool(read[0])
