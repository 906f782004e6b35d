"""Passkeys (WebAuthn level 2): a key in the person's device signs for this site alone, after a finger or a PIN."""

import json
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from medspa.doors.writing import write_down
from medspa.late import Late
from medspa.models import DoorEvent, Passkey

webauthn, helpers, structs = Late("webauthn"), Late("webauthn.helpers"), Late("webauthn.helpers.structs")
ALGORITHMS = ("ECDSA_SHA_256", "EDDSA")  # 128 bits; devices' RSA has 112


def can_be_used() -> bool:
    """Browsers give passkeys to names alone, not to addresses such as 127.0.0.1."""
    host = _host()
    return not host.replace(".", "").isdigit() and ":" not in host


def to_register(user: User, *, site: str) -> tuple[str, str]:
    """What the browser asks the device, as JSON; and the challenge, to be kept until `register`."""
    options = webauthn.generate_registration_options(
        rp_id=_host(),
        rp_name=site,
        user_name=user.username,
        user_id=f"staff-{user.pk}".encode(),
        exclude_credentials=_known(user),
        supported_pub_key_algs=_strong(),
        authenticator_selection=structs.AuthenticatorSelectionCriteria(
            resident_key=structs.ResidentKeyRequirement.PREFERRED,
            user_verification=structs.UserVerificationRequirement.REQUIRED,
        ),
    )
    return helpers.options_to_json(options), helpers.bytes_to_base64url(options.challenge)


def register(user: User, answer: str, *, challenge: str, name: str) -> bool:
    """Keep the device's key. False where the answer is not to this challenge, or not of this site."""
    try:
        found = webauthn.verify_registration_response(
            credential=json.loads(answer),
            expected_challenge=helpers.base64url_to_bytes(challenge),
            expected_rp_id=_host(),
            expected_origin=_origin(),
            require_user_verification=True,
            supported_pub_key_algs=_strong(),
        )
    except _nonsense():
        return False
    key = {"public_key": helpers.bytes_to_base64url(found.credential_public_key), "sign_count": found.sign_count}
    credential_id = helpers.bytes_to_base64url(found.credential_id)
    _passkey, is_new = Passkey.objects.get_or_create(
        credential_id=credential_id, defaults={"user": user, "name": name[:60] or "Passkey", **key}
    )
    if is_new:
        write_down(DoorEvent.Kind.FACTOR_SET, user)
    return is_new


def to_sign(user: User) -> tuple[str, str]:
    """What the browser asks one of the person's devices, as JSON; and the challenge, to be kept until `signed`."""
    options = webauthn.generate_authentication_options(
        rp_id=_host(), allow_credentials=_known(user), user_verification=structs.UserVerificationRequirement.REQUIRED
    )
    return helpers.options_to_json(options), helpers.bytes_to_base64url(options.challenge)


def signed(user: User, answer: str, *, challenge: str) -> bool:
    """Whether one of the person's devices signed this challenge for this site."""
    try:
        credential: dict[str, Any] = json.loads(answer)
        passkey = Passkey.objects.filter(user=user, credential_id=str(credential["id"])[:512]).first()
        if passkey is None:
            return False
        found = webauthn.verify_authentication_response(
            credential=credential,
            expected_challenge=helpers.base64url_to_bytes(challenge),
            expected_rp_id=_host(),
            expected_origin=_origin(),
            credential_public_key=helpers.base64url_to_bytes(passkey.public_key),
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except _nonsense():
        return False
    same = Passkey.objects.filter(pk=passkey.pk, sign_count=passkey.sign_count)
    return bool(same.update(sign_count=found.new_sign_count, used_at=timezone.now()))


def _known(user: User) -> list[Any]:
    keys = Passkey.objects.filter(user=user).values_list("credential_id", flat=True)
    return [structs.PublicKeyCredentialDescriptor(id=helpers.base64url_to_bytes(key)) for key in keys]


def _strong() -> list[Any]:
    known = helpers.cose.COSEAlgorithmIdentifier
    return [getattr(known, name) for name in ALGORITHMS]


def _nonsense() -> tuple[type[Exception], ...]:
    """What a forged answer may run into."""
    return helpers.exceptions.WebAuthnException, ValueError, KeyError, TypeError, AttributeError


def _host() -> str:
    return urlsplit(settings.SITE_URL).hostname or ""


def _origin() -> str:
    parts = urlsplit(settings.SITE_URL)
    return f"{parts.scheme}://{parts.netloc}"
