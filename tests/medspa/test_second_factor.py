"""The second step: required where the site serves others, asked of everybody who has one, and single-use."""

import io
import re
from datetime import timedelta

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from medspa import doors
from medspa.doors import codes
from medspa.models import RecoveryCode, SecondFactor
from tests import factories

pytestmark = pytest.mark.django_db

GOOD = "tall-green-saguaro"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
LOGIN, STEP, SET_UP = "/admin/login/", "/admin/second-step/", "/admin/second-step/set-up/"


@pytest.fixture
def ana(clinic):
    return factories.receptionist(username="ana", password=GOOD)


@pytest.fixture
def enrolled(ana):
    codes.give_secret(ana, SECRET)
    return ana


def code(secret=SECRET, at=None):
    step = int((at or timezone.now()).timestamp()) // codes.STEP * codes.STEP
    return codes._totp(secret).generate(step).decode()


def password(client, **extra):
    return client.post(LOGIN, {"username": "ana", "password": GOOD, **extra})


def test_the_codes_are_those_of_rfc_6238():
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # its appendix B, cut to six digits
    assert [codes._totp(secret).generate(at).decode() for at in (59, 1111111109, 2000000000)] == [
        "287082",
        "081804",
        "279037",
    ]


def test_the_password_alone_does_not_open(enrolled):
    client = Client()
    assert password(client)["Location"] == STEP
    assert client.get("/admin/").status_code == 302
    assert client.get("/admin/appointments/appointmentrequest/").status_code == 302


def test_password_and_code_do_with_a_new_session_and_onward(enrolled):
    client = Client()
    password(client, next="/admin/password_change/")
    before = client.session.session_key
    answer = client.post(STEP, {"code": code()})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/password_change/")
    assert client.session.session_key != before
    assert client.get("/admin/").status_code == 200


@pytest.mark.parametrize("typed", ["000000", "", "12345", "١٢٣٤٥٦", "\x00", "9" * 5000, "<b>"])
def test_a_wrong_code_does_not(enrolled, typed):
    client = Client()
    password(client)
    assert client.post(STEP, {"code": typed}).status_code == 422
    assert client.get("/admin/").status_code == 302


def test_a_code_is_single_use(enrolled):
    now = timezone.now()
    assert doors.opens(enrolled, code(at=now), now=now)
    assert not doors.opens(enrolled, code(at=now), now=now)
    earlier = now - timedelta(seconds=30)
    assert not doors.opens(enrolled, code(at=earlier), now=now)  # older than the one that was used
    later = now + timedelta(seconds=30)
    assert doors.opens(enrolled, code(at=later), now=later)


@pytest.mark.django_db(transaction=True)
def test_of_eight_with_the_same_code_at_once_one_comes_in(at_once):
    factories.clinic()
    person = factories.receptionist(username="ana", password=GOOD)
    codes.give_secret(person, SECRET)
    now = timezone.now()
    outcomes = at_once(lambda _: doors.opens(person, code(at=now), now=now), range(8))
    assert sorted(outcomes) == [False] * 7 + [True]


@pytest.mark.parametrize("seconds", [-60, -30, 30, 60])
def test_a_code_opens_in_its_own_half_minute_alone(enrolled, seconds):
    now = timezone.now()
    assert not doors.opens(enrolled, code(at=now + timedelta(seconds=seconds)), now=now)
    assert doors.opens(enrolled, code(at=now), now=now)


def test_five_wrong_codes_lock_whatever_the_session(enrolled):
    for _ in range(5):
        client = Client()
        password(client)
        client.post(STEP, {"code": "000000"})
    client = Client()
    password(client)
    assert client.post(STEP, {"code": code()}).status_code == 429
    call_command("unlock_staff", "ana", stdout=io.StringIO())
    assert client.post(STEP, {"code": code()}).status_code == 302


def test_half_way_lasts_ten_minutes_and_ends_with_the_account(enrolled):
    client = Client()
    password(client)
    with time_machine.travel(timezone.now() + timedelta(minutes=11)):
        assert client.post(STEP, {"code": code()})["Location"] == LOGIN
    password(client)
    enrolled.is_active = False
    enrolled.save()
    assert client.post(STEP, {"code": code()})["Location"] == LOGIN


def test_nobody_starts_at_the_second_step(enrolled):
    assert Client().post(STEP, {"code": code()})["Location"] == LOGIN
    assert Client().get(SET_UP)["Location"] == LOGIN
    assert Client().get("/admin/second-step/qr.svg").status_code == 404


