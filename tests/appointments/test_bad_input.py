"""Whatever a form, address, header or body can hold: a clear error or a 4xx, never a 5xx, and the next one works."""

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from appointments.models import AppointmentRequest
from tests import factories

pytestmark = pytest.mark.django_db
FORM = "/request-an-appointment/"
FIELDS = ["form_token", "full_name", "phone", "email", "contact_by", "treatment", "preferred_times", "message"]
URLENCODED = "application/x-www-form-urlencoded"

HOSTILE = {
    "NUL": "a\x00b",
    "only NUL": "\x00",
    "line breaks": "Ana\r\nBcc: everybody@example.com",
    "right to left": "\u202eanA \u05d0",
    "emoji": "👩🏽‍⚕️" * 20,
    "markup": '"><script>alert(1)</script>',
    "template": "{{ 1234321|add:1 }}{% load static %}",
    "format": "%s%n{0.__class__}",
    "sql": "'; DROP TABLE appointments_appointmentrequest; --",
    "replacement": "\ufffd\ufeff\u0000",
    "long": "x" * 5000,
    "combining": "a" + "\u0301" * 90,
    "number": "9" * 400,
    "surrogate as text": "\\ud800",
}


@pytest.fixture(autouse=True)
def _open_clinic(clinic):
    factories.treatment(name="Microneedling", slug="microneedling")


def answers(**changes):
    return factories.form_answers(**{"preferred_times": None, "message": None, **changes})


def then_a_valid_request_works(client):
    before = AppointmentRequest.objects.count()
    assert client.post(FORM, answers()).status_code == 303
    assert AppointmentRequest.objects.count() == before + 1


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
@pytest.mark.parametrize("field", FIELDS)
def test_no_value_of_any_field_breaks_the_form_or_the_page_after_it(client, field, value):
    response = client.post(FORM, answers(**{field: value}))

    assert response.status_code in {303, 422}
    if response.status_code == 303:
        response = client.get(response["Location"])
        assert response.status_code == 200
    page = response.content.decode()
    assert "<script>alert" not in page
    assert "1234322" not in page


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_query_string_or_address_breaks_a_page(client, value):
    for address in (FORM, "/", "/treatments/microneedling/"):
        assert client.get(address, {"treatment": value, value: value, "page": value}).status_code == 200
    for address in ("/my-request/{}/", "/treatments/{}/", "/treatments/{}/aftercare/", "/{}/", "/admin/{}/"):
        assert client.get(address.format(value)).status_code in {302, 404}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"%00%ff%fe=%c3%28&full_name=%ed%a0%80",
        b"full_name=\xff\xfe\x00&phone=\x80",
        b"&&&===&",
        b"full_name",
        b"full_name=a&full_name=b&full_name=c&contact_by=text&contact_by=call&treatment=unsure",
        "full_name=Añá".encode("latin-1"),
        b"a=1&" * 2000,
        b"message=" + b"x" * 1_000_000,
        b"preferred_times=1234-am&" * 900,
    ],
    ids=lambda body: repr(body[:20]),
)
def test_no_body_breaks_the_form(client, body):
    response = client.post(FORM, body, content_type=URLENCODED)

    assert 400 <= response.status_code < 500
    assert b"(520) 555-0142" in response.content
    then_a_valid_request_works(client)


@pytest.mark.parametrize(
    "content_type",
    [
        f"{URLENCODED}; charset=utf-16",
        f"{URLENCODED}; charset=nonsense",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\u00e9",
        "multipart/form-data; boundary=x; charset=utf-16",
        "application/json",
        "text/plain",
        "",
        "x" * 3000,
    ],
    ids=lambda content_type: content_type[:60],
)
def test_no_content_type_breaks_the_form(client, content_type):
    for cookie in (None, "a" * 32):
        if cookie:
            client.cookies["csrf"] = cookie
        response = client.generic("POST", FORM, b"full_name=Ana&x=\xff", content_type=content_type)
        assert 400 <= response.status_code < 500
    then_a_valid_request_works(client)


