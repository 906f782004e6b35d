"""A request is found by any part of its name, number, address or reference: now, after changes, never once erased."""

import pytest
from django.core.management import call_command
from django.db import connection

from appointments import search_index
from appointments.models import AppointmentRequest, questions
from tests import factories

pytestmark = pytest.mark.django_db


def found(words, **options):
    rows = AppointmentRequest.objects.search(words, **options)
    return sorted(rows.values_list("full_name", flat=True))


@pytest.fixture
def patients(clinic):
    for name, phone, email in [
        ("Ana Ruiz", "(520) 555-0142", "ana.ruiz@example.com"),
        ("Óscar O'Neil-Ruiz", "520.555.0177 or 520 555 0178", ""),
        ("李小龙", "+86 138 0013 8000", "bruce@example.cn"),
        ("Bo Li", "5205550199", "bo_li+spa@example.com"),
        ('Quote " AND (NEAR*', "5205550111", "q@example.com"),
        ("100% Wild_card", "5205550112", "w@example.com"),
        ("علي حسن", "5205550113", "ali@example.com"),
    ]:
        factories.appointment_request(full_name=name, phone=phone, email=email)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("ruiz", ["Ana Ruiz", "Óscar O'Neil-Ruiz"]),
        ("RUIZ ana", ["Ana Ruiz"]),
        ("uiz", ["Ana Ruiz", "Óscar O'Neil-Ruiz"]),
        ("o'neil", ["Óscar O'Neil-Ruiz"]),
        ("óscar", ["Óscar O'Neil-Ruiz"]),
        ("555-0142", ["Ana Ruiz"]),
        ("5550142", ["Ana Ruiz"]),
        ("+1 520 555 0142", ["Ana Ruiz"]),
        ("520 555 0178", ["Óscar O'Neil-Ruiz"]),
        ("0199", ["Bo Li"]),
        ("李小龙", ["李小龙"]),
        ("حسن", ["علي حسن"]),
        ("li", ["Bo Li", "علي حسن"]),
        ("bo li", ["Bo Li"]),
        ("l bruce", ["李小龙"]),
        ("zz bruce", []),
        ("@example.cn", ["李小龙"]),
        ("bo_li+spa", ["Bo Li"]),
        ("boxli", []),
        ('" and (near*', ['Quote " AND (NEAR*']),
        ("100%", ["100% Wild_card"]),
        ("1%0", []),
        ("wild_card", ["100% Wild_card"]),
        ("wildxcard", []),
        ("nobody", []),
        ("\x00ruiz\x00", ["Ana Ruiz", "Óscar O'Neil-Ruiz"]),
        ("🌵🌵🌵", []),
        ("*" * 300, []),
        ('"""', []),
        ("NOT ruiz", []),
        ("-ruiz", ["Óscar O'Neil-Ruiz"]),
        ("full_name:ruiz", []),
    ],
)
@pytest.mark.parametrize("way", [{}, {"among_all": True}, {"few": True}], ids=["narrowed", "among all", "few"])
def test_every_word_must_fit_wherever_it_stands(patients, words, names, way):
    assert found(words, **way) == names


def test_a_reference_is_found_whole_and_in_part(patients):
    row = AppointmentRequest.objects.first()
    assert found(row.reference) == found(row.reference.lower()) == [row.full_name]
    assert row.full_name in found(row.reference[:3])
    assert row.full_name in found(row.reference[:2])


def test_what_changes_is_found_by_what_it_is_now(patients):
    AppointmentRequest.objects.filter(full_name="Ana Ruiz").update(
        full_name="Ana Kowalski", phone="", phone_e164="", email="a@example.com"
    )
    assert found("kowalski") == ["Ana Kowalski"]
    assert "Ana Kowalski" not in found("ruiz") + found("0142")
    AppointmentRequest.objects.filter(full_name="Ana Kowalski").update(status="new")
    assert found("kowalski") == ["Ana Kowalski"]
    assert search_index.is_sound()


def test_what_is_erased_is_found_no_more_and_leaves_no_trace_in_the_index(patients):
    AppointmentRequest.objects.filter(full_name="Ana Ruiz").update(
        full_name="", phone="", phone_e164="", email="", status="closed", closed_reason="other",
        ended_at="2026-01-01T00:00Z", erased_at="2026-01-01T00:00Z", next_action_at=None,
    )  # fmt: skip
    assert found("ana") == []
    assert search_index.is_sound()
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {search_index.INDEX} WHERE {search_index.INDEX} MATCH '\"ana\"'")
            assert cursor.fetchone() == (0,)


@pytest.mark.django_db(transaction=True)
def test_an_index_that_was_lost_is_made_anew(patients):
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(f"DROP TRIGGER {search_index.INDEX}_on_insert")
        else:
            cursor.execute(f"DROP INDEX {search_index.INDEX}")
    factories.appointment_request(full_name="Late Comer")
    assert not search_index.is_sound()
    search_index.lay_down()
    assert search_index.is_sound()
    assert found("comer") == ["Late Comer"]


def test_the_index_stands_when_the_table_is_made_anew(patients, transactional_db):
    call_command("migrate", "appointments", verbosity=0)
    assert search_index.is_sound()


def test_a_search_among_all_finds_the_newest(patients, monkeypatch):
    monkeypatch.setattr(questions, "NEWEST", 1)
    assert len(found("example", among_all=True)) == (2 if connection.vendor == "sqlite" else 6)  # one more is told
    assert len(found("example")) == 6


def test_words_of_two_letters_are_looked_for_among_the_newest(patients, monkeypatch):
    monkeypatch.setattr(questions, "NEWEST_FOR_SHORT_WORDS", 1)
    assert found("li") == ["علي حسن"]


def test_what_is_sealed_is_not_searched(clinic):
    factories.appointment_request(full_name="Ana Ruiz", message="zwitscher")
    assert found("zwitscher") == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite guesses nothing.")
def test_postgresql_looks_at_enough_samples_to_guess_how_many_will_fit(clinic):
    with connection.cursor() as cursor:
        cursor.execute("SELECT attstattarget FROM pg_attribute WHERE attrelid = to_regclass(%s)", [search_index.INDEX])
        assert cursor.fetchone() == (search_index.SAMPLES,)
