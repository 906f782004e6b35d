"""backup, restore and check_backup as the owner types them: what they say, and what they refuse."""

import io
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.utils import timezone

from appointments.models import AppointmentRequest
from medspa.backups import archive, copies
from medspa.backups.facts import still_to_run
from medspa.backups.making import Made, back_up
from medspa.backups.refusal import BackupRefused
from medspa.backups.restoring import restore, verify
from medspa.models import Sign
from tests import factories
from tests.site import PROJECT

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
KEY = "correct horse battery staple"
pytestmark = pytest.mark.django_db(transaction=True)


def quiet(_words):
    pass


def make(place, *, key="", keep=0, now=NOON):
    return back_up(place, key=key, keep=keep, now=now, tell=quiet)


def run(*words, **options):
    call_command(*map(str, words), stdout=(out := io.StringIO()), stderr=(err := io.StringIO()), **options)
    return out.getvalue() + err.getvalue()


@pytest.fixture
def disk(tmp_path, clinic):
    """A disk for backups; the clinic has a request and a photo."""
    factories.appointment_request(message="Hello")
    (folder := tmp_path / "disk").mkdir()
    return folder


@pytest.fixture(autouse=True)
def own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path / "own"
    settings.MEDIA_ROOT = settings.VAR_DIR / "media"
    (settings.MEDIA_ROOT / "photos").mkdir(parents=True)
    (settings.MEDIA_ROOT / "photos" / "a.jpg").write_bytes(b"a photo")


def test_a_backup_in_a_folder_gets_a_dated_name_and_is_for_its_owner_alone(disk, settings):
    settings.BACKUP_KEY = KEY
    said = run("backup", disk)
    (file,) = disk.iterdir()
    assert file.name.startswith("127.0.0.1-2")
    assert file.name.endswith("Z.tar.gz.locked")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert str(file) in said
    assert "DATA_KEYS and SECRET_KEY are not in it" in said
    assert run("check_backup", disk).endswith("The last backup is 0 h 0 min old.\n")


def test_a_backup_without_a_key_says_who_can_read_it(disk):
    assert "not locked" in run("backup", disk / "here.tar.gz")
    assert [file.name for file in disk.iterdir()] == ["here.tar.gz"]


def test_a_backup_leaves_a_sign_with_its_sum(disk):
    made = make(disk)
    sign = Sign.objects.of(Sign.BACKUP)
    assert sign.at == NOON
    assert made.sha256 in sign.about
    assert made.file.name in sign.about


def test_it_holds_the_database_the_photos_and_what_waits_in_the_spool(disk, settings):
    (settings.VAR_DIR / "spool" / "aside").mkdir(parents=True)
    (settings.VAR_DIR / "spool" / "aside" / "one").write_bytes(b"sealed")
    manifest = verify(make(disk).file, "")
    assert [name for name, _size, _sum in manifest.members] == [
        "media/photos/a.jpg",
        "spool/aside/one",
        archive.DATABASE,
    ]
    assert manifest.rows["appointments_appointmentrequest"] == 1
    assert manifest.vendor == connection.vendor


def test_nothing_plain_is_left_beside_the_site(disk, settings):
    make(disk, key=KEY)
    assert {path.name for path in settings.VAR_DIR.iterdir()} == {"media", "backup-lock"}


def test_only_the_newest_of_its_own_stay(disk):
    (disk / "127.0.0.1-notes.tar.gz").write_text("mine")
    (disk / "other.example-2026-03-01T120000Z.tar.gz").write_text("of another site")
    for day in range(4):
        made = make(disk, keep=2, now=NOON + timedelta(days=day))
    assert sorted(file.name for file in disk.iterdir()) == [
        "127.0.0.1-2026-03-12T120000Z.tar.gz",
        made.file.name,
        "127.0.0.1-notes.tar.gz",
        "other.example-2026-03-01T120000Z.tar.gz",
    ]


