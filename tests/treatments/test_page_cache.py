"""Finished pages: everybody sees the same and the newest, nobody sees another's."""

import gzip
import io
import os
import re
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta
from hashlib import sha256
from types import SimpleNamespace
from wsgiref.validate import validator

import brotli
import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.db import OperationalError, connection, transaction
from django.db.models import DateField
from django.test import Client
from django.test.utils import CaptureQueriesContext

from medspa.models import Clinic, Closure
from tests import factories
from tests.site import PROJECT
from treatments import content_rules, exported_pages, finished_page, page_cache
from treatments.models import Benefit, ContentVersion, Treatment

PAGE = "/treatments/microneedling/"


class Answer:
    def __init__(self, status, headers, content):
        self.status, self.headers, self.content = int(status[:3]), {n.lower(): v for n, v in headers}, content
        self.names = [name.lower() for name, _value in headers]

    @property
    def text(self):
        return self.content.decode()


class Site:
    """The site as a web server sees it, with what it asked Django counted."""

    def __init__(self, visits=tuple):
        django, self.asked = get_wsgi_application(), []

        def counted(environ, start_response):
            self.asked.append(environ)
            return django(environ, start_response)

        self.pages = page_cache.FinishedPages(counted, visits)

    def get(self, path=PAGE, method="GET", query="", **headers):
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "SCRIPT_NAME": "",
            "QUERY_STRING": query,
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "203.0.113.9",
            "HTTP_HOST": "localhost",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            "wsgi.version": (1, 0),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
            **headers,
        }
        began = []

        def start_response(status, headers, exc_info=None):
            began.append((status, headers))
            return lambda _bytes: None

        chunks = validator(self.pages)(environ, start_response)
        content = b"".join(chunks)
        chunks.close()
        return Answer(*began[0], content)

    def look_again(self):
        self.pages.looked_at = float("-inf")


@pytest.fixture(autouse=True)
def connection_stays(monkeypatch):
    """Between requests Django closes connections that are not to be kept, such as the tests' one."""
    monkeypatch.setattr("django.core.signals.request_started.receivers", [])
    monkeypatch.setattr("django.core.signals.request_finished.receivers", [])
    monkeypatch.setattr(page_cache, "close_old_connections", lambda: None)


@pytest.fixture
def treatment(clinic):
    return factories.treatment(slug="microneedling", name="Microneedling", status="published")


@pytest.fixture
def site(treatment):
    return Site()


def test_the_second_visitor_is_answered_without_django_and_without_the_database(site):
    first = site.get()
    site.pages.looked_at = float("inf")  # however long this machine pauses
    with CaptureQueriesContext(connection) as queries:
        second = site.get()
    assert first.status == second.status == 200
    assert second.content == first.content
    assert b"Microneedling" in second.content
    assert len(site.asked) == 1
    assert len(queries) == 0


def test_a_page_says_what_it_is(site):
    for answer in (site.get(), site.get()):
        assert answer.headers["content-length"] == str(len(answer.content))
        assert answer.headers["vary"] == "Accept-Encoding"
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["etag"] == f'"{sha256(answer.content).hexdigest()[:32]}"'
        assert "content-security-policy" in answer.headers
        assert len(answer.names) == len(set(answer.names))


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("GZIP;q=1.0", "gzip"),
        ("*", "br"),
        ("br; q=0.0, *;q=0", None),
        ("identity", None),
        ("", None),
        ("\0;;q=,,", None),
    ],
)
def test_a_page_comes_in_the_encoding_that_is_asked_for(site, accepted, encoding):
    plain = site.get()
    answer = site.get(HTTP_ACCEPT_ENCODING=accepted)
    unpack = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[encoding]
    assert answer.headers.get("content-encoding") == encoding
    assert unpack(answer.content) == plain.content
    assert (answer.headers["etag"] == plain.headers["etag"]) == (encoding is None)


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_the_page_is_told_so(site, known):
    etag = site.get(HTTP_ACCEPT_ENCODING="br").headers["etag"]
    answer = site.get(HTTP_ACCEPT_ENCODING="br", HTTP_IF_NONE_MATCH=known.format(etag))
    assert (answer.status, answer.content) == (304, b"")
    assert answer.headers["etag"] == etag
    assert answer.headers["vary"] == "Accept-Encoding"
    assert "content-length" not in answer.headers


