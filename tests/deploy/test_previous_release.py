"""The release before this one works on this one's database: while an upgrade goes on, and after going back."""

import os
import re
import subprocess
import tarfile
import tomllib
from contextlib import closing
from io import BytesIO
from typing import NamedTuple
from urllib.parse import urlencode

import psycopg
import pytest
from django.db.backends.sqlite3.base import Database as sqlite3

from tests.site import PROJECT, InstalledSite, Site, send_request, visitor

PREVIOUS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["release"]["previous"]
QUEUE = "/admin/appointments/appointmentrequest/"
SQLITE_COLUMNS = """
    SELECT m.name, c.name, c."notnull" AND NOT c.pk, c.dflt_value IS NOT NULL
    FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'
"""
POSTGRES_COLUMNS = """
    SELECT table_name, column_name, is_nullable = 'NO', column_default IS NOT NULL OR is_identity = 'YES'
    FROM information_schema.columns WHERE table_schema = 'public'
"""


class Column(NamedTuple):
    """What matters to a program that knows nothing of it."""

    is_needed: bool
    has_default: bool


Tables = dict[str, dict[str, Column]]


def breaks(before: Tables, after: Tables) -> list[str]:
    """What a program that was written for `before` cannot do with `after`."""
    found = []
    for table, columns in before.items():
        if table not in after:
            found.append(f"the table {table} is gone")
            continue
        now = after[table]
        found += [f"the column {table}.{name} is gone" for name in columns if name not in now]
        for name, column in now.items():
            must_be_given = column.is_needed and not column.has_default
            if name not in columns and must_be_given:
                found.append(f"the new column {table}.{name} must be given a value")
            elif name in columns and must_be_given and not columns[name].is_needed:
                found.append(f"the column {table}.{name} may be empty no more")
    return found


def test_a_change_that_breaks_the_release_before_is_found():
    before = {"request": {"id": Column(True, True), "name": Column(False, False)}, "old": {}}
    assert breaks(before, before) == []
    grown = {"id": Column(True, True), "name": Column(False, False), "note": Column(False, False)}
    assert breaks(before, {"request": {**grown, "kind": Column(True, True)}, "old": {}, "new": {}}) == []
    assert breaks(before, {"request": {"id": Column(True, True), "full_name": Column(True, False)}}) == [
        "the column request.name is gone",
        "the new column request.full_name must be given a value",
        "the table old is gone",
    ]
    tightened = {"request": {"id": Column(True, True), "name": Column(True, False)}, "old": {}}
    assert breaks(before, tightened) == ["the column request.name may be empty no more"]


@pytest.fixture(scope="module")
def previous(tmp_path_factory):
    """The code of the release before, unpacked."""
    command = ["git", "-C", str(PROJECT), "archive", "--format=tar", PREVIOUS]
    try:
        done = subprocess.run(command, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no git on this machine")
    if done.returncode:
        pytest.skip(f"this copy of the project does not have {PREVIOUS[:12]}, the release before")
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def tables_of(site: Site) -> Tables:
    if site.server_url:
        with psycopg.connect(site.environment["DATABASE_URL"]) as connection:
            rows = connection.execute(POSTGRES_COLUMNS).fetchall()
    else:
        with closing(sqlite3.connect(site.folder / "var" / "clinic.sqlite3")) as connection:
            rows = connection.execute(SQLITE_COLUMNS).fetchall()
    found: Tables = {}
    for table, column, is_needed, has_default in rows:
        found.setdefault(table, {})[column] = Column(bool(is_needed), bool(has_default))
    return found


def test_this_release_takes_nothing_away_that_the_one_before_needs(previous, site, tmp_path):
    class Former(InstalledSite):
        code = previous

    (tmp_path / "former").mkdir()
    former = Former(tmp_path / "former", os.environ.get("TEST_DATABASE_URL", ""))
    try:
        before = tables_of(former)
    finally:
        former.remove()
    assert "appointments_appointmentrequest" in before
    assert breaks(before, tables_of(site)) == []


class Desk:
    """The owner at the desk, without a screen."""

    def __init__(self, site: Site):
        self.site, self.browser, self.page = site, visitor(), ""
        username, password = (site.folder / "var" / "first-login.txt").read_text().split()
        self.open("/admin/login/")
        self.send("/admin/login/", username=username, password=password)
        self.open("/admin/")
        assert "Log out" in self.page

    def open(self, path: str) -> None:
        with closing(self.browser.open(self.site.url + path, timeout=20)) as answer:
            self.page = answer.read().decode()

    def send(self, path: str, **answers: str) -> None:
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self.page))
        body = urlencode(hidden | answers).encode()
        with closing(self.browser.open(self.site.url + path, body, timeout=20)) as answer:
            assert answer.status == 200
            self.page = answer.read().decode()

    def move(self, request: str, name: str, **answers: str) -> None:
        path = f"{QUEUE}{request}/move/{name}/"
        self.open(path)
        seen = re.search(r'name="seen" value="(\d+)"', self.page)[1]
        self.send(path, seen=seen, **answers)
        assert f"/move/{name}/" not in self.page or "error" not in self.page.lower(), self.page


def test_the_release_before_works_on_this_ones_database_and_back_again(previous, site):
    site.start()
    from_the_new = send_request(site, full_name="Written to the new release")
    assert from_the_new
    site.stop()

    site.code = previous
    site.manage("collectstatic", "--noinput", "-v", "0")
    site.start(sender=True)
    with closing(visitor().open(f"{site.url}/treatments/microneedling/", timeout=20)) as answer:
        assert answer.status == 200
    from_the_former = send_request(site, full_name="Written to the former release")
    assert from_the_former
    desk = Desk(site)
    desk.open(QUEUE)
    waiting = re.findall(rf'<th class="field-name"><a href="{QUEUE}(\d+)/', desk.page)
    assert len(waiting) == 2
    for request in waiting:
        desk.move(request, "log_call", reached="answered", note="Would like a Tuesday")
        desk.move(request, "close", reason="patient_declined")
    desk.open(QUEUE)
    assert "(0) Requests to answer" in desk.page or "Nobody waits for an answer." in desk.page
    for command in (["send_messages", "--once"], ["check_integrity"], ["apply_retention"]):
        site.manage(*command)
    site.stop()

    del site.code
    site.manage("collectstatic", "--noinput", "-v", "0")
    site.start()
    for address in (from_the_new, from_the_former):
        with closing(visitor().open(address, timeout=20)) as answer:
            assert answer.status == 200
    assert len(site.manage("list_requests", "--json").splitlines()) == 2
    site.manage("check_integrity")
