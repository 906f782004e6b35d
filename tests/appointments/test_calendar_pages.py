"""A day and a week of visits at the desk, and the sheets that are printed."""

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import call_command

from appointments import diary, workflow
from appointments.admin import call_sheet
from appointments.models import PreferredTime, TimeOff
from medspa.models import Clinic
from tests import factories

DAY, WEEK = "/admin/appointments/appointment/day/", "/admin/appointments/appointment/week/"
QUEUE = "/admin/appointments/appointmentrequest/"
CALLS = f"{QUEUE}calls/"
NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)  # Tuesday noon in Tucson
TUCSON = ZoneInfo("America/Phoenix")

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday_noon")]


def words(html) -> str:
    html = html if isinstance(html, str) else html.content.decode()
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).replace("\xa0", " ").split())


def on(day, hour, minute=0):
    return datetime(2026, 11, day, hour, minute, tzinfo=TUCSON)


def book(starts_at, provider, by=None, minutes=30, **answers):
    row = factories.appointment_request(**answers)
    by = by or factories.receptionist()
    workflow.book(row, by=by, seen=1, provider=provider, starts_at=starts_at, minutes=minutes, anyway=True)
    return row


def columns(answer) -> dict[str, str]:
    """What each provider's column, or each day's, says."""
    found = re.findall(r"<section class=\"column.*?<h2[^>]*>(.*?)</h2>(.*?)</section>", answer.content.decode(), re.S)
    return {words(heading): words(rest) for heading, rest in found}


def sheet(answer) -> list[list[str]]:
    """The rows of the printed table."""
    table = re.search(r'<table class="sheet.*?</table>', answer.content.decode(), re.S)[0]
    return [[words(cell) for cell in re.findall(r"<t[dh].*?</t[dh]>", row, re.S)] for row in table.split("</tr>")[:-1]]


# A day


def test_a_day_stands_in_columns_of_those_who_take_appointments(desk):
    ana, bo = factories.provider(name="Ana"), factories.provider(name="Bo")
    factories.provider(name="Free")
    factories.provider(name="Gone", is_active=False)
    left = factories.provider(name="Left")
    kind = factories.treatment(name="Peel")
    second = book(on(24, 14), ana, full_name="Second", treatment=kind, minutes=45)
    book(on(24, 9, 30), ana, full_name="First")
    book(on(24, 9), bo, full_name="Other")
    book(on(24, 10), left, full_name="Last")
    left.is_active = False
    left.save()

    answer = desk.get(DAY)

    assert columns(answer) == {
        "Ana": "9:30 am 30 min First Not sure, would like advice Booked 2 pm 45 min Second Peel Booked",
        "Bo": "9 am 30 min Other Not sure, would like advice Booked",
        "Free": "No visit",
        "Left": "10 am 30 min Last Not sure, would like advice Booked",
    }
    assert f'href="{QUEUE}{second.pk}/change/"' in answer.content.decode()


def test_a_day_shows_its_own_visits_by_the_clinics_clock_and_no_cancelled_one(desk, receptionist):
    room = factories.provider()
    for starts_at in (on(24, 0), on(24, 23, 30), on(23, 23, 30), on(25, 0)):
        book(starts_at, room, full_name=f"{starts_at:%d-%H}")
    gone = book(on(24, 12), room, full_name="Cancelled")
    workflow.cancel(gone, by=receptionist, seen=2)

    told = words(desk.get(DAY))

    assert "24-00" in told
    assert "24-23" in told
    assert not {"23-23", "25-00", "Cancelled"} & set(told.split())


def test_a_visit_that_runs_or_was_missed_says_so(desk, receptionist):
    room = factories.provider(name="Room")
    here, missed = book(on(24, 11), room, full_name="Here"), book(on(24, 9), room, full_name="Away")
    workflow.arrive(here, by=receptionist, seen=2)
    workflow.no_show(missed, by=receptionist, seen=2)

    told = columns(desk.get(DAY))["Room"]
    assert "Here Not sure, would like advice Arrived" in told
    assert "Away Not sure, would like advice No-show" in told
    assert "missed before" not in told  # its own absence is none before