def test_a_recovery_code_opens_once(enrolled):
    paper = doors.new_recovery_codes(enrolled)
    assert len(set(paper)) == 10
    client = Client()
    password(client)
    assert client.post(STEP, {"code": paper[0].upper()}).status_code == 302
    client = Client()
    password(client)
    assert client.post(STEP, {"code": paper[0]}).status_code == 422
    assert client.post(STEP, {"code": paper[1]}).status_code == 302


def test_new_recovery_codes_end_the_old(enrolled):
    old = doors.new_recovery_codes(enrolled)
    doors.new_recovery_codes(enrolled)
    assert not doors.recover(enrolled, old[0])


def test_neither_the_secret_nor_the_codes_can_be_read_in_the_database(enrolled):
    paper = doors.new_recovery_codes(enrolled)
    with connection.cursor() as cursor:
        for table in ("medspa_secondfactor", "medspa_recoverycode"):
            cursor.execute(f"SELECT * FROM {table}")
            stored = str(cursor.fetchall())
            assert SECRET not in stored
            assert not any(line.replace("-", "") in stored for line in paper)


# Setting it up


def test_where_it_is_required_nobody_sees_a_page_before_it_is_set_up(ana, settings):
    settings.STAFF_MFA = "required"
    client = Client()
    assert password(client)["Location"] == SET_UP
    for page in ("/admin/", "/admin/appointments/appointmentrequest/", "/admin/password_change/"):
        assert client.get(page).status_code == 302
    page = client.get(SET_UP).content.decode()
    secret = "".join(re.search(r'class="reference">([A-Z2-7 ]+)<', page)[1].split())
    picture = client.get("/admin/second-step/qr.svg")
    assert picture["Content-Type"].startswith("image/svg+xml")
    assert "no-store" in picture["Cache-Control"]

    assert client.post(SET_UP, {"code": "000000"}).status_code == 422
    answer = client.post(SET_UP, {"code": code(secret)})
    paper = re.findall(r">([a-z2-7]{4}(?:-[a-z2-7]{2,4})+)<", answer.content.decode())
    assert len(paper) == 10
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/second-step/qr.svg").status_code == 404  # shown no more
    assert doors.recover(ana, paper[3])


def test_a_session_without_the_second_step_is_none_where_it_is_required(ana, client, settings):
    client.force_login(ana)
    settings.STAFF_MFA = "required"
    assert client.get("/admin/").status_code == 302


def test_where_it_is_offered_it_can_be_set_up_and_is_asked_from_then_on(ana, client):
    password(client)
    assert "Set up the second step" in client.get("/admin/second-step/mine/").content.decode()
    page = client.get(SET_UP).content.decode()
    secret = "".join(re.search(r'class="reference">([A-Z2-7 ]+)<', page)[1].split())
    client.post(SET_UP, {"code": code(secret)})
    assert "recovery codes" in client.get("/admin/second-step/mine/").content.decode()
    assert password(Client())["Location"] == STEP


def test_an_unconfirmed_secret_opens_nothing(ana):
    secret = doors.start(ana, site="Clinic").secret
    assert not doors.opens(ana, code(secret))
    assert not doors.has_second_step(ana)


def test_the_owner_takes_it_away_and_the_session_ends(enrolled, client):
    theirs = Client()
    password(theirs)
    theirs.post(STEP, {"code": code()})
    assert theirs.get("/admin/").status_code == 200
    client.force_login(factories.user(is_superuser=True))
    client.post("/admin/auth/user/", {"action": "take_second_step_away", "_selected_action": [enrolled.pk]})
    assert theirs.get("/admin/").status_code == 302
    assert not SecondFactor.objects.exists()
    assert not RecoveryCode.objects.exists()


def test_staff_cannot_take_away_a_colleagues(enrolled, client):
    client.force_login(factories.user("auth.view_user"))
    client.post("/admin/auth/user/", {"action": "take_second_step_away", "_selected_action": [enrolled.pk]})
    assert SecondFactor.objects.exists()


def test_a_script_makes_an_account_that_is_ready(clinic, monkeypatch):
    call_command("open_clinic", "--no-owner", stdout=io.StringIO())
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{GOOD}\n"))
    call_command("create_staff", "ana", "--group", "Front desk", "--totp-secret", SECRET, stdout=io.StringIO())
    client = Client()
    password(client)
    assert client.post(STEP, {"code": code()}).status_code == 302
    for nonsense in ("!!", "ABC"):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{GOOD}\n"))
        with pytest.raises(CommandError, match="totp-secret"):
            call_command("create_staff", "eva", "--group", "Front desk", "--totp-secret", nonsense)
