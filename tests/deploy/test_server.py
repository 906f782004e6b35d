"""The program that puts the site on a server: what it says it will do, and what it writes down."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from medspa.backups.locked_box import read_key
from medspa.environment import SECRET_LENGTH
from tests.site import PROJECT

sys.path.insert(0, str(PROJECT / "deploy"))
import server  # noqa: E402  (a program of its own beside the site)

UNITS = {file.name for file in (PROJECT / "deploy" / "systemd").iterdir()}


@pytest.fixture
def ready(monkeypatch, tmp_path):
    """A server that has what is needed, and no site yet."""
    monkeypatch.setattr(server, "insist_on_what_is_needed", lambda **_how: None)
    for name in ("ENVIRONMENT", "TLS", "RELEASES", "CURRENT", "SITES", "BACKUPS", "UNITS"):
        monkeypatch.setattr(server, name, tmp_path / name)


def test_a_dry_run_says_every_step_in_order_and_changes_nothing(ready, tmp_path, capsys):
    assert server.main(["install", "clinic.example", "--dry-run"]) == 0
    said = capsys.readouterr().out
    steps = ("useradd", "write", "deploy/install.py", "migrate", "open_clinic", "collectstatic", "CURRENT ->",
             "systemctl restart", "export_pages", "nginx -t", "reload-or-restart nginx")  # fmt: skip
    places = [said.index(step) for step in steps]
    assert places == sorted(places)
    assert {unit for unit in UNITS if f"{server.UNITS / unit}\n" in said} == UNITS
    assert not any(tmp_path.iterdir())


def test_settings_that_were_put_back_by_hand_stay_and_are_for_root_alone(ready, monkeypatch):
    server.ENVIRONMENT.write_text("ALLOWED_HOSTS='clinic.example'")
    monkeypatch.setattr(server, "arrive", lambda *_whom: None)
    server.install("clinic.example", hands := Fumbling())
    assert f"chmod 0600 {server.ENVIRONMENT}" in hands.did
    assert server.ENVIRONMENT.read_text() == "ALLOWED_HOSTS='clinic.example'"


@pytest.mark.parametrize(
    "name", ["localhost", "clinic", "https://clinic.example", "clinic.example; rm", "-x.example", ""]
)
def test_a_name_that_is_none_is_refused_before_anything_happens(ready, name, capsys):
    with pytest.raises(server.CannotGoOn, match="is no name of a site"):
        server.install(name, server.Hands(dry=True))
    assert "+" not in capsys.readouterr().out


def test_an_upgrade_needs_something_to_upgrade(ready):
    with pytest.raises(server.CannotGoOn, match="Install first"):
        server.main(["upgrade", "--dry-run"])


def test_going_back_skips_what_was_never_well_and_old_ones_are_forgotten(ready, tmp_path, monkeypatch, capsys):
    names = [f"2026110{day}-120000" for day in range(1, 7)]
    for name in names:
        (server.RELEASES / name).mkdir(parents=True)
        (server.RELEASES / name / "deploy").symlink_to(PROJECT / "deploy")
        if name != names[4]:  # its upgrade broke off
            (server.RELEASES / name / server.RAN).touch()
    server.CURRENT.symlink_to(server.RELEASES / names[5])
    server.ENVIRONMENT.write_text("ALLOWED_HOSTS='clinic.example'")
    server.main(["back", "--dry-run"])
    assert f"{server.CURRENT} -> {server.RELEASES / names[3]}\n" in capsys.readouterr().out

    server.forget_old_releases(server.Hands(dry=False), server.RELEASES / names[5])
    assert sorted(one.name for one in server.RELEASES.iterdir()) == [names[2], names[3], names[5]]

    server.CURRENT.unlink()
    server.CURRENT.symlink_to(server.RELEASES / names[2])
    with pytest.raises(server.CannotGoOn, match="no older release"):
        server.main(["back", "--dry-run"])


class Fumbling(server.Hands):
    """Does nothing, keeps what it was to do, and fails at the first step that has the word."""

    def __init__(self, word: str = "nothing of the kind"):
        super().__init__(dry=True)
        self.word, self.did = word, []

    def run(self, *command, user=""):
        self.did.append(" ".join(command))
        if self.word in self.did[-1]:
            raise server.CannotGoOn(f"This failed: {self.did[-1]}")


def has_units(*without: str) -> None:
    """The server has the units of a release that did not know some."""
    server.UNITS.mkdir()
    for unit in UNITS - {*without}:
        (server.UNITS / unit).touch()


NEW = ("medspa-retention.timer", "medspa-retention.service")


def test_an_upgrade_starts_a_timer_that_the_release_before_did_not_have(ready, monkeypatch, capsys):
    server.ENVIRONMENT.write_text("ALLOWED_HOSTS='clinic.example'")
    has_units(*NEW)
    server.upgrade(hands := Fumbling())
    said = capsys.readouterr().out
    assert all(f"+ write {server.UNITS / unit}\n" in said for unit in NEW)
    assert {unit for unit in UNITS if unit.endswith(".timer")} == set(server.TIMERS)
    enabled, started = (next(one for one in hands.did if f"systemctl {verb}" in one) for verb in ("enable", "start"))
    assert set(enabled.split()[3:]) == set(server.STARTED)
    assert set(started.split()[2:]) == {"medspa-web.socket", *server.TIMERS}
    assert hands.did.index("systemctl daemon-reload") < hands.did.index(enabled) < hands.did.index(started)
    assert not any("disable" in step for step in hands.did)


def test_going_back_to_a_release_that_does_not_know_a_timer_takes_it_away(ready, tmp_path):
    former = tmp_path / "former"
    shutil.copytree(PROJECT / "deploy", former / "deploy", ignore=shutil.ignore_patterns(*NEW))
    has_units()
    server.start_units(hands := Fumbling(), former)
    assert [step for step in hands.did if "medspa-retention" in step] == [
        f"systemctl disable --quiet --now {' '.join(NEW)}",
        f"rm {server.UNITS / NEW[0]} {server.UNITS / NEW[1]}",
    ]
    assert hands.did[2] == "systemctl daemon-reload"


@pytest.fixture
def lost(ready, tmp_path):
    """A server with an empty clinic, and a backup in somebody's home."""
    has_units()
    server.CURRENT.mkdir()
    server.BACKUPS.mkdir()
    backup = tmp_path / "clinic.example-2026-11-28T005028Z.tar.gz.locked"
    backup.touch()
    return backup


