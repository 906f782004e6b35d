"""Inputs that nobody means well: over every field, header, path, method and type of content. Nothing breaks.

2,000 of them at each run; HOSTILE_INPUTS=10000 takes more. The same seed makes the same ones.
"""

import io
import os
import random
import time
from urllib.parse import quote

import pytest
from django.test import Client

from tests import factories

pytestmark = pytest.mark.django_db

MANY = int(os.environ.get("HOSTILE_INPUTS", "2000"))
BITS = [
    "", " ", "\x00", "\r\n", "\n", "\t", "'", '"', "`", "\\", "%", "%00", "%0d%0aSet-Cookie:a=b", "%s%n", "{{7*7}}",
    "{% load x %}", "${jndi:ldap://x}", "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:a",
    "' OR 1=1 --", "1; DROP TABLE x", "../../etc/passwd", "..%2f..%2f", "/etc/passwd\x00.png", "http://evil.example",
    "//evil.example", "😀" * 40, "\u202e\u202dabc", "\ufeff", "\ud7ff", "\U0010ffff", "e\u0301" * 60, "ﷺ" * 50,
    "A" * 300,
    "A" * 5000, "9" * 400, "-1", "0", "1e309", "NaN", "Infinity", "2147483648", "9223372036854775808", "true", "null",
    "[]", "{}", "[1,2", "=cmd|' /C calc'!A0", "+1", "@x", "2026-13-45", "0000-00-00", "9999-12-31T99:99", "\x1b[31m",
    "\x7f", "\x85", "\u2028",
    "test@", "@test", "a@b@c", "a" * 250 + "@b.co", "(520) 555-0142", "+", "++1", "١٢٣",
]  # fmt: skip
FIELDS = [
    "full_name", "phone", "email", "contact_by", "treatment", "preferred_times", "message", "form_token", "opened",
    "website", "username", "password", "next", "code", "credential", "q", "found", "state", "status", "page", "p", "o",
    "seen", "reason", "note", "reached", "slot", "minutes", "provider", "others", "date", "weeks", "format",
    "days", "by",
    "what", "name", "visit", "edition", "answer_1", "source", "language", "action", "_selected_action", "e", "all",
]  # fmt: skip
PATHS = [
    "/", "/treatments/", "/treatments/{}/", "/treatments/{}/aftercare/", "/request-an-appointment/", "/es/{}",
    "/my-request/{}/", "/my-request/{}/cancel/", "/my-request/{}/times/", "/my-request/{}/health/",
    "/my-request/{}/visit.ics", "/privacy/", "/healthz", "/robots.txt", "/sitemap.xml", "/.well-known/security.txt",
    "/media/{}", "/static/{}", "/calendar/{}.ics", "/admin/login/", "/admin/", "/admin/stay/", "/admin/second-step/",
    "/admin/second-step/set-up/", "/admin/second-step/mine/", "/admin/second-step/passkeys/new/",
    "/admin/appointments/appointmentrequest/", "/admin/appointments/appointmentrequest/{}/change/",
    "/admin/appointments/appointmentrequest/{}/message/", "/admin/appointments/appointmentrequest/{}/health/",
    "/admin/appointments/appointmentrequest/REAL/move/{}/", "/admin/appointments/appointmentrequest/REAL/move/close/",
    "/admin/appointments/appointmentrequest/REAL/move/erase/",
    "/admin/appointments/appointmentrequest/REAL/move/export/",
    "/admin/appointments/appointmentrequest/new/", "/admin/appointments/appointmentrequest/reports/",
    "/admin/appointments/appointment/day/", "/admin/appointments/appointment/week/", "/admin/appointments/event/",
    "/admin/appointments/event/file/", "/admin/appointments/event/unusual/", "/admin/appointments/message/",
    "/admin/auth/user/", "/admin/medspa/clinic/1/change/", "/admin/jsi18n/", "/admin/{}", "/{}", "/{}/{}",
]  # fmt: skip
METHODS = ["GET"] * 6 + ["POST"] * 8 + ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "get", "{}"]
TYPES = [
    "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-16", "multipart/form-data",
    "multipart/form-data; boundary=", "multipart/form-data; boundary=x", "application/json", "text/xml", "text/plain",
    "application/x-www-form-urlencoded; charset=nonsense", "{}", "",
]  # fmt: skip
HEADERS = [
    "HTTP_ACCEPT_LANGUAGE", "HTTP_ACCEPT_ENCODING", "HTTP_COOKIE", "HTTP_REFERER", "HTTP_USER_AGENT", "HTTP_ORIGIN",
    "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE",
    "HTTP_IF_NONE_MATCH", "HTTP_AUTHORIZATION", "HTTP_X_CSRFTOKEN", "HTTP_X_REQUESTED_WITH", "HTTP_EXPECT",
    "HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_CONTENT_ENCODING", "CONTENT_LENGTH",
]  # fmt: skip
TRACES = (b"Traceback", b"<script>alert(1)", b"onerror=alert(1)>", b"/site-packages/", b"OperationalError")


