"""What a form costs the database, in literal numbers: a statement more is noticed."""

import cProfile
import subprocess
import sys
import uuid

import pytest
from django.core.handlers.base import BaseHandler
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from appointments.gatekeeping import opened_now
from appointments.models import AppointmentRequest
from tests import factories
from tests.site import PROJECT

FORM = "/request-an-appointment/"
urlpatterns = [path("", csrf_exempt(lambda request: HttpResponse(status=303, headers={"Location": "/"})))]
AROUND = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
FIRST_FORM = """
import re
from medspa import wsgi
wsgi.warm_up()
from appointments import notifications
from appointments.forms import AppointmentRequestForm
compile, made = re._compiler.compile, []
re._compiler.compile = lambda pattern, *flags: made.append(pattern) or compile(pattern, *flags)
answers = {"full_name": "Ana Ruiz", "phone": "520 555 0142", "email": "ana@example.com", "contact_by": "text"}
form = AppointmentRequestForm(answers | {"treatment": "microneedling"})
print(form.is_valid(), form.phone_e164, len(made), notifications._frame.cache_info().currsize)
"""


@pytest.fixture
def answers(transactional_db):
    """What a patient typed. Transactions begin and end for real."""
    factories.clinic()
    factories.treatment(slug="peel")

    def typed(**changes):
        answers = {"full_name": "Ana Ruiz", "phone": "520 555 0142", "email": "ana@example.com", "contact_by": "text"}
        answers |= {"treatment": "peel", "message": "", "opened": opened_now(), "form_token": str(uuid.uuid4())}
        return answers | changes

    return typed


@pytest.fixture
def send(client, answers):
    def sent(**changes):
        with CaptureQueriesContext(connection) as asked:
            answer = client.post(FORM, answers(**changes))
        return answer, [query["sql"] for query in asked if not query["sql"].startswith(AROUND)], asked

    sent()  # what is made once
    return sent


def test_an_accepted_form(send):
    answer, statements, everything = send()
    assert answer.status_code == 303
    on_postgresql = connection.vendor == "postgresql"
    assert len(statements) == 9 + on_postgresql  # the lock of the sender's address
    assert [query["sql"].split(maxsplit=1)[0] for query in everything].count("COMMIT") == 1
    assert not [query["sql"] for query in everything if query["sql"].startswith("SAVEPOINT")]


def test_the_first_form_of_a_process_finds_patterns_numbers_and_mails_ready(site):
    said = subprocess.run(
        [sys.executable, "-c", FIRST_FORM],
        cwd=PROJECT, env=site.environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.split() == ["True", "+15205550142", "0", "2"]


def test_times_that_suit_cost_one_statement_however_many(send):
    times = ["1234-am", "1234-pm", "5-am"]
    bare, some = send()[1], send(preferred_times=times)[1]
    assert len(some) == len(bare) + 1
    assert AppointmentRequest.objects.latest("pk").preferred_times.count() == 3


def test_spam_costs_a_look_at_how_much_of_it_there_is_and_no_mail(send):
    bare, spam = send()[1], send(website="x")[1]
    assert len(spam) == len(bare) + 1 - 2


def test_an_invalid_form_writes_nothing(send):
    answer, statements, _all = send(full_name="")
    assert answer.status_code == 422
    assert len(statements) == 1
    assert all(statement.startswith("SELECT") for statement in statements)


def test_a_form_sent_twice_costs_no_mail_more(send):
    token = str(uuid.uuid4())
    first, again = send(form_token=token), send(form_token=token)
    assert first[0]["Location"] == again[0]["Location"]
    assert not [statement for statement in again[1] if "appointments_message" in statement]


@pytest.fixture
def calls_of(rf):
    """How many functions a POST calls, Python's and C's: what it costs, whatever else the machine does."""
    handler = BaseHandler()
    handler.load_middleware()

    def once(address, answers):
        asked = rf.post(address, answers)
        asked._dont_enforce_csrf_checks = True
        counted = cProfile.Profile()
        answer = counted.runcall(handler.get_response, asked)
        return answer.status_code, sum(entry.callcount for entry in counted.getstats())

    def counted(address, status, answers):
        found = [once(address, answers()) for _ in range(3)]  # what is made once, the first one makes
        assert {code for code, _calls in found} == {status}
        return min(calls for _code, calls in found)

    return counted


def test_it_takes_a_bounded_multiple_of_a_post_that_does_nothing(answers, calls_of, settings):
    accepted, invalid = calls_of(FORM, 303, answers), calls_of(FORM, 422, lambda: answers(full_name=""))
    settings.ROOT_URLCONF = __name__
    empty = calls_of("/", 303, dict)
    assert accepted < 10 * empty  # 7.0 in November 2026
    assert invalid < 40 * empty  # 26.6: many small calls, for its page is made anew
