from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from medspa.models import Sign

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.django_db
def test_the_last_sign_takes_the_place_of_the_one_before():
    Sign.objects.leave(Sign.BACKUP, at=NOON, about="first")
    Sign.objects.leave(Sign.BACKUP, at=NOON + timedelta(hours=1), about="second")
    Sign.objects.leave(Sign.SENDER, at=NOON)
    sign = Sign.objects.of(Sign.BACKUP)
    assert (sign.at, sign.about) == (NOON + timedelta(hours=1), "second")
    assert Sign.objects.count() == 2


@pytest.mark.django_db
def test_a_sign_is_left_in_one_statement(django_assert_num_queries):
    Sign.objects.leave(Sign.SENDER, at=NOON)
    with django_assert_num_queries(1):
        Sign.objects.leave(Sign.SENDER, at=NOON)


@pytest.mark.django_db
def test_what_never_happened_has_left_no_sign():
    assert Sign.objects.of(Sign.BACKUP) is None


@pytest.mark.django_db(transaction=True)
def test_eight_who_leave_the_same_first_sign_at_once_leave_one():
    def leave(_number: int) -> None:
        try:
            Sign.objects.leave(Sign.SENDER, at=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(leave, range(8)))
    assert Sign.objects.count() == 1