@pytest.mark.parametrize(
    ("day", "says"),
    [("2026-11-24", "9 am to 5 pm"), ("2026-11-23", "Closed"), ("2026-11-26", "Closed: Thanksgiving")],
)
def test_a_day_says_when_the_clinic_is_open_or_why_not(desk, clinic, day, says):
    clinic.closures.create(starts_on=date(2026, 11, 26), ends_on=date(2026, 11, 26), reason="Thanksgiving")
    [opening] = re.findall(r'<p class="opening[^"]*">(.*?)</p>', desk.get(DAY, {"date": day}).content.decode())
    assert opening == says


def test_a_closure_without_a_reason_and_a_day_of_two_spells(clinic):
    clinic.closures.create(starts_on=date(2026, 11, 26), ends_on=date(2026, 11, 27))
    clinic.hours.filter(weekday=1).update(closes_at="12:00")
    clinic.hours.create(weekday=1, opens_at="13:30", closes_at="17:00")

    week = diary.read_week(Clinic.objects.current(), date(2026, 11, 24))
    assert [(day.opening, day.is_closed) for day in week[:4]] == [
        ("Closed", True),
        ("9 am to noon, 1:30 pm to 5 pm", False),
        ("9 am to 5 pm", False),
        ("Closed", True),
    ]


def test_a_day_leads_to_its_neighbours_and_marks_today_in_words(desk):
    today, other = desk.get(DAY).content.decode(), desk.get(DAY, {"date": "2026-12-31"}).content.decode()

    assert {"?date=2026-11-23", "?date=2026-11-25", f"{WEEK}?date=2026-11-24"} <= set(
        re.findall(r'href="(.*?)"', today)
    )
    assert {"?date=2026-12-30", "?date=2027-01-01", DAY} <= set(re.findall(r'href="(.*?)"', other))
    assert words(re.search("<h1>.*?</h1>", today)[0]) == "Tuesday, November 24, 2026 Today"
    assert words(re.search("<h1>.*?</h1>", other)[0]) == "Thursday, December 31, 2026"


@pytest.mark.parametrize("address", [DAY, WEEK])
@pytest.mark.parametrize(
    "day",
    ["", "x", "2026-02-30", "0001-01-01", "9999-12-31", "1999-12-31", "2200-01-01", "-1", "२०२६-११-२४", "2026-11-24T"],
)
def test_a_day_that_is_none_is_today(desk, address, day):
    answer = desk.get(address, {"date": day})
    assert answer.status_code == 200
    assert "Today" in re.findall(r'<span class="chip chip--booked">(.*?)</span>', answer.content.decode())


@pytest.mark.parametrize("day", ["2000-01-01", "2199-12-31"])
def test_the_first_and_the_last_day_of_the_diary_can_be_read(desk, day):
    for address in (DAY, WEEK):
        assert f'value="{day}"' in desk.get(address, {"date": day}).content.decode()


def test_no_name_stands_in_a_title_or_an_address(desk):
    book(on(24, 9), factories.provider(), full_name="Canary Zwitscher", phone="520 555 0177")
    factories.appointment_request(full_name="Canary Zwitscher", phone="520 555 0177", now=NOW - timedelta(hours=2))

    for address in (DAY, WEEK, CALLS):
        page = desk.get(address).content.decode()
        assert "Canary" in page
        kept = re.findall(r'(?:href|action)="([^"]*)"', page) + re.findall(r"<title>.*?</title>", page, re.S)
        assert not [line for line in kept if "Canary" in line or "0177" in line]


def test_what_a_patient_typed_is_escaped(desk):
    nasty = '"><script>alert(1)</script>'
    book(on(24, 9), factories.provider(), full_name=nasty, phone=nasty, email="")
    factories.appointment_request(full_name=nasty, phone=nasty, email="", now=NOW - timedelta(hours=2))
    for address in (DAY, WEEK, CALLS):
        page = desk.get(address).content.decode()
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page


# A week


