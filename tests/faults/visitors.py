"""Visitors who fill in the form one after the other, and remember what the site acknowledged."""

import http.client
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from tests.site import GONE, Site

FORM = "/request-an-appointment/"
PATIENCE_SECONDS = 30


class CutOff(OSError):
    """An answer had begun and did not end."""


class Visitors:
    """Some threads that send and send. A press that got no answer is repeated, with the same form, as people do."""

    def __init__(self, site: Site, many: int):
        self.site = site
        self.acknowledged: dict[str, str] = {}  # the token of a form, and the private address that answered it
        self.answers: Counter[int] = Counter()
        self.broken = 0
        self.cut_off = 0  # answers that had begun and did not end
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self._keep_sending, daemon=True) for _ in range(many)]

    def __enter__(self) -> "Visitors":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_trouble) -> None:
        self.stopping.set()
        for thread in self.threads:
            thread.join(timeout=2 * PATIENCE_SECONDS)

    def _keep_sending(self) -> None:
        form, browser = str(uuid.uuid4()), None
        while not self.stopping.is_set():
            try:
                browser = browser or Browser(
                    http.client.HTTPConnection("127.0.0.1", self.site.port, timeout=PATIENCE_SECONDS)
                )
                status, address = browser.send(form)
            except GONE as trouble:
                self.broken += 1
                self.cut_off += isinstance(trouble, CutOff)
                browser = browser and browser.close()
                time.sleep(0.1)
                continue
            self.answers[status] += 1
            if status == 303:
                self.acknowledged[form] = address
                form = str(uuid.uuid4())
        if browser:
            browser.close()

    def wait_for(self, many: int, seconds: float = 120) -> None:
        ends_at = time.monotonic() + seconds
        while len(self.acknowledged) < many:
            if time.monotonic() > ends_at:
                raise TimeoutError(f"{len(self.acknowledged)} of {many}: {self.answers}\n{self.site.log.read_text()}")
            time.sleep(0.005)


class Browser:
    """One connection that is kept open, with the cookie and the token of one look at the form."""

    def __init__(self, connection: http.client.HTTPConnection):
        self.connection = connection
        try:
            self._look_at_the_form()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.connection.close()

    def _look_at_the_form(self) -> None:
        self.connection.request("GET", FORM)
        answer = self.connection.getresponse()
        page = read_all(answer).decode()
        if answer.status != 200:
            raise http.client.HTTPException(answer.status)
        cookies = SimpleCookie(answer.getheader("Set-Cookie"))
        self.cookie = "; ".join(f"{name}={part.value}" for name, part in cookies.items())
        self.token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        self.opened = re.search(r'name="opened" value="([^"]+)"', page)[1]

    def send(self, form: str, **answers: str) -> tuple[int, str]:
        """The answer's status, and where it leads."""
        typed = {
            "csrfmiddlewaretoken": self.token,
            "opened": self.opened,
            "form_token": form,
            "full_name": "Ana Ruiz",
            "phone": "520 555 0199",
            "email": "ana@example.com",
            "contact_by": "text",
            "treatment": "microneedling",
            **answers,
        }
        head = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": self.cookie}
        if isinstance(self.connection, http.client.HTTPSConnection):
            head["Origin"] = f"https://{self.connection.host}"
        self.connection.request("POST", FORM, urlencode(typed), head)
        answer = self.connection.getresponse()
        read_all(answer)
        return answer.status, answer.getheader("Location") or ""


def read_all(answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read()
    except GONE as trouble:
        raise CutOff from trouble


def wait_until(true: Callable[[], bool], seconds: float = 60) -> None:
    ends_at = time.monotonic() + seconds
    while not true():
        if time.monotonic() > ends_at:
            raise TimeoutError
        time.sleep(0.02)
