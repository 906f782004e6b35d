"""Who carries out the retention policy: nobody by a clock in doubt."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line
from django.db import connections
from django.utils import timezone

from appointments import privacy, workflow
from appointments.management.commands import apply_retention, send_messages
from appointments.models import AppointmentRequest
from tests import factories

MONTH = timedelta(days=31)

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(clinic):
    return factories.user(is_superuser=True)


def closed(by) -> AppointmentRequest:
    row = factories.appointment_request()
    workflow.close(row, by=by, seen=row.version, reason="patient_declined")
    return row


def is_over(*rows: AppointmentRequest) -> None:
    AppointmentRequest.objects.filter(pk__in=[row.pk for row in rows]).update(ended_at=timezone.now() - 13 * MONTH)


def erased() -> int:
    return AppointmentRequest.objects.exclude(erased_at=None).count()


def apply(*words: str) -> str:
    call_command("apply_retention", *words, stdout=(said := io.StringIO()))
    return said.getvalue()


@pytest.fixture
def quiet(owner):
    """A request that is over, and nobody who was here in the two months before yesterday."""
    factories.appointment_request(now=timezone.now() - 3 * MONTH)
    row = closed(owner)
    is_over(row)
    return row


# A clock in doubt


def test_a_clock_in_doubt_lets_go_of_nothing_and_ends_with_a_code_of_its_own(quiet, capsys, monkeypatch):
    monkeypatch.setattr(connections, "close_all", lambda: None)  # this test's own is one of them
    with pytest.raises(SystemExit) as ended:
        execute_from_command_line(["manage.py", "apply_retention"])
    assert ended.value.code == apply_retention.CLOCK_IN_DOUBT
    said = capsys.readouterr()
    assert f"The clock says {timezone.now():%Y-%m-%d}" in said.err
    assert "Is the clock right? If it is: manage.py apply_retention --force" in said.err
    assert said.out == ""
    assert erased() == 0


def test_the_code_is_neither_that_of_any_error_nor_of_a_wrong_option_and_the_help_names_it():
    assert apply_retention.CLOCK_IN_DOUBT not in (0, 1, 2)
    assert f"exit code is {apply_retention.CLOCK_IN_DOUBT}." in apply_retention.Command.help


def test_the_sender_has_the_same_doubt_in_the_same_words(quiet, caplog):
    with pytest.raises(CommandError) as refused:
        apply()
    assert send_messages.let_go_of_some() == 0
    with pytest.raises(privacy.ClockInDoubt) as doubt:
        privacy.insist_on_the_clock(timezone.now())
    assert str(doubt.value) in str(refused.value)
    assert str(doubt.value) in caplog.text
    assert erased() == 0


def test_who_knows_the_clock_to_be_right_says_so(quiet):
    assert "12 months: requests that never became an appointment: 1 went" in apply("--force")
    assert erased() == 1


def test_a_dry_run_counts_whatever_the_clock_says(quiet):
    assert "12 months: requests that never became an appointment: 1 would go" in apply("--dry-run")
    assert erased() == 0


def test_somebody_who_was_here_last_week_is_enough(quiet):
    factories.appointment_request(now=timezone.now() - timedelta(days=7))
    assert "1 went" in apply()
    assert erased() == 1


def test_a_young_log_is_enough(owner):
    is_over(closed(owner))
    assert "1 went" in apply()
