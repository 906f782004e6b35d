"""No mail repeats what was typed: not the name, not the treatment, nothing."""

import pytest
from django.core import mail

from appointments import notifications, outbox, workflow
from appointments.models import Message, PreferredTime, SavedReply
from medspa.models import Clinic
from tests import factories

pytestmark = pytest.mark.django_db

CANARIES = {
    "full_name": "Canaryname",
    "phone": "520 555 0177 canaryphone",
    "email": "canary@example.com",
    "message": "canarymessage",
}


def everything_mailed(receptionist):
    """Every kind of mail, from one request through all its moves."""
    treatment = factories.treatment(name="Canarytreatment", slug="canaryslug", summary="canarysummary")
    asked = factories.appointment_request(
        **CANARIES, treatment=treatment, preferred_times=[PreferredTime(weekdays="5", part="pm")]
    )
    room = factories.provider(name="Canaryprovider")
    at = factories.TUESDAY_MORNING.replace(year=2030, month=1, day=8)
    move = {"by": receptionist}
    outbox.send_due()
    workflow.log_call(asked, **move, seen=1, reached="answered", note="canarynote")
    workflow.book(asked, **move, seen=2, provider=room, starts_at=at, minutes=30)
    outbox.send_due()
    workflow.reschedule(asked, **move, seen=3, provider=room, starts_at=at.replace(hour=20), minutes=30)
    outbox.send_due()
    workflow.cancel(asked, **move, seen=4, note="canarynote")
    outbox.send_due()
    saved = SavedReply(subject="About {reference}", text="{clinic}, {telephone}: {link}")
    words = notifications.filled_in(saved, asked, Clinic.objects.current())
    workflow.write(asked, **move, seen=5, **words)
    outbox.send_due()
    return asked, mail.outbox


def test_every_kind_of_mail_goes_out_without_a_canary(receptionist):
    asked, mails = everything_mailed(receptionist)

    assert set(Message.objects.exclude(sent_at=None).values_list("kind", flat=True)) == set(Message.Kind.values)
    assert len(mails) == 6
    for sent in mails:
        head = dict(sent.message().items())
        head.pop("To")
        head.pop("Message-ID")  # digits drawn by chance, which may look like anybody's number
        words = f"{head} {sent.subject} {sent.body}"
        assert "canary" not in words.lower()
        assert "0177" not in words
        assert asked.reference in words


def test_mails_to_the_patient_carry_the_link_the_time_and_the_telephone(receptionist):
    asked, mails = everything_mailed(receptionist)

    link = f"/my-request/{asked.private_token}/"
    to_patient = [sent for sent in mails if sent.to == ["canary@example.com"]]
    assert len(to_patient) == 5
    assert all(link in sent.body and "(520) 555-0142" in sent.body for sent in to_patient)
    booked = next(sent for sent in to_patient if "is booked" in sent.subject)
    assert "Tuesday, January 8 at 10 am" in booked.body


def test_the_desk_s_notice_has_no_link_to_the_patients_page(receptionist):
    asked, mails = everything_mailed(receptionist)

    (notice,) = [sent for sent in mails if sent.to == ["front-desk@localhost"]]
    assert asked.private_token not in notice.body
    assert f"/admin/appointments/appointmentrequest/{asked.pk}/change/" in notice.body


def test_the_receipt_says_that_it_is_not_an_appointment():
    factories.appointment_request(email="ana@example.com")
    receipt = Message.objects.get(kind="received")

    assert "not yet an appointment" in receipt.text
    assert "We will get in touch to" in receipt.text or " by " in receipt.text


def test_words_are_not_escaped_as_if_mail_were_a_page():
    factories.clinic(name="Smith & Sons' Clinic")
    factories.appointment_request(email="ana@example.com")

    assert "Smith & Sons' Clinic" in Message.objects.get(kind="received").text
