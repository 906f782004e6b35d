import os
import stat
import tomllib
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.password_validation import validate_password
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone

from appointments.models import SavedReply
from medspa.management.commands import open_clinic
from medspa.models import Clinic
from treatments.models import Benefit, Provider, Treatment

pytestmark = pytest.mark.django_db

REPLYING = {f"appointments.{verb}_savedreply" for verb in ("view", "add", "change", "delete")}


@pytest.fixture(autouse=True)
def empty_site(settings, tmp_path):
    """A site on which nothing has happened, with a folder of its own."""
    settings.VAR_DIR = tmp_path
    for model in (Clinic, Treatment, Provider, SavedReply, Group, User):
        model.objects.all().delete()


def open_the_clinic(*options):
    said = StringIO()
    call_command("open_clinic", *options, stdout=said)
    return said.getvalue()


def everything():
    models = (Clinic, Treatment, Benefit, Provider, SavedReply, User, Group.permissions.through)
    return [list(model.objects.order_by("pk").values_list()) for model in models]


def permissions_of(group):
    rows = Permission.objects.filter(group__name=group).values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in rows}


def test_the_clinic_opens_with_its_facts_and_says_so():
    said = open_the_clinic()
    clinic = Clinic.objects.current()
    assert said.startswith("Clinic: opened Mirror Mirror Med Spa")
    assert (clinic.name, clinic.site_name, clinic.town) == ("Mirror Mirror Med Spa", "Tucson Med Spa", "Tucson")
    assert (clinic.region, clinic.region_code, clinic.street) == ("Arizona", "AZ", "")
    assert (clinic.telephone, clinic.time_zone) == ("(520) 555-0142", "America/Phoenix")
    assert [*clinic.week()] == [("Tuesday to Saturday", "9 am to 5 pm"), ("Monday and Sunday", "Closed")]
    assert len(clinic.placeholders) == 3


def test_there_is_something_to_ask_for_and_somewhere_to_book_from_the_first_day():
    open_the_clinic()
    rows = Treatment.objects.published().order_by("language")
    assert [*rows.values_list("slug", "language")] == [("microneedling", "en"), ("microneedling", "es")]
    assert [*Provider.objects.filter(is_active=True).values_list("name", flat=True)] == ["Treatment room"]


def test_the_desk_has_the_same_replies_ready_in_both_languages():
    open_the_clinic()
    names = {language: [*of_the(language)] for language in ("en", "es")}
    assert names["en"] == names["es"] == ["No time is free then", "See you soon", "We tried to call"]


def of_the(language):
    return SavedReply.objects.filter(language=language).values_list("name", flat=True)


def test_what_is_seeded_would_pass_the_desks_own_forms():
    open_the_clinic()
    Clinic.objects.get().full_clean()
    for reply in SavedReply.objects.all():
        reply.full_clean()
    for treatment in Treatment.objects.all():
        treatment.full_clean()
        for name in open_clinic.LISTS:
            points = getattr(treatment, name).all()
            assert [point.position for point in points] == list(range(1, len(points) + 1))
            for point in points:
                point.full_clean()


def test_opening_twice_changes_nothing():
    open_the_clinic()
    before = everything()
    said = open_the_clinic()
    assert everything() == before
    assert "added" not in said
    assert "Owner: there is one." in said


def test_what_staff_edited_stays_as_they_left_it():
    open_the_clinic()
    Clinic.objects.update(telephone="(520) 621-2211")
    Treatment.objects.update(summary="Ours.", status=Treatment.Status.DRAFT)
    Provider.objects.update(name="Room 1")
    SavedReply.objects.filter(language="es").delete()
    SavedReply.objects.update(text="Ours.")
    before = everything()
    open_the_clinic()
    assert everything() == before


def test_a_treatment_that_staff_deleted_does_not_come_back():
    open_the_clinic()
    Treatment.objects.all().delete()
    Provider.objects.all().delete()
    open_the_clinic()
    assert not Treatment.objects.exists()
    assert not Provider.objects.exists()