class Attack:
    """One input, drawn from what is above."""

    def __init__(self, dice: random.Random, real: int):
        self.dice, bit = dice, self._bit(dice)
        self.path = self._pick(PATHS).replace("REAL", str(real))
        while "{}" in self.path:
            self.path = self.path.replace("{}", quote(self._bit(dice)[:200], safe="%/"), 1)
        fields = dice.sample(FIELDS, dice.randrange(0, 12))
        self.fields = {name: self._bit(dice) for name in fields}
        self.method = self._pick(METHODS).replace("{}", "".join(filter(str.isalnum, bit))[:20] or "X")
        self.kind = self._pick(TYPES).replace("{}", self._line(bit))
        self.headers = {name: self._line(self._bit(dice)) for name in dice.sample(HEADERS, dice.randrange(0, 3))}
        if "CONTENT_LENGTH" in self.headers:
            self.headers["CONTENT_LENGTH"] = dice.choice(["0", "1", "17"])  # a web server lets through numbers alone

    def _pick(self, choices):
        return self.dice.choice(choices)

    @staticmethod
    def _bit(dice):
        return "".join(dice.choice(BITS) for _ in range(dice.choice([1, 1, 1, 2, 3])))

    @staticmethod
    def _line(text):
        """As a web server would let a header through: one line, Latin-1."""
        return "".join(letter for letter in text.encode("utf-8").decode("latin-1") if letter >= " ")[:2000]

    def send(self, client):
        query = "&".join(f"{name}={quote(value)}" for name, value in list(self.fields.items())[:3])
        body = "&".join(f"{name}={quote(value)}" for name, value in self.fields.items()).encode()
        if self.kind.startswith("multipart"):
            body = b"--x\r\n" + body + b"\r\n--x--"
        sent = {"wsgi.input": io.BytesIO(body), **self.headers}  # it may be shorter than its CONTENT_LENGTH
        return client.generic(self.method, f"{self.path}?{query}", body, content_type=self.kind, **sent)

    def __str__(self):
        return f"{self.method} {self.path!r} {self.kind!r} {self.fields!r} {self.headers!r}"


@pytest.mark.parametrize("who", ["nobody", "the owner"])
def test_no_input_breaks_anything(clinic, who, record_property):
    real = factories.appointment_request().pk
    factories.treatment(slug="peel")
    dice, client = random.Random(20261124), Client(raise_request_exception=False)
    owner = factories.user(is_superuser=True)
    broken, seconds = [], []
    for _ in range(MANY // 2):
        if who == "the owner" and not client.session.get("_auth_user_id"):
            client.force_login(owner)  # an attack may have signed out
        attack = Attack(dice, real)
        begins = time.perf_counter()
        answer = attack.send(client)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        seconds.append(time.perf_counter() - begins)
        if answer.status_code >= 500 or any(trace in body for trace in TRACES):
            broken.append(f"{answer.status_code} {attack}")
    seconds.sort()
    record_property("p99_ms", round(seconds[len(seconds) * 99 // 100] * 1000))  # `-s --junit-xml` tells it
    assert not broken, "\n".join(broken[:5])
