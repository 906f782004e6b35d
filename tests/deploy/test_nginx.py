"""nginx serves the site with deploy/nginx.conf, in which only the places are others."""

import http.client
import re
import subprocess
import time

import pytest

from medspa import settings
from tests.deploy.behind import HOST, Browser, certificate, port_of_its_own, program, web_server
from tests.site import PROJECT

NGINX = program("nginx")
pytestmark = pytest.mark.skipif(not NGINX, reason="there is no nginx on this machine")
MAIN = """
daemon off; worker_processes 2; pid {place}/nginx.pid; error_log {place}/main.log;
events {{ worker_connections 768; }}
http {{
  include /etc/nginx/mime.types; default_type application/octet-stream;
  client_body_temp_path {place}/body; proxy_temp_path {place}/proxy; fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi; scgi_temp_path {place}/scgi;
  include {place}/site.conf;
}}
"""
AS_THE_SITE_SAYS = [
    "content-security-policy",
    "content-type",
    "cross-origin-opener-policy",
    "permissions-policy",
    "referrer-policy",
    "strict-transport-security",
    "x-content-type-options",
    "x-frame-options",
]
GIVEN = (PROJECT / "deploy" / "nginx.conf").read_text()


def placed(place, served, plain: int, secure: int) -> str:
    """The configuration as it is, at ports and in folders of this test's."""
    places = {
        "[::]:80": f"[::1]:{plain}",
        "[::]:443": f"[::1]:{secure}",
        "listen 80": f"listen 127.0.0.1:{plain}",
        "listen 443": f"listen 127.0.0.1:{secure}",
        "/run/medspa/web.sock": str(served.socket_path),
        "/var/cache/nginx-medspa": f"{place}/files",
        "/var/cache/medspa": str(served.pages),
        "/var/log/nginx/medspa.log": f"{place}/medspa.log",
        "/etc/medspa/tls": str(place),
        "/var/www/acme": f"{place}/acme",
    }
    words = GIVEN
    for there, here in places.items():
        assert there in words, there
        words = words.replace(there, here)
    return words


@pytest.fixture(scope="module")
def nginx(place, served):
    plain, secure = port_of_its_own(), port_of_its_own()
    public, _private = certificate(place)
    (place / "site.conf").write_text(placed(place, served, plain, secure))
    (place / "nginx.conf").write_text(MAIN.format(place=place))
    command = [NGINX, "-c", f"{place}/nginx.conf", "-p", str(place)]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True)
    assert tried.returncode == 0, tried.stderr
    assert "warn" not in tried.stderr
    with web_server(command, secure, place / "main.log"):
        yield plain, secure, public


@pytest.fixture
def browser(nginx):
    time.sleep(0.3)  # so that the tests together stay below what one address may ask
    return Browser(nginx[1], nginx[2])


def test_a_page_is_sent_as_a_file_with_the_sites_own_headers(browser, served):
    status, headers, page = browser.get("/treatments/microneedling/")
    assert status == 200
    assert page == (served.pages / "pages/treatments/microneedling/index.html").read_bytes()
    _status, asked, _page = browser.get("/treatments/microneedling/", Cookie="session=somebody")
    for name in AS_THE_SITE_SAYS:
        assert sorted(headers[name].split("; ")) == sorted(asked[name].split("; ")), name
    assert headers["server"] == "nginx"
    assert browser.get("/treatments/microneedling/", Accept_Encoding="gzip")[1]["content-encoding"] == "gzip"
    again, _headers, nothing = browser.get("/treatments/microneedling/", If_None_Match=headers["etag"])
    assert (again, nothing) == (304, b"")


def test_whoever_is_signed_in_or_asks_for_more_gets_the_page_from_the_site(browser, served):
    home = served.pages / "pages" / "index.html"
    exported = home.read_bytes()
    try:
        home.write_bytes(b"from the file")
        assert browser.get("/")[2] == b"from the file"
        assert browser.get("/", Cookie="__Host-session=x")[2] != b"from the file"
        assert browser.get("/?utm_source=mail")[2] != b"from the file"
        assert browser.ask("POST", "/")[0] in {403, 405}
    finally:
        home.write_bytes(exported)


def test_the_newest_tls_is_spoken(browser):
    connection = browser.connect()
    assert connection.sock.version() == "TLSv1.3"
    connection.close()


def test_addresses_are_those_of_the_site(browser):
    assert browser.get("/treatments")[0] == 301
    assert browser.get("/treatments/index.html")[0] == 404
    assert browser.get("/headers.conf")[0] == 404
    assert browser.get("/pages/index.html")[0] == 404
    assert browser.get("/trouble/away.en.html")[0] == 404