def test_a_week_is_seven_days_from_monday_with_their_visits(desk, clinic):
    clinic.closures.create(starts_on=date(2026, 11, 26), ends_on=date(2026, 11, 26), reason="Thanksgiving")
    ana, bo = factories.provider(name="Ana"), factories.provider(name="Bo")
    book(on(24, 14), bo, full_name="Second")
    row = book(on(24, 9, 30), ana, full_name="First")
    book(on(29, 23), ana, full_name="Sunday")
    for outside in (22, 30):
        book(on(outside, 12), ana, full_name="Outside")

    answer = desk.get(WEEK, {"date": "2026-11-28"})

    assert columns(answer) == {
        "Mon, Nov 23": "Closed",
        "Tue, Nov 24 Today": "9 am to 5 pm 9:30 am First Ana 2 pm Second Bo",
        "Wed, Nov 25": "9 am to 5 pm No visit",
        "Thu, Nov 26": "Closed: Thanksgiving",
        "Fri, Nov 27": "9 am to 5 pm No visit",
        "Sat, Nov 28": "9 am to 5 pm No visit",
        "Sun, Nov 29": "Closed 11 pm Sunday Ana",
    }
    links = set(re.findall(r'href="(.*?)"', answer.content.decode()))
    assert {f"{DAY}?date=2026-11-{day}" for day in range(23, 30)} <= links
    assert {"?date=2026-11-21", "?date=2026-12-05", f"{QUEUE}{row.pk}/change/"} <= links


@pytest.mark.parametrize(("month", "day"), [(3, 8), (11, 1)])
def test_the_days_on_which_the_clocks_change_have_all_their_visits(month, day):
    clinic = factories.clinic(time_zone="America/New_York")
    room, zone = factories.provider(), clinic.zone
    change = datetime(2026, month, day, tzinfo=zone)
    for starts_at in (change, change.replace(hour=23)):
        book(starts_at, room)
    for outside in (change - timedelta(minutes=30), change + timedelta(days=1)):
        book(outside, room)

    assert [visit.begins for visit in diary.read_day(clinic, change.date()).visits] == ["12 am", "11 pm"]


# How much it costs


@pytest.mark.parametrize("rows", [1, 20])
def test_a_day_a_week_and_a_sheet_take_the_same_queries_for_one_visit_and_for_twenty(
    desk, receptionist, django_assert_num_queries, rows
):
    kind = factories.treatment()
    for number in range(rows):
        room = factories.provider()
        book(on(24, 9, number), room, by=receptionist, treatment=kind)
        missed = book(on(17, 9, number), room, by=receptionist, treatment=kind)
        workflow.no_show(missed, by=receptionist, seen=2, now=on(17, 12))
        factories.appointment_request(treatment=kind, now=NOW - timedelta(hours=2))

    with django_assert_num_queries(12):
        assert len(sheet(desk.get(DAY))) == rows + 1
    with django_assert_num_queries(10):
        assert words(desk.get(WEEK)).count("Ana Ruiz") == rows
    with django_assert_num_queries(10):
        assert len(sheet(desk.get(CALLS))) == 2 * rows + 1


# On paper


def test_a_day_sheet_says_what_the_room_needs_and_nothing_of_health(desk, receptionist):
    ana = factories.provider(name="Ana")
    same = {"full_name": "Maya Chen", "phone": "(520) 555-0177"}
    for day in (3, 10):
        missed = book(on(day, 9), ana, **same)
        workflow.no_show(missed, by=receptionist, seen=2, now=on(day, 12))
    kind = factories.treatment(name="Peel")
    row = book(on(24, 14), ana, treatment=kind, email="canary@example.com", message="canarymessage eczema", **same)
    workflow.add_note(row, by=receptionist, seen=2, note="canarynote")
    book(on(24, 9, 30), factories.provider(name="Bo"), full_name="Zoë", phone="", email="zoe@example.com", minutes=60)

    answer = desk.get(DAY)

    assert sheet(answer) == [
        ["Time", "Min", "Patient", "Telephone", "Treatment", "Provider", "Missed before"],
        ["9:30 am", "60", "Zoë", "", "Not sure", "Bo", ""],
        ["2 pm", "30", "Maya Chen", "(520) 555-0177", "Peel", "Ana", "2 missed"],
    ]
    assert "Printed at noon, Tue Nov 24" in words(answer)
    for word in ("canary", "eczema", "example.com"):
        assert word not in answer.content.decode()


