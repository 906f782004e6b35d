"""Calendar files, read again as a calendar program would (RFC 5545)."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from appointments import calendar_files, workflow
from appointments.calendar_files import Entry, calendar_file, desk_name, fold, initials, text
from tests import factories

NOW = datetime(2026, 11, 24, 19, 0, tzinfo=UTC)
VISIT = datetime(2026, 11, 26, 16, 30, tzinfo=UTC)


def unfold(file: str) -> list[str]:
    return file.replace("\r\n ", "").removesuffix("\r\n").split("\r\n")


def read(words: str) -> str:
    """A TEXT value as a program reads it."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] in "nN" else found[1], words)


def properties(file: str, component: str = "VEVENT") -> dict[str, str]:
    """The properties of the only component of its kind; none is there twice."""
    inside = re.search(rf"^BEGIN:{component}$(.*?)^END:{component}$", "\n".join(unfold(file)), re.M | re.S)[1]
    pairs = [line.split(":", 1) for line in inside.strip().splitlines()]
    assert len({name for name, _value in pairs}) == len(pairs)
    return dict(pairs)


@pytest.fixture
def visit(clinic):
    return factories.booked(full_name="Ana Ruiz", starts_at=VISIT).appointments.get()


def file_of(*entries, clinic, **words):
    return calendar_file(entries, **{"name": "Visits", "clinic": clinic, "now": NOW, **words})


# Lines


@pytest.mark.parametrize(
    "line",
    [
        "SUMMARY:" + "a" * 300,
        "SUMMARY:" + "👩🏽‍⚕️" * 40,
        "SUMMARY:" + "موعد في العيادة " * 20,
        "SUMMARY:" + "aé€😀" * 50,
        *["x" * length + "😀" * 3 for length in range(68, 80)],
    ],
)
def test_a_folded_line_has_pieces_of_75_octets_and_no_torn_character(line):
    pieces = fold(line).encode().split(b"\r\n")

    assert len(pieces) > 1
    assert max(map(len, pieces)) <= 75
    assert "".join(piece.decode() for piece in [pieces[0], *(piece[1:] for piece in pieces[1:])]) == line
    assert all(piece[:1] == b" " for piece in pieces[1:])


def test_a_line_of_75_octets_stays_whole():
    assert fold("x" * 75) == "x" * 75
    assert fold("x" * 76) == "x" * 75 + "\r\n x"


@pytest.mark.parametrize(
    "words", ["a, b; c: d", "back\\slash", "\\n is no break", "two\nlines", "שלום, עולם", "😀;,", '"quoted"']
)
def test_words_are_read_as_they_were_written(words):
    assert "\n" not in text(words)
    assert read(text(words)) == words


@pytest.mark.parametrize("broken", ["a\r\nb", "a\rb", "a\u2028b", "a\x85b", "a\x0bb"])
def test_no_words_begin_a_line_of_their_own(broken):
    assert read(text(broken)) == "a\nb"
    assert text("bell\x07 and null\x00") == "bell and null"


# A whole file


def test_a_file_is_lines_that_end_as_they_must_and_balance(clinic, visit):
    file = file_of(Entry(visit, "😀" * 60, description="One\nTwo", location="1 Main Street; Tucson"), clinic=clinic)

    assert file.endswith("END:VCALENDAR\r\n")
    assert not re.search(r"(?<!\r)\n|\r(?!\n)", file)
    assert max(len(line.encode()) for line in file.split("\r\n")) <= 75
    lines = unfold(file)
    assert [line for line in lines if line.startswith(("BEGIN:", "END:"))] == [
        "BEGIN:VCALENDAR",
        "BEGIN:VEVENT",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    assert all(re.match(r"[A-Z-]+(;[A-Z]+=[A-Z]+)?:.", line) for line in lines)
    event = properties(file)
    assert read(event["SUMMARY"]) == "😀" * 60
    assert (read(event["DESCRIPTION"]), read(event["LOCATION"])) == ("One\nTwo", "1 Main Street; Tucson")


def test_an_empty_file_is_a_calendar_all_the_same(clinic):
    file = file_of(clinic=clinic, name="Spa, and more", ask_again="PT1H")

    assert "VEVENT" not in file
    calendar = properties(file, "VCALENDAR")
    assert calendar["VERSION"] == "2.0"
    assert calendar["PRODID"] == "-//Mirror Mirror Med Spa//Appointments//EN"
    assert calendar["NAME"] == calendar["X-WR-CALNAME"] == r"Spa\, and more"
    assert calendar["X-WR-TIMEZONE"] == "America/Phoenix"
    assert calendar["REFRESH-INTERVAL;VALUE=DURATION"] == "PT1H"


def test_a_visit_is_told_in_utc_with_what_rfc_5545_asks_for(clinic, visit, settings):
    settings.SITE_URL = "https://spa.example:8443"

    assert properties(file_of(Entry(visit, "K7Q"), clinic=clinic)) == {
        "UID": f"visit-{visit.pk}@spa.example",
        "SEQUENCE": "0",
        "DTSTAMP": "20261124T190000Z",
        "DTSTART": "20261126T163000Z",
        "DTEND": "20261126T170000Z",
        "SUMMARY": "K7Q",
        "STATUS": "CONFIRMED",
        "CLASS": "PRIVATE",
    }


def test_a_visit_that_is_moved_is_the_same_one_with_a_higher_sequence(clinic, visit):
    before = properties(file_of(Entry(visit, "K7Q"), clinic=clinic))
    row = visit.appointment_request
    later = VISIT + timedelta(days=1)
    workflow.reschedule(
        row, by=factories.receptionist(), seen=2, provider=visit.provider, starts_at=later, minutes=45, now=NOW
    )
    visit.refresh_from_db()
    after = properties(file_of(Entry(visit, "K7Q"), clinic=clinic))

    assert after["UID"] == before["UID"]
    assert (before["SEQUENCE"], after["SEQUENCE"]) == ("0", "1")
    assert (after["DTSTART"], after["DTEND"]) == ("20261127T163000Z", "20261127T171500Z")


def test_a_cancelled_visit_says_so(clinic, visit):
    workflow.cancel(visit.appointment_request, by=factories.receptionist(), seen=2, now=NOW)
    visit.refresh_from_db()

    assert properties(file_of(Entry(visit, "K7Q"), clinic=clinic))["STATUS"] == "CANCELLED"


# Initials


@pytest.mark.parametrize(
    ("full_name", "letters"),
    [
        ("Ana Ruiz", "A. R."),
        ("  ana   maria  del carmen ruiz ", "A. R."),
        ("Cher", "C."),
        ("Zoë O'Brien-Świątek", "Z. O."),
        ("E\u0301lodie Ångström", "É. Å."),
        ("'Ana' (Ruiz)", "A. R."),
        ("ẞtraße ßa", "ẞ. S."),
        ("😀 Ana 😀 Ruiz 😀", "A. R."),
        ("دانا الحداد", "د. ا."),
        ("王小明", ""),
        ("김 민수", ""),
        ("王 Ming", "M."),
        ("123 !!", ""),
        ("", ""),
    ],
)
def test_initials_are_a_letter_of_the_first_and_of_the_last_name(full_name, letters):
    assert " ".join(initials(full_name)) == letters


def test_a_visit_is_called_by_reference_and_initials(visit):
    assert desk_name(visit.appointment_request) == f"{visit.appointment_request.reference} A. R."


def test_the_content_type_says_its_encoding():
    assert calendar_files.CONTENT_TYPE == "text/calendar; charset=utf-8"