def test_a_backup_is_given_to_the_site_looked_at_and_brought_back_between_stop_and_start(lost):
    server.restore(lost, hands := Fumbling())
    mine = str(server.BACKUPS / lost.name)
    steps = (f"cp {lost} {mine}", f"chown medspa:medspa {mine}", f"restore --verify-only {mine}",
             "systemctl stop", f"restore --overwrite {mine}", "migrate", "systemctl start", "check_integrity",
             "export_pages")  # fmt: skip
    said = "\n".join(hands.did)
    places = [said.index(step) for step in steps]
    assert places == sorted(places)
    stopped, started = (next(one for one in hands.did if f"systemctl {verb}" in one) for verb in ("stop", "start"))
    assert set(started.split()[2:]) == set(server.STARTED)
    assert set(stopped.split()[2:]) == {*server.STARTED, "medspa-backup.service", "medspa-retention.service"}


def test_a_restore_by_a_newer_program_asks_nothing_of_a_unit_that_is_not_there_yet(lost):
    for unit in NEW:
        (server.UNITS / unit).unlink()
    server.restore(lost, hands := Fumbling())
    assert any("systemctl stop" in step for step in hands.did)
    assert not any("retention" in step for step in hands.did)


def test_a_backup_that_lies_with_the_others_is_not_copied(lost):
    there = lost.rename(server.BACKUPS / lost.name)
    server.restore(there, hands := Fumbling())
    assert not any(step.startswith("cp ") for step in hands.did)


def test_a_backup_that_is_refused_stops_nothing(lost):
    with pytest.raises(server.CannotGoOn, match="verify-only"):
        server.restore(lost, hands := Fumbling("--verify-only"))
    assert not any("systemctl" in step for step in hands.did)


def test_a_restore_that_fails_starts_the_old_clinic_again(lost):
    with pytest.raises(server.CannotGoOn, match="--overwrite"):
        server.restore(lost, hands := Fumbling("--overwrite"))
    assert hands.did[-1].startswith("systemctl start medspa-web.socket ")


