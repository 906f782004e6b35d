"""Pages as files that are spoilt, or half exported: no half page is sent, and the next export mends them.

The cache of finished pages in the web server's processes is memory alone: it is gone with its process, and there is
nothing to spoil.
"""

import gzip
import os
import signal
import subprocess
import sys
import time

import brotli
import pytest
from django.core.wsgi import get_wsgi_application

from appointments.management.commands import send_messages
from tests import factories
from tests.site import PROJECT
from treatments import exported_pages

PAGE = "pages/treatments/microneedling/index.html"
SPOILT = {
    "cut short": lambda file: file.write_bytes(file.read_bytes()[:700]),
    "empty": lambda file: file.write_bytes(b""),
    "garbage": lambda file: file.write_bytes(os.urandom(file.stat().st_size)),
    "gone": lambda file: file.unlink(),
}


@pytest.fixture
def folder(db, clinic, tmp_path, settings, monkeypatch):
    monkeypatch.setattr("django.core.signals.request_started.receivers", [])
    monkeypatch.setattr("django.core.signals.request_finished.receivers", [])
    factories.treatment(slug="microneedling", name="Microneedling")
    settings.PAGES_DIR = str(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["index.html", "index.html.gz", "index.html.br"])
@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_the_sender_mends_a_page_that_was_spoilt_at_its_next_look(folder, name, spoil):
    exported = send_messages.keep_pages_fresh(None)
    file = (folder / PAGE).with_name(name)
    whole = file.read_bytes()
    assert send_messages.keep_pages_fresh(exported) is exported
    spoil(file)
    assert send_messages.keep_pages_fresh(exported) is not exported
    assert file.read_bytes() == whole


def test_what_was_spoilt_while_no_sender_ran_is_mended_when_one_starts(folder):
    send_messages.keep_pages_fresh(None)
    whole = {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()}
    for file, spoil in zip(whole, [*SPOILT.values()] * len(whole), strict=False):
        spoil(file)
    send_messages.keep_pages_fresh(None)
    assert {file: file.read_bytes() for file in folder.rglob("*") if file.is_file()} == whole


def test_a_page_is_on_the_disk_before_it_gets_its_name(folder, monkeypatch):
    """Else a power cut may leave an empty file under the name of a page."""
    done = []
    fsync, replace = os.fsync, type(folder).replace
    monkeypatch.setattr(os, "fsync", lambda number: done.append("synced") or fsync(number))
    monkeypatch.setattr(type(folder), "replace", lambda one, other: done.append("named") or replace(one, other))
    exported_pages.export(get_wsgi_application(), folder)
    assert done == ["synced", "named"] * (len(done) // 2)
    assert len(done) > 10


def test_an_export_that_is_killed_leaves_whole_pages_and_the_next_one_mends_the_rest(site):
    """Readers look at every file all the while, as a web server does."""
    folder = site.folder / "exported"
    site.manage("export_pages", str(folder))
    files = sorted(file for file in (folder / "pages").rglob("index.html*"))
    for round_ in range(6):
        site.manage("shell", "--no-imports", "-c", CHANGE.format(words=f"Round {round_} " + "x" * 50 * round_))
        export = subprocess.Popen(
            [sys.executable, "manage.py", "export_pages", str(folder)],
            cwd=PROJECT,
            env=site.environment,
            stdout=subprocess.DEVNULL,
            process_group=0,
        )
        before = {file: file.stat().st_ino for file in files}
        while all(file.stat().st_ino == inode for file, inode in before.items()) and export.poll() is None:
            read_all(files)
        time.sleep(0.003 * round_)
        os.killpg(export.pid, signal.SIGKILL)
        export.wait()
        read_all(files)
    site.manage("export_pages", str(folder))
    assert "Round 5" in (folder / PAGE).read_text()
    assert sorted((folder / "pages").rglob("*.html*")) == files, "a draft was left behind"
    for page in (folder / "pages").rglob("index.html"):
        assert gzip.decompress(page.with_name("index.html.gz").read_bytes()) == page.read_bytes()
        assert brotli.decompress(page.with_name("index.html.br").read_bytes()) == page.read_bytes()


CHANGE = "from treatments.models import Treatment; Treatment.objects.update(summary='{words}')"


def read_all(files):
    """Whole, each of them: it can be unpacked, and it ends as a page ends."""
    for file in files:
        content = file.read_bytes()
        if file.suffix == ".gz":
            content = gzip.decompress(content)
        elif file.suffix == ".br":
            content = brotli.decompress(content)
        assert content.rstrip().endswith(b"</html>"), file