def test_whoever_gave_no_telephone_number_has_missed_only_by_the_same_request(desk, receptionist):
    room = factories.provider()
    known = {"phone": "", "email": "zoe@example.com"}
    first, other = book(on(17, 9), room, full_name="First", **known), book(on(24, 10), room, full_name="Other", **known)
    workflow.no_show(first, by=receptionist, seen=2, now=on(17, 12))
    workflow.book(first, by=receptionist, seen=3, provider=room, starts_at=on(24, 9), minutes=30)

    missed = {row[2]: row[6] for row in sheet(desk.get(DAY))[1:]}
    assert missed == {"First": "1 missed", "Other": ""}
    assert other.status == "booked"


def test_a_day_without_visits_says_so_on_paper_too(desk):
    page = desk.get(DAY).content.decode()
    assert '<p class="on-paper">No visit.</p>' in page
    assert "Nobody takes appointments yet." in page


def test_a_call_sheet_holds_what_is_due_today_in_the_order_of_the_clock(desk, receptionist):
    kind = factories.treatment(name="Peel")
    tuesday = [PreferredTime(weekdays="1234", part="am"), PreferredTime(weekdays="5", part="pm")]
    late = factories.appointment_request(
        full_name="Late", phone="(520) 555-0177", contact_by="call", preferred_times=tuesday, treatment=kind,
        message="canarymessage", email="canary@example.com", language="es", now=NOW - timedelta(hours=2),
    )  # fmt: skip
    soon = factories.appointment_request(
        full_name="Soon", phone="", email="x@example.com", contact_by="email", preferred_times=[], now=NOW
    )
    called = factories.appointment_request(full_name="Called", preferred_times=[], phone="520 555 0101", now=NOW)
    workflow.log_call(called, by=receptionist, seen=1, reached="no_answer", note="canarynote")
    tomorrow = factories.appointment_request(full_name="Tomorrow", now=NOW)
    workflow.log_call(tomorrow, by=receptionist, seen=1, reached="answered")
    factories.booked(full_name="Booked")
    waits = factories.appointment_request(full_name="Set aside", now=NOW - timedelta(hours=3))
    workflow.waitlist(waits, by=receptionist, seen=1)

    answer = desk.get(CALLS)

    times = "Tuesday to Friday mornings, Saturday afternoons"
    unsure = "Not sure, would like advice"
    assert sheet(answer)[1:] == [
        [
            f"Late {late.reference}",
            "Late",
            "(520) 555-0177 Phone call, Español",
            f"Peel {times}",
            "Calls in vain: 0",
            "",
        ],
        [f"by 1 pm {soon.reference}", "Soon", "No number Email", unsure, "Calls in vain: 0", ""],
        [f"by 3 pm {called.reference}", "Called", "520 555 0101 Text message", unsure, "Calls in vain: 1", ""],
    ]
    assert "Printed at noon, Tue Nov 24" in words(answer)
    for word in ("canary", "example.com"):
        assert word not in answer.content.decode()


def test_the_head_of_a_sheet_is_repeated_by_being_one(desk):
    factories.appointment_request(now=NOW - timedelta(hours=2))
    book(on(24, 9), factories.provider())
    for address in (DAY, CALLS):
        assert re.search(
            r'<table class="sheet.*?<thead>.*?</thead>\s*<tbody>', desk.get(address).content.decode(), re.S
        )


def test_a_call_sheet_ends_somewhere_and_says_how_many_are_left(desk, monkeypatch):
    monkeypatch.setattr(call_sheet, "MOST", 2)
    for _ in range(5):
        factories.appointment_request(now=NOW - timedelta(hours=2))
    answer = desk.get(CALLS)
    assert len(sheet(answer)) == 3
    assert "And 3 more, which stand in the queue." in words(answer)


