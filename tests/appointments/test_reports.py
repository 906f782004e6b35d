"""The desk in numbers: counted by hand here, by the reports there."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appointments import workflow
from appointments.models import AppointmentRequest
from appointments.reports import Line, report
from tests import factories

TUCSON = ZoneInfo("America/Phoenix")
NOW = datetime(2026, 11, 24, 12, tzinfo=TUCSON)  # a Tuesday
HOUR = timedelta(hours=1)
REPORTS = "/admin/appointments/appointmentrequest/reports/"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clinic", "tuesday_noon")]


@pytest.fixture
def ana(db):
    return factories.receptionist()


def asked(at: datetime, answered_after: timedelta | None = None, by=None, **answers) -> AppointmentRequest:
    if answers.get("source"):
        answers["by"] = by
    row = factories.appointment_request(now=at, **answers)
    if answered_after is not None:
        workflow.log_call(row, by=by, seen=1, reached="answered", now=at + answered_after)
    row.refresh_from_db()
    return row


def of_now(weeks: int = 4, now: datetime = NOW):
    return report(factories.Clinic.objects.current(), weeks=weeks, now=now)


@pytest.mark.parametrize(
    ("minutes", "median", "ninetieth"),
    [
        ([], None, None),
        ([7], 7, 7),
        ([1, 3], 1, 3),
        ([1, 2, 3], 2, 3),
        ([10, 20, 30, 40], 20, 40),
        (range(1, 11), 5, 9),
        (range(1, 12), 6, 10),
        ([0.2, 0.4], 1, 1),
    ],
)
def test_percentiles_are_waits_that_somebody_had(minutes, median, ninetieth):
    line = Line("All", waits=[timedelta(minutes=each) for each in minutes])
    assert (line.median_minutes, line.ninetieth_minutes) == (median, ninetieth)


def test_answers_are_timed_from_the_request_and_judged_by_its_clock(ana):
    begins = datetime(2026, 11, 20, 10, tzinfo=TUCSON)  # a Friday, open from nine to five
    asked(begins, timedelta(minutes=20), ana)
    asked(begins, timedelta(minutes=90), ana)
    asked(begins + timedelta(hours=10), timedelta(hours=13, minutes=30), ana)  # by night; answered at 9:30: in time
    asked(begins)  # never answered, and late
    asked(NOW - timedelta(minutes=5))  # not answered, and not due
    whole = of_now().whole
    assert (whole.asked, whole.answered, whole.due, whole.in_time) == (5, 3, 4, 2)
    assert (whole.median_minutes, whole.ninetieth_minutes, whole.in_time_percent) == (90, 810, 50)


def test_the_first_answer_counts_whatever_happens_later(ana):
    row = asked(NOW - 48 * HOUR, timedelta(minutes=10), ana)
    visit = {"provider": factories.provider(), "starts_at": NOW.astimezone(UTC) + 24 * HOUR, "minutes": 30}
    workflow.book(row, by=ana, seen=row.version, **visit)
    workflow.cancel(row, by=ana, seen=row.version)
    workflow.close(row, by=ana, seen=row.version, reason="other")
    workflow.reopen(row, by=ana, seen=row.version, note="Called again")
    whole = of_now().whole
    assert (whole.asked, whole.median_minutes, whole.booked, whole.booked_percent) == (1, 10, 1, 100)


@pytest.mark.parametrize(
    ("reason", "counted"), [("spam", 0), ("duplicate", 0), ("entered_in_error", 0), ("unreachable", 1), ("other", 1)]
)
def test_what_nobody_asked_counts_nowhere(ana, reason, counted):
    workflow.close(asked(NOW - HOUR), by=ana, seen=1, reason=reason)
    assert of_now().whole.asked == counted
    assert len(of_now().treatments) == counted


def test_a_week_begins_on_the_clinics_monday(ana):
    sunday_night, monday = datetime(2026, 11, 15, 23, 59, tzinfo=TUCSON), datetime(2026, 11, 16, tzinfo=TUCSON)
    asked(sunday_night)
    asked(monday)
    asked(monday + timedelta(days=6, hours=23))
    assert [(line.name, line.asked) for line in of_now(3).weeks] == [
        ("2026-11-09", 1),
        ("2026-11-16", 2),
        ("2026-11-23", 0),
    ]
    assert of_now(2).whole.asked == 2


def test_a_week_in_which_the_clocks_change_begins_at_midnight():
    new_york = ZoneInfo("America/New_York")
    factories.clinic(time_zone="America/New_York")
    asked(datetime(2026, 11, 1, 23, 30, tzinfo=new_york))  # the Sunday with an hour more
    asked(datetime(2026, 11, 2, 0, 30, tzinfo=new_york))
    found = of_now(2, datetime(2026, 11, 3, tzinfo=new_york))
    assert [(line.name, line.asked) for line in found.weeks] == [("2026-10-26", 1), ("2026-11-02", 1)]


def test_missed_visits_count_in_their_own_week_and_those_to_come_nowhere(ana):
    then = datetime(2026, 11, 18, 10, tzinfo=TUCSON)
    for number, came in enumerate([True, False, False, None]):
        row = asked(then - timedelta(days=20))
        starts_at = (then if came is not None else NOW + 48 * HOUR) + number * HOUR
        visit = {"provider": factories.provider(), "starts_at": starts_at.astimezone(UTC), "minutes": 30}
        workflow.book(row, by=ana, seen=1, now=then - timedelta(days=19), **visit)
        if came:
            workflow.close(row, by=ana, seen=2, reason="completed")
        elif came is False:
            workflow.no_show(row, by=ana, seen=2)
    found = of_now(2)
    assert [(line.visits, line.missed) for line in found.weeks] == [(3, 2), (0, 0)]
    assert (found.whole.asked, found.whole.missed_percent) == (0, 67)


def test_treatments_are_told_apart_the_most_asked_first(ana):
    peel = factories.treatment(name="Peel")
    for treatment in (None, peel, peel):
        asked(NOW - HOUR, treatment=treatment)
    assert [(line.name, line.asked) for line in of_now().treatments] == [
        ("Peel", 2),
        ("Not sure, would like advice", 1),
    ]


def test_sources_are_told_apart_and_who_asked_at_the_desk_did_not_wait(ana):
    asked(NOW - HOUR)
    asked(NOW - HOUR, timedelta(minutes=30), ana)
    asked(NOW - HOUR, source=AppointmentRequest.Source.PHONE, by=ana)
    found = of_now()
    assert [(line.name, line.asked, line.answered) for line in found.sources] == [
        ("On the website", 2, 1),
        ("By telephone", 1, 0),
    ]
    assert (found.whole.asked, found.whole.median_minutes) == (3, 30)


def test_the_number_of_queries_is_the_same_for_any_number_of_requests(ana):
    def queries() -> int:
        clinic = factories.Clinic.objects.current()
        with CaptureQueriesContext(connection) as caught:
            report(clinic, weeks=13, now=NOW)
        return len(caught)

    asked(NOW - HOUR)
    few = queries()
    for number in range(40):
        asked(NOW - number * HOUR, treatment=factories.treatment())
    assert queries() == few == 3


@pytest.fixture
def owner(client):
    client.force_login(factories.user("appointments.view_reports"))
    return client


def words(answer) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def test_the_page_shows_numbers_and_no_names(owner, ana):
    typed = {"full_name": "Canary Jones", "phone": "520 555 0177", "email": "canary@example.com", "message": "Canary"}
    row = asked(NOW - HOUR, timedelta(minutes=10), ana, **typed)
    for answer in (owner.get(REPORTS), owner.get(REPORTS, {"format": "csv"})):
        assert answer.status_code == 200
        assert not re.search(f"canary|0177|{row.reference}", answer.content.decode(), re.IGNORECASE)
        assert "no-store" in answer["Cache-Control"]
    assert "1 request" in words(owner.get(REPORTS))


@pytest.mark.parametrize("weeks", ["4", "13", "52", "0", "-1", "999", "x", "", "9" * 30, "\u0664"])
def test_a_period_is_one_of_three(owner, weeks):
    answer = owner.get(REPORTS, {"weeks": weeks})
    assert answer.status_code == 200
    shown = int(weeks) if weeks in ("4", "13", "52") else 13
    assert len(re.findall(r'<th scope="row">20', answer.content.decode())) == shown


def test_a_clinic_without_requests_is_told_so(owner):
    assert "Nobody asked in these weeks." in words(owner.get(REPORTS))
    assert "<figure" not in owner.get(REPORTS).content.decode()


def test_the_numbers_come_as_a_file(owner, ana):
    asked(NOW - HOUR, timedelta(minutes=10), ana, treatment=factories.treatment(name='=HYPERLINK("x")'))
    answer = owner.get(REPORTS, {"format": "csv", "weeks": "4"})
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="reports-2026-11-24.csv"'
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[0][:4] == ["by", "name", "requests", "answered"]
    assert [row[:4] for row in rows[1:]] == [
        ["all", "All", "1", "1"],
        ["week", "2026-11-02", "0", "0"],
        ["week", "2026-11-09", "0", "0"],
        ["week", "2026-11-16", "0", "0"],
        ["week", "2026-11-23", "1", "1"],
        ["treatment", '\'=HYPERLINK("x")', "1", "1"],
        ["source", "On the website", "1", "1"],
    ]


def test_each_treatment_and_each_source_has_its_bar(owner, ana):
    peel = factories.treatment(name="Peel")
    for treatment in (peel, peel, peel, peel, None):
        asked(NOW - HOUR, treatment=treatment)
    page = owner.get(REPORTS).content.decode()
    assert re.findall(r'aria-label="(\d+ requests, \d+ booked)"', page) == [
        "4 requests, 0 booked",
        "1 requests, 0 booked",
        "5 requests, 0 booked",
    ]
    assert re.findall(r'class="bar bar--1" x="0" y="0" width="([\d.]+)"', page) == ["100.00", "25.00", "100.00"]


def test_who_may_not_see_reports_is_refused_and_shown_no_link(client, ana):
    client.force_login(ana)
    assert client.get(REPORTS).status_code == 403
    assert REPORTS not in client.get("/admin/").content.decode()
    client.force_login(factories.user("appointments.view_reports", "appointments.view_appointmentrequest"))
    assert REPORTS in client.get("/admin/").content.decode()
    assert client.post(REPORTS).status_code == 405
