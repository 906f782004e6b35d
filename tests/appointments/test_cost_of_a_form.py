"""What a form costs the database, in literal numbers: a statement more is noticed."""

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appointments.gatekeeping import opened_now
from appointments.models import AppointmentRequest
from tests import factories

FORM = "/request-an-appointment/"
AROUND = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


@pytest.fixture
def send(client, transactional_db):
    """The form, sent for real: its transaction begins and ends."""
    factories.clinic()
    factories.treatment(slug="peel")

    def sent(**changes):
        answers = {"full_name": "Ana Ruiz", "phone": "520 555 0142", "email": "ana@example.com", "contact_by": "text"}
        answers |= {"treatment": "peel", "message": "", "opened": opened_now(), "form_token": str(uuid.uuid4())}
        with CaptureQueriesContext(connection) as asked:
            answer = client.post(FORM, {**answers, **changes})
        return answer, [query["sql"] for query in asked if not query["sql"].startswith(AROUND)], asked

    sent()  # what is made once
    return sent


def test_an_accepted_form(send):
    answer, statements, everything = send()
    assert answer.status_code == 303
    on_postgresql = connection.vendor == "postgresql"
    assert len(statements) == 9 + on_postgresql  # the lock of the sender's address
    assert [query["sql"].split(maxsplit=1)[0] for query in everything].count("COMMIT") == 1


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
