import pytest
from hypothesis import given
from hypothesis import strategies as st

from appointments.telephones import as_e164, has_enough_digits


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("(520) 555-0199", "+15205550199"),
        ("520.555.0199", "+15205550199"),
        ("1 520 555 0199", "+15205550199"),
        ("+52 55 1234 5678", "+525512345678"),
        ("520 555 0199 ext. 7", "+15205550199"),
        ("520 555 0199 (home), after 3", "+15205550199"),
        ("5205550199", "+15205550199"),
        ("555-0199", ""),
        ("my landline", ""),
        ("", ""),
    ],
)
def test_numbers_are_read_as_e164_where_they_can_be(typed, read):
    assert as_e164(typed) == read


@pytest.mark.parametrize(("typed", "enough"), [("520 555 0199", True), ("555 0199", False), ("+47 22 22 55 55", True)])
def test_ten_digits_are_enough_or_fewer_with_a_country(typed, enough):
    assert has_enough_digits(typed) is enough


@given(st.text())
def test_nothing_that_can_be_typed_breaks_the_reading(typed):
    assert isinstance(as_e164(typed), str)
    assert isinstance(has_enough_digits(typed), bool)
