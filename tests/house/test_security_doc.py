"""docs/security.md: every requirement of ASVS 5.0.0, levels 1 and 2, has its row, and what a row names is there."""

import re
from collections import Counter
from typing import NamedTuple

import pytest

from tests.house.blueprint import PROJECT

DOCUMENT = PROJECT / "docs" / "security.md"
NUMBERS = PROJECT / "tests" / "house" / "asvs_5_0.txt"
STANDINGS = ("met", "does not apply", "owner's duty", "open")
ROW = re.compile(r"^\| (\d+\.\d+\.\d+) \| ([12]) \| ([^|]+) \| \*\*([^*|]+)\*\*: ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TOPS = "appointments|medspa|treatments|templates|static|deploy|bench|docs|tests"
FILE = re.compile(rf"`((?:{TOPS})/[\w./-]+|[\w-]+\.(?:py|in|md)|requirements[\w-]*\.txt|pyproject\.toml)`")
SECTION = re.compile(r"\]\(#([\w-]+)\)")
READ = "read in the code"


class Row(NamedTuple):
    number: str
    level: str
    asked: str
    standing: str
    words: str
    shown_by: str


def text() -> str:
    return DOCUMENT.read_text()


def rows() -> list[Row]:
    return [Row(*found) for found in ROW.findall(text())]


def asked_for() -> list[tuple[str, str]]:
    """Numbers and levels, in the standard's order."""
    lines = NUMBERS.read_text().splitlines()
    return [tuple(line.split()) for line in lines if not line.startswith("#")]


def named(pattern: re.Pattern) -> list[str]:
    return sorted(set(pattern.findall(text())))


def test_every_requirement_has_one_row_in_the_order_of_the_standard():
    assert len(asked_for()) == 253
    assert [(row.number, row.level) for row in rows()] == asked_for()
    assert len(re.findall(r"^\| \d+\.\d+\.\d+ \|", text(), re.MULTILINE)) == len(rows()), "a row is not of the form"


def test_every_row_stands_under_its_chapter():
    chapter = ""
    for line in text().splitlines():
        if heading := re.match(r"### V(\d+) ", line):
            chapter = heading[1]
        elif row := ROW.match(line):
            assert row[1].partition(".")[0] == chapter, line


def test_every_row_says_how_it_stands_and_what_is_met_names_what_shows_it():
    for row in rows():
        assert row.standing in STANDINGS, row
        if row.standing == "met":
            assert row.shown_by == READ or FILE.search(row.shown_by), row


def test_the_sum_is_that_of_the_rows():
    found = Counter(row.standing for row in rows())
    met, other, owner, still_open = (found[standing] for standing in STANDINGS)
    assert (
        f"Of {len(rows())} requirements {met} are met, {other} do not apply, {owner} are the owner's duty, "
        f"and {still_open} are open." in text()
    )


def test_tests_are_named_that_run():
    tests = {file for row in rows() for file in FILE.findall(row.shown_by)}
    assert len(tests) > 20
    assert [file for file in tests if not re.fullmatch(r"tests/(?:\w+/)+test_\w+\.py", file)] == []


@pytest.mark.parametrize("file", named(FILE))
def test_what_is_named_exists(file):
    assert (PROJECT / file).exists()


@pytest.mark.parametrize("section", named(SECTION))
def test_sections_that_are_named_exist(section):
    headings = re.findall(r"^#+ (.+)$", text(), re.MULTILINE)
    assert section in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_nobody_claims_to_obey_every_rule():
    """No document and no page says it: a program cannot."""
    places = [*PROJECT.glob("*.md"), *PROJECT.glob("docs/**/*.md"), *PROJECT.glob("templates/**/*.html")]
    assert [str(place) for place in places if re.search(r"complian(?:t|ce)", place.read_text(), re.IGNORECASE)] == []
