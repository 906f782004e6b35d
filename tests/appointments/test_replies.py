"""An e-mail in the desk's own words: begun from a saved reply, shown as it will go, sent."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from django.contrib.admin.models import LogEntry
from django.core import mail
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from appointments import outbox, placeholders, workflow
from appointments.models import AppointmentRequest, Event, Message, SavedReply
from appointments.response_clock import follow_up
from tests import factories

QUEUE = "/admin/appointments/appointmentrequest/"
REPLIES = "/admin/appointments/savedreply/"
NINE_IN_TUCSON = datetime(2026, 12, 8, 16, 0, tzinfo=UTC)
CANARIES = {"full_name": "Canaryname", "phone": "520 555 0177 canaryphone", "message": "canarymessage"}

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tuesday_noon")]


def saved(**facts) -> SavedReply:
    words = {"name": "Ready", "subject": "Hello from {clinic} ({reference})", "text": "Call {telephone}.\n{link}"}
    reply = SavedReply(**{**words, **facts})
    reply.full_clean()
    reply.save()
    return reply


def write_page(row) -> str:
    return f"{QUEUE}{row.pk}/move/write/"


def press(desk, row, step, **answers):
    answers = {"seen": row.version, "subject": "Your question", "text": "One.\n\nTwo.", **answers}
    return desk.post(write_page(row), {"step": step, **answers}, follow=True)


def words(answer) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.content.decode())).split())


def field(answer, name) -> str:
    page = answer.content.decode()
    found = re.search(rf'<input[^>]*name="{name}" value="([^"]*)"', page) or re.search(
        rf'<textarea name="{name}"[^>]*>\s*([^<]*)</textarea>', page
    )
    return unescape(found[1])


# What may be filled in


@pytest.mark.parametrize(
    "name", ["name", "full_name", "treatment", "message", "Clinic", " clinic", "clinic.pk", "0", ""]
)
@pytest.mark.parametrize("where", ["subject", "text"])
def test_a_placeholder_that_is_none_is_refused_by_name_with_those_that_are(name, where):
    with pytest.raises(ValidationError) as refusal:
        saved(**{where: f"Dear {{{name}}}"})
    (sentence,) = refusal.value.message_dict[where]
    assert sentence == (
        f"{{{name}}} cannot be filled in. These can: {{clinic}}, {{telephone}}, {{reference}}, {{time}}, {{link}}."
    )


@pytest.mark.parametrize(
    "text", ["{", "}", "{{clinic}}", "{clinic", "clinic}", "{clinic}}", "}{", "{reference!r}", "{a{b}"]
)
def test_a_stray_brace_is_refused(text):
    with pytest.raises(ValidationError) as refusal:
        saved(text=text)
    assert "{clinic}, {telephone}, {reference}, {time}, {link}" in refusal.value.message_dict["text"][0]


def test_the_patients_link_does_not_stand_in_a_subject():
    with pytest.raises(ValidationError, match="not in the subject"):
        saved(subject="See {link}")


def test_what_is_filled_in_is_not_looked_through_again():
    assert placeholders.fill_in("{clinic}", {"clinic": "{link}", "link": "secret"}) == "{link}"
    with pytest.raises(KeyError):
        placeholders.fill_in("{time}", {"clinic": "Ours"})


def test_a_name_is_used_once_in_each_language():
    saved(name="Twice")
    saved(name="Twice", language="es")
    with pytest.raises(ValidationError, match="of this name in this language already"):
        saved(name="Twice")


# Choosing one


def test_a_saved_reply_is_filled_in_and_can_be_changed(desk, clinic):
    row = factories.booked(starts_at=NINE_IN_TUCSON, **CANARIES)
    reply = saved(text="{clinic}, {telephone}, {reference}, {time}: {link}")

    page = desk.get(f"{write_page(row)}?reply={reply.pk}")

    assert field(page, "subject") == f"Hello from Mirror Mirror Med Spa ({row.reference})"
    assert field(page, "text") == (
        f"Mirror Mirror Med Spa, (520) 555-0142, {row.reference}, Tuesday, December 8 at 9 am: "
        f"http://127.0.0.1:8000/my-request/{row.private_token}/"
    )
    assert 'aria-current="true"' in page.content.decode()
    assert AppointmentRequest.objects.get(pk=row.pk).version == row.version
    assert not row.messages.filter(kind="reply").exists()


def test_a_spanish_reply_speaks_spanish(desk):
    row = factories.booked(starts_at=NINE_IN_TUCSON, language="es")
    reply = saved(language="es", text="El {time}: {link}")
    text = field(desk.get(f"{write_page(row)}?reply={reply.pk}"), "text")
    assert text.startswith("El martes 8 de diciembre a las 9\N{NO-BREAK SPACE}a.")
    assert f"/es/my-request/{row.private_token}/" in text
    told = words(press(desk, row, "preview"))
    assert f"Su número de referencia: {row.reference}" in told


def test_the_patients_language_stands_first_and_what_is_put_away_is_not_offered(desk):
    saved(name="Alpha")
    saved(name="Omega", language="es")
    saved(name="Put away", is_active=False)
    row = factories.appointment_request(language="es")
    page = words(desk.get(write_page(row)))
    assert page.index("Omega") < page.index("Alpha (English)")
    assert "Omega (" not in page
    assert "Put away" not in page


def test_a_reply_that_tells_the_time_is_offered_only_where_a_visit_is_booked(desk):
    reply = saved(name="See you", text="On {time}.")
    row = factories.appointment_request()
    assert "See you" not in words(desk.get(write_page(row)))
    assert field(desk.get(f"{write_page(row)}?reply={reply.pk}"), "text") == ""
    assert "See you" in words(desk.get(write_page(factories.booked())))


@pytest.mark.parametrize("key", ["999", "x", "", "9" * 40, "-1"])
def test_a_reply_that_is_not_there_leaves_the_page_empty(desk, key):
    answer = desk.get(f"{write_page(factories.appointment_request())}?reply={key}")
    assert answer.status_code == 200
    assert field(answer, "text") == ""


# Looking at it, and sending it


def test_the_mail_is_shown_as_it_will_go_and_then_goes_so(desk, receptionist):
    row = factories.appointment_request(email="ana@example.com", **CANARIES)

    assert workflow.MOVES["write"].will in words(desk.get(write_page(row)))
    shown = press(desk, row, "preview")

    assert shown.status_code == 200
    for said in ("To ana@example.com", "Subject Your question", "One. Two. Mirror Mirror Med Spa (520) 555-0142"):
        assert said in words(shown)
    assert not row.messages.filter(kind="reply").exists()
    answers = {name: field(shown, name) for name in ("seen", "subject", "text")}
    told = words(press(desk, row, "send", **answers))

    assert LogEntry.objects.get().get_change_message() == "Write an e-mail."
    assert "E-mail written. The patient is told by e-mail." in told
    outbox.send_due()
    (sent,) = [sent for sent in mail.outbox if sent.subject == "Your question"]
    assert sent.to == ["ana@example.com"]
    assert sent.body.strip() == (
        f"One.\n\nTwo.\n\nMirror Mirror Med Spa\n(520) 555-0142\nYour reference: {row.reference}"
    )
    assert "canary" not in f"{sent.subject} {sent.body}".lower()
    event = row.events.moves().last()
    assert (event.kind, event.by, event.note) == ("written", receptionist, "Your question\n\nOne.\n\nTwo.")


def test_what_was_typed_is_kept_when_the_words_are_to_be_changed(desk):
    row = factories.appointment_request()
    typed = {"subject": 'A "quoted" <b>', "text": "Line one\n\n  line two & more"}
    shown = press(desk, row, "preview", **typed)
    again = press(desk, row, "edit", **{name: field(shown, name) for name in typed})
    assert {name: field(again, name).replace("\r\n", "\n") for name in typed} == typed
    assert "Preview" in words(again)
    assert row.events.moves().count() == 1


@pytest.mark.parametrize("step", ["", "preview", "edit", "sent", "Send"])
def test_nothing_is_sent_before_send_is_pressed(desk, step):
    row = factories.appointment_request()
    assert press(desk, row, step).status_code == 200
    assert (row.events.moves().count(), row.messages.filter(kind="reply").count()) == (1, 0)


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"subject": ""}, "Enter the subject"),
        ({"text": " \x00 "}, "Enter the text"),
        ({"subject": "x" * 151}, "The subject must be 150 characters or fewer"),
        ({"text": "x" * 2001}, "The text must be 2000 characters or fewer"),
        ({"text": "On {time}."}, "Replace {time} by what it stands for"),
        ({"subject": "{link}"}, "Replace {link} by what it stands for"),
    ],
)
@pytest.mark.parametrize("step", ["preview", "send"])
def test_what_cannot_go_is_refused_and_kept(desk, answers, said, step):
    row = factories.appointment_request()
    answer = press(desk, row, step, **answers)
    assert answer.status_code == 422
    assert said in words(answer)
    assert row.events.moves().count() == 1


def test_the_patients_link_is_refused_in_a_subject_and_sealed_in_the_text(desk):
    row = factories.appointment_request()
    assert "Put the patient's link into the text" in words(press(desk, row, "send", subject=row.private_token))

    press(desk, row, "send", text=f"See {row.private_token} canarytext")

    assert row.private_token in row.messages.get(kind="reply").text
    assert row.private_token not in row.events.moves().last().note
    with connection.cursor() as cursor:
        for table in ("message", "event"):
            cursor.execute(f"SELECT * FROM appointments_{table}")  # noqa: S608
            kept = str(cursor.fetchall())
            assert "canarytext" not in kept
            assert row.private_token not in kept


def test_line_breaks_in_a_subject_reach_no_header(desk):
    row = factories.appointment_request(email="ana@example.com")
    press(desk, row, "send", subject="Hello\r\nBcc: eva@example.com")
    outbox.send_due()
    sent = mail.outbox[-1]
    assert sent.subject == "Hello Bcc: eva@example.com"
    assert sent.recipients() == ["ana@example.com"]


# What it means for the request


def test_a_new_request_is_answered_and_due_again_by_the_ladder_without_a_call_in_vain(receptionist):
    clinic = factories.clinic(follow_up_days="2, 7")
    row, now = factories.appointment_request(), timezone.now()
    workflow.write(row, by=receptionist, seen=1, subject="S", text="T", now=now)
    row.refresh_from_db()
    assert (row.status, row.first_response_at, row.calls_in_vain) == ("contacting", now, 0)
    assert row.next_action_at == follow_up(clinic, 1, now)
    assert row.claimed_by == receptionist

    later = now + timedelta(days=1)
    workflow.log_call(row, by=receptionist, seen=2, reached="voicemail", now=later)
    workflow.write(row, by=receptionist, seen=3, subject="S", text="T", now=later)
    row.refresh_from_db()
    assert (row.calls_in_vain, row.first_response_at) == (1, now)
    assert row.next_action_at == follow_up(clinic, 2, later)


def test_a_booked_or_waiting_listed_request_stays_where_it_is(receptionist, clinic):
    booked, listed = factories.booked(), factories.appointment_request()
    workflow.waitlist(listed, by=receptionist, seen=1)
    for row in (booked, listed):
        before = row.status
        workflow.write(row, by=receptionist, seen=row.version, subject="S", text="T")
        row.refresh_from_db()
        assert (row.status, row.next_action_at) == (before, None)


def test_a_patient_without_an_address_is_not_written_to(desk, receptionist):
    row = factories.appointment_request(email="")
    assert "Write an e-mail" not in words(desk.get(f"{QUEUE}{row.pk}/change/"))
    assert "“Write an e-mail” is not possible" in words(desk.get(write_page(row), follow=True))
    with pytest.raises(workflow.MoveNotAllowed):
        workflow.write(row, by=receptionist, seen=1, subject="S", text="T")
    row.refresh_from_db()
    assert (row.version, row.events.moves().count()) == (1, 1)


def test_it_waits_like_other_mail_and_can_be_held_back(desk, receptionist):
    factories.clinic(hold_mail_minutes=3)
    row = factories.appointment_request()
    assert "The mail waits 3 minutes, so that you can hold it back." in words(press(desk, row, "preview"))
    assert "The mail goes at 12:03 pm; until then you can hold it back." in words(press(desk, row, "send"))
    row.refresh_from_db()
    workflow.hold_back(row, by=receptionist, seen=2, message=row.messages.get(kind="reply").pk)
    assert "The patient has NOT been told. Held back: The desk's own words to the patient" in words(
        desk.get(f"{QUEUE}{row.pk}/change/")
    )


def test_later_news_of_the_visit_does_not_take_the_place_of_the_desks_own_words(receptionist):
    factories.clinic(hold_mail_minutes=3)
    row = factories.booked(by=receptionist)
    workflow.write(row, by=receptionist, seen=2, subject="S", text="T")
    workflow.cancel(row, by=receptionist, seen=3)
    assert row.messages.get(kind="reply").state == "queued"


def test_whoever_comes_second_sends_nothing_and_keeps_the_words(desk):
    row = factories.appointment_request()
    workflow.claim(AppointmentRequest.objects.get(pk=row.pk), by=factories.receptionist(first_name="Eva"), seen=1)

    answer = press(desk, row, "send", seen=1)

    assert answer.status_code == 409
    assert "Nothing was changed. Eva was first" in words(answer)
    assert field(answer, "text").replace("\r\n", "\n") == "One.\n\nTwo."
    assert not row.messages.filter(kind="reply").exists()
    assert press(desk, row, "send", seen=field(answer, "seen")).redirect_chain[0][1] == 303
    assert row.messages.filter(kind="reply").count() == 1


def test_words_for_a_request_that_was_closed_meanwhile_are_offered_as_a_note(desk):
    row = factories.appointment_request()
    eva = factories.receptionist(first_name="Eva")
    workflow.close(AppointmentRequest.objects.get(pk=row.pk), by=eva, seen=1, reason="other")
    answer = press(desk, row, "send", seen=1)
    assert answer.status_code == 409
    assert "move/add_note/" in answer.content.decode()
    assert field(answer, "note").replace("\r\n", "\n") == "One.\n\nTwo."


@pytest.mark.django_db(transaction=True)
def test_eight_who_send_at_once_make_one_mail(at_once, clinic):
    row = factories.appointment_request()

    def send(person):
        workflow.write(AppointmentRequest.objects.get(pk=row.pk), by=person, seen=1, subject="S", text="T")

    outcomes = at_once(send, [factories.receptionist() for _ in range(8)])

    assert outcomes.count(None) == 1
    assert {type(outcome) for outcome in outcomes if outcome} == {workflow.MoveNotAllowed}
    assert Message.objects.filter(kind="reply").count() == Event.objects.filter(kind="written").count() == 1


# Keeping them


@pytest.mark.parametrize(
    ("group", "status"), [("Owner", 200), ("Front desk", 200), ("Clinician", 403), ("Editor", 403), ("", 403)]
)
def test_saved_replies_are_kept_by_the_owner_and_the_front_desk(client, group, status):
    call_command("open_clinic", no_owner=True, verbosity=0)
    reply = SavedReply.objects.first()
    client.force_login(factories.user(group=group) if group else factories.user())
    for address in ("", "add/", f"{reply.pk}/change/", f"{reply.pk}/delete/"):
        assert client.get(f"{REPLIES}{address}").status_code == status, address
    answer = client.post(f"{REPLIES}{reply.pk}/change/", {"name": "N", "language": "en", "subject": "S", "text": "T"})
    assert answer.status_code == (302 if status == 200 else 403)
    reply.refresh_from_db()
    assert (reply.text == "T") == (status == 200)


@pytest.fixture
def keeper(client, clinic):
    views = [f"appointments.{verb}_savedreply" for verb in ("view", "add", "change")]
    client.force_login(factories.user(*views))
    return client


def test_its_page_shows_how_it_reads_with_sample_words(keeper):
    reply = saved(language="es", text="El {time} en {clinic}: {link}")
    page = words(keeper.get(f"{REPLIES}{reply.pk}/change/"))
    assert "To patient@example.com Subject Hello from Mirror Mirror Med Spa (ABC-1234)" in page
    assert "El martes 8 de enero a las 10" in page
    assert "en Mirror Mirror Med Spa: http://127.0.0.1:8000/es/my-request/sample/" in page
    assert "Su número de referencia: ABC-1234" in page
    assert not Message.objects.exists()


def test_what_is_refused_on_saving_says_why_and_what_is_saved_is_still_shown(keeper):
    reply = saved()
    facts = {"name": "Ready", "language": "en", "subject": "Dear {full_name}", "text": "A brace: {", "is_active": "on"}
    answer = keeper.post(f"{REPLIES}{reply.pk}/change/", facts)
    assert answer.status_code == 200
    assert "{full_name} cannot be filled in. These can: {clinic}," in words(answer)
    assert "A brace stands alone: { Take it out." in words(answer)
    assert "Hello from Mirror Mirror Med Spa (ABC-1234)" in words(answer)
    reply.refresh_from_db()
    assert reply.subject == "Hello from {clinic} ({reference})"


def test_a_new_one_is_saved_with_its_lines(keeper):
    facts = {"name": "New", "language": "en", "subject": "S", "text": "One\r\n\r\nTwo\r\n", "is_active": "on"}
    assert keeper.post(f"{REPLIES}add/", facts).status_code == 302
    assert SavedReply.objects.get().text == "One\n\nTwo"
