"""Caddy serves the site with deploy/Caddyfile, in which only the places are others."""

import os
import re
import subprocess

import pytest

from medspa import settings
from tests.deploy.behind import HOST, Browser, certificate, port_of_its_own, program, web_server
from tests.site import PROJECT

CADDY = program("caddy")
pytestmark = pytest.mark.skipif(not CADDY, reason="there is no Caddy on this machine")
GIVEN = (PROJECT / "deploy" / "Caddyfile").read_text()


@pytest.fixture(scope="module")
def caddy(place, served):
    secure = port_of_its_own()
    public, private = certificate(place)
    places = {
        "{$SITE_NAME:clinic.example} {": f"https://{HOST}:{secure} {{\n\ttls {public} {private}",
        "\tservers {\n": f"\tadmin off\n\tauto_https off\n\tstorage file_system {place}/caddy\n\tservers {{\n",
        "/run/medspa/web.sock": str(served.socket_path),
        "/var/cache/medspa": str(served.pages),
    }
    words = GIVEN
    for there, here in places.items():
        assert there in words, there
        words = words.replace(there, here)
    (place / "Caddyfile").write_text(words)
    version = tuple(map(int, re.findall(r"\d+", subprocess.check_output([CADDY, "version"], text=True))[:2]))
    old = {"WHOLE_REQUESTS": "buffer_requests"} if version < (2, 7) else {}
    told = {"PATH": os.environ["PATH"], "HOME": str(place), **old}
    for command in ("validate", "run"):
        asked = [CADDY, command, "--config", str(place / "Caddyfile"), "--adapter", "caddyfile"]
        if command == "validate":
            tried = subprocess.run(asked, env=told, capture_output=True, text=True)
            assert tried.returncode == 0, tried.stderr
    with web_server(asked, secure, place / "caddy.log", told):
        yield secure, public


@pytest.fixture
def browser(caddy):
    return Browser(*caddy)


def test_a_patient_reads_sends_the_form_and_reads_the_private_page(browser):
    status, headers, page = browser.get("/treatments/microneedling/")
    assert status == 200
    assert "content-security-policy" in headers
    assert "strict-transport-security" in headers
    style = re.search(r'href="(/static/css/site\.[0-9a-f]+\.css)"', page.decode())[1]
    assert "immutable" in browser.get(style)[1]["cache-control"]
    status, headers, _page = browser.request_an_appointment()
    assert status == 303
    status, _headers, page = browser.get(headers["location"])
    assert status == 200
    assert re.search(r"\b[2-9A-Y]{3}-[2-9A-Y]{4}\b", page.decode())


def test_what_a_visitor_says_of_himself_is_not_believed(browser, served):
    page = browser.get("/admin/login/")[2].decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    form = {"username": "nobody", "password": "wrong", "csrfmiddlewaretoken": token}
    assert browser.post("/admin/login/", form, X_Forwarded_For="203.0.113.9", X_Forwarded_Proto="http")[0] == 200
    known = "from medspa.models import DoorEvent; print(DoorEvent.objects.latest('pk').address)"
    assert served.manage("shell", "-c", known).split()[-1] == "127.0.0.1"


def test_a_body_that_is_too_large_is_refused_with_a_page_for_people(browser):
    for path, words in (("/", "too large"), ("/es/", "demasiado grande")):
        status, _headers, page = browser.post(f"{path}request-an-appointment/", {"message": "x" * 300_000})
        assert status == 413
        assert words in page.decode()
        assert "tel:" in page.decode()
    assert browser.post("/admin/login/", {"message": "x" * 300_000})[0] == 403  # the desk may send files
    assert f"> {settings.DATA_UPLOAD_MAX_MEMORY_SIZE}`" in GIVEN
    assert f"max_size {settings.MOST_BYTES_AT_THE_DESK}\n" in GIVEN


def test_while_the_site_is_away_it_says_whom_to_call_and_then_goes_on(browser, served):
    with served.away():
        status, headers, page = browser.get("/request-an-appointment/")
        assert status == 503
        assert headers["retry-after"] == "30"
        assert "what you typed is still there" in page.decode()
        assert "tel:" in page.decode()
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "sigue ahí" in browser.get("/es/request-an-appointment/")[2].decode()
    assert browser.get("/request-an-appointment/")[0] == 200


def test_nothing_private_stands_in_a_log(place, browser, served):
    status, headers, _page = browser.request_an_appointment(full_name="Canary Person")
    assert status == 303
    private = headers["location"].split("/my-request/")[1].strip("/")
    with served.away():
        assert browser.get(headers["location"])[0] == 503
    logs = (place / "caddy.log").read_text() + served.log.read_text()
    for word in (private, "Canary", "/my-request/"):
        assert word not in logs


def test_a_request_is_numbered_here_and_not_by_the_visitor(browser):
    status, headers, _page = browser.get("/robots.txt", X_Request_ID="a-number-of-the-visitors")
    assert status == 200
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers["x-request-id"])
