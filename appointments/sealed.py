"""A text field encrypted at rest: authenticated encryption (Fernet) with the keys of DATA_KEYS, newest first."""

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import models


class CannotUnseal(RuntimeError):
    """None of DATA_KEYS opens what the database holds: the key is wrong or missing."""


@lru_cache(maxsize=1)
def _keys(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def seal(text: str) -> str:
    """`text` encrypted with the newest key. Empty stays empty."""
    return _keys(tuple(settings.DATA_KEYS)).encrypt(text.encode()).decode() if text else ""


def unseal(sealed: str) -> str:
    """What `seal` was given. Raises CannotUnseal, which never carries the text."""
    if not sealed:
        return ""
    try:
        return _keys(tuple(settings.DATA_KEYS)).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise CannotUnseal("DATA_KEYS does not hold the key that sealed this database.") from None


class SealedTextField(models.TextField):
    """Text that is plain in Python and sealed in the database. It cannot be searched or compared there."""

    def get_prep_value(self, value: str | None) -> str | None:
        return None if value is None else seal(str(value))

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return None if value is None else unseal(value)

    def get_lookup(self, lookup_name: str) -> type | None:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None
