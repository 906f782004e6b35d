from hypothesis import given
from hypothesis import strategies as st

from appointments.references import ALPHABET, new_reference, read_reference


def test_a_reference_can_be_read_back_however_it_was_written():
    reference = new_reference()

    assert read_reference(reference.lower().replace("-", " ")) == reference
    assert len(reference) == 8


def test_no_look_alikes():
    assert not set("01OILSZ") & set(ALPHABET)
    assert len(set(ALPHABET)) == 29


@given(place=st.integers(0, 6), other=st.sampled_from(ALPHABET))
def test_one_wrong_character_is_always_found(place, other):
    characters = list(new_reference().replace("-", ""))
    wrong = characters[:place] + [other] + characters[place + 1 :]

    assert (read_reference("".join(wrong)) is None) == (wrong != characters)


@given(place=st.integers(0, 4))
def test_two_swapped_neighbours_are_always_found(place):
    characters = list(new_reference().replace("-", ""))
    swapped = list(characters)
    swapped[place], swapped[place + 1] = swapped[place + 1], swapped[place]

    assert (read_reference("".join(swapped)) is None) == (swapped != characters)


@given(st.text())
def test_anything_else_is_no_reference(text):
    read_reference(text)
    assert read_reference("K7Q") is None