def test_a_restore_says_what_is_missing(lost, tmp_path):
    lost.rename(server.BACKUPS / lost.name)
    for asked, words in (([str(lost)], f"There is no backup {lost}."), ([], r"Which backup\?")):
        with pytest.raises(server.CannotGoOn, match=rf"{words} Those of this server:\n.*{lost.name}$"):
            server.main(["restore", *asked])
    server.CURRENT.rmdir()
    with pytest.raises(server.CannotGoOn, match="Install first"):
        server.main(["restore", str(lost)])


def test_a_copy_of_a_release_that_was_well_has_yet_to_be_well(tmp_path):
    for name in (server.RAN, "manage.py", "var/clinic.sqlite3", ".venv/pyvenv.cfg", "medspa/settings.py"):
        (tmp_path / "old" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "old" / name).touch()
    shutil.copytree(tmp_path / "old", tmp_path / "new", ignore=server.LEFT_OUT)
    copied = {str(file.relative_to(tmp_path / "new")) for file in (tmp_path / "new").rglob("*") if file.is_file()}
    assert copied == {"manage.py", "medspa/settings.py"}


WELL, STUCK = '{"status": "ok", "database": "ok"}', '{"status": "mail is stuck", "database": "ok"}'
AWAY = '{"status": "the database does not answer", "database": "away"}'


def test_an_upgrade_ends_well_unless_the_site_or_its_database_does_not_answer(monkeypatch, capsys):
    monkeypatch.setattr(server, "PATIENCE_SECONDS", 1.5)
    answers = iter([(0, "Nobody answers"), (200, WELL)])
    monkeypatch.setattr(server, "ask", lambda *_where: next(answers))
    server.insist_on_health("clinic.example")
    monkeypatch.setattr(server, "ask", lambda *_where: (503, STUCK))
    server.insist_on_health("clinic.example")
    assert capsys.readouterr().out == f"The site is well: {WELL}\nThe site runs, and says: {STUCK}\n"
    for status, words in ((503, AWAY), (0, "Nobody answers at /run/medspa/web.sock")):
        monkeypatch.setattr(server, "ask", lambda *_where, said=(status, words): said)
        with pytest.raises(server.CannotGoOn, match="go back: sudo"):
            server.insist_on_health("clinic.example")


def test_beside_another_web_server_nothing_of_it_is_touched(ready, capsys):
    assert server.main(["install", "clinic.example", "--dry-run", "--no-nginx"]) == 0
    said = capsys.readouterr().out
    assert "migrate" in said
    assert "nginx" not in said
    assert "www-data" not in said


def test_the_first_environment_starts_the_real_site(tmp_path):
    told = server.read_environment(server.first_environment("skin.example"))
    assert len(told["SECRET_KEY"]) >= SECRET_LENGTH
    Fernet(told["DATA_KEYS"])
    assert read_key(told["BACKUP_KEY"])
    assert told["SECRET_KEY"] != server.read_environment(server.first_environment("skin.example"))["SECRET_KEY"]
    assert "clinic.example" not in str(told)
    here = {"PATH": os.environ["PATH"], **told, "VAR_DIR": str(tmp_path), "PAGES_DIR": str(tmp_path)}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=PROJECT, env=here, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_environment_is_read_as_systemd_reads_it():
    text = "# words\n\nA='with $HOME and \"quotes\"'\nB=plain\nC=''\n D='Clinic <a@b.example>'\n"
    told = {"A": 'with $HOME and "quotes"', "B": "plain", "C": "", "D": "Clinic <a@b.example>"}
    assert server.read_environment(text) == told


def test_readme_knows_every_variable_of_the_example():
    named = server.read_environment((PROJECT / "deploy" / "clinic.env.example").read_text())
    assert set(named) <= set(re.findall(r"^\| `([A-Z_]+)` \|", (PROJECT / "README.md").read_text(), re.MULTILINE))


def test_what_the_places_are_called_is_the_same_everywhere():
    said = (PROJECT / "docs" / "operations.md").read_text()
    nginx = (PROJECT / "deploy" / "nginx.conf").read_text()
    socket = (PROJECT / "deploy" / "systemd" / "medspa-web.socket").read_text()
    assert f"unix:{server.SOCKET} " in nginx
    assert f"ListenStream={server.SOCKET}\n" in socket
    assert f"SocketGroup={server.MAY_KNOCK}\n" in socket
    for folder in [*server.FOLDERS, server.SOCKET, str(server.ENVIRONMENT), str(server.CURRENT)]:
        assert folder.removesuffix("/acme") in said + nginx
