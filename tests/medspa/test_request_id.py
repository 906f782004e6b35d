"""Each request is found again in the log by its number, and the log says nothing else of whoever asked."""

import io
import json
import logging
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test import Client

from medspa import request_id, views
from medspa.logs import PrivateFormatter
from tests import factories
from treatments.exported_pages import asked
from treatments.page_cache import FinishedPages, answer_of

OWN = re.compile(r"[0-9a-f]{16}")
PROXYS = "0f4e8c1a-6f2e-4f6e-9d9e-3d1f2b7c5a10"


@pytest.fixture
def lines():
    """What the log of a site with LOG_FORMAT=json has to say, as objects."""
    stream, access, root = io.StringIO(), logging.getLogger("medspa.access"), logging.getLogger()
    written = logging.StreamHandler(stream)
    written.setFormatter(PrivateFormatter(as_json=True))
    django = logging.getLogger("django")
    level = access.level
    access.setLevel(logging.INFO)
    root.addHandler(written)
    django.addHandler(written)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    access.setLevel(level)
    root.removeHandler(written)
    django.removeHandler(written)


def accesses(lines):
    return [line for line in lines() if line["logger"] == "medspa.access"]


def test_each_answer_has_a_number_of_its_own(client):
    numbers = [client.get("/robots.txt")["X-Request-ID"] for _ in range(3)]
    assert all(OWN.fullmatch(number) for number in numbers)
    assert len(set(numbers)) == 3


def test_a_number_is_taken_from_our_own_proxy_alone(client, settings):
    assert client.get("/robots.txt", headers={"X-Request-ID": PROXYS})["X-Request-ID"] != PROXYS
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    assert client.get("/robots.txt", headers={"X-Request-ID": PROXYS})["X-Request-ID"] == PROXYS


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "ana@example.com", "two words", 'quo"te-quote', "añoañoaño"])
def test_what_is_no_plain_number_is_not_taken(client, settings, given):
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    assert OWN.fullmatch(client.get("/robots.txt", headers={"X-Request-ID": given})["X-Request-ID"])


@pytest.mark.django_db
def test_the_line_says_which_kind_of_page_and_never_whose(client, lines):
    factories.clinic()
    token = "a-secret-token-of-somebody"
    client.get(f"/es/my-request/{token}/?name=Ana+Ruiz", headers={"User-Agent": "a-browser"})
    (line,) = accesses(lines)
    assert (line["method"], line["route"], line["status"]) == ("GET", "es/my-request/<token>/", 404)
    assert line["milliseconds"] > 0
    assert line.keys() == {
        "at", "level", "logger", "message", "request_id", "method", "route", "status", "milliseconds"
    }  # fmt: skip
    written = json.dumps(lines())
    assert not [word for word in (token, "Ana", "127.0.0.1", "a-browser") if word in written]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/robots.txt", "robots.txt"),
        ("/ana-ruiz-520-555-0199/", "none"),
        ("/static/css/no-such.css", "static/"),
        ("/admin/login/", "admin/login/"),
    ],
)
def test_an_address_that_is_not_ours_is_not_written_down(client, lines, path, route):
    factories.clinic()
    client.get(path)
    assert [line["route"] for line in accesses(lines)] == [route]


def test_a_strange_method_is_not_written_down(client, lines):
    client.generic("ANA-RUIZ", "/robots.txt")
    assert [line["method"] for line in accesses(lines)] == ["OTHER"]


def test_as_text_no_line_is_written_for_a_request(client, caplog):
    client.get("/robots.txt")
    assert "robots.txt" not in caplog.text


def test_what_is_logged_on_the_way_bears_the_number(client, lines, monkeypatch):
    def break_down(request):
        raise RuntimeError

    client.raise_request_exception = False
    monkeypatch.setattr(views, "_plain", break_down)
    answer = client.get("/robots.txt")
    assert answer.status_code == 500
    assert len(lines()) >= 2
    assert {line.get("request_id") for line in lines()} == {answer["X-Request-ID"]}


@pytest.mark.django_db
def test_what_django_says_of_a_refusal_afterwards_bears_the_number(client, lines):
    factories.clinic()
    number = client.get("/no-such-page/")["X-Request-ID"]
    assert [line["request_id"] for line in lines() if line["logger"] == "django.request"] == [number]


@pytest.mark.django_db
def test_whoever_meets_an_error_is_told_the_beginning_of_its_number(client, monkeypatch):
    factories.clinic()

    def break_down(request):
        raise RuntimeError

    client.raise_request_exception = False
    monkeypatch.setattr(views, "_plain", break_down)
    answer = client.get("/robots.txt")
    assert f"add the number {answer['X-Request-ID'][:8]}:" in answer.content.decode()


def test_text_lines_bear_the_number_too():
    record = logging.LogRecord("medspa", logging.INFO, __file__, 1, "Sent %s", (3,), None)
    with request_id.answering("0123456789abcdef"):
        assert PrivateFormatter().format(record).endswith(" INFO medspa [0123456789abcdef] Sent 3")
    assert PrivateFormatter().format(record).endswith(" INFO medspa Sent 3")


@pytest.mark.django_db(transaction=True)
def test_a_finished_page_bears_nobodys_number():
    factories.clinic()
    site = FinishedPages(get_wsgi_application())
    for _ in range(2):
        status, headers, _content = answer_of(site, asked("/"))
        assert status.startswith("200")
        assert "x-request-id" not in {name.lower() for name, _value in headers}


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_keep_their_own_numbers(lines):
    def ask(_turn):
        try:
            return Client().get("/no-such-page/")["X-Request-ID"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        numbers = list(pool.map(ask, range(40)))
    assert sorted(line["request_id"] for line in accesses(lines)) == sorted(numbers)
    assert len(set(numbers)) == 40


def test_outside_of_a_request_there_is_no_number():
    assert request_id.current() == request_id.shown() == ""