def test_what_a_killed_backup_left_goes_once_it_is_a_day_old(disk, settings):
    names = ["127.0.0.1-2026-03-08T120000Z.tar.gz", "127.0.0.1-2026-03-10T110000Z.tar.gz", "other.example-2026"]
    old, young, of_another = (disk / f".{name}.unfinished" for name in names)
    for left, hours in ((old, 48), (young, 1), (of_another, 48)):
        left.write_text("half")
        os.utime(left, times=((NOON - timedelta(hours=hours)).timestamp(),) * 2)
    (settings.VAR_DIR / "backing-up").mkdir()
    (settings.VAR_DIR / "backing-up" / "database").write_text("half a copy")
    made = make(disk)
    assert sorted(disk.iterdir()) == sorted([made.file, young, of_another])
    assert not (settings.VAR_DIR / "backing-up").exists()


def test_two_backups_of_the_same_second_do_not_meet(disk):
    assert make(disk).file != make(disk).file
    assert len(list(disk.iterdir())) == 2


def test_two_backups_at_once_are_each_whole_or_refused(disk, at_once):
    outcomes = at_once(lambda _number: make(disk), range(4))
    made = [outcome for outcome in outcomes if isinstance(outcome, Made)]
    refused = [str(outcome) for outcome in outcomes if isinstance(outcome, BackupRefused)]
    assert len(made) + len(refused) == 4
    assert made
    assert set(refused) <= {"Another backup or restore is under way. Nothing was done."}
    assert sorted(one.file for one in made) == sorted(disk.iterdir())
    for one in made:
        verify(one.file, "")


@pytest.mark.parametrize(
    ("place", "words"), [("no/such/folder", "There is no folder"), ("there.tar.gz", "There is a file")]
)
def test_a_place_that_cannot_be_right_is_refused(disk, place, words):
    (disk / "there.tar.gz").write_text("older")
    with pytest.raises(CommandError, match=words):
        run("backup", disk / place)
    assert (disk / "there.tar.gz").read_text() == "older"
    assert Sign.objects.of(Sign.BACKUP) is None


LIMITED = """
import os, resource, sys
import django
os.environ["DJANGO_SETTINGS_MODULE"] = "medspa.settings"
django.setup()
import manage, medspa.urls
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
manage.main(["manage.py", "backup", sys.argv[2]])
"""


