"""The sender is killed outright in its work, twice: every mail arrives, none twice but what was in hand."""

import os
import subprocess
import sys

from tests.house.blueprint import PROJECT


def test_every_mail_arrives_although_the_sender_is_killed_twice():
    told = subprocess.run(
        [sys.executable, "bench/mail.py", "--messages", "300"],
        cwd=PROJECT,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert told.returncode == 0, told.stdout + told.stderr[-2000:]
    assert "300 of 300 arrived" in told.stdout
    assert "killed after" in told.stdout
