"""How hard a text is to read: its school grade and the length of its sentences. Pure functions on words.

The grade is Flesch and Kincaid's (Kincaid et al., US Navy Research Branch Report 8-75, 1975). It is a measure of
English alone: for another language only the length of sentences is told.
"""

import re
from collections.abc import Iterable
from html import unescape
from typing import NamedTuple

from django.utils.html import strip_tags

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+(?:[.,]\d+)*")
SENTENCE_BREAK = re.compile(r"(?<=[.!?])[\"”’)]*\s+|\n+")
STOP = re.compile(r"[.!?][\"”’)]*$")
LABEL_WORDS = 4  # so few words without a full stop are a name or a heading, which would flatter the mean
END_OF_BLOCK = re.compile(r"</(?:p|li|h[1-6]|blockquote)>")
SILENT_END = re.compile(r"(?<![aeiouyl])e$|(?<![aeiouytd])ed$|(?<![aeiouyszxhcgl])es$")
VOWELS = re.compile(r"[aeiouyáéíóúü]+")


class Reading(NamedTuple):
    """How one text reads. `grade` is a US school grade, None for a language that it does not measure."""

    words: int
    sentences: int
    grade: float | None

    @property
    def words_a_sentence(self) -> float:
        return self.words / self.sentences


def measure(texts: Iterable[str], language: str = "en") -> Reading | None:
    """How the texts read together; None if there is no sentence. A line's end ends its sentence."""
    lines = (line.strip() for text in texts for line in SENTENCE_BREAK.split(text))
    read = ((WORD.findall(line), STOP.search(line)) for line in lines)
    sentences = [words for words, stop in read if words and (stop or len(words) > LABEL_WORDS)]
    count = sum(map(len, sentences))
    if not count:
        return None
    if language != "en":
        return Reading(count, len(sentences), None)
    syllables = sum(syllables_in(word) for words in sentences for word in words)
    grade = 0.39 * count / len(sentences) + 11.8 * syllables / count - 15.59
    return Reading(count, len(sentences), round(grade, 1))


def syllables_in(word: str) -> int:
    """Counted by the groups of vowels in it, without most silent ones; at least one."""
    sounds = word.lower().replace("’", "'").removesuffix("'s")
    sounds = SILENT_END.sub("", sounds)
    return max(1, len(VOWELS.findall(sounds)))


def plain(html: str) -> str:
    """The words of rendered text, each paragraph and list entry on lines of its own."""
    return unescape(strip_tags(END_OF_BLOCK.sub("\n", html))).strip()
