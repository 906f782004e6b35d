"""No mail repeats what was typed or what the clinic knows of a patient: not the name, not the treatment, nothing."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import models

from appointments import mail_words, notifications, outbox, workflow
from appointments.models import AppointmentRequest, MailWording, Message, SavedReply
from appointments.placeholders import OF_KIND, used
from tests import factories
from tests.conftest import lift_event_rules

pytestmark = pytest.mark.django_db

VISIT = factories.TUESDAY_MORNING.replace(year=2030, month=1, day=8)
MAY_BE_SAID = {  # models and fields whose words a mail is made of, or that are a machine's
    "medspa.Clinic",
    "appointments.Message",
    "appointments.MailWording",
    "appointments.EventChain",
    "appointments.SavedReply",
    "appointments.AppointmentRequest.reference",
    "appointments.AppointmentRequest.private_token",
    "appointments.AppointmentRequest.private_token_hash",
    "appointments.AppointmentRequest.email",
    "appointments.PreferredTime.weekdays",
}


def plant_canaries() -> int:
    """Into every field of every row that can hold words."""
    planted = 0
    lift_event_rules()
    for app in ("medspa", "treatments", "appointments", "auth"):
        for model in apps.get_app_config(app).get_models():
            for field in model._meta.concrete_fields:
                name = f"{model._meta.label}.{field.name}"
                holds_words = isinstance(field, models.CharField | models.TextField) and not field.choices
                if not holds_words or {name, model._meta.label} & MAY_BE_SAID or (field.max_length or 99) < 8:
                    continue
                for key in model.objects.values_list("pk", flat=True):
                    planted += models.QuerySet(model).filter(pk=key).update(**{field.name: f"canary{key}"})
    return planted


def every_kind_of_mail(language: str) -> AppointmentRequest:
    """Every kind, from one request through all that can happen to it, with canaries planted again and again."""
    clinic = factories.clinic(apologizes_when_late=True)
    treatment = factories.treatment()
    treatment.recovery_notes.create(when="w", text="t")
    treatment.contraindications.create(page_words="p", question="q", staff_advice="a")
    room, person = factories.provider(), factories.receptionist()
    row = factories.appointment_request(
        email="canary@example.com", treatment=treatment, message="m", language=language, now=factories.TUESDAY_MORNING
    )
    plant_canaries()
    late = row.respond_by + timedelta(minutes=5)
    workflow.make_rounds(late)

    def move(name, **how):
        row.refresh_from_db()
        plant_canaries()
        getattr(workflow, name)(AppointmentRequest.objects.get(pk=row.pk), by=person, seen=row.version, **how)

    visit = {"provider": room, "minutes": 30, "anyway": True}
    workflow.answer_health_check(row, answers=[workflow.Answered("q", "a", "yes")])
    move("log_call", reached="answered", note="n")
    move("book", starts_at=VISIT, **visit)
    send()
    workflow.make_rounds(VISIT - timedelta(hours=47))
    send()
    move("reschedule", starts_at=VISIT + timedelta(hours=2), **visit)
    send()
    row.refresh_from_db()
    code = workflow.visit_code(row)
    workflow.ask_for_times(row, visit=code, preferred_times=[], message="canary")
    workflow.make_rounds(VISIT - timedelta(hours=24 + 2))  # Monday is closed; the digest goes on an open day
    send()
    move("no_show", now=VISIT + timedelta(hours=3))
    send()
    saved = SavedReply(subject="About {reference}", text="{clinic}, {telephone}: {link}", language=language)
    move("write", **notifications.filled_in(saved, row, clinic))
    send()
    move("book", starts_at=VISIT + timedelta(days=1), **visit)
    send()
    move("cancel", note="canary")
    workflow.make_rounds(factories.TUESDAY_MORNING.replace(hour=16) + timedelta(days=1))
    send()
    move("book", starts_at=VISIT + timedelta(days=2), **visit)
    send()
    move("fulfil", now=VISIT + timedelta(days=2, hours=1))
    send()
    return AppointmentRequest.objects.get(pk=row.pk)


def send():
    plant_canaries()
    Message.objects.unsent().update(due_at=factories.TUESDAY_MORNING - timedelta(days=1))
    outbox.send_due()


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_kind_of_mail_goes_out_without_a_canary(language):
    every_kind_of_mail(language)

    assert plant_canaries() > 30
    assert set(Message.objects.exclude(sent_at=None).values_list("kind", flat=True)) == set(Message.Kind.values)
    for sent in mail.outbox:
        whole = sent.message()
        for name in ("To", "Message-ID"):
            del whole[name]
        head = " ".join(f"{name}: {value}" for name, value in whole.items())
        parts = [str(part.get_payload(decode=True), "utf-8") for part in whole.walk() if not part.is_multipart()]
        assert len(parts) >= 2
        for words in (head, sent.subject, *parts):
            assert "canary" not in words.lower(), sent.subject


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_subject_holds_the_clinics_words_the_reference_and_the_time_alone(language):
    row = every_kind_of_mail(language)
    for message in Message.objects.exclude(kind="reply"):
        wording = mail_words.standard_words(message.kind, language)
        left = set(OF_KIND[message.kind]) & {"clinic", "reference", "time", "count"}
        for name in left:
            wording = wording._replace(subject=wording.subject.replace(f"{{{name}}}", "|"))
        for fixed in wording.subject.split("|"):
            assert fixed.strip() in message.subject
        assert "{" not in message.subject
        assert row.private_token not in message.subject


def test_mails_to_the_patient_carry_the_link_the_time_and_the_telephone():
    asked, mails = every_kind_of_mail("en"), mail.outbox

    link = f"/my-request/{asked.private_token}/"
    to_patient = [sent for sent in mails if sent.to == ["canary@example.com"]]
    assert len(to_patient) >= 9
    assert all(link in sent.body and "(520) 555-0142" in sent.body for sent in to_patient)
    booked = next(sent for sent in to_patient if "is booked" in sent.subject)
    assert "Tuesday, January 8 at 10 am" in booked.body


def test_the_desk_s_mails_have_no_link_to_the_patients_page():
    asked = every_kind_of_mail("en")

    to_desk = [sent for sent in mail.outbox if sent.to == ["front-desk@localhost"]]
    assert {sent.subject.split(":")[0] for sent in to_desk} == {
        "1 new request",
        "1 request was changed by its patient",
        "Waiting this morning",
    }
    for sent in to_desk:
        assert asked.private_token not in sent.body
        assert "/admin/appointments/appointmentrequest/" in sent.body


def test_the_receipt_says_that_it_is_not_an_appointment():
    factories.appointment_request(email="ana@example.com")
    receipt = Message.objects.get(kind="received")

    assert "not yet an appointment" in receipt.text
    assert "We will get in touch to" in receipt.text or " by " in receipt.text


def test_words_are_not_escaped_as_if_mail_were_a_page():
    factories.clinic(name="Smith & Sons' Clinic")
    factories.appointment_request(email="ana@example.com")

    assert "Smith & Sons' Clinic" in Message.objects.get(kind="received").text


def test_the_visits_mails_carry_it_for_the_patients_calendar():
    row = factories.booked(email="ana@example.com")
    visit = row.booked_appointment()
    move = {"by": row.claimed_by}
    later = visit.starts_at + timedelta(hours=3)
    outbox.send_due()
    workflow.reschedule(row, **move, seen=2, provider=visit.provider, starts_at=later, minutes=30, anyway=True)
    outbox.send_due()
    workflow.cancel(row, **move, seen=3)
    outbox.send_due()

    files = []
    for sent in mail.outbox:
        parts = list(sent.message().walk())
        assert [part.get_content_type() for part in parts[:1]] in (["multipart/mixed"], ["multipart/alternative"])
        files += [part for part in parts if part.get_content_type() == "text/calendar"]
    texts = [str(file.get_payload(decode=True), "utf-8") for file in files]
    assert [file.get_param("method") for file in files] == ["PUBLISH", "PUBLISH", "CANCEL"]
    assert all(f"METHOD:{file.get_param('method')}\r\n" in text for file, text in zip(files, texts, strict=True))
    assert [int(text.split("SEQUENCE:")[1].split("\r")[0]) for text in texts] == [0, 1, 2]
    assert len({text.split("UID:")[1].split("\r")[0] for text in texts}) == 1
    assert "STATUS:CANCELLED\r\n" in texts[2]


def test_the_page_of_a_mail_escapes_what_a_clinic_is_called():
    factories.clinic(name="Smith & <b>Sons</b>")
    factories.appointment_request(email="ana@example.com")
    message = Message.objects.get(kind="received")
    assert "Smith & <b>Sons</b>" in message.text
    assert "Smith &amp; &lt;b&gt;Sons&lt;/b&gt;" in message.html
    assert "<b>" not in message.html


def test_a_paragraph_with_a_placeholder_that_has_no_words_is_left_out():
    factories.clinic(telephone="")
    factories.appointment_request(email="ana@example.com")
    message = Message.objects.get(kind="received")
    assert "Questions?" not in message.text + message.html
    assert "{" not in message.text


def test_the_owners_own_words_are_sent_in_their_language_alone():
    MailWording.objects.create(
        kind="received", language="es", subject="Hola {reference}", text="Ya {promise}.\n\n{link}"
    )
    factories.appointment_request(email="a@example.com", language="es")
    factories.appointment_request(email="b@example.com", language="en")
    spanish, english = Message.objects.filter(kind="received").order_by("pk")
    assert spanish.subject.startswith("Hola ")
    assert "/es/my-request/" in spanish.text
    assert 'class="button"' in spanish.html
    assert english.subject.startswith("We have your request")


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_standard_words_would_be_taken_from_the_owner_as_well(language):
    words = mail_words.words_in(language)
    to_patients = {kind for kind in OF_KIND if kind not in Message.TO_THE_DESK}
    assert set(words) == (to_patients if language == "es" else set(OF_KIND))
    for kind, (subject, text) in words.items():
        MailWording(kind=kind, language=language, subject=subject, text=text).full_clean()
        assert used(text, OF_KIND[kind]) == used(mail_words.words_in("en")[kind].text, OF_KIND[kind])
        assert Message.Kind(kind)


@pytest.mark.parametrize(
    ("subject", "text", "refusal"),
    [
        ("Hello {name}", "{time} {link}", "{name} cannot be filled in"),
        ("Hello {link}", "{time} {link}", "secret"),
        ("Hello", "{link}", "Leave {time} in"),
        ("Hello", "{time}", "Leave {link} in"),
        ("Hello", "{time} {link} {promise}", "{promise} cannot be filled in"),
        ("Hello", "{time} {link} {", "A brace stands alone"),
        ("Hello", "{treatment} {time} {link}", "{treatment} cannot be filled in"),
    ],
)
def test_words_that_could_not_be_filled_in_are_refused(subject, text, refusal):
    with pytest.raises(ValidationError) as refused:
        MailWording(kind="booked", language="en", subject=subject, text=text).full_clean()
    assert refusal in str(refused.value)
