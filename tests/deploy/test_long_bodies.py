"""Whoever is still sending when the site has made up its mind gets the answer, and no broken connection."""

import socket
import time

import pytest
from django.test import Client

from medspa.settings import MOST_BYTES_AT_THE_DESK

FORM = "/request-an-appointment/"
URLENCODED = "application/x-www-form-urlencoded"


class Body:
    """So many bytes, and how many of them were asked for; it may break off."""

    def __init__(self, length: int, breaks_off_at: float = float("inf")):
        self.length, self.taken, self.breaks_off_at = length, 0, breaks_off_at

    def read(self, size: int = -1) -> bytes:
        if self.taken >= self.breaks_off_at:
            raise ConnectionResetError
        size = min(self.length - self.taken, size if size >= 0 else self.length)
        self.taken += size
        return b"x" * size

    readline = read


def post(path: str, body: Body):
    given = {"wsgi.input": body, "CONTENT_LENGTH": str(body.length)}
    return Client(enforce_csrf_checks=True).generic("POST", path, content_type=URLENCODED, **given)


def test_a_refused_file_at_the_desk_is_read_to_its_end(db):
    body = Body(3_000_001)
    assert post("/admin/login/", body).status_code == 403
    assert body.taken == body.length


@pytest.mark.parametrize("path", [FORM, f"/es{FORM}", "/privacy/", "/no-such-page/"])
def test_what_is_too_long_for_a_form_is_read_to_its_end(clinic, path):
    body = Body(300_001)
    answer = post(path, body)
    assert answer.status_code == 400
    assert b"tel:" in answer.content
    assert body.taken == body.length


def test_nobody_keeps_the_site_reading_without_end(db):
    body = Body(5 * MOST_BYTES_AT_THE_DESK)
    assert post("/admin/login/", body).status_code == 400
    assert body.taken == MOST_BYTES_AT_THE_DESK


def test_who_goes_away_meanwhile_is_no_fault_of_ours(db):
    assert post("/admin/login/", Body(3_000_000, breaks_off_at=100_000)).status_code == 403


@pytest.mark.parametrize(("path", "status"), [("/admin/login/", 403), (FORM, 400)])
def test_the_answer_reaches_a_visitor_who_sends_slowly(served, path, status):
    head = f"POST {path} HTTP/1.1\r\nHost: clinic.example\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n"
    head += f"Content-Type: {URLENCODED}\r\nContent-Length: 2000000\r\n\r\n"
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.settimeout(40)
        visitor.connect(str(served.socket_path))
        visitor.sendall(head.encode())
        for _ in range(4):
            time.sleep(0.3)  # in which the site has long made up its mind
            visitor.sendall(b"x" * 500_000)
        answer = b"".join(iter(lambda: visitor.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 %d " % status), answer[:300]
    assert b"tel:" in answer