def test_a_treatment_that_was_there_before_the_clinic_is_left_alone():
    Treatment.objects.create(name="Ours", slug="microneedling", summary="Ours.")
    open_the_clinic()
    assert Treatment.objects.get().summary == "Ours."
    assert not Benefit.objects.exists()


def test_each_group_may_do_what_its_people_do():
    open_the_clinic()
    assert (
        permissions_of("Front desk") - REPLYING - {"appointments.view_mailwording"}
        == permissions_of("Clinician") - {"appointments.view_healthanswer"}
        == {
            "appointments.view_appointmentrequest",
            "appointments.work_appointmentrequest",
            "appointments.view_appointment",
            "appointments.view_event",
            "appointments.view_message",
            "treatments.view_provider",
            "appointments.view_providerhours",
            "appointments.view_timeoff",
            "appointments.add_timeoff",
            "appointments.change_timeoff",
            "appointments.delete_timeoff",
        }
    )
    assert permissions_of("Front desk") > REPLYING
    editor = permissions_of("Editor")
    assert {permission.split(".")[0] for permission in editor} == {"medspa", "treatments"}
    assert {"treatments.change_treatment", "medspa.change_clinic", "medspa.add_closure"} <= editor
    assert not {"medspa.delete_clinic", "treatments.change_provider"} & editor
    assert permissions_of("Owner") > editor | permissions_of("Front desk") | {"auth.add_user", "auth.change_group"}


def test_a_missing_permission_is_given_back_and_an_extra_one_is_left():
    open_the_clinic()
    desk = Group.objects.get(name="Front desk")
    desk.permissions.remove(Permission.objects.get(codename="view_message"))
    desk.permissions.add(Permission.objects.get(codename="view_treatment"))
    assert "Group Front desk: 1 permission added." in open_the_clinic()
    assert {"appointments.view_message", "treatments.view_treatment"} <= permissions_of("Front desk")


def test_a_permission_that_does_not_exist_stops_everything_with_one_line(monkeypatch):
    monkeypatch.setitem(open_clinic.GROUPS, "Editor", ["treatments.bless_treatment"])
    with pytest.raises(CommandError, match=r"no permission 'treatments\.bless_treatment'.*Editor"):
        open_the_clinic()
    assert not Clinic.objects.exists()
    assert not Group.objects.exists()


def test_the_first_owner_can_sign_in_with_what_the_file_says(tmp_path):
    said = open_the_clinic()
    kept = tmp_path / "first-login.txt"
    username, password = kept.read_text().splitlines()
    owner = authenticate(username=username, password=password)
    assert owner.is_staff
    assert owner.is_superuser
    assert [group.name for group in owner.groups.all()] == ["Owner"]
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert os.listdir(tmp_path) == ["first-login.txt"]
    assert said.count(password) == 1


def test_the_password_is_long_enough_to_keep_and_plain_enough_to_say():
    groups = len(open_clinic.CONSONANTS) ** 3 * len(open_clinic.VOWELS) ** 2
    assert groups**open_clinic.PASSWORD_GROUPS >= 2**128
    password = open_clinic.speakable_password()
    assert password != open_clinic.speakable_password()
    assert [len(group) for group in password.split("-")] == [5] * 8
    validate_password(password, User(username="owner"))


def test_a_site_that_nobody_can_own_gets_an_owner_under_a_free_name(tmp_path):
    User.objects.create_superuser("owner", password="tall-green-saguaro", is_active=False)
    open_the_clinic()
    assert (tmp_path / "first-login.txt").read_text().startswith("owner2\n")


@pytest.mark.parametrize("by_group", [True, False])
def test_an_owner_of_either_kind_is_owner_enough(by_group, tmp_path):
    open_the_clinic("--no-owner")
    somebody = User.objects.create_user("ana", is_staff=True, is_superuser=not by_group)
    if by_group:
        somebody.groups.add(Group.objects.get(name="Owner"))
    open_the_clinic()
    assert User.objects.get() == somebody
    assert os.listdir(tmp_path) == []


