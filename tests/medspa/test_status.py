"""The owner's page says in plain sentences how the site is, and what to do where it is not well."""

import os
import re
import time
from collections import namedtuple
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.urls import reverse
from django.utils import timezone

from appointments import spool
from appointments.models import Message
from medspa import watch
from medspa.management.commands.open_clinic import GROUPS
from medspa.models import Clinic, Sign
from medspa.watch import measures
from tests import factories

pytestmark = pytest.mark.django_db
PAGE = "/admin/status/"
GIGABYTE = 10**9


@pytest.fixture
def open_clinic(db):
    call_command("open_clinic", no_owner=True, verbosity=0)


@pytest.fixture
def owner(client, open_clinic):
    client.force_login(factories.user(group="Owner"))
    return client


@pytest.fixture
def well(clinic, settings, tmp_path):
    """A site that lacks nothing."""
    settings.VAR_DIR = tmp_path
    now = timezone.now()
    for name in (Sign.SENDER, Sign.MAIL, Sign.BACKUP):
        Sign.objects.leave(name, at=now - timedelta(seconds=20))
    Clinic.objects.update(telephone="(520) 621-2211", hours_confirmed=True, street="1 Main Street")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_USE_TLS = "smtp.mirror-mirror.clinic", True
    settings.DEFAULT_FROM_EMAIL = "Mirror Mirror <no-reply@mirror-mirror.clinic>"
    settings.DESK_EMAIL = "desk@mirror-mirror.clinic"
    settings.KEYS_ARE_GIVEN = settings.SERVED_BY_HTTPS = True
    return settings


def findings():
    return {finding.about: finding for finding in [*watch.how_it_runs(), *watch.how_it_is_set_up()]}


def to_mend():
    return {about for about, finding in findings().items() if not finding.is_well}


def test_a_site_that_lacks_nothing_is_well(well):
    assert to_mend() == set()
    assert findings()["Mail"].words == "Mail is flowing. The last message went out a moment ago. None is waiting."
    assert findings()["Message sender"].words == "It was last at work a moment ago."
    assert findings()["Mail server"].words == "Mail goes to smtp.mirror-mirror.clinic, encrypted on the way."


def test_mail_that_is_stuck_or_failed_leads_to_the_outbox(well):
    factories.appointment_request()
    late = timezone.now() - timedelta(minutes=20)
    Message.objects.filter(kind="received").update(due_at=late, queued_at=late)
    Message.objects.exclude(kind="received").update(given_up_at=timezone.now())
    mail = findings()["Mail"]
    assert mail.words == "1 message is not getting through. 1 message is given up within a day."
    assert mail.url == "/admin/appointments/message/?state=stuck"
    assert to_mend() == {"Mail"}
    Message.objects.filter(kind="received").update(sent_at=timezone.now())
    assert findings()["Mail"].url == "/admin/appointments/message/?state=failed"


@pytest.mark.parametrize(("minutes", "is_well"), [(4, True), (6, False), (60 * 24 * 3, False)])
def test_a_sender_that_has_been_silent_for_five_minutes_is_not_at_work(well, minutes, is_well):
    Sign.objects.leave(Sign.SENDER, at=timezone.now() - timedelta(minutes=minutes))
    assert findings()["Message sender"].is_well is is_well


def test_what_was_never_at_work_is_said_to_be_so(well):
    Sign.objects.all().delete()
    assert to_mend() == {"Message sender", "Backup"}
    assert "No message has gone out yet" in findings()["Mail"].words


def test_requests_that_are_kept_in_files_are_told_when_they_stay_there(well):
    spool.keep({"name": "Ana"}, token="a" * 43, sender="", most_of_sender=9)
    assert "1 came while the database was away" in findings()["Requests"].words
    assert to_mend() == set()
    (file,) = (well.VAR_DIR / "spool").glob("*-*")
    os.utime(file, (time.time() - 3600,) * 2)
    assert to_mend() == {"Requests"}
    (well.VAR_DIR / "spool" / "aside").mkdir()
    file.rename(well.VAR_DIR / "spool" / "aside" / file.name)
    assert findings()["Requests"].words.startswith("1 that the database refused could not be stored")
    assert to_mend() == {"Requests"}


def test_an_old_backup_is_told(well):
    Sign.objects.leave(Sign.BACKUP, at=timezone.now() - timedelta(hours=50))
    assert findings()["Backup"].words == "The last backup is 50 h 0 min old."
    assert to_mend() == {"Backup"}


