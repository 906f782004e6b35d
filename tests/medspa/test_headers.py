"""The front of the house, as a site served by HTTPS answers: every kind of page, and every refusal."""

import json
import re

import pytest

from tests.observatory import score
from tests.site import Site

PUBLIC = ["/", "/treatments/", "/treatments/microneedling/", "/request-an-appointment/", "/privacy/", "/es/"]
PAGES = {
    **dict.fromkeys(PUBLIC, 200),
    "/admin/login/": 200,
    "/no-such-page/": 404,
    "/my-request/no-such-token/": 404,
    "/calendar/no-such-token.ics": 404,
    "/admin/": 200,
    "/admin/appointments/appointmentrequest/": 200,
    "/admin/appointments/event/": 200,
    "/admin/auth/user/": 200,
    "/admin/medspa/clinic/1/change/": 200,
    "/admin/treatments/treatment/1/change/": 200,
    "/admin/no-such-page/": 404,
    "forbidden": 403,
    "forged": 403,
    "stranger": 400,
    "method": 405,
}
ASK = """
import json
from django.contrib.auth.models import User
from django.test import Client
user, _ = User.objects.get_or_create(username="chief", is_staff=True, is_superuser=True)
low, _ = User.objects.get_or_create(username="low", is_staff=True)
def tell(answer):
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    cookies = [morsel.OutputString() for morsel in answer.cookies.values()]
    words = body.decode("utf-8", "replace")
    return {"status": answer.status_code, "headers": dict(answer.headers), "cookies": cookies, "page": words}
def client(who=None):
    one = Client(HTTP_HOST="clinic.example", raise_request_exception=False, enforce_csrf_checks=True)
    if who:
        one.force_login(who)
        session = one.session
        session["second_step"] = True
        session.save()
    return one
found = {}
for address in ADDRESSES:
    who = user if address.startswith("/admin/") and "login" not in address else None
    found[address] = tell(client(who).get(address, secure=True))
found["forbidden"] = tell(client(low).get("/admin/auth/user/", secure=True))
found["forged"] = tell(client().post("/request-an-appointment/", {"full_name": "x"}, secure=True))
found["stranger"] = tell(client().get("/", secure=True, HTTP_HOST="evil.example"))
found["method"] = tell(Client(HTTP_HOST="clinic.example").delete("/privacy/", secure=True))
found["plain"] = tell(client().get("/privacy/?a=b"))
found["static"] = tell(client().get("/static/css/site.css", secure=True))
found["feed in the open"] = tell(client().get("/calendar/x.ics"))
found["health in the open"] = tell(client().get("/healthz"))
found["sitemap"] = tell(client().get("/sitemap.xml", secure=True))
one = client(user)
one.get("/admin/auth/user/", {"found": "x"}, secure=True)
one.get("/admin/appointments/appointmentrequest/?found=x", secure=True)
found["notices"] = {"cookies": [morsel.OutputString() for morsel in one.cookies.values()]}
found["huge"] = tell(Client(HTTP_HOST="clinic.example").post("/request-an-appointment/", "x" * 300_000,
    content_type="multipart/form-data; boundary=x", secure=True))
found["signed in"] = tell(client(user).get("/admin/password_change/", secure=True))
evil = "X_FORWARDED_HOST X_HOST X_ORIGINAL_URL X_REWRITE_URL FORWARDED X_FORWARDED_PREFIX X_FORWARDED_SERVER".split()
poison = {f"HTTP_{name}": "evil.example" for name in evil} | {
    "HTTP_X_FORWARDED_SCHEME": "http", "HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE", "HTTP_X_FORWARDED_PORT": "6666"}
for address in POISONED:
    found["poisoned " + address] = tell(client().get(address, secure=True, **poison))
    found["clean " + address] = tell(client().get(address, secure=True))
print("@@" + json.dumps(found))
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory):
    """What the site says under the settings of a site for others."""
    site = Site(tmp_path_factory.mktemp("headers"))
    site.environment |= {
        "ALLOWED_HOSTS": "clinic.example",
        "SITE_URL": "https://clinic.example",
        "SECRET_KEY": "thrown-away-after-this-check-0123456789-abcdefghijklmnop",
        "DATA_KEYS": (site.folder / "var" / "data_keys.txt").read_text(),
    }
    addresses = [address for address in PAGES if address.startswith("/")]
    code = f"ADDRESSES, POISONED = {addresses!r}, {PUBLIC!r}\n{ASK}"
    try:
        yield json.loads(site.manage("shell", "-c", code).partition("@@")[2])
    finally:
        site.remove()


@pytest.mark.parametrize(("name", "status"), PAGES.items())
def test_observatory_gives_every_page_150_or_more(answers, name, status):
    answer = answers[name]
    assert answer["status"] == status
    points = score(answer["headers"], answer["cookies"], answer["page"])
    assert points >= 150, f"{name}: {points}"


def test_the_score_falls_when_a_promise_is_broken(answers):
    answer = answers["/"]
    for name in ["Content-Security-Policy", "Strict-Transport-Security", "Referrer-Policy", "X-Content-Type-Options"]:
        headers = {header: value for header, value in answer["headers"].items() if header != name}
        assert score(headers, [], answer["page"]) == 0
    headers = answer["headers"] | {"Content-Security-Policy": "default-src 'self' 'unsafe-inline'"}
    assert score(headers, [], answer["page"]) == 0
    assert score(answer["headers"], ["session=1; HttpOnly"], answer["page"]) == 0
    assert score(answer["headers"], [], "<script>alert(1)</script>") == 0


@pytest.mark.parametrize("name", PAGES)
def test_nothing_stands_inline_on_any_page(answers, name):
    page = answers[name]["page"]
    assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=\"|javascript:", page)


@pytest.mark.parametrize("name", [*PAGES, "static", "plain"])
def test_every_answer_has_what_keeps_other_sites_away(answers, name):
    headers = answers[name]["headers"]
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert "Access-Control-Allow-Origin" not in headers
    if name not in ("static", "plain"):
        assert "camera=()" in headers["Permissions-Policy"]


@pytest.mark.parametrize("name", [name for name in PAGES if re.match(r"/(admin|my-request|calendar)/", name)])
def test_what_is_a_persons_is_kept_nowhere(answers, name):
    assert "no-store" in answers[name]["headers"]["Cache-Control"]
    assert "no-store" in answers["/request-an-appointment/"]["headers"]["Cache-Control"]


def test_cookies_are_for_this_host_and_https_alone(answers):
    for name in ("/request-an-appointment/", "/admin/login/", "signed in"):
        for cookie in answers[name]["cookies"]:
            assert cookie.startswith("__Host-")
            assert "Path=/;" in cookie + ";"
            assert {"Secure", "HttpOnly"} <= {part.strip() for part in cookie.split(";")}
            assert "SameSite=" in cookie
            assert "Domain=" not in cookie
    assert answers["signed in"]["cookies"]


def test_plain_http_is_led_to_https_on_our_own_host(answers):
    answer = answers["plain"]
    assert (answer["status"], answer["headers"]["Location"]) == (301, "https://clinic.example/privacy/?a=b")


def test_a_strange_host_gets_nothing_of_the_site(answers):
    assert answers["stranger"]["status"] == 400
    assert "evil" not in answers["stranger"]["page"]


@pytest.mark.parametrize("address", PUBLIC)
def test_no_header_poisons_a_page(answers, address):
    poisoned, clean = answers[f"poisoned {address}"], answers[f"clean {address}"]
    assert poisoned["status"] == clean["status"] == 200
    assert "evil" not in poisoned["page"] + json.dumps(poisoned["headers"])

    def steady(page):
        return re.sub(r'name="(csrfmiddlewaretoken|form_token|opened)" value="[^"]*"', "", page)

    assert steady(poisoned["page"]) == steady(clean["page"])


def test_a_forged_form_gets_our_own_page_with_the_words_and_the_telephone(answers):
    page = answers["forged"]["page"]
    assert 'value="x"' in page
    assert "tel:" in page


def test_a_secret_address_is_not_led_from_plain_http_and_programs_are_answered(answers):
    assert answers["feed in the open"]["status"] == 403
    assert answers["health in the open"]["status"] in (200, 503)


def test_notices_travel_in_a_cookie_of_this_host(answers):
    assert [cookie for cookie in answers["notices"]["cookies"] if cookie.startswith("__Host-notices=")]
    assert all(cookie.startswith("__Host-") for cookie in answers["notices"]["cookies"])


def test_a_huge_body_is_refused_unread_with_the_telephone(answers):
    assert answers["huge"]["status"] == 400
    assert "tel:" in answers["huge"]["page"]


@pytest.mark.parametrize("name", ["static", "plain", "sitemap"])
def test_what_is_no_page_may_do_nothing_in_a_frame(answers, name):
    assert "frame-ancestors 'none'" in answers[name]["headers"]["Content-Security-Policy"]
    assert name == "plain" or "charset=" in answers[name]["headers"]["Content-Type"]