@pytest.mark.parametrize("known", ['"other"', "", "W/", '"', "\0"])
def test_who_has_another_page_gets_this_one(site, known):
    assert site.get(HTTP_IF_NONE_MATCH=known).status == 200


def test_the_etag_of_one_encoding_is_not_that_of_another(site):
    etag = site.get(HTTP_ACCEPT_ENCODING="br").headers["etag"]
    assert site.get(HTTP_ACCEPT_ENCODING="gzip", HTTP_IF_NONE_MATCH=etag).status == 200


def test_head_has_the_headers_and_no_body(site):
    for _ in range(2):
        head, page = site.get(method="HEAD"), site.get()
        assert head.content == b""
        assert head.headers == page.headers


def test_a_change_is_seen_at_the_next_look(site, treatment):
    before = site.get()
    Treatment.objects.filter(pk=treatment.pk).update(summary="A new summary")
    site.look_again()
    after = site.get()
    assert "A new summary" in after.text
    assert after.headers["etag"] != before.headers["etag"]


def test_the_database_is_looked_at_no_more_than_four_times_a_second(site, treatment, monkeypatch):
    """By a clock of this test's own, since the machine may pause."""
    passed = iter(number / 100 for number in range(1000))
    monkeypatch.setattr(page_cache, "time", SimpleNamespace(monotonic=lambda: next(passed), time=time.time))
    site.look_again()
    site.get()
    with CaptureQueriesContext(connection) as queries:
        for _ in range(100):  # two readings of the clock for a visit that looks, one for every other
            site.get()
    assert 3 <= len(queries) <= 4


def test_a_page_made_while_content_changed_is_not_kept(site, treatment):
    """Between the look at the version and the page, somebody saves: the next visitor must not get the old words."""
    django = site.pages.django

    def slow(environ, start_response):
        answer = [*django(environ, start_response)]
        Treatment.objects.filter(pk=treatment.pk).update(summary="Saved meanwhile")
        site.pages.django = django
        return answer

    site.pages.django = slow
    site.get()
    site.look_again()
    assert "Saved meanwhile" in site.get().text


@pytest.mark.parametrize("model", content_rules.content(), ids=lambda model: model.__name__)
def test_every_change_of_every_row_of_content_is_another_version(treatment, model):
    """By a QuerySet, so that no `save()` of ours can be what does it."""
    version, nothing = ContentVersion.objects.standing().version, {"treatment": treatment}
    row = model.objects.first()
    if row is None:
        for field in model._meta.concrete_fields:
            if isinstance(field, DateField) and not field.null:
                nothing[field.name] = "2026-11-24"
        known = {field.name for field in model._meta.concrete_fields}
        row = model.objects.bulk_create([model(**{name: it for name, it in nothing.items() if name in known})])[0]
    versions = [version, ContentVersion.objects.standing().version] if row._state.adding is False else [version]
    versions = [*dict.fromkeys(versions)]
    made = len(versions)
    field = next(f for f in model._meta.concrete_fields if not f.primary_key)
    model.objects.filter(pk=row.pk).update(**{field.attname: getattr(row, field.attname)})
    versions.append(ContentVersion.objects.standing().version)
    model.objects.filter(pk=row.pk).delete()
    versions.append(ContentVersion.objects.standing().version)
    assert len(set(versions)) == made + 2


def test_a_change_that_is_taken_back_leaves_the_version(treatment):
    before = ContentVersion.objects.standing()
    with transaction.atomic():
        Benefit.objects.create(treatment=treatment, name="Radiance")
        assert ContentVersion.objects.standing() != before
        transaction.set_rollback(True)
    assert ContentVersion.objects.standing() == before


def test_whoever_is_signed_in_gets_the_live_page(site, treatment):
    site.get()
    for _ in range(2):
        answer = site.get(HTTP_COOKIE="theme=dark; session=anything")
        assert "no-cache" not in answer.headers.get("cache-control", "")
    assert len(site.asked) == 3


def test_staff_see_a_draft_and_nobody_else_does(site, treatment):
    treatment.status = "draft"
    treatment.save()
    staff = Client()
    staff.force_login(User.objects.create_superuser("owner"))
    cookie = f"session={staff.cookies['session'].value}"
    assert site.get().status == 404
    assert site.get(HTTP_COOKIE=cookie).status == 200
    assert site.get().status == 404
    assert site.get(method="HEAD").status == 404


