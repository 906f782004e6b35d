"""What a saved reply may leave open, and how that is filled in.

Nothing else is ever filled in: no name, no treatment, nothing that the patient typed. Plain substitution in one pass:
what is filled in is not looked through again, and no placeholder reaches into anything.
"""

import re
from collections.abc import Mapping

PLACEHOLDERS = {
    "clinic": "the clinic's name",
    "telephone": "the clinic's telephone number",
    "reference": "the patient's reference",
    "time": "when the visit is; offered only where one is booked",
    "link": "the patient's own page",
}
ALLOWED = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
_BRACES = re.compile(r"\{([^{}]*)\}")


class NotAPlaceholder(ValueError):
    """A sentence that names what cannot be filled in, and what can be."""


def used(text: str) -> set[str]:
    """Which placeholders the text has. NotAPlaceholder for a name that is not one, and for a brace on its own."""
    names = _BRACES.findall(text)
    for name in names:
        if name not in PLACEHOLDERS:
            raise NotAPlaceholder(f"{{{name}}} cannot be filled in. These can: {ALLOWED}.")
    for brace in "{}":
        if brace in _BRACES.sub("", text):
            raise NotAPlaceholder(f"A brace stands alone: {brace} Take it out. What can be filled in: {ALLOWED}.")
    return set(names)


def left_open(text: str) -> list[str]:
    """The placeholders that still stand in a text, with their braces, in its order."""
    return [f"{{{name}}}" for name in _BRACES.findall(text) if name in PLACEHOLDERS]


def fill_in(text: str, words: Mapping[str, str]) -> str:
    """The text with every placeholder replaced. KeyError where `words` lacks one."""
    return _BRACES.sub(lambda found: words[found[1]], text)
