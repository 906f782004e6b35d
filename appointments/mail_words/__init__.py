"""What each mail says until the owner says it otherwise: one file for each language.

A mail whose language has no words is written in English; the desk's own mails are.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

MAIN = "en"
LANGUAGES = ("en", "es")


class Words(NamedTuple):
    """Subject and text with their placeholders. Paragraphs stand between empty lines."""

    subject: str
    text: str


@cache
def words_in(language: str) -> dict[str, Words]:
    """The words of every kind of mail that has some in this language."""
    file = Path(__file__).with_name(f"{language}.toml")
    found = tomllib.loads(file.read_text(encoding="utf-8"))
    return {kind: Words(words["subject"], words["text"].strip()) for kind, words in found.items()}


def standard_words(kind: str, language: str) -> Words:
    """As they are delivered, in `language` or else in English."""
    return words_in(language).get(kind) or words_in(MAIN)[kind]