def test_what_a_visitor_sends_reaches_no_other_visitor(site):
    """Every header and parameter that a page might show, each with a word of its own: the kept page knows none."""
    clean = Site().get()
    poison = {
        "HTTP_X_FORWARDED_HOST": "poison.example",
        "HTTP_X_FORWARDED_FOR": "poison",
        "HTTP_X_ORIGINAL_URL": "/poison",
        "HTTP_X_REWRITE_URL": "/poison",
        "HTTP_X_HTTP_METHOD_OVERRIDE": "POST",
        "HTTP_ACCEPT_LANGUAGE": "es",
        "HTTP_USER_AGENT": "poison<script>",
        "HTTP_REFERER": "https://poison.example/",
        "HTTP_COOKIE": "csrf=poison; messages=poison; django_language=es",
        "HTTP_RANGE": "bytes=0-9",
        "HTTP_FORWARDED": "host=poison.example",
    }
    first = site.get(query="utm_source=poison&gclid=poison", **poison)
    assert b"poison" not in first.content
    assert "poison" not in str(first.headers)
    after = site.get()
    assert len(site.asked) == 1, "the poisoned visit made the page that others get"
    assert (after.content, after.headers) == (clean.content, clean.headers)


@pytest.mark.parametrize("query", ["utm_source=a&utm_medium=b", "fbclid=1", "gclid=", "utm_x=%00%ff"])
def test_how_a_visitor_was_led_here_makes_no_other_page(site, query):
    site.get()
    site.get(query=query)
    assert len(site.asked) == 1


@pytest.mark.parametrize("query", ["page=2", "utm_source=a&q=1", "%", "&&", "=", "UTM_source=a"])
def test_any_other_query_is_for_django(site, query):
    site.get()
    assert site.get(query=query).status == 200
    assert len(site.asked) == 2
    assert len(site.pages.pages) == 1


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "localhost:x", "a" * 5000, "[::1", "\0"]
)
def test_a_host_that_is_not_ours_is_refused_whatever_is_kept(site, host):
    site.get()
    assert site.get(HTTP_HOST=host).status == 400


def test_no_host_is_named_by_a_visitor(site):
    for _ in range(2):
        assert "127.0.0.1:7" not in site.get(HTTP_HOST="127.0.0.1:7777").text
    assert 'rel="canonical" href="http://localhost' in site.get().text or "canonical" in site.get().text


def test_http_is_still_sent_to_https(site, settings):
    settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, ("HTTP_X_FORWARDED_PROTO", "https")
    page_cache._doors.clear()
    site = Site()
    assert site.get(HTTP_X_FORWARDED_PROTO="https").status == 200
    assert site.get(HTTP_X_FORWARDED_PROTO="https").status == 200
    assert len(site.asked) == 1
    for told in ({}, {"HTTP_X_FORWARDED_PROTO": "http"}, {"HTTP_X_FORWARDED_PROTO": "http, https"}):
        assert site.get(**told).status == 301
    page_cache._doors.clear()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_for_django(site, method):
    site.get()
    site.get(method=method, CONTENT_LENGTH="0")
    assert len(site.asked) == 2


@pytest.mark.parametrize(
    "path", ["/request-an-appointment/", "/my-request/none/", "/admin/", "/admin/login/", "/healthz", "/no-such-page/"]
)
def test_what_is_not_for_everybody_is_never_kept(site, path):
    for _ in range(2):
        site.get(path)
    assert len(site.asked) == 2
    assert not site.pages.pages


def test_only_pages_that_say_so_are_kept(site):
    """Each of the reasons not to keep a page, one at a time."""
    good = "200 OK", [("Content-Type", "text/html"), ("Vary", "Cookie")], b"page", {finished_page.SHOWN_UNTIL: 1e12}
    standing = ContentVersion.objects.standing()
    assert finished_page.finish(*good, standing, 0)
    status, headers, content, environ = good
    for one in [
        ("404 Not Found", headers, content, environ),
        ("206 Partial Content", headers, content, environ),
        (status, [*headers, ("Set-Cookie", "a=b")], content, environ),
        (status, [*headers, ("Cache-Control", "max-age=0, private")], content, environ),
        (status, [*headers, ("Cache-Control", "no-store")], content, environ),
        (status, [("Content-Type", "text/html"), ("Vary", "User-Agent")], content, environ),
        (status, [("Content-Type", "text/html"), ("Vary", "*")], content, environ),
        (status, headers, b"x" * (finished_page.MOST_BYTES_OF_A_PAGE + 1), environ),
        (status, headers, content, {}),
    ]:
        assert finished_page.finish(*one, standing, 0) is None, one[:2]


