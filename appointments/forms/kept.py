"""A form on its way into the database, what of it is kept where it is refused, and how that becomes a request."""

import threading
import time
import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import Error, OperationalError, connection
from django.utils import timezone
from django.utils.translation import override

from appointments import gatekeeping, spool
from appointments.forms.patient import TRAP, UNSURE, AppointmentRequestForm
from appointments.models import AppointmentRequest, private_token_of
from appointments.preferences import read_preference
from medspa import origin
from treatments.models import Treatment

TYPED = ("full_name", "phone", "email", "contact_by", "message")
LONGEST_SIGN = 100  # characters of what the form carries for the gatekeeper, which needs fewer
PATIENCE_SECONDS = 5

_waiting_since: dict[int, float] = {}  # of each thread that is storing a form


def store(form: AppointmentRequestForm, *, address: str) -> AppointmentRequest:
    """Store a valid form. Raises Flood, and Django's Error where the database refuses it.

    It is refused at once while another form of this process has waited for the database for PATIENCE_SECONDS: not all
    threads are to wait behind a lock, because readers need them.
    """
    began = time.monotonic()
    if any(began - since > PATIENCE_SECONDS for since in list(_waiting_since.values())):
        raise OperationalError("another form has waited too long already")
    _waiting_since[threading.get_ident()] = began
    try:
        return _store(form, address)
    finally:
        del _waiting_since[threading.get_ident()]


def _store(form: AppointmentRequestForm, address: str) -> AppointmentRequest:
    """Tried twice where the connection broke on the way, as it does when a database starts anew: it is stored once."""
    before = connection.connection
    try:
        return form.judge_and_save(address=address)
    except Error:
        is_the_same = connection.connection is before and connection.is_usable()
        if before is None or connection.in_atomic_block or is_the_same:
            raise
    connection.close()
    return form.judge_and_save(address=address)


def keep(form: AppointmentRequestForm, *, address: str, sent_at: datetime | None = None) -> str:
    """Keep a valid form in the spool and return the private token that it will have. Raises spool.NotKept.

    `sent_at` is when the patient sent it, before anybody waited for the database; now, where it is not given.
    """
    answers = form.cleaned_data
    token = private_token_of(answers["form_token"])
    words = {
        **{name: answers[name] for name in TYPED},
        "form_token": str(answers["form_token"]),
        "treatment": answers.get("treatment", UNSURE),
        "preferred_times": [time.code for time in answers.get("preferred_times", [])],
        "language": form.language,
        "opened": answers["opened"][:LONGEST_SIGN],
        "trap": form.data.get(TRAP, "")[:LONGEST_SIGN],
        "address": address,
        "sent_at": (sent_at or timezone.now()).isoformat(),
    }
    most = gatekeeping.FLOOD * settings.SUBMIT_LIMIT_PER_HOUR
    spool.keep(words, token=token, sender=origin.budget_of(address), most_of_sender=most)
    return token


def store_kept(words: dict[str, Any]) -> AppointmentRequest:
    """Store what was kept, as of the moment when the patient sent it. Idempotent by the form's token.

    It is judged as any other, and what looks like spam is filed so; but nothing is turned away any more, because the
    patient was told that it is safe.
    """
    sent_at, address = datetime.fromisoformat(words["sent_at"]), words["address"]
    with override(words["language"]), origin.coming_from(address):
        form = AppointmentRequestForm({TRAP: words["trap"]})
        chosen = Treatment.objects.originals().filter(slug=words["treatment"])  # which may be a draft again meanwhile
        form.treatments = {row.slug: row for row in chosen}
        form.cleaned_data = {
            **{name: words[name] for name in TYPED},
            "form_token": uuid.UUID(words["form_token"]),
            "treatment": words["treatment"],
            "preferred_times": [time for time in map(read_preference, words["preferred_times"]) if time],
            "opened": words["opened"],
        }
        with gatekeeping.one_at_a_time(address):
            return form.save(opinion=form.judge(address, now=sent_at), now=sent_at)