def test_when_nobody_is_to_be_called_the_sheet_says_so(desk):
    factories.booked()
    assert "Nobody is to be called today." in words(desk.get(CALLS))


def test_the_day_of_a_sheet_ends_at_the_clinics_midnight(desk):
    factories.clinic(weekdays=range(7), opens_at="00:00", closes_at="23:59")
    with time_machine.travel(on(24, 22, 30)):  # past midnight in UTC
        tonight = factories.appointment_request(now=on(24, 22, 30))
        tomorrow = factories.appointment_request(now=on(24, 23, 30))
        desk.force_login(factories.receptionist())  # hours later: the clock has signed out whoever was there
        told = words(desk.get(CALLS))
    assert tonight.reference in told
    assert tomorrow.reference not in told


# Who may


@pytest.mark.parametrize(
    ("group", "status"), [("Front desk", 200), ("Clinician", 200), ("Owner", 200), ("Editor", 403)]
)
def test_each_group_sees_the_pages_or_does_not(client, group, status):
    call_command("open_clinic", "--no-owner", verbosity=0)
    client.force_login(factories.user(group=group))

    assert [client.get(address).status_code for address in (DAY, WEEK, CALLS)] == [status] * 3
    first_page = client.get("/admin/").content.decode()
    assert [f'href="{address}"' in first_page for address in (DAY, WEEK)] == [status == 200] * 2


def test_each_page_asks_for_its_own_permission_and_says_no_more(client, clinic):
    row = book(on(24, 9), factories.provider(), full_name="Canary", phone="520 555 0177")
    client.force_login(factories.user("appointments.view_appointment"))

    assert client.get(CALLS).status_code == 403
    for address in (DAY, WEEK):
        page = client.get(address).content.decode()
        assert row.reference in page
        assert "Canary" not in page
        assert "0177" not in page
        assert f"{QUEUE}{row.pk}" not in page
    client.force_login(factories.user("appointments.view_appointmentrequest"))
    assert [client.get(address).status_code for address in (DAY, WEEK, CALLS)] == [403, 403, 200]


def test_nobody_is_asked_to_sign_in(client, clinic):
    for address in (DAY, WEEK, CALLS):
        assert client.get(address)["Location"] == f"/admin/login/?next={address}"


def test_the_pages_are_only_read(desk):
    for address in (DAY, WEEK, CALLS):
        assert desk.post(address).status_code == 405


def test_the_lists_lead_to_the_pages(desk):
    visits, queue = (desk.get(address).content.decode() for address in ("/admin/appointments/appointment/", QUEUE))
    assert f'href="{DAY}"' in visits
    assert f'href="{WEEK}"' in visits
    assert f'href="{CALLS}"' in queue


def test_the_first_page_counts_who_comes_today_after_what_waits(desk):
    room = factories.provider()
    for starts_at in (on(24, 9), on(24, 14), on(25, 9)):
        book(starts_at, room)
    factories.appointment_request()
    first_page = words(desk.get("/admin/"))
    assert first_page.index("Requests to answer (1)") < first_page.index("Appointments today (2) This week")


def test_time_off_is_shown_on_the_day_and_in_the_week(desk):
    lena = factories.provider(name="Lena")
    TimeOff.objects.create(provider=lena, starts_on="2026-11-24", ends_on="2026-11-25")
    hours = {"starts_at": "13:00", "ends_at": "15:00"}
    TimeOff.objects.create(provider=lena, starts_on="2026-11-27", ends_on="2026-11-27", **hours)
    assert "Lena Off" in words(desk.get(DAY, {"date": "2026-11-25"}))
    assert "Lena Off, 1 pm to 3 pm" in words(desk.get(DAY, {"date": "2026-11-27"}))
    assert "Lena No visit" in words(desk.get(DAY, {"date": "2026-11-26"}))
    assert words(desk.get(WEEK, {"date": "2026-11-24"})).count("Lena : off") == 3
