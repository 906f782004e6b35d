"""How long, handed out, erased: the policy is obeyed, and what it lets go of is gone everywhere."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.apps import apps
from django.core import checks
from django.core.management import call_command
from django.db import IntegrityError, connection, models, transaction
from django.urls import reverse
from django.utils import timezone

from appointments import event_log, privacy, workflow
from appointments.models import AppointmentRequest, Arrival, Event, HealthAnswer, Message, PreferredTime
from appointments.privacy import policy
from tests import factories

pytestmark = pytest.mark.django_db

CANARIES = {
    "full_name": "Canaryname",
    "phone": "520 555 0177 canaryphone",
    "email": "canary@example.com",
    "message": "canarymessage",
}
MONTH = timedelta(days=31)


def everything_stored() -> str:
    """Every column of every table as it is on disk, and what is sealed unsealed beside it."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [str(row) for row in cursor.fetchall()]
    for model in apps.get_app_config("appointments").get_models():
        found += [str(list(row.__dict__.values())) for row in model._default_manager.all()]
    return "\n".join(found).lower()


def told(by) -> AppointmentRequest:
    """A closed request with canaries wherever a patient's words can be."""
    kind = factories.treatment()
    kind.contraindications.create(page_words="p", question="q", staff_advice="a")
    row = factories.appointment_request(
        **CANARIES, treatment=kind, arrival=Arrival(address="198.51.100.77", score=0, reasons="", at=timezone.now())
    )
    workflow.ask_for_times(
        row, visit="", preferred_times=[PreferredTime(weekdays="3", part="pm")], message="canarytimes"
    )
    workflow.answer_health_check(row, answers=[workflow.Answered("q", "a", "yes")])
    workflow.write(row, by=by, seen=row.version, subject="Hello Canaryname", text="Dear canary")
    workflow.close(row, by=by, seen=row.version, reason="patient_declined", note="canarynote")
    return row


@pytest.fixture
def owner(clinic):
    call_command("open_clinic", "--no-owner", verbosity=0, stdout=io.StringIO())
    return factories.user(group="Owner", username="owner")


@pytest.fixture
def desk(client, owner):
    client.force_login(owner)
    return client


def address(row, name):
    return reverse("admin:appointments_appointmentrequest_move", args=[row.pk, name])


# Erasing


def test_nothing_of_the_person_is_left_anywhere(clinic, owner):
    row = told(owner)
    before = everything_stored()
    assert before.count("canary") > 10
    assert "198.51.100.77" in before
    link = row.private_token

    workflow.erase(row, by=owner, seen=row.version, note="Asked by letter")

    after = everything_stored()
    assert "canary" not in after
    assert "198.51.100.77" not in after
    assert link.lower() not in after
    assert not HealthAnswer.objects.exists()
    assert not Message.objects.filter(appointment_request=row).exists()
    assert list(event_log.complaints()) == []


def test_what_happened_stays_and_the_numbers_with_it(clinic, owner):
    row = told(owner)
    kinds = list(row.events.values_list("kind", flat=True))
    workflow.erase(row, by=owner, seen=row.version)
    row.refresh_from_db()
    assert list(row.events.values_list("kind", flat=True)) == [*kinds, "erased"]
    assert (row.status, row.closed_reason, row.full_name) == ("closed", "patient_declined", "(erased)")
    assert row.erased_at
    call_command("check_integrity", stdout=io.StringIO())


def test_the_patients_link_opens_nothing_afterwards(client, clinic, owner):
    row = told(owner)
    page = reverse("appointments:my_request", args=[row.private_token])
    assert client.get(page).status_code == 200
    workflow.erase(row, by=owner, seen=row.version)
    assert client.get(page).status_code == 404


def test_other_requests_of_the_same_person_go_along_when_they_are_named(clinic, owner):
    row, other, sister = told(owner), told(owner), told(owner)
    workflow.erase(row, by=owner, seen=row.version, others=[other])
    erased = set(AppointmentRequest.objects.exclude(erased_at=None))
    assert erased == {row, other}
    assert sister not in erased


def test_all_or_none(clinic, owner):
    row, waits = told(owner), factories.appointment_request()
    with pytest.raises(workflow.MoveNotAllowed), transaction.atomic():
        workflow.erase(row, by=owner, seen=row.version, others=[waits])
    assert not AppointmentRequest.objects.exclude(erased_at=None).exists()
    assert "canaryname" in everything_stored()


def test_a_legal_hold_stops_it(clinic, owner):
    row = told(owner)
    workflow.place_hold(row, by=owner, seen=row.version, note="A letter of March 3")
    for others in ([], [row]):
        subject = told(owner) if others else row
        with pytest.raises(workflow.MoveNotAllowed), transaction.atomic():
            workflow.erase(subject, by=owner, seen=subject.version, others=others)
    with pytest.raises(IntegrityError), transaction.atomic():
        AppointmentRequest.objects.filter(pk=row.pk).update(erased_at=timezone.now())
    workflow.lift_hold(row, by=owner, seen=row.version, note="Settled")
    workflow.erase(row, by=owner, seen=row.version)


