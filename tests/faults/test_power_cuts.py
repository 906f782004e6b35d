"""The power goes a few times; a hundred times by hand, see `power_cuts`."""

import os
import shutil
import subprocess

import pytest

from tests.faults import power_cuts


def strace_works() -> bool:
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not strace_works(), reason="strace is not installed, or may not look at programs here")
@pytest.mark.skipif(bool(os.environ.get("TEST_DATABASE_URL")), reason="the disks are made for SQLite's files")
def test_what_was_acknowledged_is_on_the_disk_when_the_power_goes(capsys):
    assert not power_cuts.main("--requests", "30", "--cuts", "20"), capsys.readouterr().out
