"""The secret address of the calendar: who reads what by it, how it ends, and what never gets there."""

import logging
import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from appointments import calendar_feeds, workflow
from appointments.models import CalendarFeed
from medspa.logs import PrivateFormatter
from tests import factories

PAGE = "/admin/appointments/calendarfeed/"
NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)  # Tuesday noon in Tucson
CANARIES = {"full_name": "Canary Zwitscher", "phone": "520 555 0177", "email": "canary@example.com"}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday_noon", "clinic")]


def address_of(user) -> str:
    return f"/calendar/{calendar_feeds.make(by=user, seen=0)[1]}.ics"


def read(address) -> str:
    answer = Client().get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def summaries(address) -> list[str]:
    return re.findall(r"^SUMMARY:(.*?)\r$", read(address), re.M)


def visit_in(days: float, **answers):
    return factories.booked(starts_at=NOW + timedelta(days=days), **answers)


# What is read


def test_a_program_reads_references_and_initials_and_nothing_else(receptionist):
    kind = factories.treatment(name="Canarytreatment")
    row = visit_in(1, treatment=kind, message="canarymessage about eczema", **CANARIES)
    workflow.add_note(row, by=receptionist, seen=2, note="canarynote")

    file = read(address_of(receptionist))

    assert f"SUMMARY:{row.reference} C. Z.\r\n" in file
    assert "DTSTART:20261125T190000Z\r\n" in file
    left = file.replace(row.reference, "")
    for word in ("canary", "zwitscher", "0177", "eczema", "treatment", row.private_token):
        assert word.lower() not in left.lower()


def test_the_last_30_days_and_the_next_90_are_read_in_order(receptionist):
    rows = [visit_in(days, full_name=f"{days}") for days in (89.9, -29.9, 0, -30.1, 90.1)]
    kept = [rows[1], rows[2], rows[0]]

    assert summaries(address_of(receptionist)) == [row.reference for row in kept]


def test_what_was_cancelled_is_gone_and_what_was_missed_stays(receptionist):
    gone, missed = visit_in(1), visit_in(-1)
    workflow.cancel(gone, by=receptionist, seen=2)
    workflow.no_show(missed, by=receptionist, seen=2)

    assert [line[:8] for line in summaries(address_of(receptionist))] == [missed.reference]


def test_whoever_treats_patients_reads_their_own_visits(receptionist):
    mine, other = visit_in(1, full_name="Mine"), visit_in(2, full_name="Other")
    provider = mine.appointments.get().provider
    provider.user = factories.user("appointments.view_appointment")
    provider.save()

    own = address_of(provider.user)
    assert summaries(own) == [f"{mine.reference} M."]
    assert f"NAME:Mirror Mirror Med Spa: {provider}\r\n" in read(own)
    assert summaries(address_of(receptionist)) == [f"{mine.reference} M.", f"{other.reference} O."]


@pytest.mark.parametrize("rows", [1, 30])
def test_a_feed_takes_as_many_queries_for_one_visit_as_for_thirty(receptionist, django_assert_num_queries, rows):
    for number in range(rows):
        visit_in(number / 10)
    address = address_of(receptionist)
    with django_assert_num_queries(9):  # the feed, two for permissions, clinic, three for the log, provider, visits
        assert len(summaries(address)) == rows


# How it is sent


def test_a_feed_is_kept_by_nobody_and_named_nowhere(receptionist):
    answer = Client().get(address_of(receptionist))

    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert {"no-store", "private"} <= set(answer["Cache-Control"].split(", "))
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"] == "noindex"
    assert answer["Content-Disposition"] == 'attachment; filename="appointments.ics"'
    assert not answer.cookies


def test_a_feed_is_only_read(receptionist):
    address = address_of(receptionist)
    assert Client().head(address).status_code == 200
    for method in ("post", "put", "delete", "options"):
        assert getattr(Client(), method)(address).status_code == 405


def test_robots_stay_away():
    assert "Disallow: /calendar/" in Client().get("/robots.txt").content.decode().splitlines()


# Who reads


