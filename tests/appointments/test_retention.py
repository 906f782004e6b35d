"""Who carries out the retention policy: not by a clock in doubt, several at once, and in nobody's way."""

import io
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command, execute_from_command_line
from django.db import connection, connections, transaction
from django.utils import timezone

from appointments import event_log, privacy, workflow
from appointments.management.commands import apply_retention, send_messages
from appointments.models import AppointmentRequest, Arrival, Event, Message
from tests import factories

MONTH = timedelta(days=31)
PATIENCE_SECONDS = 20

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(clinic):
    return factories.user(is_superuser=True)


def closed(by, *, now=None, **asked) -> AppointmentRequest:
    row = factories.appointment_request(now=now, **asked)
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


# Several at once


@pytest.mark.django_db(transaction=True)
def test_the_sender_and_the_command_carry_it_out_side_by_side(at_once):
    factories.clinic()
    person, now = factories.user(is_superuser=True), timezone.now()
    rows = []
    for _ in range(12):
        factories.appointment_request(now=now - 85 * MONTH)
    for number in range(12):
        arrival = Arrival(address=f"198.51.100.{number}", at=now - 2 * MONTH)
        rows.append(closed(person, now=now - MONTH, arrival=arrival))
        privacy.searched(f"canary{number}", by=person, now=now - 7 * MONTH)
    factories.appointment_request(now=now - MONTH)
    is_over(*rows)
    Message.objects.update(sent_at=now - 4 * MONTH)

    def carry_out(by: str) -> None:
        if by == "sender":
            while send_messages.let_go_of_some():
                pass
        else:
            apply("--batch", by)

    outcomes = at_once(carry_out, ["3", "sender", "5", "sender"])
    assert outcomes == [None] * 4
    assert erased() == Event.objects.filter(kind="erased").count() == len(rows)
    assert not Arrival.objects.exists()
    assert not Message.objects.exclude(text="").exists()
    assert not Event.objects.filter(kind="searched").exclude(note="").exists()
    assert not Event.objects.filter(at__lt=now - 80 * MONTH).exists()
    assert list(event_log.complaints()) == []


@pytest.mark.django_db(transaction=True)
def test_it_holds_up_nobody_who_has_a_request_and_then_writes_the_log(at_once):
    """Each holding what the other wants, the database would end one of the two."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite lets one write at a time")
    factories.clinic()
    person = factories.user(is_superuser=True)
    first, second = closed(person), closed(person)
    is_over(first, second)
    period = next(period for period in privacy.PERIODS if period.name == "unbooked")
    has_second = threading.Event()

    def at_the_desk() -> None:
        with transaction.atomic():
            AppointmentRequest.objects.select_for_update().get(pk=second.pk)
            has_second.set()
            wait_until_somebody_waits()
            event_log.append(Event.Kind.EXPORTED, by=person, now=timezone.now(), appointment_request=second)

    def by_the_policy() -> int:
        assert has_second.wait(PATIENCE_SECONDS)
        return workflow.let_go(period)

    assert at_once(lambda act: act(), [at_the_desk, by_the_policy]) == [None, 2]
    assert erased() == 2
    assert list(event_log.complaints()) == []


def wait_until_somebody_waits() -> None:
    """Until another of this database's connections waits for a lock."""
    for _ in range(PATIENCE_SECONDS * 20):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            if cursor.fetchone()[0]:
                return
        threading.Event().wait(0.05)
    raise AssertionError("nobody waits")
