"""Whether the last backup is fresh, and that /healthz says so."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from medspa.backups import freshness
from medspa.models import Sign

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("age", "word"),
    [
        (timedelta(0), "fresh"),
        (timedelta(hours=26), "fresh"),
        (timedelta(hours=26, seconds=1), "old"),
        (timedelta(days=-1), "fresh"),
    ],
)
def test_a_backup_is_fresh_for_a_day_and_two_hours(age, word):
    Sign.objects.leave(Sign.BACKUP, at=NOON - age)
    found = freshness(NOON)
    assert (found.word, found.age_seconds) == (word, max(0, age.total_seconds()))
    assert found.is_fresh is (word == "fresh")


def test_how_old_is_too_old_can_be_said():
    Sign.objects.leave(Sign.BACKUP, at=NOON - timedelta(hours=3))
    assert freshness(NOON, max_age=timedelta(hours=2)).word == "old"
    assert str(freshness(NOON)) == "The last backup is 3 h 0 min old."


def test_without_any_backup_there_is_none():
    assert freshness(NOON) == ("none", None)
    assert str(freshness(NOON)) == "There is no backup yet."


@pytest.mark.parametrize(("hours", "word"), [(1, "fresh"), (100, "old"), (None, "none")])
def test_health_tells_of_the_backup_and_stays_well(client, clinic, hours, word):
    if hours is not None:
        Sign.objects.leave(Sign.BACKUP, at=timezone.now() - timedelta(hours=hours))
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json()["status"] == "ok"
    assert answer.json()["backup"] == word
    age = answer.json()["backup_age_seconds"]
    assert age is None if hours is None else hours * 3600 <= age < hours * 3600 + 60
