"""Killed outright a few times; two hundred times over by hand, see `kills`."""

import os

from tests.faults import kills


def test_nothing_acknowledged_is_lost_and_no_mail_either(capsys):
    server_url = os.environ.get("TEST_DATABASE_URL", "")
    assert not kills.main("--kills", "6", "--acknowledged", "40", "--server-url", server_url), capsys.readouterr().out
