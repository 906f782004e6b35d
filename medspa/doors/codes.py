"""Codes of a person's phone (RFC 6238), and ten on paper for when it is gone. Each opens once."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime
from typing import NamedTuple

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone

from medspa.doors.writing import write_down
from medspa.models import DoorEvent, Passkey, RecoveryCode, SecondFactor

STEP = 30  # seconds that a code lasts, and not one more (ASVS 6.5.5); RFC 6238 would allow its neighbours
SECRET_BYTES, RECOVERY_BYTES, RECOVERY_CODES = 20, 16, 10


class Enrolment(NamedTuple):
    """What a phone needs to make codes."""

    secret: str
    address: str  # otpauth://, as a QR code shows it


def has_second_step(user: User) -> bool:
    return SecondFactor.objects.filter(user=user, confirmed_at__isnull=False).exists() or _has_passkey(user)


def start(user: User, *, site: str) -> Enrolment:
    """A secret for a new phone. It opens nothing before `enrol`; until then the page shows the same one."""
    secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    factor, _is_new = SecondFactor.objects.get_or_create(user=user, defaults={"secret": secret})
    return Enrolment(factor.secret, _totp(factor.secret).get_provisioning_uri(user.username, site))


@transaction.atomic
def enrol(user: User, code: str, *, now: datetime | None = None) -> bool:
    """The phone has shown that it makes right codes: from now on they are asked for."""
    factor = SecondFactor.objects.filter(user=user, confirmed_at=None).first()
    if factor is None or not opens(user, code, now=now, confirmed=False):
        return False
    SecondFactor.objects.filter(pk=factor.pk).update(confirmed_at=now or timezone.now())
    write_down(DoorEvent.Kind.FACTOR_SET, user)
    return True


def give_secret(user: User, secret: str) -> None:
    """Enrol at once with a secret that the person has already (Base32). Raises ValueError for no such secret."""
    cleaned = secret.replace(" ", "").upper()
    if len(base64.b32decode(cleaned + "=" * (-len(cleaned) % 8))) < 16:
        raise ValueError("too short")
    SecondFactor.objects.update_or_create(user=user, defaults={"secret": cleaned, "confirmed_at": timezone.now()})


def opens(user: User, code: str, *, now: datetime | None = None, confirmed: bool = True) -> bool:
    """Whether `code` is the phone's of this moment and has not been used. Of two at once, one opens."""
    code = "".join(code.split())
    factor = SecondFactor.objects.filter(user=user, confirmed_at__isnull=not confirmed).first()
    if factor is None or not (len(code) == 6 and code.isascii() and code.isdigit()):
        return False
    step = int((now or timezone.now()).timestamp()) // STEP
    if not hmac.compare_digest(_totp(factor.secret).generate(step * STEP), code.encode()):
        return False
    return bool(SecondFactor.objects.filter(pk=factor.pk, last_step__lt=step).update(last_step=step))


@transaction.atomic
def new_recovery_codes(user: User) -> list[str]:
    """Ten codes, to be shown once. Those made before open no more."""
    RecoveryCode.objects.filter(user=user).delete()
    codes = [
        base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower().rstrip("=")
        for _ in range(RECOVERY_CODES)
    ]
    RecoveryCode.objects.bulk_create(RecoveryCode(user=user, digest=_digest(code)) for code in codes)
    return ["-".join(code[start : start + 4] for start in range(0, len(code), 4)) for code in codes]


def recover(user: User, code: str) -> bool:
    """Whether `code` is one of the person's on paper, unused; then it is used."""
    plain = "".join(filter(str.isalnum, code)).lower()
    unused = RecoveryCode.objects.filter(user=user, digest=_digest(plain), used_at=None)
    if not unused.update(used_at=timezone.now()):
        return False
    write_down(DoorEvent.Kind.CODE_USED, user)
    return True


@transaction.atomic
def reset(user: User, *, by: User) -> None:
    """The phone is lost: everything of the second step goes, and so do the person's sessions."""
    SecondFactor.objects.filter(user=user).delete()
    RecoveryCode.objects.filter(user=user).delete()
    Passkey.objects.filter(user=user).delete()
    end_sessions(user)
    write_down(DoorEvent.Kind.FACTOR_RESET, user, by=by)


def sessions_of(user: User) -> list[Session]:
    """Those in which the person is signed in."""
    alive = Session.objects.filter(expire_date__gt=timezone.now()).iterator()
    return [session for session in alive if session.get_decoded().get("_auth_user_id") == str(user.pk)]


def end_sessions(user: User, *, but: str | None = "") -> int:
    """All of them, `but` the one with this key, and say how many."""
    others = [session.pk for session in sessions_of(user) if session.pk != but]
    return Session.objects.filter(pk__in=others).delete()[0]


def _has_passkey(user: User) -> bool:
    return Passkey.objects.filter(user=user).exists()


def _totp(secret: str) -> TOTP:
    padded = secret + "=" * (-len(secret) % 8)
    return TOTP(base64.b32decode(padded), 6, SHA1(), STEP)  # noqa: S303  (RFC 6238: HMAC-SHA1, which phones know)


def _digest(code: str) -> str:
    return hmac.new(settings.SECRET_KEY.encode(), code.encode(), hashlib.sha256).hexdigest()
