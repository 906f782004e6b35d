"""A text field encrypted at rest: AES-256-GCM with keys that follow from those of DATA_KEYS, newest first.

What Fernet sealed with the same DATA_KEYS before is opened as well; `manage.py reseal` brings it along.
"""

import hmac
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.lookups import Exact

MARK = "2."  # of what AES-256-GCM sealed; no Fernet token begins so
NONCE = 12  # bytes, random: safe for some four billion texts a key (NIST SP 800-38D, 8.3)


class CannotUnseal(RuntimeError):
    """None of DATA_KEYS opens what the database holds: the key is wrong or missing."""

    def __init__(self) -> None:
        super().__init__("DATA_KEYS does not hold the key that sealed this database.")


@lru_cache(maxsize=4)
def _ciphers(keys: tuple[str, ...]) -> list[AESGCM]:
    return [AESGCM(_derived(urlsafe_b64decode(key))) for key in keys]


def _derived(key: bytes, purpose: str = "sealed text, AES-256-GCM") -> bytes:
    return HKDF(SHA256(), 32, salt=None, info=f"medspa: {purpose}".encode()).derive(key)


def seal(text: str) -> str:
    """`text` encrypted with the newest key. Empty stays empty."""
    if not text:
        return ""
    nonce = os.urandom(NONCE)
    box = _ciphers(tuple(settings.DATA_KEYS))[0].encrypt(nonce, text.encode(), None)
    return MARK + urlsafe_b64encode(nonce + box).decode()


def unseal(sealed: str) -> str:
    """What `seal` was given. Raises CannotUnseal, which never carries the text."""
    if not sealed:
        return ""
    if not sealed.startswith(MARK):
        return _unseal_older(sealed)
    for cipher in _ciphers(tuple(settings.DATA_KEYS)):
        if (text := _opened(cipher, sealed)) is not None:
            return text
    raise CannotUnseal


def sealed_anew(sealed: str) -> str | None:
    """The same text under the newest key; None where it is sealed so already."""
    if sealed.startswith(MARK) and _opened(_ciphers(tuple(settings.DATA_KEYS))[0], sealed) is not None:
        return None
    return seal(unseal(sealed))


def keyed_digest(text: str, purpose: str) -> bytes:
    """32 bytes that follow from `text` and the newest key, and tell nobody without the key anything about `text`."""
    return hmac.digest(_key_for(purpose, settings.DATA_KEYS[0]), text.encode(), "sha256")


@lru_cache(maxsize=16)
def _key_for(purpose: str, key: str) -> bytes:
    return _derived(urlsafe_b64decode(key), purpose)


def _opened(cipher: AESGCM, sealed: str) -> str | None:
    try:
        whole = urlsafe_b64decode(sealed.removeprefix(MARK))
        return cipher.decrypt(whole[:NONCE], whole[NONCE:], None).decode()
    except (InvalidTag, ValueError):
        return None


def _unseal_older(sealed: str) -> str:
    try:
        return MultiFernet([Fernet(key) for key in settings.DATA_KEYS]).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise CannotUnseal from None


class SealedTextField(models.TextField):
    """Text that is plain in Python and sealed in the database. It cannot be searched or compared there."""

    def get_prep_value(self, value: str | None) -> str | None:
        return None if value is None else seal(str(value))

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        return None if value is None else unseal(value)

    def get_lookup(self, lookup_name: str) -> type | None:
        if lookup_name == "exact":
            return IsEmpty
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None


class Column(NamedTuple):
    table: str
    name: str


def sealed_columns() -> list[Column]:
    """Every column of the database that holds sealed text."""
    return [
        Column(model._meta.db_table, field.column)
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, SealedTextField)
    ]


class IsEmpty(Exact):
    """Whether there is any text: all that the database can tell of it."""

    def get_prep_lookup(self) -> str:
        if self.rhs != "":
            raise FieldError("Sealed text can be compared with nothing but the empty text.")
        return ""