def test_a_style_sheet_is_kept_by_nginx_as_the_site_sent_it(browser):
    page = browser.get("/")[2].decode()
    style = re.search(r'href="(/static/css/site\.[0-9a-f]+\.css)"', page)[1]
    for encoding in ("", "gzip", "br"):
        for _time in range(2):
            status, headers, content = browser.get(style, Accept_Encoding=encoding)
            assert status == 200
            assert headers.get("content-encoding", "") == encoding
            assert "immutable" in headers["cache-control"]
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert content
    assert browser.get("/static/css/no-such.css")[0] == 404


def test_a_patient_sends_the_form_and_reads_the_private_page(browser, served):
    status, headers, _page = browser.request_an_appointment()
    assert status == 303
    address = headers["location"]
    assert "/my-request/" in address
    status, _headers, page = browser.get(address)
    assert status == 200
    assert re.search(r"\b[2-9A-Y]{3}-[2-9A-Y]{4}\b", page.decode())


def test_the_address_that_is_written_down_is_the_visitors_whatever_he_says(browser, served):
    page = browser.get("/admin/login/")[2].decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    form = {"username": "nobody", "password": "wrong", "csrfmiddlewaretoken": token}
    sent = browser.post("/admin/login/", form, X_Forwarded_For="203.0.113.9", X_Forwarded_Proto="http")
    assert sent[0] == 200
    known = "from medspa.models import DoorEvent; print(DoorEvent.objects.latest('pk').address)"
    assert served.manage("shell", "-c", known).split()[-1] == "127.0.0.1"


def test_http_leads_to_https_and_other_names_lead_nowhere(nginx, browser):
    plain = nginx[0]
    connection = http.client.HTTPConnection("127.0.0.1", plain, timeout=10)
    connection.request("GET", "/treatments/?a=b", headers={"Host": HOST})
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{HOST}/treatments/?a=b")
    connection.close()
    connection = http.client.HTTPConnection("127.0.0.1", plain, timeout=10)
    connection.request("GET", "/", headers={"Host": "other.example"})
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()


def test_a_body_that_is_too_large_is_refused_with_a_page_for_people(browser):
    status, _headers, page = browser.post("/request-an-appointment/", {"message": "x" * 300_000})
    assert status == 413
    assert "too large" in page.decode()
    assert "tel:" in page.decode()
    spanish = browser.post("/es/request-an-appointment/", {"message": "x" * 300_000})
    assert spanish[0] == 413
    assert "demasiado grande" in spanish[2].decode()
    assert (
        browser.post("/admin/login/", {"message": "x" * 300_000})[0] == 403
    )  # the desk may send files; the site refuses
    sizes = [
        int(size) * {"k": 1024, "m": 1024**2}[unit] for size, unit in re.findall(r"max_body_size (\d+)([km]);", GIVEN)
    ]
    assert sizes == [settings.DATA_UPLOAD_MAX_MEMORY_SIZE, settings.MOST_BYTES_AT_THE_DESK]


def test_one_address_cannot_ask_without_end(browser):
    answers = [browser.get("/request-an-appointment/") for _ in range(120)]
    refused = [answer for answer in answers if answer[0] == 429]
    assert {answer[0] for answer in answers} <= {200, 429}
    if refused:  # a slow machine asks too slowly for it
        assert "tel:" in refused[0][2].decode()


def test_while_the_site_is_away_its_pages_are_read_and_the_rest_says_whom_to_call(browser, served):
    with served.away():
        assert browser.get("/treatments/microneedling/")[0] == 200
        status, headers, page = browser.get("/request-an-appointment/")
        assert status == 503
        assert headers["retry-after"] == "30"
        assert "what you typed is still there" in page.decode()
        assert "tel:" in page.decode()
        assert "content-security-policy" in headers
        assert "sigue ahí" in browser.get("/es/request-an-appointment/")[2].decode()
        style = re.search(r'href="(/static/css/site\.[0-9a-f]+\.css)"', page.decode())[1]
        assert browser.get(style)[0] == 200


def test_nothing_private_stands_in_a_log(place, browser, served):
    status, headers, _page = browser.request_an_appointment(full_name="Canary Person")
    assert status == 303
    private = headers["location"].split("/my-request/")[1].strip("/")
    assert browser.get(headers["location"])[0] == 200
    logs = "".join(file.read_text() for file in (place / "main.log", place / "medspa.log", served.log))
    for word in (private, "Canary", "/my-request/"):
        assert word not in logs


def test_a_request_is_numbered_here_and_not_by_the_visitor(browser):
    status, headers, _page = browser.get("/robots.txt", X_Request_ID="a-number-of-the-visitors")
    assert status == 200
    assert re.fullmatch(r"[0-9a-f]{32}", headers["x-request-id"])
