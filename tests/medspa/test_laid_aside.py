"""Between two requests a connection to SQLite waits for whoever needs one next, and never goes along into a child."""

import os
import threading

import pytest
from django.db import close_old_connections, connection, connections, transaction

from medspa.models import Clinic
from medspa.sqlite import laid_aside
from tests import factories
from treatments.page_cache import FinishedPages

pytestmark = [
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL's connections stay with their threads"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def kept_open(transactional_db, monkeypatch):
    factories.clinic()
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", None)
    yield
    laid_aside.close_all()
    connection.close()


def ask(found, *, between=lambda: None):
    """What a request does, in a thread of its own."""
    Clinic.objects.get()
    found.append(connection.connection)
    between()
    close_old_connections()
    found.append(connection.connection)


def in_a_thread(*found, **more):
    thread = threading.Thread(target=ask, args=found, kwargs=more)
    thread.start()
    return thread


def test_the_next_thread_takes_what_the_last_one_laid_aside():
    found: list = []
    for _ in range(3):
        in_a_thread(found).join(10)
    assert found[1::2] == [None, None, None]
    assert found[0] is not None
    assert found[0] is found[2] is found[4]


def test_two_at_once_have_one_each():
    first, second = [], []
    asks = in_a_thread(first, between=lambda: in_a_thread(second).join(10))
    asks.join(10)
    assert first[0] is not second[0]


def test_within_a_transaction_it_stays_with_its_thread():
    with transaction.atomic():
        mine = connection.connection
        assert mine.in_transaction
        in_a_thread([]).join(10)
        assert connection.connection is mine
    assert not mine.in_transaction


def test_a_transaction_left_open_is_not_handed_on():
    found: list = []
    in_a_thread(found, between=lambda: connection.connection.execute("BEGIN")).join(10)
    assert found[0] is found[1]
    in_a_thread(found).join(10)
    assert found[2] is not found[0]


def test_one_that_is_closed_is_not_laid_aside():
    found: list = []
    in_a_thread(found, between=connections.close_all).join(10)
    assert laid_aside.take(str(connection.settings_dict["NAME"])) is None


def test_a_look_at_the_contents_version_lays_its_own_aside():
    assert FinishedPages(lambda environ, start_response: [], lambda: [])._look() is not None
    assert connection.connection is None
    assert laid_aside.take(str(connection.settings_dict["NAME"])) is not None


def test_a_child_takes_none_along():
    in_a_thread([]).join(10)
    database = str(connection.settings_dict["NAME"])
    child = os.fork()
    if not child:
        os._exit(0 if laid_aside.take(database) is None else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert laid_aside.take(database) is None
