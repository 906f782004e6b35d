"""What systemd itself says of our units."""

import re
import subprocess

import pytest
from django.core.management import get_commands

from tests.deploy.behind import program
from tests.site import PROJECT

UNITS = sorted((PROJECT / "deploy" / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
MOST_EXPOSED = {
    "medspa-web.service": 0.5,
    "medspa-sender.service": 1.3,
    "medspa-backup.service": 0.5,
    "medspa-retention.service": 0.5,
}
TIMERS = [unit for unit in UNITS if unit.suffix == ".timer"]
ANALYZE = program("systemd-analyze")
pytestmark = pytest.mark.skipif(not ANALYZE, reason="there is no systemd-analyze on this machine")


def test_systemd_understands_every_line(tmp_path):
    for unit in UNITS:
        words = unit.read_text().replace("/opt/medspa/current/.venv/bin/python", "/bin/true")
        (tmp_path / unit.name).write_text(words)
    files = [str(tmp_path / unit.name) for unit in UNITS]
    done = subprocess.run([ANALYZE, "verify", "--man=no", *files], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if "medspa" in line]
    assert not said
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("service", SERVICES, ids=lambda file: file.name)
def test_a_service_is_no_more_exposed_than_it_must_be(service):
    limit = int(MOST_EXPOSED[service.name] * 10)
    command = [ANALYZE, "security", "--no-pager", "--offline=true", f"--threshold={limit}", str(service)]
    done = subprocess.run(command, capture_output=True, text=True)
    exposure = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert exposure, done.stdout + done.stderr
    assert float(exposure[1]) <= MOST_EXPOSED[service.name]
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("service", SERVICES, ids=lambda file: file.name)
def test_every_service_runs_as_the_sites_own_user_and_may_gain_nothing(service):
    lines = service.read_text().splitlines()
    for line in ("User=medspa", "NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "UMask=0077"):
        assert line in lines


@pytest.mark.parametrize("service", SERVICES, ids=lambda file: file.name)
def test_what_a_service_starts_is_there(service):
    started = re.search(r"^ExecStart=/opt/medspa/current/.venv/bin/python (.+)$", service.read_text(), re.MULTILINE)[1]
    name, *words = started.split()
    if name == "manage.py":
        assert words[0] in get_commands()
    else:
        assert [name, *words] == ["-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "medspa.wsgi"]
        assert (PROJECT / "deploy" / "gunicorn.conf.py").exists()


@pytest.mark.parametrize("timer", TIMERS, ids=lambda file: file.name)
def test_a_timer_catches_up_and_starts_what_is_there(timer):
    assert timer.with_suffix(".service") in SERVICES
    for line in ("Persistent=yes", "RandomizedDelaySec=15min", "WantedBy=timers.target"):
        assert line in timer.read_text().splitlines()


def test_the_services_of_the_night_may_touch_the_same_but_that_a_backup_writes_backups():
    backup, retention = (
        (PROJECT / "deploy" / "systemd" / f"medspa-{name}.service").read_text() for name in ("backup", "retention")
    )
    begins = "# What it may touch"
    assert backup[backup.index(begins) :] == retention[retention.index(begins) :]
    assert "ReadWritePaths" not in retention
    assert "After=postgresql.service medspa-backup.service\n" in retention
