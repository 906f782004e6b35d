"""Nobody stays signed in by forgetting: fifteen idle minutes, twelve hours at most, and no typed word lost."""

import html
import re
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests import factories

pytestmark = pytest.mark.django_db

GOOD = "tall-green-saguaro"
LOGIN = "/admin/login/"


@pytest.fixture
def clock():
    with time_machine.travel(timezone.now(), tick=False) as traveller:
        yield traveller


@pytest.fixture
def ana(clinic):
    return factories.receptionist(username="ana", password=GOOD)


@pytest.fixture
def desk(clock, ana):
    client = Client()
    client.post(LOGIN, {"username": "ana", "password": GOOD})
    return client


def test_fifteen_idle_minutes_sign_out(desk, clock):
    clock.shift(timedelta(minutes=14, seconds=50))
    assert desk.get("/admin/").status_code == 200
    clock.shift(timedelta(minutes=15))
    assert desk.get("/admin/").status_code == 302
    assert "_auth_user_id" not in desk.session


def test_whoever_goes_on_stays_up_to_twelve_hours(desk, clock):
    for _ in range(71):
        clock.shift(timedelta(minutes=10))
        assert desk.get("/admin/").status_code == 200
    clock.shift(timedelta(minutes=11))
    assert desk.get("/admin/").status_code == 302


def test_the_setting_is_heard(desk, clock, settings):
    settings.STAFF_IDLE_SECONDS = 60
    clock.shift(timedelta(seconds=61))
    assert desk.get("/admin/").status_code == 302


def test_asking_how_long_does_not_lengthen_it_and_staying_does(desk, clock):
    clock.shift(timedelta(minutes=14))
    assert desk.get("/admin/stay/").json()["left"] == 60
    clock.shift(timedelta(seconds=30))
    assert desk.get("/admin/stay/").json()["left"] == 30
    assert desk.post("/admin/stay/").json()["left"] == 900
    clock.shift(timedelta(minutes=14))
    assert desk.get("/admin/").status_code == 200


def test_after_the_end_asking_opens_nothing(desk, clock):
    clock.shift(timedelta(minutes=16))
    answer = desk.get("/admin/stay/")
    assert (answer.status_code, answer.json()) == (403, {"left": 0})
    assert Client().post("/admin/stay/").status_code == 403


def test_staying_needs_the_forms_token(clock, ana):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ana)
    assert client.post("/admin/stay/").status_code == 403


def test_what_was_typed_when_the_clock_ran_out_is_sent_again_by_a_press(desk, clock):
    row = factories.appointment_request()
    move = f"/admin/appointments/appointmentrequest/{row.pk}/move/add_note/"
    typed = {"seen": row.version, "note": 'Line one\n\n  "two" & <b>three</b> 🌵'}
    clock.shift(timedelta(minutes=16))
    answer = desk.post(move, typed)
    assert "What you typed is kept" in answer.content.decode()
    assert not row.events.filter(kind="noted").exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_data FROM django_session")
        assert "three" not in str(cursor.fetchall())

    answer = desk.post(LOGIN, {"username": "ana", "password": GOOD, "next": "/admin/"}, follow=True)
    page = answer.content.decode()
    assert "What you typed is still here" in page
    assert f'action="{move}"' in page
    again = {
        name: html.unescape(value).lstrip("\n")
        for name, value in re.findall(r'<textarea hidden name="(\w+)">(.*?)</textarea>', page, re.DOTALL)
    }
    assert again == {name: str(value) for name, value in typed.items()}
    assert desk.post(move, again).status_code == 303
    assert row.events.get(kind="noted").note == typed["note"]
    assert desk.get("/admin/typed/").status_code == 303  # shown once


def test_it_is_not_shown_to_whoever_else_signs_in_there(desk, clock):
    factories.receptionist(username="eva", password=GOOD)
    row = factories.appointment_request()
    clock.shift(timedelta(minutes=16))
    desk.post(f"/admin/appointments/appointmentrequest/{row.pk}/move/add_note/", {"seen": 1, "note": "canary"})
    answer = desk.post(LOGIN, {"username": "eva", "password": GOOD}, follow=True)
    assert "canary" not in answer.content.decode()
    assert "canary" not in desk.get("/admin/typed/", follow=True).content.decode()


def test_passwords_are_not_kept(desk, clock):
    clock.shift(timedelta(minutes=16))
    desk.post("/admin/password_change/", {"old_password": GOOD, "new_password1": "canary", "other": "kept"})
    page = desk.post(LOGIN, {"username": "ana", "password": GOOD}, follow=True).content.decode()
    assert "canary" not in page
    assert "kept" in page


def test_a_stranger_who_posts_is_sent_to_sign_in_and_nothing_is_kept(clock, clinic):
    client = Client()
    assert client.post("/admin/password_change/", {"note": "x"})["Location"].startswith(LOGIN)
    assert "typed" not in client.session


def test_the_page_carries_the_warning(desk):
    page = desk.get("/admin/").content.decode()
    assert "js/idle.js" in page
    assert 'id="idle"' in page
    assert "js/idle.js" not in Client().get(LOGIN).content.decode()
