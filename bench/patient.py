"""New patients within one process, for bench/booking.py: they send forms to the site, or book with django-appointment.

    python bench/patient.py forms|bookings

Started with the settings of the one or the other, it does ten whenever a line comes, looks whether each of them is
stored, and answers with the nanoseconds of CPU of all ten, step by step.
"""

import gc
import json
import os
import re
import sys
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from io import BytesIO
from ipaddress import IPv4Address
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

MANY = 10
FORM, BOOKING, TIME = "/request-an-appointment/", "/appointment/request/1/", "/appointment/request-submit/"


class Answer(NamedTuple):
    status: int
    location: str
    page: str
    cpu_ns: int


class Visitor:
    """A browser without a network: it asks an application in this process, and keeps cookies and the page it sees."""

    def __init__(self, application: Callable, path: str):
        self.application, self.cookies = application, SimpleCookie()
        self.open(path)

    def open(self, path: str) -> Answer:
        self.at, answer = path, self._ask("GET", path)
        assert answer.status == 200, answer
        self.hidden = dict(re.findall(r'name="(csrfmiddlewaretoken|opened)" value="([^"]+)"', answer.page))
        return answer

    def send(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        return self._ask("POST", path, urlencode(self.hidden | fields).encode(), **headers)

    def _ask(self, method: str, path: str, content: bytes = b"", **headers: str) -> Answer:
        environ = {
            "REQUEST_METHOD": method,
            "PATH_INFO": path,
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_COOKIE": "; ".join(f"{name}={cookie.value}" for name, cookie in self.cookies.items()),
            "CONTENT_TYPE": "application/x-www-form-urlencoded",
            "CONTENT_LENGTH": str(len(content)),
            "wsgi.input": BytesIO(content),
            **headers,
        }
        setup_testing_defaults(environ)
        status, told, page, cpu_ns = timed(self.application, environ)
        for name, value in told:
            if name == "Set-Cookie":
                self.cookies.load(value)
        return Answer(int(status[:3]), dict(told).get("Location", ""), page.decode(), cpu_ns)


def timed(application: Callable, environ: dict) -> tuple[str, list[tuple[str, str]], bytes, int]:
    """Status, headers and content of an answer, and the CPU time of this process until all is done."""
    began: list = []
    before = time.process_time_ns()
    chunks = application(environ, lambda *told: began.extend(told))
    content = b"".join(chunks)
    if hasattr(chunks, "close"):
        chunks.close()
    return began[0], began[1], content, time.process_time_ns() - before


def new_person() -> tuple[str, str]:
    """A telephone number and an e-mail address that nobody gave before."""
    number = uuid.uuid4().int
    return f"520 {200 + number % 800} {number // 800 % 10**4:04}", f"{uuid.uuid4()}@example.com"


def forms() -> Callable[[], list[int]]:
    """The site as it is served, made ready. What is given back takes ten forms."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from medspa.wsgi import application, warm_up

    warm_up()
    from appointments.models import AppointmentRequest

    visitor = Visitor(application, FORM)

    def take_ten() -> list[int]:
        tokens = [str(uuid.uuid4()) for _ in range(MANY)]
        answers = [send_form(visitor, token) for token in tokens]
        assert {answer.status for answer in answers} == {303}, answers
        stored = AppointmentRequest.objects.filter(form_token__in=tokens, closed_reason="")
        assert stored.count() == MANY, "a form was lost, or filed as spam"
        return [sum(answer.cpu_ns for answer in answers)]

    return take_ten


def send_form(visitor: Visitor, token: str) -> Answer:
    """From another address each time, as a proxy in front of the site would say it."""
    phone, email = new_person()
    fields = {"full_name": "Ana Ruiz", "phone": phone, "email": email, "contact_by": "text", "form_token": token}
    fields |= {"treatment": "microneedling", "message": "Mornings, please."}
    return visitor.send(FORM, fields, HTTP_X_FORWARDED_FOR=str(IPv4Address(uuid.uuid4().int % 2**32)))


def bookings() -> Callable[[], list[int]]:
    """A clinic with the peer, opened. What is given back books ten times."""
    from django.core.wsgi import get_wsgi_application

    application = get_wsgi_application()
    from appointment.models import Appointment

    open_clinic()

    def book_ten() -> list[int]:
        costs, before = [], Appointment.objects.count()
        for number in range(before, before + MANY):
            costs.append(book(Visitor(application, BOOKING), number))
            assert Appointment.objects.count() == number + 1, "a booking was lost"
        return [sum(step) for step in zip(*costs, strict=True)]

    return book_ten


def open_clinic() -> None:
    """One treatment of half an hour, and somebody who gives it from nine to five on every day."""
    from appointment.models import Config, Service, StaffMember, WorkingHours
    from django.contrib.auth.models import User

    begins, ends = "09:00", "17:00"
    Config.objects.create(slot_duration=30, lead_time=begins, finish_time=ends, appointment_buffer_time=0)
    service = Service.objects.create(name="Microneedling", duration=timedelta(minutes=30), price=250)
    user = User.objects.create_user("mia", "mia@example.com", first_name="Mia", last_name="Stone")
    member = StaffMember.objects.create(user=user)
    member.services_offered.add(service)
    for day in range(7):
        WorkingHours.objects.create(staff_member=member, day_of_week=day, start_time=begins, end_time=ends)


def book(visitor: Visitor, number: int) -> list[int]:
    """CPU of the three POSTs, and of the page that follows, which makes and sends the mail of thanks.

    The number says which half hour: sixteen a day, from the day after tomorrow on."""
    from appointment.models import EmailVerificationCode

    begins = datetime.now(UTC).replace(hour=9, minute=0) + timedelta(days=2 + number // 16, minutes=number % 16 * 30)
    ends = begins + timedelta(minutes=30)
    times = {"date": f"{begins:%Y-%m-%d}", "start_time": f"{begins:%H:%M}", "end_time": f"{ends:%H:%M}"}
    phone, email = new_person()
    person = {"name": "Ana Ruiz", "email": email, "phone_0": "US", "phone_1": phone, "payment_type": "full"}
    person |= {"address": "Tucson", "additional_info": "Mornings, please."}
    picked, _ = follow(visitor, TIME, times | {"service": "1", "staff_member": "1"})
    told, _ = follow(visitor, visitor.at, person)
    code = EmailVerificationCode.objects.get(user__email=email).code
    return [picked, told, *follow(visitor, visitor.at, {"code": code})]


def follow(visitor: Visitor, path: str, fields: dict[str, str]) -> tuple[int, int]:
    """Send a form and open the page that it leads to; CPU of the one and of the other."""
    answer = visitor.send(path, fields)
    assert answer.status == 302, answer
    return answer.cpu_ns, visitor.open(answer.location).cpu_ns


def main() -> None:
    answers, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115  (the peer writes a log there)
    do_ten = {"forms": forms, "bookings": bookings}[sys.argv[1]]()
    gc.freeze()  # as the site's server does with what is loaded
    for _line in sys.stdin:
        print(json.dumps(do_ten()), file=answers, flush=True)


if __name__ == "__main__":
    main()