@pytest.mark.parametrize(
    ("size", "free", "is_well"),
    [(100, 50, True), (100, 10, True), (100, 9, False), (5, 2, True), (5, 0.9, False)],
)
def test_a_disk_that_fills_is_told(well, monkeypatch, size, free, is_well):
    usage = namedtuple("Usage", "total used free")(size * GIGABYTE, 0, int(free * GIGABYTE))
    monkeypatch.setattr(measures.shutil, "disk_usage", lambda _folder: usage)
    assert findings()["Disk"].is_well is is_well


@pytest.mark.parametrize(
    ("changed", "about"),
    [
        ({"EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend"}, "Mail server"),
        ({"EMAIL_USE_TLS": False}, "Mail server"),
        ({"DEFAULT_FROM_EMAIL": "Mirror Mirror Med Spa <no-reply@localhost>"}, "Mail addresses"),
        ({"DESK_EMAIL": "front-desk@localhost"}, "Mail addresses"),
        ({"DESK_EMAIL": "desk@clinic.example"}, "Mail addresses"),
        ({"KEYS_ARE_GIVEN": False}, "Keys"),
        ({"SERVED_BY_HTTPS": False}, "Address of the site"),
    ],
)
def test_what_was_forgotten_when_the_site_was_set_up_is_told(well, changed, about):
    for name, value in changed.items():
        setattr(well, name, value)
    assert to_mend() == {about}


def test_a_mail_server_on_this_machine_needs_no_encryption(well):
    well.EMAIL_USE_TLS, well.EMAIL_HOST = False, "localhost"
    assert to_mend() == set()


def test_placeholders_lead_to_the_clinics_page(well):
    Clinic.objects.update(street="")
    facts = findings()["The clinic's facts"]
    assert (facts.words, facts.url) == ("The street address is empty.", "/admin/medspa/clinic/1/change/")


def test_a_database_of_an_older_version_is_told(well):
    MigrationRecorder.Migration.objects.filter(app="medspa").order_by("-id")[:1].get().delete()
    assert findings()["Database"].words == "1 of this version's changes have not been made to it."
    assert to_mend() == {"Database"}


def test_the_facts_name_the_version_the_database_and_the_folder(settings):
    facts = watch.what_it_is()
    assert re.fullmatch(r"\d+\.\d+", facts["Version"])
    assert re.match(r"(SQLite 3\.\d|PostgreSQL \d\d)[\d.]*, [\d.]+\xa0[KMGT]?B", facts["Database"]), facts["Database"]
    assert facts["Folder"] == str(settings.VAR_DIR)


def test_the_page_says_each_thing_and_what_to_do(owner):
    page = owner.get(PAGE).content.decode()
    for finding in findings().values():
        assert finding.about.replace("'", "&#x27;") in page
    assert "sudo systemctl restart medspa-sender" in page
    assert page.count("Needs you") == len(to_mend())
    assert f"{len(to_mend())} things need you." in page


def test_the_page_names_no_patient_and_no_secret(owner, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST_PASSWORD = "s3cr3t-words"
    factories.appointment_request(full_name="Canaryname Quetzal", email="canary@example.com")
    page = owner.get(PAGE).content.decode()
    assert not [word for word in ("Canaryname", "canary@", "s3cr3t", settings.SECRET_KEY) if word in page]
    assert not [key for key in settings.DATA_KEYS if key in page]


@pytest.mark.parametrize("group", [*GROUPS, ""])
def test_the_status_is_for_the_owner_alone(client, open_clinic, group):
    client.force_login(factories.user(group=group) if group else factories.user())
    is_owner = group == "Owner"
    assert client.get(PAGE).status_code == (200 if is_owner else 403)
    assert (PAGE in client.get("/admin/").content.decode()) == is_owner


def test_nobody_is_asked_to_sign_in(client, clinic):
    answer = client.get(PAGE)
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={PAGE}")


def test_it_is_only_read(owner):
    assert owner.post(PAGE).status_code == 405


def test_signs_have_no_list(owner):
    assert owner.get("/admin/medspa/sign/").status_code == 404
    assert reverse("status") == PAGE


@pytest.mark.parametrize("rows", [1, 30])
def test_the_page_takes_the_same_queries_for_any_number(owner, django_assert_num_queries, rows):
    for _ in range(rows):
        factories.appointment_request()
    watch.how_it_is_set_up()
    with django_assert_num_queries(11 if connection.vendor == "sqlite" else 12):
        owner.get(PAGE)


def test_the_first_page_tells_the_owner_what_needs_them(owner):
    page = owner.get("/admin/").content.decode()
    assert "The site needs you (2)</a>" in page
    assert "Message sender</a>" in page
    for name in (Sign.SENDER, Sign.BACKUP):
        Sign.objects.leave(name, at=timezone.now())
    assert "The site is well</a>" in owner.get("/admin/").content.decode()
