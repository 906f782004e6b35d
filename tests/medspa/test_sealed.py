import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import FieldError
from django.db import connection

from appointments.models import AppointmentRequest
from medspa.sealed import CannotUnseal, seal, sealed_anew, unseal
from tests import factories


@pytest.mark.django_db
def test_what_the_patient_wrote_is_not_readable_in_the_database():
    factories.appointment_request(message="canary message")

    with connection.cursor() as cursor:
        cursor.execute("SELECT message, private_token FROM appointments_appointmentrequest")
        message, token = cursor.fetchone()
    assert "canary" not in message
    stored = AppointmentRequest.objects.get()
    assert stored.message == "canary message"
    assert stored.private_token not in token


def test_two_seals_of_the_same_text_differ():
    assert seal("same") != seal("same")
    assert unseal(seal("same")) == "same"
    assert seal("") == ""


def test_an_older_key_still_opens_and_the_newest_seals(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.DATA_KEYS = [old]
    sealed = seal("kept")

    settings.DATA_KEYS = [new, old]
    assert unseal(sealed) == "kept"
    fresh = seal("fresh")
    settings.DATA_KEYS = [new]
    assert unseal(fresh) == "fresh"
    with pytest.raises(CannotUnseal, match="DATA_KEYS"):
        unseal(sealed)


def test_a_tampered_seal_is_refused():
    with pytest.raises(CannotUnseal):
        unseal(seal("text")[:-4] + "AAAA")


@pytest.mark.django_db
def test_sealed_text_cannot_be_searched():
    with pytest.raises(FieldError):
        AppointmentRequest.objects.filter(message__contains="x").exists()
    with pytest.raises(FieldError):
        AppointmentRequest.objects.filter(message="x").exists()


def test_what_fernet_sealed_is_opened_and_brought_along(settings):
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    before = Fernet(old).encrypt(b"Hello").decode()
    settings.DATA_KEYS = [new, old]
    assert unseal(before) == "Hello"
    after = sealed_anew(before)
    assert after.startswith("2.")
    settings.DATA_KEYS = [new]
    assert unseal(after) == "Hello"
    assert sealed_anew(after) is None


@pytest.mark.parametrize("place", [0, 5, 20, -1])
def test_one_altered_character_is_refused(place):
    sealed = seal("A message of some length")
    body = list(sealed.removeprefix("2."))
    body[place] = "A" if body[place] != "A" else "B"
    with pytest.raises(CannotUnseal):
        unseal("2." + "".join(body))


@pytest.mark.parametrize("nonsense", ["2.", "2.x", "2." + "A" * 40, "x", "é", "2.é"])
def test_nonsense_is_refused_in_the_same_words(nonsense):
    with pytest.raises(CannotUnseal, match="DATA_KEYS does not hold the key"):
        unseal(nonsense)
