"""A row with its lists is what Django's own prefetching makes, value for value."""

from datetime import date, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.safestring import SafeString

from medspa.models import Clinic, Closure
from tests import factories
from treatments.models import Benefit, Faq, Photo, Result, Treatment

LISTS = ["benefits", "contraindications", "steps", "recovery_notes", "faqs", "photos", "results", "translations"]
ODD = 'It\'s "odd" \\ \n\t \u2028 🌵 ñ <b> null 12'


@pytest.fixture
def treatment(clinic):
    row = factories.treatment(slug="one", name="One")
    other = factories.treatment(slug="two", name="Two")
    Benefit.objects.bulk_create(
        Benefit(treatment=owner, name=f"{ODD}{number}", position=9 - number)
        for owner in (row, other)
        for number in (1, 2, 3)
    )
    Faq.objects.create(treatment=row, question="Why?", answer="*Because*")
    Photo.objects.bulk_create([Photo(treatment=row, image="photos/a.jpg", width=3, height=4, alt="A")])
    sizes = dict.fromkeys(["before_width", "before_height", "after_width", "after_height"], 5)
    Result.objects.bulk_create(
        Result(
            treatment=row,
            before="b.jpg",
            after="a.jpg",
            consent_on=day,
            **sizes,
            consent_withdrawn_at=timezone.now() if gone else None,
        )
        for day, gone in ((date(2026, 1, 1), False), (date(2026, 2, 1), True))
    )
    factories.treatment(slug="one", name="Uno", language="es", original=row, publish_at=timezone.now() + timedelta(1))
    return row


def values(rows):
    return [{field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields} for row in rows]


def test_it_is_what_django_would_fetch(treatment):
    ours = Treatment.objects.with_lists(*LISTS).get(pk=treatment.pk)
    theirs = Treatment.objects.prefetch_related(*LISTS).get(pk=treatment.pk)
    assert values([ours]) == values([theirs])
    for name in LISTS:
        mine, other = getattr(ours, name).all(), getattr(theirs, name).all()
        assert values(mine) == values(other), name
        assert [[type(value) for value in row.values()] for row in values(mine)] == [
            [type(value) for value in row.values()] for row in values(other)
        ], name
    assert isinstance(ours.faqs.all()[0].answer_html, SafeString)


def test_it_is_one_query_and_no_list_costs_another(treatment):
    with CaptureQueriesContext(connection) as queries:
        rows = list(Treatment.objects.with_lists(*LISTS).originals())
        for row in rows:
            assert [len(getattr(row, name).all()) for name in LISTS]
            assert all(one.treatment is row for one in row.benefits.all())
    assert len(queries) == 1
    assert len(rows) == 2


def test_a_list_can_still_be_narrowed(treatment):
    row = Treatment.objects.with_lists("results").get(pk=treatment.pk)
    assert row.results.with_consent(date(2026, 6, 1)).count() == 1
    assert row.benefits.filter(position=6).count() == 1


def test_consent_is_read_alike_in_the_database_and_on_the_page(treatment):
    row = Treatment.objects.with_pictures().get(pk=treatment.pk)
    for day in (date(2025, 12, 31), date(2026, 1, 1), date(2026, 3, 1)):
        assert row.results_shown(day) == list(treatment.results.with_consent(day))


def test_times_and_days_come_back_as_such(db):
    factories.clinic(weekdays=(5, 1), opens_at=time(9, 30))
    Closure.objects.create(starts_on=date(2026, 12, 24), ends_on=date(2026, 12, 26), reason=ODD)
    with CaptureQueriesContext(connection) as queries:
        clinic = Clinic.objects.current()
        assert [(row.weekday, row.opens_at) for row in clinic.hours.all()] == [(1, time(9, 30)), (5, time(9, 30))]
        assert [(row.starts_on, row.reason) for row in clinic.closures.all()] == [(date(2026, 12, 24), ODD)]
    assert len(queries) == 1


def test_no_rows_are_empty_lists(db):
    factories.clinic(weekdays=())
    clinic = Clinic.objects.current()
    assert list(clinic.hours.all()) == list(clinic.closures.all()) == []
    assert Clinic.objects.with_lists("hours").count() == 1
    assert Clinic.objects.with_lists("hours").values_list("pk", flat=True).get() == 1