def test_what_is_erased_has_no_moves_left(clinic, owner):
    row = told(owner)
    workflow.erase(row, by=owner, seen=row.version)
    assert workflow.allowed_moves(row, owner) == {}
    with pytest.raises(workflow.MoveNotAllowed):
        workflow.reopen(row, by=owner, seen=row.version, note="x")


def test_it_is_a_move_with_a_permission_of_its_own(desk, owner):
    row = told(owner)
    page = desk.get(address(row, "erase")).content.decode()
    assert "It cannot be undone" in page
    assert desk.post(address(row, "erase"), {"seen": row.version}).status_code == 422
    assert desk.post(address(row, "erase"), {"seen": row.version, "sure": "on"}).status_code == 303
    row.refresh_from_db()
    assert row.erased_at
    shown = desk.get(reverse("admin:appointments_appointmentrequest_change", args=[row.pk])).content.decode()
    assert "details were erased" in shown


@pytest.mark.parametrize("name", ["erase", "export", "place_hold", "lift_hold"])
@pytest.mark.parametrize("group", ["Front desk", "Clinician"])
def test_nobody_else_may(client, owner, name, group):
    row = told(owner)
    client.force_login(factories.user(group=group))
    assert client.get(address(row, name)).status_code == 403
    assert client.post(address(row, name), {"seen": row.version, "sure": "on", "note": "x"}).status_code == 403
    row.refresh_from_db()
    assert row.erased_at is None


@pytest.mark.django_db(transaction=True)
def test_of_eight_who_erase_at_once_one_does(at_once):
    factories.clinic()
    people = [factories.user(is_superuser=True) for _ in range(8)]
    row = told(people[0])
    seen = row.version

    def erase(person):
        workflow.erase(AppointmentRequest.objects.get(pk=row.pk), by=person, seen=seen)

    outcomes = at_once(erase, people)
    assert [type(outcome) for outcome in outcomes if outcome] == [workflow.MoveNotAllowed] * 7
    assert Event.objects.filter(kind="erased").count() == 1


# Handing out


def test_the_file_has_everything_that_is_kept_and_no_secret(desk, owner):
    row = told(owner)
    answer = desk.post(address(row, "export"), {"seen": row.version, "as_page": "data"})
    assert answer["Content-Disposition"] == f'attachment; filename="patient-{row.reference}.json"'
    assert "no-store" in answer["Cache-Control"]
    copy = json.loads(answer.content)["requests"][0]
    assert {name: copy["request"][name] for name in CANARIES} == CANARIES
    assert copy["health_answers"][0] | {"question": "q", "answer": "Yes"} == copy["health_answers"][0]
    assert "canarynote" in {event["note"] for event in copy["events"]}
    assert "canarytimes" in {event["note"] for event in copy["events"]}
    assert len(copy["messages"]) == row.messages.count()
    assert copy["preferred_times"]
    assert "private_token" not in copy["request"]
    assert Event.objects.filter(kind="exported", by=owner, appointment_request=row).count() == 1


def test_the_page_can_be_read_and_shows_no_code(desk, owner):
    row = told(owner)
    AppointmentRequest.objects.update(full_name="<script>canary</script>")
    page = desk.post(address(row, "export"), {"seen": row.version, "as_page": "page"}).content.decode()
    assert "&lt;script&gt;canary" in page
    assert "<script" not in page
    assert "What we keep about you" in page
    assert "canarymessage" in page


# The policy


def test_every_field_is_sorted():
    assert list(policy.gaps()) == []


def test_a_new_field_without_a_rule_stops_the_check_by_name(monkeypatch):
    field = models.CharField(max_length=10)
    field.set_attributes_from_name("shoe_size")
    monkeypatch.setattr(
        AppointmentRequest._meta, "local_concrete_fields", [*AppointmentRequest._meta.local_concrete_fields, field]
    )
    found = [message.msg for message in checks.run_checks() if message.id == "appointments.E001"]
    assert found == [
        "appointments.AppointmentRequest.shoe_size has no privacy rule. Sort it in appointments/privacy/policy.toml."
    ]


def test_a_rule_without_a_field_is_noticed_too(monkeypatch):
    monkeypatch.setattr(policy, "kinds_of", lambda model: {"no_such_field": "fact"})
    assert any("no_such_field, which there is not" in line for line in policy.gaps())


def test_the_privacy_page_shows_the_periods_that_are_obeyed(client, clinic):
    page = " ".join(client.get("/privacy/").content.decode().split())
    assert f"your answers {privacy.months('unbooked')} months after it has ended" in page
    assert f"erase them {privacy.months('booked') // 12} years after" in page
    assert f"stays {privacy.months('events') // 12} years" in page


