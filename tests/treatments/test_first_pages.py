"""Pages that a server left, shown by the next one while it loads: only while they are what Django would say."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from bench.slices import family
from tests.site import PROJECT, Site
from treatments import first_pages
from treatments.finished_page import Bodies, Page
from treatments.first_pages import FILE, Door, leave, left_behind, origin
from treatments.models import ContentVersion

DOOR = Door("clinic.example", "https", is_behind_proxy=True)
WORDS = "<p>Microneedling, señora</p>"
KEPT, WRITTEN = [("ETag-Kin", "x")], [("Content-Type", "text/html; charset=utf-8")]


def page(version="v1", since=0.0, until=float("inf")) -> Page:
    return Page(version, since, until, Bodies(WORDS.encode(), WRITTEN, KEPT))


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A small program in a folder of its own, and what it asks of the environment."""
    (tmp_path / "project" / "templates" / "__pycache__").mkdir(parents=True)
    (tmp_path / "project" / "templates" / "base.html").write_text("<p>")
    (tmp_path / "var" / "static").mkdir(parents=True)
    (tmp_path / "var" / "static" / "staticfiles.json").write_text("{}")
    monkeypatch.setattr(first_pages, "PROJECT", tmp_path / "project")
    monkeypatch.setenv("SITE_URL", "https://clinic.example")
    return tmp_path / "project"


@pytest.fixture
def database(tmp_path):
    with closing(sqlite3.connect(tmp_path / "clinic.sqlite3")) as connection:
        connection.execute("CREATE TABLE treatments_contentversion (id, version)")
        connection.execute("INSERT INTO treatments_contentversion VALUES (1, 'v1')")
        connection.commit()
    return tmp_path / "clinic.sqlite3"


@pytest.fixture
def file(tmp_path, program):
    file = tmp_path / "var" / FILE
    leave(file, {"/": page(), "/old/": page("v0")}, "v1", DOOR, origin(file.parent, {"SITE_URL", "DEBUG"}))
    return file


def other(environ, start_response):
    start_response("200 OK", [])
    return [b"Django"]


def ask(application, path="/", method="GET", **more):
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "HTTP_HOST": "clinic.example", "wsgi.url_scheme": "http"}
    environ |= {"HTTP_X_FORWARDED_PROTO": "https", **more}
    told = []
    content = b"".join(application(environ, lambda *words: told.append(words)))
    return told[0][0], dict(told[0][1]), content


def test_the_next_server_shows_what_was_left(file, database):
    pages = left_behind(file, database, lambda: other)
    status, headers, content = ask(pages)
    assert (status, content.decode()) == ("200 OK", WORDS)
    assert {**dict(KEPT), **dict(WRITTEN)}.items() <= headers.items()
    assert ask(pages, method="HEAD")[2] == b""
    assert ask(pages, HTTP_IF_NONE_MATCH=headers["ETag"])[0] == "304 Not Modified"
    assert ask(pages, HTTP_ACCEPT_ENCODING="br")[1]["Content-Encoding"] == "br"
    assert ask(pages, "/old/")[2] == b"Django"


@pytest.mark.parametrize(
    "more",
    [
        {"method": "POST"},
        {"path": "/request-an-appointment/"},
        {"HTTP_COOKIE": "session=1"},
        {"QUERY_STRING": "q=1"},
        {"SCRIPT_NAME": "/clinic"},
        {"HTTP_HOST": "other.example"},
        {"HTTP_HOST": "clinic.example:81"},
        {"HTTP_X_FORWARDED_PROTO": "http"},
        {"HTTP_X_FORWARDED_PROTO": ""},
    ],
)
def test_everything_else_waits_for_django(file, database, more):
    pages = left_behind(file, database, lambda: other)
    assert ask(pages, **more)[2] == b"Django"


def test_without_a_proxy_nobody_may_say_how_a_visitor_came(file, database):
    pages = left_behind(file, database, lambda: other)
    pages.door = DOOR._replace(is_behind_proxy=False)
    assert ask(pages)[2] == b"Django"
    assert ask(pages, **{"wsgi.url_scheme": "https", "HTTP_X_FORWARDED_PROTO": "http"})[2] == WORDS.encode()


