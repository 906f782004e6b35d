"""Some slow clients of each kind and a short flood; two hundred of each by hand, see `slow_clients`."""

import pytest

from tests.deploy.behind import program
from tests.faults import slow_clients


@pytest.mark.skipif(not program("nginx"), reason="there is no nginx on this machine")
def test_visitors_behind_nginx_are_served_beside_slow_clients_and_a_flood(capsys):
    """The tests beside this one keep the machine busy: that nobody is left without an answer is what counts here."""
    missed = slow_clients.main("--each", "40", "--seconds", "3", "--goal-ms", "2000")
    assert not missed, "".join(capsys.readouterr())