def test_what_is_kept_is_bounded(site, monkeypatch):
    monkeypatch.setattr(page_cache, "MOST_PAGES", 3)
    for path in ("/", "/es/", "/treatments/", "/es/treatments/", PAGE, f"/es{PAGE}", "/privacy/"):
        assert site.get(path).status == 200
    assert len(site.pages.pages) == 3
    for number in range(2 * finished_page.MOST_MEMOS):
        finished_page.encoding_for(f"x{number}")
        page_cache.comes_by(f"localhost:{number}", "http", None)
    assert len(finished_page._encodings) <= finished_page.MOST_MEMOS
    assert len(page_cache._doors) <= finished_page.MOST_MEMOS


def test_open_and_closed_turn_by_the_clock(clinic, treatment):
    tuesday = datetime(2026, 11, 24, 8, 59, 50, tzinfo=clinic.zone)
    with time_machine.travel(tuesday) as clock:
        site = Site()
        before = site.get("/").text
        clock.shift(11)
        after = site.get("/").text
        clock.shift(-11)  # a clock that is set back
        again = site.get("/").text
    assert (status_of(before), status_of(after), status_of(again)) == ("Closed now", "Open now", "Closed now")


def status_of(page):
    return re.search(r"(Open|Closed) now", page)[0]


def test_a_page_that_is_scheduled_appears_in_time(clinic, treatment):
    now = datetime(2026, 11, 24, 11, tzinfo=clinic.zone)
    treatment.publish_at = now + timedelta(minutes=5)
    treatment.save()
    with time_machine.travel(now) as clock:
        site = Site()
        assert "Microneedling" not in site.get("/treatments/").text
        assert site.get().status == 404
        clock.shift(301)
        site.look_again()
        assert "Microneedling" in site.get("/treatments/").text
        assert site.get().status == 200


def test_a_closure_that_comes_near_appears_at_midnight(clinic, treatment):
    night = datetime(2026, 11, 24, 23, 59, 55, tzinfo=clinic.zone)
    Closure.objects.create(starts_on="2027-01-24", ends_on="2027-01-24", reason="Inventory")
    with time_machine.travel(night) as clock:
        site = Site()
        assert "Inventory" not in site.get("/").text
        clock.shift(10)
        assert "Inventory" in site.get("/").text


def test_readers_are_served_while_the_database_is_away(site, monkeypatch):
    page = site.get()

    def away(*_args, **_options):
        raise OperationalError

    asked = len(site.asked)
    monkeypatch.setattr(page_cache.ContentVersion.objects, "standing", away)
    site.look_again()
    assert site.get().content == page.content
    assert len(site.asked) == asked


def test_a_clock_that_is_set_back_behind_a_scheduled_page_hides_it_again(clinic, treatment):
    now = datetime(2026, 11, 24, 11, tzinfo=clinic.zone)
    treatment.publish_at = now + timedelta(minutes=5)
    treatment.save()
    with time_machine.travel(now + timedelta(minutes=6)) as clock:
        site = Site()
        assert "Microneedling" in site.get("/treatments/").text
        clock.move_to(now)
        site.look_again()
        assert "Microneedling" not in site.get("/treatments/").text
        clock.shift(301)
        assert "Microneedling" in site.get("/treatments/").text


@pytest.mark.django_db(transaction=True)
def test_what_nobody_asked_for_is_there_when_the_database_goes_and_is_as_content_was_last(treatment, monkeypatch):
    site, threads = Site(exported_pages.visits), threading.enumerate()
    site.pages.make_all()
    made = dict(site.pages.pages)
    assert {path for path, _is_secure in made} >= {"/", "/es/", PAGE, "/privacy/"}
    assert len(site.asked) == len(made)
    site.pages.make_all()
    assert len(site.asked) == len(made), "what is there is not made again"

    treatment.name = "Needling, newly named"
    treatment.save()
    site.look_again()
    site.get("/accessibility/")
    until = time.monotonic() + 20
    while {page.version for page in site.pages.pages.values()} != {site.pages.version}:
        assert time.monotonic() < until
        time.sleep(0.02)
    for thread in threading.enumerate():
        if thread not in threads:
            thread.join()

    def away(*_args, **_options):
        raise OperationalError

    monkeypatch.setattr(page_cache.ContentVersion.objects, "standing", away)
    site.look_again()
    asked = len(site.asked)
    for path, is_secure in made:
        page = site.get(path, **({"wsgi.url_scheme": "https"} if is_secure else {}))
        assert page.status == 200
        assert "newly named" in page.text or path != PAGE
    assert len(site.asked) == asked