def test_they_are_shown_for_a_second(file, database, monkeypatch):
    pages = left_behind(file, database, lambda: other)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 1.1)
    assert ask(pages)[2] == b"Django"


@pytest.mark.parametrize(("begins_in", "ends_in"), [(60, 120), (-120, -1)])
def test_one_that_the_clock_made_untrue_is_not_shown(file, database, begins_in, ends_in):
    shown = page("v1", time.time() + begins_in, time.time() + ends_in)
    leave(file, {"/": shown}, "v1", DOOR, origin(file.parent, []))
    assert ask(left_behind(file, database, lambda: other))[2] == b"Django"


def test_other_content_other_pages(file, database):
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("UPDATE treatments_contentversion SET version = 'v2'")
        connection.commit()
    assert left_behind(file, database, lambda: other) is None


@pytest.mark.django_db
def test_the_version_is_read_where_it_is_written():
    assert f"SELECT version FROM {ContentVersion._meta.db_table}" == first_pages.CONTENT_VERSION


def changed_template(program):
    (program / "templates" / "base.html").write_text("<b>")


def touched_template(program):
    os.utime(program / "templates" / "base.html", ns=(1, 1))


def new_file(program):
    (program / "templates" / "new.html").touch()


def removed_file(program):
    (program / "templates" / "base.html").unlink()


def other_packages(program):
    (program / "requirements.txt").write_text("Django==6")


def static_files_collected_again(program):
    (program.parent / "var" / "static" / "staticfiles.json").write_text('{"a": 1}')


@pytest.mark.parametrize(
    "change",
    [changed_template, touched_template, new_file, removed_file, other_packages, static_files_collected_again],
)
def test_another_program_other_pages(file, database, program, change):
    change(program)
    assert left_behind(file, database, lambda: other) is None


@pytest.mark.parametrize(("name", "value"), [("SITE_URL", "https://other.example"), ("DEBUG", "1")])
def test_another_environment_other_pages(file, database, monkeypatch, name, value):
    monkeypatch.setenv("HOME", "/elsewhere")  # which the site never asks for
    assert left_behind(file, database, lambda: other)
    monkeypatch.setenv(name, value)
    assert left_behind(file, database, lambda: other) is None


def test_what_python_keeps_beside_the_program_is_none_of_it(file, database, program):
    (program / "templates" / "__pycache__" / "base.pyc").touch()
    assert left_behind(file, database, lambda: other)


DAMAGES = {
    "one letter": lambda whole: whole.replace(b"Microneedling", b"Micronxedling"),
    "nothing in it": lambda _: b"",
    "cut short": lambda whole: whole[:-9],
    "no beginning": lambda whole: whole[9:],
    "noise": lambda _: b"\0\xff",
    "another form": lambda _: b"[]\n{}",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_as_none(file, database, damage):
    file.write_bytes(damage(file.read_bytes()))
    assert left_behind(file, database, lambda: other) is None


def test_no_file_no_database_no_table(file, database, tmp_path):
    assert left_behind(tmp_path / "none", database, lambda: other) is None
    assert left_behind(file, tmp_path / "none.sqlite3", lambda: other) is None
    assert not (tmp_path / "none.sqlite3").exists()
    sqlite3.connect(tmp_path / "empty.sqlite3").close()
    assert left_behind(file, tmp_path / "empty.sqlite3", lambda: other) is None


def test_half_a_file_is_never_left(file, monkeypatch):
    before = file.read_bytes()

    def fail(*_where):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        leave(file, {"/": page("v2")}, "v2", DOOR, origin(file.parent, []))
    assert file.read_bytes() == before
    assert sorted(os.listdir(file.parent)) == [FILE, "static"]


def test_a_draft_of_a_server_that_was_killed_does_not_stay(file):
    abandoned, in_work = file.with_name(f"{FILE}abc"), file.with_name(f"{FILE}def")
    for draft in (abandoned, in_work):
        draft.write_text("half")
    os.utime(abandoned, (time.time() - 120,) * 2)
    leave(file, {"/": page("v2")}, "v2", DOOR, origin(file.parent, []))
    assert {one.name for one in file.parent.glob(f"{FILE}*")} == {FILE, in_work.name}


def test_nothing_of_django_is_loaded_for_it():
    words = "import sys, treatments.first_pages; print([n for n in ('django.conf', 'django.db') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", words], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# In processes of their own