def without_staff(user):
    user.is_staff = False
    user.save()


def without_account(user):
    user.is_active = False
    user.save()


def without_permission(user):
    user.user_permissions.clear()


def with_an_ended_address(user):
    calendar_feeds.end(by=user)


def with_a_newer_address(user):
    calendar_feeds.make(by=user, seen=user.calendar_feed.pk)


def without_a_row(user):
    CalendarFeed.objects.of(user).delete()


LOST = [without_staff, without_account, without_permission, with_an_ended_address, with_a_newer_address, without_a_row]


@pytest.mark.parametrize("lose", LOST)
def test_an_address_that_has_ended_is_as_unknown_as_one_that_never_was(receptionist, lose):
    visit_in(1)
    address = address_of(receptionist)
    assert "VEVENT" in read(address)
    never = "/calendar/" + "x" * (len(address) - len("/calendar/.ics")) + ".ics"

    lose(receptionist)
    ended, unknown = Client().get(address), Client().get(never)

    assert (ended.status_code, unknown.status_code) == (404, 404)
    assert ended.content.replace(address.encode(), b"") == unknown.content.replace(never.encode(), b"")
    numbers = [answer.headers.pop("X-Request-ID") for answer in (ended, unknown)]
    assert numbers[0] != numbers[1]
    assert ended.headers.items() == unknown.headers.items()


@pytest.mark.parametrize("tail", ["", ".ics", "x.ics", "%00.ics", "%FF%FE.ics", "a/b.ics", "x" * 3000 + ".ics"])
def test_nonsense_is_not_found(tail):
    assert Client().get(f"/calendar/{tail}").status_code == 404


def test_the_address_has_no_second_language(receptionist):
    assert Client().get("/es" + address_of(receptionist)).status_code == 404


def test_only_a_hash_is_kept(receptionist):
    _feed, token = calendar_feeds.make(by=receptionist, seen=0)
    [kept] = CalendarFeed.objects.values()
    assert token not in str(kept)
    assert len(token) >= 43  # 32 random bytes


@pytest.mark.parametrize("path", ["/calendar/{}.ics", "/es/calendar/{}", "/Calendar/{}.ICS/", "/calendar//{}.ics"])
def test_a_token_stays_out_of_the_logs(path, caplog):
    token = "s3cret-tokenOfAna"
    with caplog.at_level(logging.INFO):
        for method in (Client().get, Client().post):
            assert method(path.format(token)).status_code in (404, 405)

    records = [record for record in caplog.records if token in record.getMessage()]
    assert records, "or this test could not fail"
    for record in records:
        for formatter in (PrivateFormatter(), PrivateFormatter(as_json=True)):
            assert "s3cret" not in formatter.format(record)


# One's own page


def press(desk, verb, **answers):
    return desk.post(f"{PAGE}{verb}/", answers)


def shown(answer) -> str:
    [address] = re.findall(r'<code class="secret">(.*?)</code>', answer.content.decode())
    return address


def test_an_address_is_made_shown_once_renewed_and_ended(desk, receptionist, settings):
    settings.SITE_URL = "https://spa.example"
    assert "You have no address" in desk.get(PAGE).content.decode()

    made = press(desk, "new", seen=0)
    first = shown(made)
    assert first.startswith("https://spa.example/calendar/")
    assert "no-store" in made["Cache-Control"]
    again = desk.get(PAGE).content.decode()
    assert "You have an address" in again
    assert first.rpartition("/")[2].removesuffix(".ics") not in again

    [seen] = re.findall(r'name="seen" value="(\d+)"', again)
    second = shown(press(desk, "new", seen=seen))
    statuses = [Client().get(address.removeprefix(settings.SITE_URL)).status_code for address in (first, second)]
    assert statuses == [404, 200]

    ended = press(desk, "end")
    assert (ended.status_code, ended["Location"]) == (303, PAGE)
    assert "You have no address" in desk.get(PAGE).content.decode()
    assert Client().get(second.removeprefix(settings.SITE_URL)).status_code == 404