def test_no_account_is_made_where_none_is_wanted(tmp_path):
    assert "Owner" not in open_the_clinic("--no-owner").replace("Group Owner", "")
    assert not User.objects.exists()
    assert os.listdir(tmp_path) == []


def test_a_password_that_cannot_be_kept_leaves_no_account(monkeypatch):
    def full(*args):
        raise OSError("No space left on device")

    monkeypatch.setattr(open_clinic, "write_durably", full)
    with pytest.raises(OSError, match="No space"):
        open_the_clinic()
    assert not User.objects.exists()
    assert not Clinic.objects.exists()


def test_the_login_is_on_disk_before_the_account_is_committed(monkeypatch, tmp_path):
    order = []
    monkeypatch.setattr(open_clinic.os, "fsync", lambda handle: order.append(connection.in_atomic_block))
    open_the_clinic()
    assert order == [True, True]  # the file, then its folder


def first_login(tmp_path):
    open_the_clinic()
    return (tmp_path / "first-login.txt").read_text().splitlines()


def sign_in(username, password):
    client = Client()
    return client, client.post("/admin/login/", {"username": username, "password": password})


def test_the_first_password_opens_for_a_week_and_says_so(settings, tmp_path):
    settings.STAFF_MFA = "offered"
    username, password = first_login(tmp_path)
    with time_machine.travel(timezone.now() + timedelta(days=6, hours=23), tick=False):
        client, answer = sign_in(username, password)
        assert answer["Location"] == "/admin/"
        assert "Your password was made for you. Change it: it opens until " in client.get("/admin/").text
    with time_machine.travel(timezone.now() + timedelta(days=7), tick=False):
        client, answer = sign_in(username, password)
        assert answer.status_code == 403
        assert "manage.py changepassword owner" in answer.text
        assert client.get("/admin/").status_code == 302


def test_a_password_of_ones_own_ends_the_first_one(settings, tmp_path):
    settings.STAFF_MFA = "offered"
    username, password = first_login(tmp_path)
    client, _answer = sign_in(username, password)
    change = {"old_password": password, "new_password1": password, "new_password2": password}
    assert "Choose your own" in client.post("/admin/password_change/", change).text
    change |= dict.fromkeys(["new_password1", "new_password2"], "tall-green-saguaro")
    assert client.post("/admin/password_change/", change).status_code == 302
    assert "Your password was made for you" not in client.get("/admin/").text
    with time_machine.travel(timezone.now() + timedelta(days=70), tick=False):
        assert sign_in(username, "tall-green-saguaro")[1]["Location"] == "/admin/"


def test_changepassword_opens_again_after_the_week(settings, tmp_path, monkeypatch):
    settings.STAFF_MFA = "offered"
    username, _password = first_login(tmp_path)
    typed = "django.contrib.auth.management.commands.changepassword.getpass.getpass"
    monkeypatch.setattr(typed, lambda prompt: "tall-green-saguaro")
    with time_machine.travel(timezone.now() + timedelta(days=8), tick=False):
        call_command("changepassword", username, stdout=StringIO())
        assert sign_in(username, "tall-green-saguaro")[1]["Location"] == "/admin/"


def test_two_processes_that_open_at_once_open_one_clinic(at_once, tmp_path):
    outcomes = at_once(lambda _number: open_the_clinic(), [1, 2])
    assert sorted("opened" in said for said in outcomes) == [False, True]
    assert (Clinic.objects.count(), Treatment.objects.count(), Provider.objects.count()) == (1, 2, 1)
    assert (Benefit.objects.count(), Group.objects.count(), User.objects.count()) == (16, 4, 1)
    username, password = (tmp_path / "first-login.txt").read_text().splitlines()
    assert authenticate(username=username, password=password)


def test_every_file_of_opening_content_can_be_read():
    for file in open_clinic.OPENING_CONTENT.glob("*.toml"):
        assert tomllib.loads(file.read_text(encoding="utf-8"))
