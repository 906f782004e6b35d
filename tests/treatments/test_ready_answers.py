"""An answer that stands ready is given only to whom the longer way would give the same."""

import random
from datetime import datetime

import pytest
import time_machine

from tests.treatments.test_page_cache import PAGE, Site, connection_stays, site, status_of, treatment
from treatments import finished_page, page_cache

__all__ = ["connection_stays", "site", "treatment"]  # fixtures

REQUESTS = [
    {},
    {"method": "HEAD"},
    {"method": "POST"},
    {"path": "/treatments/"},
    {"path": f"/es{PAGE}"},
    {"path": "/no-such-page/"},
    {"query": "a=b"},
    {"query": "utm_source=mail"},
    {"SCRIPT_NAME": "/below"},
    {"HTTP_ACCEPT_ENCODING": "br"},
    {"HTTP_ACCEPT_ENCODING": "gzip"},
    {"HTTP_IF_NONE_MATCH": "*"},
    {"HTTP_IF_NONE_MATCH": '"another"'},
    {"HTTP_IF_NONE_MATCH": "*", "method": "HEAD"},
    {"HTTP_HOST": "testserver"},
    {"HTTP_HOST": "evil.example"},
    {"HTTP_HOST": ""},
    {"HTTP_COOKIE": "session=somebody"},
    {"HTTP_COOKIE": "csrf=x"},
    {"wsgi.url_scheme": "https"},
    {"HTTP_X_FORWARDED_PROTO": "https"},
    {"HTTP_X_FORWARDED_PROTO": "nonsense"},
]
REQUESTS += [{"HTTP_X_FORWARDED_PROTO": "https", **request} for request in REQUESTS]


def said(answer):
    """All but the number, which each answer of Django's has of its own."""
    return answer.status, {n: v for n, v in answer.headers.items() if n != "x-request-id"}, answer.content


@pytest.fixture(params=["by http", "by https alone"])
def door(request, settings):
    """How the site is served. By HTTPS alone, a proxy says by what a visitor came, and HTTP is sent to HTTPS."""
    if request.param == "by https alone":
        settings.SECURE_SSL_REDIRECT, settings.SECURE_PROXY_SSL_HEADER = True, ("HTTP_X_FORWARDED_PROTO", "https")
    page_cache._doors.clear()
    yield
    page_cache._doors.clear()


@pytest.mark.usefixtures("door")
def test_whatever_is_asked_in_whatever_order_is_answered_as_if_nobody_had_asked_before(treatment):
    alone = [said(Site().get(**request)) for request in REQUESTS]
    assert len({status for status, _headers, _content in alone}) > 3
    site, dice = Site(), random.Random(20261128)
    for _ in range(5):
        for number in dice.sample(range(len(REQUESTS)), len(REQUESTS)):
            assert said(site.get(**REQUESTS[number])) == alone[number], REQUESTS[number]
    assert site.pages.ready


def test_an_answer_is_ready_the_third_time_and_not_after_a_change(site, treatment, monkeypatch):
    site.get()
    site.pages.looked_at = float("inf")
    old = site.get()
    with monkeypatch.context() as patch:
        patch.setattr(site.pages, "pages", {})  # or the longer way would know it too
        assert said(site.get()) == said(old)
    (ready,) = site.pages.ready.items()
    treatment.name = "Needling"
    treatment.save()
    site.look_again()
    assert b"Needling" in site.get().content
    site.pages.ready.keep(*ready)  # by a thread that was late
    assert b"Needling" in site.get().content
    assert b"Needling" in site.get().content


def test_what_stands_ready_ends_by_the_clock(clinic, treatment):
    with time_machine.travel(datetime(2026, 11, 24, 8, 59, 50, tzinfo=clinic.zone)) as clock:
        site, found = Site(), []
        for seconds in (0, 0, 0, 11, 0, 0, -11, 0, 0):
            clock.shift(seconds)
            found.append(status_of(site.get("/").text))
            site.pages.looked_at = float("inf")
    assert found == ["Closed now"] * 3 + ["Open now"] * 3 + ["Closed now"] * 3


@pytest.mark.parametrize("header", ["HTTP_COOKIE", "QUERY", "HTTP_IF_NONE_MATCH", "HTTP_ACCEPT_ENCODING"])
def test_nobody_fills_the_memory_with_what_he_makes_up(site, header, monkeypatch):
    monkeypatch.setattr(finished_page, "MOST_MEMOS", 20)
    site.get()
    for number in range(60):
        words = f"utm_source={number}"
        site.get(query=words) if header == "QUERY" else site.get(**{header: words})
    assert len(site.pages.ready) <= 20
    assert header in ("HTTP_IF_NONE_MATCH", "HTTP_ACCEPT_ENCODING") or not site.pages.ready