GATE = """
import sys, time
from pathlib import Path
sys.path.insert(0, {project!r})
from treatments import first_pages
first_pages.SHOWN_SECONDS = 60

class Gate:
    def find_spec(self, name, path=None, target=None):
        while name == "django.core.wsgi" and not Path({gate!r}).exists():
            time.sleep(0.01)

sys.meta_path.insert(0, Gate())
"""


class Gated:
    """A site that was served before. It is started again, and loads Django only once `open` was called."""

    def __init__(self, folder):
        self.site = Site(folder)
        self.site.start().stop()
        self.gate = folder / "gate"
        (folder / "sitecustomize.py").write_text(GATE.format(project=str(PROJECT), gate=str(self.gate)))
        self.site.environment |= {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}

    def start(self) -> subprocess.Popen:
        return self.site.start_web()

    def open(self) -> Site:
        self.gate.touch()
        return self.site.wait_until_open()

    def get(self, path="/", timeout=30.0, **headers):
        """What is answered as soon as somebody listens."""
        for _ in range(1000):
            try:
                with urlopen(Request(self.site.url + path, headers=headers), timeout=timeout) as answer:
                    return answer.read().decode()
            except HTTPError:
                raise
            except ConnectionRefusedError:
                pass
            except OSError as trouble:
                if not isinstance(getattr(trouble, "reason", None), ConnectionRefusedError):
                    raise
            time.sleep(0.02)
        raise TimeoutError(self.site.log.read_text())


@pytest.fixture
def gated(tmp_path):
    if os.environ.get("TEST_DATABASE_URL"):
        pytest.skip("the content's version is read before Django is loaded, which is so for SQLite alone")
    gated = Gated(tmp_path)
    try:
        yield gated
    finally:
        gated.gate.touch()
        gated.site.remove()


def test_pages_are_shown_before_django_is_loaded_and_a_form_waits_for_it(gated):
    web = gated.start()
    first = gated.get("/")
    assert "Med Spa" in first
    forms = []
    waiting = threading.Thread(target=lambda: forms.append(gated.get("/request-an-appointment/?ref=x")))
    waiting.start()
    assert gated.get("/treatments/microneedling/")
    assert not forms
    assert len(family(web.pid)) == 2, "the master and the first worker"
    gated.open()
    waiting.join(60)
    assert "csrfmiddlewaretoken" in forms[0]
    until = time.monotonic() + 60
    while len(family(web.pid)) != 3 and time.monotonic() < until:
        time.sleep(0.05)
    assert len(family(web.pid)) == 3, "the master and two workers"
    assert gated.get("/") == first
    assert "Traceback" not in gated.site.log.read_text()


def test_after_a_change_nothing_old_is_shown(gated):
    change = "from medspa.models import Clinic; Clinic.objects.update(tagline='Skin that rests')"
    gated.site.manage("shell", "-c", change)
    gated.start()
    with pytest.raises(OSError, match="timed out|refused"):
        urlopen(gated.site.url, timeout=3)
    gated.open()
    assert "Skin that rests" in gated.get("/")


def test_a_first_worker_that_is_killed_is_not_missed(gated):
    web = gated.start()
    assert gated.get("/")
    os.kill(family(web.pid)[1], signal.SIGKILL)
    gated.open()
    assert gated.get("/")
    assert web.poll() is None


def test_what_a_server_leaves_is_its_owners_alone_and_holds_public_pages(gated):
    left = gated.site.folder / "var" / FILE
    assert left.stat().st_mode & 0o077 == 0
    pages = json.loads(left.read_bytes().partition(b"\n")[2])
    assert {"/", "/es/", "/treatments/microneedling/"} <= set(pages)
    assert not [path for path in pages if "admin" in path or "my-request" in path]
    assert gated.site.environment["SITE_URL"] in json.dumps(pages)