FORK = """
import os
from medspa.wsgi import finished_pages
finished_pages.looking.acquire()  # as by a thread that looks while the server forks
child = os.fork()
if not child:
    os._exit(0 if finished_pages.looking.acquire(blocking=False) else 9)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_process_that_is_forked_while_another_looks_can_look(tmp_path):
    environment = {**os.environ, "VAR_DIR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "medspa.settings"}
    environment.pop("DATABASE_URL", None)
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORK], cwd=PROJECT, env=environment, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


@pytest.mark.django_db(transaction=True)
def test_while_the_database_is_away_a_page_that_is_late_by_the_clock_is_better_than_none(clinic, treatment):
    def away(*_statement):
        raise OperationalError("the connection is closed")

    with time_machine.travel(datetime(2026, 11, 24, 16, 59, tzinfo=clinic.zone)) as clock:
        site = Site()
        opened = site.get("/")
        clock.shift(2 * 60)  # the clinic has closed
        site.look_again()
        with connection.execute_wrapper(away):
            assert site.get("/").content == opened.content
        until_it_is_back(site)
        assert site.get("/").content != opened.content


@pytest.mark.django_db(transaction=True)
def test_only_the_first_reader_waits_for_a_database_that_says_nothing(site, monkeypatch):
    page, asked = site.get(), []

    def say_nothing(*_args):
        asked.append(threading.current_thread())
        time.sleep(0.3)
        raise OperationalError("timeout expired")

    with monkeypatch.context() as patch:
        patch.setattr(page_cache.ContentVersion.objects, "standing", say_nothing)
        site.look_again()
        assert site.get().content == page.content
        began = time.monotonic()
        for _ in range(20):
            site.look_again()
            assert site.get().content == page.content
        assert time.monotonic() - began < 20 * 0.3 / 2
        with site.pages.looking:
            assert threading.current_thread() not in asked[1:]
    until_it_is_back(site)


def until_it_is_back(site):
    until = time.monotonic() + 20
    while site.pages.is_away:
        assert time.monotonic() < until
        site.look_again()
        site.get()
        time.sleep(0.05)
    with site.pages.looking:  # whoever looks has done so
        pass


def test_two_languages_are_two_pages(site):
    assert '<html lang="en">' in site.get("/").text
    assert '<html lang="es">' in site.get("/es/").text
    assert '<html lang="en">' in site.get("/").text


def test_an_uncached_page_costs_four_queries_at_most(site, treatment):
    translation = factories.treatment(
        slug="microneedling", name="Microneedling", language="es", original=treatment, status="published"
    )
    assert translation.is_published
    first, again = {}, {}
    for path in ("/", PAGE, f"{PAGE}aftercare/", f"/es{PAGE}", "/es/", "/treatments/", "/privacy/"):
        for counts in (first, again):  # twice the version, once for the page and once for what its words are made of
            with CaptureQueriesContext(connection) as queries:
                assert Site().get(path).status == 200
            counts[path] = len(queries)
    assert first == {**dict.fromkeys(first, 4), "/privacy/": 2}
    assert again == dict.fromkeys(first, 2)


@pytest.mark.django_db(transaction=True)
def test_readers_and_writers_at_once_never_mix_pages(at_once):
    """Sixteen readers on one worker's pages while content changes: what is read was once the page, whole."""
    factories.clinic()
    treatment = factories.treatment(
        slug="microneedling", name="Microneedling", status="published", summary="Version 0."
    )
    site = Site()

    def read(number):
        if number == 0:
            for turn in range(1, 11):
                Treatment.objects.filter(pk=treatment.pk).update(summary=f"Version {turn}.")
            return []
        return [site.get() for _ in range(30)]

    contents = {}
    outcomes = at_once(read, range(12))
    for answer in (one for outcome in outcomes for one in outcome):
        assert answer.status == 200
        assert re.search(r"Version \d+\.", answer.text)
        assert contents.setdefault(answer.headers["etag"], answer.content) == answer.content
    site.look_again()
    assert "Version 10." in site.get().text
    Clinic.last_read = None