def test_what_is_over_goes_and_what_is_not_stays(clinic, owner):
    over, fresh, held = told(owner), told(owner), told(owner)
    waits = factories.appointment_request(message="canarywaits", now=timezone.now() - 40 * MONTH)
    booked = factories.booked()
    workflow.close(booked, by=owner, seen=booked.version, reason="other")
    workflow.place_hold(held, by=owner, seen=held.version, note="x")
    AppointmentRequest.objects.filter(pk__in=[over.pk, held.pk, booked.pk]).update(ended_at=timezone.now() - 13 * MONTH)
    said = io.StringIO()
    call_command("apply_retention", "--dry-run", stdout=said)
    assert "12 months: requests that never became an appointment: 1 would go" in said.getvalue()
    assert not AppointmentRequest.objects.exclude(erased_at=None).exists()

    call_command("apply_retention", "--force", stdout=io.StringIO(), stderr=io.StringIO())
    assert list(AppointmentRequest.objects.exclude(erased_at=None)) == [over]
    assert AppointmentRequest.objects.get(pk=waits.pk).message == "canarywaits"
    assert AppointmentRequest.objects.get(pk=fresh.pk).full_name == "Canaryname"
    event = over.events.get(kind="erased")
    assert (event.by, event.details) == (None, "By the policy: requests that never became an appointment")
    assert list(event_log.complaints()) == []


def test_visits_stay_longer_and_spam_goes_sooner(clinic, owner):
    booked, spam = factories.booked(), factories.appointment_request()
    for row, reason in ((booked, "other"), (spam, "spam")):
        workflow.close(row, by=owner, seen=row.version, reason=reason)
    AppointmentRequest.objects.update(ended_at=timezone.now() - 2 * MONTH)
    call_command("apply_retention", stdout=io.StringIO(), stderr=io.StringIO())
    assert list(AppointmentRequest.objects.exclude(erased_at=None)) == [spam]
    AppointmentRequest.objects.filter(pk=booked.pk).update(ended_at=timezone.now() - 85 * MONTH)
    call_command("apply_retention", stdout=io.StringIO(), stderr=io.StringIO())
    assert AppointmentRequest.objects.exclude(erased_at=None).count() == 2


def test_words_of_mails_searches_and_addresses_go(clinic, owner):
    row = factories.appointment_request(
        arrival=Arrival(address="198.51.100.77", at=timezone.now() - 2 * MONTH), now=timezone.now() - 7 * MONTH
    )
    Message.objects.update(sent_at=timezone.now() - 4 * MONTH)
    privacy.searched("canary", by=owner, now=timezone.now() - 7 * MONTH)
    privacy.searched("kestrel", by=owner)
    call_command("apply_retention", "--force", stdout=io.StringIO(), stderr=io.StringIO())
    assert set(Message.objects.values_list("text", "html")) == {("", "")}
    assert [event.note for event in Event.objects.filter(kind="searched").order_by("at")] == ["", "kestrel"]
    assert not Arrival.objects.exists()
    assert AppointmentRequest.objects.get(pk=row.pk).email


def test_it_goes_on_where_it_was_stopped(clinic, owner):
    rows = [told(owner) for _ in range(5)]
    AppointmentRequest.objects.update(ended_at=timezone.now() - 13 * MONTH)
    period = next(period for period in privacy.PERIODS if period.name == "unbooked")
    assert workflow.let_go(period, at_most=2) == 2
    assert AppointmentRequest.objects.exclude(erased_at=None).count() == 2
    call_command("apply_retention", "--batch", "2", stdout=io.StringIO(), stderr=io.StringIO())
    assert AppointmentRequest.objects.exclude(erased_at=None).count() == len(rows)
    assert workflow.let_go(period) == 0


@pytest.mark.django_db(transaction=True)
def test_several_who_carry_it_out_at_once_erase_each_once(at_once):
    factories.clinic()
    person = factories.user(is_superuser=True)
    for _ in range(6):
        told(person)
    AppointmentRequest.objects.update(ended_at=timezone.now() - 13 * MONTH)
    period = next(period for period in privacy.PERIODS if period.name == "unbooked")
    outcomes = at_once(lambda _: workflow.let_go(period), range(4))
    assert not [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    assert Event.objects.filter(kind="erased").count() == 6
    assert list(event_log.complaints()) == []


def test_the_log_stays_six_years(clinic, owner):
    old = datetime(2019, 1, 2, 18, 0, tzinfo=UTC)
    factories.appointment_request(now=old)
    row = factories.appointment_request()
    call_command("apply_retention", "--force", stdout=io.StringIO(), stderr=io.StringIO())
    assert list(Event.objects.filter(kind="received").values_list("appointment_request", flat=True)) == [row.pk]
    assert list(event_log.complaints()) == []
