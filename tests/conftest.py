"""What every test may ask for."""

import os
import threading

import pytest
from django.db import connections

from tests import factories
from tests.site import Site


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
