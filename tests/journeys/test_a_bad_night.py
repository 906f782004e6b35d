"""The machine is gone. What was acknowledged before the backup began comes back from it, with the keys."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.db import connection

from tests.site import PROJECT, keep_sending, send_request, visitor

VISITORS = 4
BEFORE = 12  # requests that are acknowledged before the backup begins
ADDS_MORE = """
from io import BytesIO
from django.core.files.base import ContentFile
from PIL import Image
from appointments import workflow
from appointments.models import AppointmentRequest
from appointments.workflow.patients import Answered
from treatments.models import Photo, Treatment
for row in AppointmentRequest.objects.all():
    answers = [Answered("Are you pregnant?", "Ask.", "yes"), Answered("Do you take blood thinners?", "", "no")]
    workflow.answer_health_check(row, answers=answers)
Image.new("RGB", (1200, 800), "teal").save(picture := BytesIO(), "JPEG")
picture = ContentFile(picture.getvalue(), "room.jpg")
Photo.objects.create(treatment=Treatment.objects.first(), image=picture, alt="A room")
"""
MORNING = {"message": "I would come in the morning."}
TELLS = """
import json
from appointments.models import AppointmentRequest
from treatments.models import Photo
told = {
    row.reference: [
        row.message,
        sorted(answer.answer for answer in row.health_answers.all()),
        sorted(mail.text for mail in row.messages.all()),
    ]
    for row in AppointmentRequest.objects.prefetch_related("health_answers", "messages")
}
print(json.dumps([told, [name for photo in Photo.objects.all() for name in photo.image.files]]))
"""


def wait_until(true, seconds=120):
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until
        time.sleep(0.05)


def told(site):
    return json.loads(site.manage("shell", "-v", "0", "-c", TELLS))


def lose_everything(site):
    """The database and the folder of the site, but for the keys, which the owner kept elsewhere."""
    site.kill()
    var = site.folder / "var"
    keys = {name: (var / name).read_text() for name in ("data_keys.txt", "secret_key.txt")}
    shutil.rmtree(var)
    var.mkdir()
    for name, words in keys.items():
        (var / name).write_text(words)
    if site.server_url:
        site._on_server(f'DROP DATABASE "{site.database}" WITH (FORCE)')
        site._on_server(f'CREATE DATABASE "{site.database}"')


def manage(site, *command):
    """What a command says, and its exit code."""
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=PROJECT,
        env=site.environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout + done.stderr


def test_every_request_acknowledged_before_the_backup_comes_back_with_its_messages_and_answers(site, tmp_path):
    (disk := tmp_path / "disk").mkdir()
    site.environment["BACKUP_KEY"] = "correct horse battery staple"
    site.start(sender=True)
    acknowledged, stop = [], threading.Event()
    visitors = [
        threading.Thread(target=keep_sending, args=(site, acknowledged, stop), kwargs=MORNING) for _ in range(VISITORS)
    ]
    for thread in visitors:
        thread.start()
    wait_until(lambda: len(acknowledged) >= BEFORE)
    site.manage("shell", "-v", "0", "-c", ADDS_MORE)
    (site.folder / "var" / "spool").mkdir(exist_ok=True)
    (site.folder / "var" / "spool" / "waits").write_text("sealed")
    before, (was, pictures) = list(acknowledged), told(site)
    (code, said) = manage(site, "backup", str(disk))
    assert code == 0, said
    wait_until(lambda: len(acknowledged) > len(before) + VISITORS)
    stop.set()
    for thread in visitors:
        thread.join(timeout=30)
    assert pictures

    lose_everything(site)
    assert manage(site, "check_backup", str(disk))[1].count("is whole") == 1
    (backup,) = disk.iterdir()
    code, said = manage(site, "restore", str(backup))
    assert code == 0, said
    assert "All is well in it." in said

    now, pictures_now = told(site)
    assert {reference for _address, reference in before} <= set(now)
    for reference, (message, answers, mails) in was.items():
        assert now[reference][:2] == [message, answers]
        assert set(mails) <= set(now[reference][2])
    assert sum(answers == ["no", "yes"] for _message, answers, _mails in now.values()) >= BEFORE
    assert pictures_now == pictures
    assert all((site.folder / "var" / "media" / name).stat().st_size for name in pictures)
    assert (site.folder / "var" / "spool" / "waits").read_text() == "sealed"
    assert site.manage("check_integrity") == "All is well.\n"

    site.manage("collectstatic", "--noinput", "-v", "0")
    site.start()
    for address, reference in before:
        assert reference in visitor().open(address).read().decode()
    assert send_request(site)


def test_a_restore_that_is_killed_anywhere_leaves_the_old_clinic_or_the_new(site, tmp_path):
    backup, rounds = tmp_path / "backup", []
    media = site.folder / "var" / "media"
    (media / "photos").mkdir(parents=True)
    (media / "photos" / "old.jpg").write_text("of the backup")
    (media / "photos" / "both.jpg").write_text("of the backup")
    site.manage("seed_requests", "30")
    site.manage("backup", str(backup))
    for kill_at in KILLS:
        many = int(site.manage("shell", "-v", "0", "-c", GROWS.format(seed=len(rounds) + 2)))
        (media / "photos" / "old.jpg").unlink()
        (media / "photos" / "both.jpg").write_text("of now")
        (media / "photos" / "new.jpg").write_text("of now")
        assert run_killed(site, kill_at, backup) == -signal.SIGKILL, kill_at
        found = int(site.manage("shell", "-v", "0", "-c", IS_SOUND))
        assert found in {30, many}, kill_at
        rounds.append(found == 30)
        photos = {path.name: path.read_text() for path in (media / "photos").iterdir()}
        assert set(photos) >= ({"old.jpg", "both.jpg"} if found == 30 else {"new.jpg", "both.jpg"}), kill_at
        assert found == 30 or photos["both.jpg"] == "of now", kill_at
        code, said = manage(site, "restore", str(backup), "--overwrite")
        assert code == 0, said
        assert {path.name: path.read_text() for path in (media / "photos").iterdir()} == {
            "old.jpg": "of the backup",
            "both.jpg": "of the backup",
        }
    assert set(rounds) == {False, True}


KILLS = [
    "medspa.backups.restoring.read_archive",
    "medspa.backups.restoring._lay_beside",
    "medspa.backups.restoring.os.sync",
    "medspa.backups.restoring._put_aside",
    "{into}._change",
]
GROWS = """
from django.core.management import call_command
from appointments.models import AppointmentRequest
call_command("seed_requests", "7", "--seed", "{seed}", stdout=open("/dev/null", "w"))
print(AppointmentRequest.objects.count())
"""
IS_SOUND = """
from django.core.management import call_command
from appointments.models import AppointmentRequest
call_command("check_integrity", stdout=open("/dev/null", "w"))
print(AppointmentRequest.objects.count())
"""
DIES = """
import importlib, os, signal, sys
import django
django.setup()
from django.core.management import call_command
from django.db import connection
into = "medspa.backups.into_" + ("postgres" if connection.vendor == "postgresql" else "sqlite")
room, _dot, name = sys.argv[1].format(into=into).rpartition(".")
place = importlib.import_module(room) if not room.endswith(".os") else os
setattr(place, name, lambda *_given, **_named: os.kill(os.getpid(), signal.SIGKILL))
call_command("restore", sys.argv[2], "--overwrite")
"""


def run_killed(site, kill_at, backup):
    """Restore in a process that dies at once where it would call `kill_at`."""
    environment = {**site.environment, "DJANGO_SETTINGS_MODULE": "medspa.settings"}
    command = [sys.executable, "-c", DIES, kill_at, str(backup)]
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, timeout=120).returncode


def test_a_restore_is_refused_while_the_site_runs(site, tmp_path):
    backup = tmp_path / "backup"
    site.start(sender=True)
    assert send_request(site)
    site.manage("backup", str(backup))
    code, said = manage(site, "restore", str(backup), "--overwrite")
    assert code == 1
    assert "Stop it first." in said
    assert len(said.splitlines()) == 1
    assert send_request(site)
    site.stop()
    assert len(site.manage("list_requests").splitlines()) == 2
    assert manage(site, "restore", str(backup), "--overwrite")[0] == 0
    assert len(site.manage("list_requests").splitlines()) == 1


COMES = """
import subprocess, sys
import django
django.setup()
from django.core.management import CommandError, call_command
from django.db import connection
from medspa.backups import restoring
lay_beside, name = restoring._lay_beside, connection.settings_dict["NAME"]

