"""What the server keeps of what it loads."""

import re
import sys
from pathlib import Path

import pytest

from tests.site import send_request

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the kernel of Linux says what a process keeps")
PIECE = re.compile(r"^\S+ (\S+) .*/_rust\.abi3\.so\n(?:[A-Z].*\n)*?Rss: +(\d+) kB\n", re.MULTILINE)


def test_what_was_read_only_to_load_cryptography_is_given_back_and_a_request_can_be_sealed(site):
    master = site.start_web()
    site.wait_until_open()
    pieces = PIECE.findall(Path(f"/proc/{master.pid}/smaps").read_text())
    assert sum(int(kept) for how, kept in pieces if how == "r-xp") < 256  # 3,800 kB otherwise
    assert sum(int(kept) for _how, kept in pieces) > 256  # what it has written of its own
    assert "/my-request/" in send_request(site, message="Mornings, please.")
