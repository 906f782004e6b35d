"""A receptionist answers the oldest request: signs in, calls, books, and the patient is mailed."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from appointments import outbox
from tests import factories

PASSWORD = "correct horse battery staple"

pytestmark = pytest.mark.django_db


class FrontDesk:
    """What a receptionist does, and what they see."""

    def __init__(self, client):
        self.client = client

    def given_two_patients_wait(self):
        factories.clinic()
        factories.provider(name="Treatment room")
        now = timezone.now()
        self.newer = factories.appointment_request(full_name="Joan Miller", now=now - timedelta(minutes=5))
        self.older = factories.appointment_request(
            full_name="Maya Chen", email="maya@example.com", now=now - timedelta(hours=3)
        )
        outbox.send_due()  # the receipts, and the notices to the desk
        mail.outbox.clear()

    def given_a_receptionist_with_a_password(self):
        factories.receptionist(username="ana", first_name="Ana", password=PASSWORD)

    def when_she_signs_in(self):
        self.page = self.client.get("/admin/", follow=True)
        onward = re.search(r'name="next" value="([^"]+)"', self.text)[1]
        login = {"username": "ana", "password": PASSWORD, "next": onward}
        self.page = self.client.post("/admin/login/", login, follow=True)

    def then_she_is_told_that_two_wait(self):
        assert "Requests to answer (2)" in self.text

    def when_she_opens_the_oldest_request(self):
        self.open(r'href="(/admin/appointments/appointmentrequest/)">Requests to answer')
        self.open(r'<th class="field-name"><a href="([^"]+)"')

    def then_she_sees_who_it_is_and_how_to_reach_them(self):
        assert "Maya Chen" in self.text
        assert "sms:+1520555" in self.text

    def when_she_logs_a_call(self):
        self.open(r'href="([^"]+/move/log_call/)"')
        self.send(reached="answered", note="Would like a Tuesday morning")

    def when_she_books_a_visit(self):
        self.open(r'href="([^"]+/move/book/)"')
        assert "We mail" in self.text
        label = re.search(r'value="([^"]+@[^"]+)">\s*<label[^>]*>([^<]+ 9 am)', self.text)
        self.slot, self.time = label[1], label[2]
        self.send(slot=self.slot, minutes=30)

    def then_she_is_told_what_happened_and_that_the_patient_is_mailed(self):
        assert "9 am, 30 minutes, Treatment room. The patient is told by e-mail." in self.text
        assert self.time in self.text

    def then_the_patient_has_a_mail_about_the_visit(self):
        outbox.send_due()
        [booked] = mail.outbox
        assert booked.to == ["maya@example.com"]
        assert booked.subject == f"Your visit is booked ({self.older.reference})"
        assert "9 am" in booked.body

    def then_the_timeline_says_that_it_was_sent(self):
        self.page = self.client.get(f"/admin/appointments/appointmentrequest/{self.older.pk}/change/")
        assert re.search(r"Mail: Appointment to the patient</strong>\s*<span class=\"state\">sent", self.text)

    def when_she_closes_the_other_request(self):
        self.page = self.client.get("/admin/appointments/appointmentrequest/")
        self.open(r'<th class="field-name"><a href="([^"]+)"')
        assert "Joan Miller" in self.text
        self.open(r'href="([^"]+/move/close/)"')
        self.send(reason="patient_declined")

    def then_the_queue_is_empty(self):
        self.page = self.client.get("/admin/appointments/appointmentrequest/")
        assert "(0) Requests to answer" in self.text
        assert "Nobody waits for an answer." in self.text

    @property
    def text(self) -> str:
        return self.page.content.decode()

    def open(self, pattern: str):
        self.page = self.client.get(re.search(pattern, self.text)[1])
        assert self.page.status_code == 200

    def send(self, **answers):
        """Fill in the form of the page, with what it carries unseen, and confirm."""
        action = re.search(r'class="move-form".*?action="([^"]+)"', self.text)[1]
        seen = re.search(r'name="seen" value="(\d+)"', self.text)[1]
        self.page = self.client.post(action, {"seen": seen, **answers}, follow=True)
        assert self.page.redirect_chain[0][1] == 303


def test_a_receptionist_answers_the_oldest_request(client):
    desk = FrontDesk(client)
    desk.given_two_patients_wait()
    desk.given_a_receptionist_with_a_password()

    desk.when_she_signs_in()
    desk.then_she_is_told_that_two_wait()

    desk.when_she_opens_the_oldest_request()
    desk.then_she_sees_who_it_is_and_how_to_reach_them()

    desk.when_she_logs_a_call()
    desk.when_she_books_a_visit()
    desk.then_she_is_told_what_happened_and_that_the_patient_is_mailed()
    desk.then_the_patient_has_a_mail_about_the_visit()
    desk.then_the_timeline_says_that_it_was_sent()

    desk.when_she_closes_the_other_request()
    desk.then_the_queue_is_empty()
