"""What happens to a patient's words when the database refuses them: kept in a file, replayed, told truthfully."""

import os
import re
import stat
import time
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.core import mail
from django.core.management import call_command
from django.db import OperationalError, connection
from django.test import Client

from appointments import spool
from appointments.forms import AppointmentRequestForm, keep, kept, patient, store_kept
from appointments.models import AppointmentRequest, Arrival, Event, Message
from medspa.models import Clinic
from tests import factories
from treatments.kept_content import while_content_is_the_same

pytestmark = pytest.mark.django_db
FORM, SPANISH_FORM = "/request-an-appointment/", "/es/request-an-appointment/"
TUESDAY_TEN = datetime(2026, 11, 24, 17, 0, tzinfo=UTC)  # on the clinic's clock, open since nine
answers = factories.form_answers


@pytest.fixture(autouse=True)
def _open_clinic(clinic, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    Clinic.objects.update(morning_digest_at=None)  # or mail would be one more on open days from eight to ten
    factories.treatment(name="Microneedling", slug="microneedling")


@contextmanager
def writes_refused():
    """Reading works. Of a transaction that is refused nothing stays."""

    def refuse(execute, sql, params, many, context):
        if sql.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            raise OperationalError("attempt to write a readonly database")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        yield


@contextmanager
def database_gone():
    def refuse(*_statement):
        raise OperationalError("the connection is closed")

    with connection.execute_wrapper(refuse):
        yield


def files(folder: Path) -> list[Path]:
    return sorted(file for file in (folder / "spool").rglob("*") if file.is_file())


def keep_one(client, **changes) -> str:
    """The address of the private page that the patient was given."""
    with writes_refused():
        answer = client.post(FORM, answers(**changes))
    assert answer.status_code == 202
    return link_in(answer)


def link_in(answer) -> str:
    page = answer.content.decode()
    return re.search(r'href="(/my-request/[^"]+)"', page)[1]


def test_what_the_database_refuses_is_kept_sealed_and_the_patient_is_told_the_truth(client, tmp_path):
    with writes_refused():
        answer = client.post(FORM, answers())

    page = answer.content.decode()
    assert answer.status_code == 202
    assert "We have your request" in page
    assert "(520) 555-0142" in page
    assert not AppointmentRequest.objects.exists()
    [file] = files(tmp_path)
    for private in ("Ana Ruiz", "Ruiz", "555 01", "example", "After three", "127.0.0.1", "microneedling"):
        assert private not in file.name + file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert spool.waiting() == 1


def test_the_worker_makes_it_a_request_like_any_other_of_the_moment_at_which_it_was_sent(client, tmp_path):
    with time_machine.travel(TUESDAY_TEN) as clock:
        link = keep_one(client)
        clock.shift(timedelta(minutes=40))
        call_command("send_messages", once=True)

        stored = AppointmentRequest.objects.get()
        page = client.get(link).content.decode()
    assert abs(stored.created_at - TUESDAY_TEN) < timedelta(seconds=5)
    assert stored.respond_by - stored.created_at == timedelta(hours=1)
    assert stored.next_action_at == stored.respond_by
    assert [stored.full_name, stored.phone, stored.email] == ["Ana Ruiz", "520 555 0199", "ana@example.com"]
    assert [stored.contact_by, stored.message, stored.language] == ["text", "After three is best.", "en"]
    assert stored.treatment.slug == "microneedling"
    assert [time.code for time in stored.preferred_times.all()] == ["1234-am", "5-pm"]
    assert Event.objects.get(appointment_request=stored).at == stored.created_at
    assert stored.arrival.at == stored.created_at
    assert stored.arrival.address == "127.0.0.1"
    assert {message.kind for message in Message.objects.exclude(sent_at=None)} == {"received", "desk_notice"}
    assert len(mail.outbox) == 2
    assert stored.reference in page
    assert files(tmp_path) == []


def test_until_then_the_private_page_says_that_it_is_safe(client):
    link = keep_one(client)

    answer = client.get(link)
    assert answer.status_code == 200
    assert "We have your request" in answer.content.decode()
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    with database_gone():
        assert "We have your request" in client.get(link).content.decode()
    assert client.get("/my-request/somebody-elses/").status_code == 404


def test_sent_twice_it_is_kept_once_and_has_one_address(client):
    form = answers()
    first, again = keep_one(client, **form), keep_one(client, **form)

    assert first == again
    assert spool.waiting() == 1
    assert client.post(FORM, form)["Location"] == first  # the database is back before the worker came
    call_command("send_messages", once=True)
    assert AppointmentRequest.objects.count() == 1
    assert Message.objects.count() == 2
    assert client.post(FORM, form)["Location"] == first


def test_what_was_stored_although_the_answer_was_lost_stays_one_request(client, monkeypatch):
    store = AppointmentRequestForm.judge_and_save

    def store_and_lose_the_answer(form, **given):
        store(form, **given)
        raise OperationalError("server closed the connection unexpectedly")

    with monkeypatch.context() as patch:
        patch.setattr(AppointmentRequestForm, "judge_and_save", store_and_lose_the_answer)
        link = link_in(client.post(FORM, answers()))
    assert AppointmentRequest.objects.count() == spool.waiting() == 1

    call_command("send_messages", once=True)
    assert AppointmentRequest.objects.count() == 1
    assert Message.objects.count() == 2
    assert AppointmentRequest.objects.get().reference in client.get(link).content.decode()


def test_a_form_is_shown_and_taken_while_the_database_is_gone(client):
    client.get(FORM)
    with database_gone():
        shown = client.get(FORM)
        kept = client.post(FORM, answers())
        wrong = client.post(FORM, answers(full_name=""))

    assert shown.status_code == 200
    assert "Microneedling" in shown.content.decode()
    assert kept.status_code == 202
    assert "(520) 555-0142" in kept.content.decode()
    assert wrong.status_code == 422
    call_command("send_messages", once=True)
    assert AppointmentRequest.objects.get().treatment.slug == "microneedling"


def test_a_process_that_never_saw_the_database_gives_the_words_back(client, monkeypatch):
    client.raise_request_exception = False
    form = answers(message="After three is best.\nOr <b>four</b>.")
    monkeypatch.setattr(Clinic, "last_read", None)
    monkeypatch.setattr(patient, "offer", while_content_is_the_same(even_while_away=True)(patient.offer.__wrapped__))
    with database_gone():
        answer = client.post(FORM, form)
        shown = client.get(FORM)

    page = answer.content.decode()
    assert answer.status_code == shown.status_code == 503
    assert answer["Retry-After"] == shown["Retry-After"] == "60"
    assert "We could not save your request" in page
    assert "After three is best.<br>Or &lt;b&gt;four&lt;/b&gt;." in page
    for value in (form["form_token"], "Ana Ruiz", "520 555 0199", "1234-am", "5-pm", "microneedling", "text"):
        assert f'value="{value}"' in page
    assert spool.waiting() == 0


def test_an_old_form_keeps_its_words_while_the_database_is_gone(client):
    client.get(FORM)
    with database_gone():
        answer = Client(enforce_csrf_checks=True).post(FORM, answers())
    assert answer.status_code == 403
    assert "After three is best." in answer.content.decode()


def test_where_the_disk_refuses_too_the_answers_are_still_in_the_form(client, tmp_path):
    (tmp_path / "spool").write_text("no folder")
    with writes_refused():
        answer = client.post(FORM, answers())

    page = answer.content.decode()
    assert answer.status_code == 503
    assert "We could not save your request just now" in page
    assert "After three is best." in page
    assert "(520) 555-0142" in page
    (tmp_path / "spool").unlink()
    assert client.post(FORM, answers()).status_code == 303


def test_a_disk_that_is_full_in_the_middle_of_a_file_leaves_nothing_behind(client, tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    with writes_refused(), monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert client.post(FORM, answers()).status_code == 503
    assert files(tmp_path) == []


def test_a_flood_fills_neither_the_disk_nor_the_place_of_others(client, monkeypatch, settings):
    monkeypatch.setattr(spool, "MOST_KEPT", 5)
    settings.SUBMIT_LIMIT_PER_HOUR, settings.TRUSTED_PROXIES = 0.3, ["127.0.0.1"]  # three of one address
    with writes_refused():
        flood = [client.post(FORM, answers(), headers={"X-Forwarded-For": "203.0.113.9"}) for _ in range(5)]
        others = [
            client.post(FORM, answers(), headers={"X-Forwarded-For": f"198.51.100.{number}"}) for number in range(3)
        ]
    assert [answer.status_code for answer in flood] == [202, 202, 202, 503, 503]
    assert [answer.status_code for answer in others] == [202, 202, 503]


def test_the_longest_answers_take_eight_kilobytes_at_most(client, tmp_path):
    with writes_refused():
        longest = answers(
            full_name="𝒜" * 100,
            phone="520 555 0199" + "𝒜" * 88,
            email=f"{'a' * 64}@{'b' * 63}.{'c' * 63}.com",
            message="𝒜" * 500,
            opened="𝒜" * 5_000,
            website="𝒜" * 5_000,
            preferred_times=[f"{days}-{part}" for days in "0123456" for part in ("am", "pm", "eve")],
        )
        assert client.post(FORM, longest).status_code == 202
    [file] = files(tmp_path)
    assert file.stat().st_size <= 8 * 1024


def test_a_file_that_cannot_be_opened_is_set_aside_loudly_and_keeps_nobody_back(client, settings, caplog, tmp_path):
    ours, other = settings.DATA_KEYS, [Fernet.generate_key().decode()]
    settings.DATA_KEYS = other
    lost = keep_one(client, full_name="Bo Lost")
    settings.DATA_KEYS = ours
    keep_one(client)

    call_command("send_messages", once=True)
    assert [row.full_name for row in AppointmentRequest.objects.all()] == ["Ana Ruiz"]
    assert (spool.waiting(), spool.set_aside()) == (0, 1)
    assert "set aside in spool/aside of VAR_DIR: CannotUnseal" in caplog.text
    assert "Bo" not in caplog.text
    with pytest.raises(SystemExit):
        call_command("check_integrity")

    settings.DATA_KEYS = other + ours
    assert "We have your request" in client.get(lost).content.decode()
    call_command("send_messages", once=True)
    assert AppointmentRequest.objects.count() == 2
    assert spool.set_aside() == 0
    call_command("check_integrity")


@pytest.mark.parametrize("damage", [b"", b"2.AAAA", b"\xff\xfe", b"{}"])
def test_a_damaged_file_is_set_aside(client, tmp_path, damage):
    keep_one(client)
    [file] = files(tmp_path)
    file.write_bytes(damage)
    call_command("send_messages", once=True)
    assert (spool.waiting(), spool.set_aside()) == (0, 1)


def test_a_sender_that_dies_between_the_commit_and_the_removal_of_the_file_doubles_nothing(client, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*_any, **_more):
        raise Killed

    keep_one(client)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", die)
        with pytest.raises(Killed):
            spool.replay(store_kept)
    assert (AppointmentRequest.objects.count(), spool.waiting()) == (1, 1)
    assert spool.replay(store_kept) == 1
    assert (AppointmentRequest.objects.count(), Message.objects.count(), spool.waiting()) == (1, 2, 0)


def test_what_the_database_still_refuses_waits_on(client):
    keep_one(client)
    with writes_refused(), pytest.raises(OperationalError):
        spool.replay(store_kept)
    assert spool.waiting() == 1
    call_command("send_messages", once=True)
    assert (AppointmentRequest.objects.count(), spool.waiting()) == (1, 0)


def test_what_looks_like_a_machines_is_filed_as_spam_and_never_turned_away(client, settings):
    settings.SUBMIT_LIMIT_PER_HOUR = 1
    for _ in range(10):
        keep_one(client, website="http://buy.example", message="Buy this at once, it is cheap and good.")
    call_command("send_messages", once=True)
    assert AppointmentRequest.objects.filter(closed_reason="spam").count() == 10
    assert "filled in what cannot be seen" in Arrival.objects.first().reasons


def test_how_fast_it_was_filled_in_is_judged_by_when_it_was_sent(client):
    with time_machine.travel(TUESDAY_TEN, tick=False) as clock:
        opened = AppointmentRequestForm()["opened"].value()
        clock.shift(timedelta(seconds=1))
        keep_one(client, opened=opened)
        clock.shift(timedelta(minutes=9))
        call_command("send_messages", once=True)
    assert Arrival.objects.get().reasons == "sent at once"


def test_a_treatment_that_is_a_draft_again_is_still_what_was_asked_for(client):
    keep_one(client)
    AppointmentRequest.treatment.field.related_model.objects.update(status="draft")
    call_command("send_messages", once=True)
    assert AppointmentRequest.objects.get().treatment.slug == "microneedling"


def test_who_asks_in_spanish_is_answered_in_spanish(client):
    with writes_refused():
        answer = client.post(SPANISH_FORM, answers())
    page = answer.content.decode()
    assert answer.status_code == 202
    assert "Tenemos su solicitud" in page
    assert 'href="/es/my-request/' in page
    call_command("send_messages", once=True)
    assert AppointmentRequest.objects.get().language == "es"


def test_health_tells_of_what_waits_too_long_and_of_what_is_set_aside(client, tmp_path):
    keep_one(client)
    assert client.get("/healthz").json()["requests_kept"] == 1
    assert client.get("/healthz").status_code == 200

    [file] = files(tmp_path)
    os.utime(file, (time.time() - 3600,) * 2)
    assert client.get("/healthz").status_code == 503
    file.write_text("damaged")
    call_command("send_messages", once=True)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()["requests_kept"]) == (503, 1)


def test_a_half_written_file_of_a_dead_process_is_cleared_away(client, tmp_path):
    keep_one(client)
    old, new = (tmp_path / "spool" / f"{spool.DRAFT}{name}" for name in ("old", "new"))
    for draft in (old, new):
        draft.write_text("half")
    os.utime(old, (time.time() - 2 * spool.DRAFT_LIVES_SECONDS,) * 2)
    assert spool.waiting() == 1
    spool.try_again()
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.django_db(transaction=True)
def test_workers_that_replay_at_once_make_one_request_of_each(client, at_once):
    for number in range(4):
        keep_one(client, email=f"ana{number}@example.com")

    outcomes = at_once(lambda _: spool.replay(store_kept), range(4))
    assert all(isinstance(outcome, int) for outcome in outcomes), outcomes
    assert AppointmentRequest.objects.count() == Event.objects.count() == 4
    assert Message.objects.count() == 8
    assert spool.waiting() == 0


@pytest.mark.django_db(transaction=True)
def test_a_form_sent_in_several_clicks_at_once_is_kept_once(client, at_once):
    form = AppointmentRequestForm(answers())
    assert form.is_valid()
    outcomes = at_once(lambda _: keep(form, address="203.0.113.7"), range(8))
    assert len(set(outcomes)) == 1
    assert spool.waiting() == 1
    assert spool.keeps(outcomes[0])


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_breaks_on_the_way_is_made_anew_and_nothing_is_kept(client, monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("a file has no connection that could break")
    store, broken = AppointmentRequestForm.judge_and_save, []

    def break_once(form, **given):
        if not broken:
            broken.append(connection.connection.info.backend_pid)
            with closing(connection.copy()) as other, other.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", broken)
        return store(form, **given)

    monkeypatch.setattr(AppointmentRequestForm, "judge_and_save", break_once)
    assert client.post(FORM, answers()).status_code == 303
    assert broken
    assert (AppointmentRequest.objects.count(), spool.waiting()) == (1, 0)


def test_nobody_waits_behind_a_form_that_has_waited_long_for_the_database(client, monkeypatch):
    began = {1: time.monotonic() - kept.PATIENCE_SECONDS - 1}
    monkeypatch.setattr(kept, "_waiting_since", began)
    assert client.post(FORM, answers()).status_code == 202
    began[1] = time.monotonic()  # one that has only just come is waited behind
    assert client.post(FORM, answers()).status_code == 303
    assert began.keys() == {1}