def test_a_full_disk_leaves_no_half_of_a_backup(site, disk):
    (media := site.folder / "var" / "media" / "photos").mkdir(parents=True)
    older = (disk / "127.0.0.1-2026-03-01T120000Z.tar.gz").write_text("older")
    # While photos are written; while the database is copied.
    for most_bytes, of_photo in ((300_000, 400_000), (100_000, 10)):
        (media / "large.jpg").write_bytes(os.urandom(of_photo))
        done = subprocess.run(
            [sys.executable, "-c", LIMITED, str(most_bytes), str(disk)],
            cwd=PROJECT,
            env={**site.environment, "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert "No backup was made." in done.stderr or "was not copied" in done.stderr
        assert [file.stat().st_size for file in disk.iterdir()] == [older]
        assert not (site.folder / "var" / "backing-up").exists()
    assert "none" in site.manage("shell", "-v", "0", "-c", FRESHNESS)


FRESHNESS = (
    "from django.utils import timezone; from medspa.backups import freshness; print(freshness(timezone.now()).word)"
)


def changed(made, tmp_path, **facts):
    """The same backup, but with other facts in its list, rightly summed."""
    members = {}

    class Kept(io.BytesIO):
        def close(self):
            pass

    manifest = archive.read_archive(made.file, "", lambda name: members.setdefault(name, Kept()))
    for name, value in facts.items():
        setattr(manifest, name, value)
    with (file := tmp_path / "changed").open("wb") as out:
        written = archive.ArchiveWriter(out, "")
        for name, kept in members.items():
            kept.seek(0)
            written.add(name, kept, len(kept.getvalue()))
        written.finish(manifest)
    return file


def refusal(file, **options):
    """Why it is refused, looked at and brought back alike; nothing has changed by it."""
    before = [path for path in sorted(Path(file).parent.rglob("*")) if path.name != "backup-lock"]
    with pytest.raises(BackupRefused) as said:
        restore(file, overwrite=True, now=NOON, tell=quiet, **{"key": "", **options})
    with pytest.raises(BackupRefused) as also:
        verify(file, options.get("key", ""))
    assert str(also.value) == str(said.value)
    assert [path for path in sorted(Path(file).parent.rglob("*")) if path.name != "backup-lock"] == before
    assert AppointmentRequest.objects.get().message == "Hello"
    return str(said.value)


def test_a_backup_of_a_newer_program_is_refused(disk, tmp_path):
    made = make(disk)
    newer = [*made.manifest.migrations, "appointments.9999_from_the_future"]
    assert "Update the program first." in refusal(changed(made, tmp_path, migrations=newer))


def test_what_is_to_be_migrated_after_an_older_backup_is_known():
    every = sorted(f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations)
    assert still_to_run(every) == []
    assert still_to_run(every[:-2]) == every[-2:]


def test_a_backup_of_the_other_database_is_refused_with_the_way_to_go(disk, tmp_path):
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[connection.vendor]
    assert "move_to_postgres" in refusal(changed(make(disk), tmp_path, vendor=other))


def test_a_backup_that_data_keys_do_not_open_is_refused(disk, settings):
    made, ours = make(disk), settings.DATA_KEYS
    settings.DATA_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(BackupRefused, match="DATA_KEYS does not open"):
        verify(made.file, "")
    with pytest.raises(CommandError, match="DATA_KEYS does not open"):
        run("restore", made.file, "--overwrite")
    settings.DATA_KEYS = ours
    assert AppointmentRequest.objects.get().message == "Hello"


def test_a_damaged_backup_changes_nothing(disk, tmp_path):
    words = make(disk).file.read_bytes()
    (tmp_path / "cut").write_bytes(words[:-1000])
    assert "damaged" in refusal(tmp_path / "cut")
    assert "There is no backup" in refusal(tmp_path / "missing")
    (loop := tmp_path / "loop").symlink_to(loop)  # what cannot be opened, even by root
    assert "loop cannot be read here: " in refusal(loop)
    with pytest.raises(CommandError, match="loop cannot be read here: "):
        run("restore", loop, "--verify-only")


def test_a_clinic_that_is_there_is_not_overwritten_unasked(disk):
    made = make(disk)
    AppointmentRequest.objects.update(message="Changed")
    with pytest.raises(CommandError, match="There is a clinic here already: .*--overwrite puts it aside"):
        run("restore", made.file)
    assert AppointmentRequest.objects.get().message == "Changed"


def test_looking_only_says_what_is_in_it_and_changes_nothing(disk):
    made = make(disk)
    AppointmentRequest.objects.update(message="Changed")
    assert "is whole: 1 requests," in run("restore", made.file, "--verify-only")
    assert AppointmentRequest.objects.get().message == "Changed"


def test_check_backup_ends_with_one_line_when_the_last_is_old_missing_or_damaged(disk, capsys):
    with pytest.raises(CommandError, match="There is no backup yet"):
        run("check_backup")
    with pytest.raises(CommandError, match="There is no backup of this site in"):
        run("check_backup", disk)
    make(disk, now=timezone.now() - timedelta(hours=30))
    with pytest.raises(CommandError, match="The last backup is 30 h 0 min old"):
        run("check_backup")
    assert "30 h 0 min" in run("check_backup", "--max-age-hours", "31")
    newest = make(disk, now=timezone.now()).file
    newest.write_bytes(newest.read_bytes()[:-100])
    with pytest.raises(CommandError, match=r"^[^\n]+ The backup is damaged: [^\n]+$"):
        run("check_backup", disk)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite needs no programs")
@pytest.mark.parametrize(("version", "words"), [("", "is not installed"), ("14.9", "is older than the server")])
def test_missing_or_old_programs_of_postgresql_are_named(disk, monkeypatch, tmp_path, version, words):
    monkeypatch.setenv("PATH", str(tmp_path))
    if version:
        (tmp_path / "pg_dump").write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}'\n")
        (tmp_path / "pg_dump").chmod(0o700)
    with pytest.raises(CommandError, match=f"pg_dump {words}.*Install PostgreSQL's client programs of version"):
        run("backup", disk)
    assert list(disk.iterdir()) == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no password")
def test_the_password_is_on_no_command_line(settings, monkeypatch):
    monkeypatch.setitem(connection.settings_dict, "PASSWORD", "secret")
    monkeypatch.setenv("PGSERVICE", "another")
    assert copies.environment()["PGPASSWORD"] == "secret"
    assert "PGSERVICE" not in copies.environment()
