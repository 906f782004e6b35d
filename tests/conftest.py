"""What every test may ask for."""

import os
import threading

import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import TransactionTestCase

from appointments import database_rules
from tests import factories
from tests.site import Site, remove_original


def pytest_configure():
    Site.run_folder = settings.RUN_FOLDER


def pytest_unconfigure(config):
    """However the run ended. The process that hands out the tests tidies up after the others."""
    if not hasattr(config, "workerinput"):
        remove_original(settings.RUN_FOLDER, os.environ.get("TEST_DATABASE_URL", ""))


@pytest.fixture(autouse=True, scope="session")
def events_go_between_tests():
    """Django empties every table after a test with threads; what keeps events from going is lifted for that moment.

    Emptying ends with `post_migrate`, which lays the rules down again.
    """
    empty = TransactionTestCase._fixture_teardown

    def lift_and_empty(case):
        lift_event_rules()
        empty(case)

    TransactionTestCase._fixture_teardown = lift_and_empty
    yield
    TransactionTestCase._fixture_teardown = empty


def lift_event_rules():
    of_table = " ON appointments_event" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        for occasion in ("change", "truncate", "update", "delete", "insert"):
            cursor.execute(f"DROP TRIGGER IF EXISTS {database_rules.EVENTS_STAY}_on_{occasion}{of_table}")
        of_table = of_table and f" ON {database_rules.DOORS}"
        for name in ("at_the_door", "at_the_door_still"):
            cursor.execute(f"DROP TRIGGER IF EXISTS {database_rules.EVENTS_STAY}_{name}{of_table}")


@pytest.fixture
def clinic(db):
    """The clinic in Tucson, open Tuesday to Saturday from nine to five."""
    return factories.clinic()


@pytest.fixture
def receptionist(db):
    return factories.receptionist(username="ana", first_name="Ana")


@pytest.fixture
def at_once(transactional_db):
    """Run a function in several threads that set off together, each with a connection of its own.

    Returns what each call returned, or the exception that it raised.
    """

    def run(function, arguments):
        outcomes = [None] * len(arguments)
        start = threading.Barrier(len(arguments))

        def one(place, argument):
            try:
                start.wait(timeout=30)
                outcomes[place] = function(argument)
            except Exception as error:
                outcomes[place] = error
            finally:
                connections.close_all()

        threads = [threading.Thread(target=one, args=pair) for pair in enumerate(arguments)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        return outcomes

    return run


@pytest.fixture
def site(tmp_path):
    """The real site in processes of its own, not yet started."""
    site = Site(tmp_path, os.environ.get("TEST_DATABASE_URL", ""))
    yield site
    site.remove()
