"""A site on a socket, as a server has it."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.deploy.behind import SiteOnASocket


@pytest.fixture(scope="module")
def place():
    """A folder that a web server's own user can walk through; a socket's path must be short."""
    folder = Path(tempfile.mkdtemp(prefix="medspa-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def served(place):
    """A clinic whose pages are exported; gunicorn runs."""
    site = SiteOnASocket(place, os.environ.get("TEST_DATABASE_URL", ""))
    site.manage("export_pages", str(site.pages))
    site.start_web()
    yield site
    site.remove()