def lay_beside_while_the_site_starts(*given):
    lay_beside(*given)
    if connection.vendor == "sqlite":
        site.append(subprocess.Popen(["sleep", "60"], stdin=open(name)))
    else:
        site.append(connection.copy())
        site[0].ensure_connection()

site, restoring._lay_beside = [], lay_beside_while_the_site_starts
try:
    call_command("restore", sys.argv[1], "--overwrite")
except CommandError as refusal:
    print(refusal)
site[0].kill() if connection.vendor == "sqlite" else site[0].close()
"""


def test_a_site_that_is_started_while_a_backup_is_brought_back_keeps_its_database(site, tmp_path):
    backup = tmp_path / "backup"
    site.manage("seed_requests", "30")
    site.manage("backup", str(backup))
    site.manage("seed_requests", "5", "--seed", "2")
    environment = {**site.environment, "DJANGO_SETTINGS_MODULE": "medspa.settings"}
    command = [sys.executable, "-c", COMES, str(backup)]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.endswith("Stop it first.\n"), done.stdout + done.stderr
    assert len(site.manage("list_requests").splitlines()) == 35


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL keeps its own files")
def test_a_damaged_database_is_not_backed_up_and_is_put_aside_as_it_is(site, tmp_path):
    backup, damaged = tmp_path / "backup", site.folder / "var" / "clinic.sqlite3"
    site.manage("seed_requests", "30")
    site.manage("backup", str(backup))
    with damaged.open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(200_000))
    words = damaged.read_bytes()
    code, said = manage(site, "backup", str(tmp_path / "another"))
    assert (code, len(said.splitlines())) == (1, 1), said
    assert not (tmp_path / "another").exists()
    assert manage(site, "restore", str(backup))[0] == 1
    assert manage(site, "restore", str(backup), "--overwrite")[0] == 0
    assert len(site.manage("list_requests").splitlines()) == 30
    (aside,) = damaged.parent.glob("clinic.sqlite3.before_restore_*")
    assert aside.read_bytes() == words


@pytest.fixture(autouse=True)
def no_stray_files(site):
    yield
    left = [path.name for path in Path(site.folder / "var").iterdir() if path.name in {"backing-up", "restoring"}]
    assert left == []
