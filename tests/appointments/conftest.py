"""The desk on a Tuesday at noon, with a receptionist signed in."""

from datetime import UTC, datetime

import pytest
import time_machine


@pytest.fixture
def tuesday_noon():
    with time_machine.travel(datetime(2026, 11, 24, 19, 0, tzinfo=UTC)):
        yield


@pytest.fixture
def desk(client, clinic, receptionist):
    client.force_login(receptionist)
    return client