def test_making_and_ending_are_written_down_without_the_address(desk, receptionist):
    token = shown(press(desk, "new", seen=0)).rpartition("/")[2].removesuffix(".ics")
    press(desk, "end")

    entries = LogEntry.objects.filter(user=receptionist).order_by("pk")
    assert [entry.action_flag for entry in entries] == [1, 3]
    assert all(token not in str(vars(entry)) for entry in entries)
    assert desk.get("/admin/").status_code == 200  # where the entries are shown


def test_a_second_press_of_an_old_page_changes_nothing_and_says_so(desk, receptionist):
    address = shown(press(desk, "new", seen=0))
    again = desk.post(f"{PAGE}new/", {"seen": 0}, follow=True)

    assert "Nothing was changed" in again.content.decode()
    assert Client().get(address[address.index("/calendar/") :]).status_code == 200


@pytest.mark.parametrize("seen", ["", "x", "-1", "9" * 5000, "²", "1.0"])
def test_nonsense_in_the_form_makes_a_first_address_and_no_trouble(desk, seen):
    assert press(desk, "new", seen=seen).status_code == 200


def test_ending_where_there_is_nothing_is_no_trouble(desk):
    assert press(desk, "end").status_code == 303
    assert not LogEntry.objects.exists()


def test_nothing_changes_without_a_press(desk):
    assert desk.get(f"{PAGE}new/").status_code == 405
    assert desk.get(f"{PAGE}end/").status_code == 405
    assert desk.post(PAGE).status_code == 405
    assert Client(enforce_csrf_checks=True).post(f"{PAGE}new/").status_code in (302, 403)
    assert not CalendarFeed.objects.exists()


def test_one_ends_only_ones_own_address(desk, receptionist):
    other = address_of(factories.receptionist())
    press(desk, "end")
    assert Client().get(other).status_code == 200


@pytest.mark.parametrize(
    ("group", "status"), [("Front desk", 200), ("Clinician", 200), ("Owner", 200), ("Editor", 403)]
)
def test_the_page_is_for_those_who_may_see_visits(client, group, status):
    call_command("open_clinic", "--no-owner", verbosity=0)
    person = factories.user(group=group)
    client.force_login(person)

    assert client.get(PAGE).status_code == status
    assert client.post(f"{PAGE}new/", {"seen": 0}).status_code == status
    assert client.post(f"{PAGE}end/").status_code == {200: 303}.get(status, status)
    assert (f'href="{PAGE}"' in client.get("/admin/").content.decode()) == (status == 200)
    assert not CalendarFeed.objects.exists()


def test_nobody_is_asked_to_sign_in(client):
    for verb in ("", "new/", "end/"):
        assert client.post(PAGE + verb)["Location"].startswith("/admin/login/")


def test_whoever_leaves_is_not_deleted_and_the_address_ends(client):
    leaver = factories.receptionist()
    address = address_of(leaver)
    client.force_login(factories.user(is_superuser=True))

    assert client.post(f"/admin/auth/user/{leaver.pk}/delete/", {"post": "yes"}).status_code == 403
    User.objects.filter(pk=leaver.pk).update(is_active=False)
    assert Client().get(address).status_code == 404


def test_an_address_outlives_the_session(receptionist):
    address = address_of(receptionist)
    with time_machine.travel(NOW + timedelta(days=300)):
        assert Client().get(address).status_code == 200


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("has_one", [False, True])
def test_of_eight_who_make_a_new_address_at_once_one_does_and_it_works(at_once, has_one):
    factories.clinic()
    person = factories.receptionist()
    seen = calendar_feeds.make(by=person, seen=0)[0].pk if has_one else 0

    outcomes = at_once(lambda _press: calendar_feeds.make(by=person, seen=seen), range(8))

    made = [outcome for outcome in outcomes if isinstance(outcome, tuple)]
    refused = [outcome for outcome in outcomes if outcome not in made]
    assert [type(outcome) for outcome in refused] == [calendar_feeds.MadeMeanwhile] * 7
    [(feed, token)] = made
    assert CalendarFeed.objects.get() == feed
    assert calendar_feeds.reader_behind(token) == person
