"""What the words of a mail may leave open, and how that is filled in.

Nothing else is ever filled in: no name, no treatment, nothing that the patient typed. Plain substitution in one pass:
what is filled in is not looked through again, and no placeholder reaches into anything.
"""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache

PLACEHOLDERS = {
    "clinic": "the clinic's name",
    "telephone": "the clinic's telephone number",
    "reference": "the patient's reference",
    "time": "when the visit is; offered only where one is booked",
    "link": "the patient's own page",
}
IN_MAILS = {
    "clinic": "the clinic's name",
    "telephone": "the clinic's telephone number; a paragraph with it is left out where there is none",
    "reference": "the patient's reference",
    "link": "the page that the mail leads to",
    "time": "when the visit is",
    "promise": "by when we answer, such as: today by 5 pm",
    "count": "how many requests wait for an answer",
    "late": "how many of them are late; a paragraph with it is left out where none is",
    "to_tell": "how many patients are to be told by phone; a paragraph with it is left out where none is",
    "to_review": "how many health checks a clinician is to look at; a paragraph with it is left out where none is",
}
_TO_A_PATIENT = ("clinic", "telephone", "reference", "link")
_ABOUT_A_VISIT = (*_TO_A_PATIENT, "time")
OF_KIND: dict[str, tuple[str, ...]] = {
    "received": (*_TO_A_PATIENT, "promise"),
    "booked": _ABOUT_A_VISIT,
    "rescheduled": _ABOUT_A_VISIT,
    "cancelled": _ABOUT_A_VISIT,
    "reminder": _ABOUT_A_VISIT,
    "missed": _ABOUT_A_VISIT,
    "aftercare": _TO_A_PATIENT,
    "late": _TO_A_PATIENT,
    "desk_notice": ("clinic", "reference", "link"),
    "desk_change": ("clinic", "reference", "link"),
    "digest": ("clinic", "link", "count", "late", "to_tell", "to_review"),
}
NEEDED = {  # beside {link}: without it the mail would not say what it is for
    "booked": ("time",),
    "rescheduled": ("time",),
    "cancelled": ("time",),
    "reminder": ("time",),
    "digest": ("count",),
}
_BRACES = re.compile(r"\{([^{}]*)\}")
KEPT = 512  # texts that were taken apart: the same few go to everybody


class NotAPlaceholder(ValueError):
    """A sentence that names what cannot be filled in, and what can be."""


def used(text: str, allowed: Collection[str] = tuple(PLACEHOLDERS)) -> set[str]:
    """Which placeholders the text has. NotAPlaceholder for a name that is not one, and for a brace on its own."""
    known = ", ".join(f"{{{name}}}" for name in allowed)
    names = _BRACES.findall(text)
    for name in names:
        if name not in allowed:
            raise NotAPlaceholder(f"{{{name}}} cannot be filled in. These can: {known}.")
    for brace in "{}":
        if brace in _BRACES.sub("", text):
            raise NotAPlaceholder(f"A brace stands alone: {brace} Take it out. What can be filled in: {known}.")
    return set(names)


def left_open(text: str) -> list[str]:
    """The placeholders that still stand in a text, with their braces, in its order."""
    return [f"{{{name}}}" for name in _BRACES.findall(text) if name in PLACEHOLDERS]


def fill_in(text: str, words: Mapping[str, str]) -> str:
    """The text with every placeholder replaced. KeyError where `words` lacks one."""
    return "".join([words[piece] if is_name else piece for is_name, piece in _pieces(text)])


def paragraphs(text: str, words: Mapping[str, str]) -> list[str]:
    """The text's paragraphs, unfilled, without those that hold a placeholder for which there are no words.

    KeyError where `words` lacks one altogether.
    """
    return [paragraph for paragraph, names in _paragraphs(text) if all(words[name] for name in names)]


@lru_cache(maxsize=KEPT)
def _pieces(text: str) -> list[tuple[bool, str]]:
    """What stands between placeholders, and their names, in turn: whether it is a name, and what it is."""
    return [(bool(number % 2), piece) for number, piece in enumerate(_BRACES.split(text)) if piece or number % 2]


@lru_cache(maxsize=KEPT)
def _paragraphs(text: str) -> list[tuple[str, list[str]]]:
    """Each with the placeholders that it holds."""
    whole = [paragraph.strip() for paragraph in re.split(r"\n\s*\n", text.strip())]
    return [(paragraph, _BRACES.findall(paragraph)) for paragraph in whole]
