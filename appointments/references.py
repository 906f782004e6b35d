"""References that can be read over the telephone, such as K7Q-4MXR: no look-alikes, and a check character.

29 characters are a prime number, so a weighted sum finds every single wrong character and every swapped pair.
"""

import secrets

ALPHABET = "23456789ABCDEFGHJKMNPQRTUVWXY"  # without 0 O, 1 I L, S (5) and Z (2)
RANDOM_CHARACTERS = 6


def new_reference() -> str:
    """A reference that is unguessable as a set: one of 29**6, about 595 million."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    whole = body + _check_character(body)
    return f"{whole[:3]}-{whole[3:]}"


def read_reference(typed: str) -> str | None:
    """What somebody typed or said as a reference in its written form, or None if it cannot be one."""
    whole = "".join(character for character in typed.upper() if character.isalnum())
    if len(whole) != RANDOM_CHARACTERS + 1 or not set(whole) <= set(ALPHABET):
        return None
    return f"{whole[:3]}-{whole[3:]}" if _check_character(whole[:-1]) == whole[-1] else None


def _check_character(body: str) -> str:
    total = sum(weight * ALPHABET.index(character) for weight, character in enumerate(body, start=1))
    return ALPHABET[total % len(ALPHABET)]
