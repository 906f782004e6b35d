"""What the site writes is for its own user: files 600, folders 700."""

import os
import stat

import pytest

from tests.site import InstalledSite, send_request


@pytest.fixture
def site(tmp_path):
    site = InstalledSite(tmp_path, os.environ.get("TEST_DATABASE_URL", ""))
    yield site
    site.remove()


def test_nothing_that_the_site_writes_can_be_read_by_others(site):
    site.start(sender=True)
    assert send_request(site, message="Words")
    site.manage("send_messages", "--once")
    site.stop()
    wrong = {
        str(path.relative_to(site.folder)): oct(stat.S_IMODE(path.stat().st_mode))
        for path in (site.folder / "var").rglob("*")
        if stat.S_IMODE(path.stat().st_mode) & 0o077
    }
    assert not wrong
    assert any(path.suffix == ".log" for path in (site.folder / "var" / "mail").iterdir())