@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"--b",
        b'--b\r\nContent-Disposition: form-data; name="full_name"\r\n\r\nAna',
        b'--b\r\nContent-Disposition: form-data; name="full_name"; filename="a.exe"\r\n\r\nMZ\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="full\r\n_name"\r\n\r\nAna\r\n--b--\r\n',
        b"--b\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: form-data; name=x\r\n\r\n!!!\r\n--b--\r\n",
        b"\x00" * 1000,
    ],
    ids=lambda part: repr(part[:30]),
)
def test_no_broken_multipart_breaks_the_form(client, part):
    response = client.post(FORM, part, content_type="multipart/form-data; boundary=b")

    assert 400 <= response.status_code < 500
    then_a_valid_request_works(client)


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_HOST": "evil.example"},
        {"HTTP_HOST": "127.0.0.1:99999999"},
        {"HTTP_HOST": "a\x00b"},
        {"HTTP_COOKIE": "csrf=\xff; session=" + "x" * 5000},
        {"HTTP_COOKIE": "=;;;==; session"},
        {"HTTP_ACCEPT_LANGUAGE": "xx-\xff;q=many," * 200},
        {"HTTP_REFERER": "http://[::1"},
        {"HTTP_ORIGIN": "http://[::1"},
        {"HTTP_X_FORWARDED_FOR": "'; DROP TABLE"},
        {"HTTP_X_FORWARDED_HOST": "evil.example"},
        {"HTTP_RANGE": "bytes=9-1"},
        {"HTTP_IF_MODIFIED_SINCE": "yesterday"},
        {"HTTP_ACCEPT_ENCODING": "gzip;q=\x00"},
        {"CONTENT_LENGTH": "minus one"},
    ],
    ids=str,
)
def test_no_header_breaks_a_page(client, headers):
    for address in ("/", FORM, "/admin/login/", "/healthz"):
        response = client.get(address, **headers)
        assert response.status_code < 500
        assert b"evil.example" not in response.content


@pytest.mark.parametrize("name", ["status", "treatment", "state", "found", "q", "full_name__contains", "p", "o", "e"])
@pytest.mark.parametrize("value", ["\x00", "1\x00", "-1", "9" * 40, "[]", "\u202e", "x" * 3000])
def test_no_query_breaks_a_list_at_the_desk(desk, name, value):
    for records in ("appointmentrequest", "message", "appointment"):
        assert desk.get(f"/admin/appointments/{records}/", {name: value}).status_code < 500


@pytest.mark.parametrize("name", ["pk__in", "provider", "id", "claimed_by", "version"])
def test_no_number_is_too_large_for_the_desk(desk, name):
    for records in ("appointmentrequest", "message", "appointment"):
        assert desk.get(f"/admin/appointments/{records}/", {name: "9" * 20}).status_code < 500


@pytest.mark.parametrize("address", [FORM, f"/es{FORM}", "/admin/login/"])
def test_a_body_that_breaks_off_is_a_bad_request_and_no_fault_of_ours(address):
    class BreaksOff:
        def read(self, *_size):
            raise ConnectionResetError

        readline = read

    strict = Client(enforce_csrf_checks=True)
    strict.cookies["csrf"] = "a" * 32
    broken = {"wsgi.input": BreaksOff(), "CONTENT_LENGTH": "500"}
    response = strict.generic("POST", address, content_type=URLENCODED, **broken)
    assert response.status_code in {400, 403}
    assert b"(520) 555-0142" in response.content


def test_a_time_ticked_twice_is_one_time(client):
    assert client.post(FORM, answers(preferred_times=["1234-am", "1234-am"])).status_code == 303
    assert AppointmentRequest.objects.get().preferred_times.count() == 1


def test_more_times_than_a_week_has_are_refused_in_words(client):
    every = [f"{day}{other}-am" for day in range(6) for other in range(day + 1, 7)] + ["0-am", "1-am"]
    response = client.post(FORM, answers(preferred_times=every))
    assert response.status_code == 422
    assert "Choose times from the list" in response.content.decode()


@examples(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    filled=st.dictionaries(
        st.sampled_from(FIELDS) | st.text(max_size=10), st.text(max_size=200).filter(lambda text: _encodable(text))
    )
)
def test_any_text_in_any_fields_is_answered(client, filled):
    assert client.post(FORM, filled).status_code in {303, 422}


def _encodable(text):
    return not any(0xD800 <= ord(character) <= 0xDFFF for character in text)
