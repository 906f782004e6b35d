"""How hard a text is to read."""

import pytest

from treatments.reading import measure, plain, syllables_in


@pytest.mark.parametrize(
    ("word", "count"),
    [
        ("the", 1),
        ("scars", 1),
        ("people", 2),
        ("treatment", 2),
        ("make", 1),
        ("little", 2),
        ("healed", 1),
        ("needed", 2),
        ("places", 2),
        ("notes", 1),
        ("collagen", 3),
        ("microneedling", 4),
        ("body’s", 2),
        ("mm", 1),
    ],
)
def test_syllables_are_counted_near_enough(word, count):
    assert syllables_in(word) == count


def test_a_grade_tells_plain_words_from_hard_ones():
    easy = measure(["You lie down. We numb your skin. It takes half an hour."])
    hard = measure(
        ["Percutaneous collagen induction necessitates comprehensive preprocedural dermatological evaluation."]
    )
    assert easy.grade < 3 < 15 < hard.grade


def test_sentences_end_with_a_stop_or_a_line_and_short_names_are_none():
    read = measure(["Numbing", "We numb the area. Does it hurt? No.", "wait if you feel quite unwell today"])
    assert (read.sentences, read.words) == (4, 15)


@pytest.mark.parametrize("texts", [[], ["", "..."], ["Numbing"]])
def test_where_no_sentence_stands_nothing_is_measured(texts):
    assert measure(texts) is None


def test_spanish_is_measured_by_its_sentences_alone():
    read = measure(["Es un tratamiento cosmético. Ayuda a su piel."], "es")
    assert (read.words_a_sentence, read.grade) == (4, None)


def test_paragraphs_and_entries_stay_apart():
    assert plain("<p>One &amp; two</p><ul><li>three</li><li>four</li></ul>").splitlines() == [
        "One & two",
        "three",
        "four",
    ]
