"""Does a form look like a machine's? An opinion, by points; never a refusal that loses words.

What looks like spam is stored whole and filed under Spam, and one press brings it back. Only a flood, of which
enough has been stored, is turned away, with the words still in the form and the telephone number beside them.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.core import signing
from django.db import connection, transaction
from django.utils import timezone

from appointments.models import Arrival
from medspa import origin

SPAM_FROM = 3  # points
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
SHORTEST_KNOWN_AGAIN = 20  # characters of a message; "Mornings please" is anybody's
FLOOD = 10  # times the budget of an address, after which nothing more of it is stored within the hour
MOST_SPAM = 5000  # requests in a day from all the world: some 20 MB
LINK = re.compile(r"https?://|www\.|\[url", re.IGNORECASE)
SALT = "appointments.form.opened"


class Flood(Exception):
    """Enough of one address, or of spam, is stored for now."""


class Opinion(NamedTuple):
    score: int
    reasons: tuple[str, ...]
    address: str
    words_digest: str
    is_flood: bool

    @property
    def is_spam(self) -> bool:
        return self.score >= SPAM_FROM

    def arrival(self, now: datetime) -> Arrival:
        """Unsaved."""
        return Arrival(
            address=self.address,
            words_digest=self.words_digest,
            score=self.score,
            reasons=", ".join(self.reasons)[:200],
            at=now,
        )


def opened_now() -> str:
    """What a form carries to say when it was opened; nobody can make one of another moment."""
    return signing.TimestampSigner(salt=SALT).sign("")


def seconds_since(opened: str, now: datetime | None = None) -> float | None:
    """From when the form was opened until `now`; None where it does not say, or says what was not signed here."""
    signer = signing.TimestampSigner(salt=SALT)
    try:
        signer.unsign(opened)
        at = signing.b62_decode(opened.split(":")[1])
    except (signing.BadSignature, ValueError, IndexError):
        return None
    return max(0.0, (now or timezone.now()).timestamp() - at)


@contextmanager
def one_at_a_time(address: str) -> Iterator[None]:
    """A transaction in which an address is judged and its request stored, so that its budget is counted exactly.

    Forms of one address wait for each other until the transaction ends; others go by. On SQLite whoever writes waits
    anyway.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [SALT + origin.budget_of(address)])
        yield


def judge(
    *, trap: str, opened: str, address: str, phone_e164: str, message: str, now: datetime | None = None
) -> Opinion:
    """Points for what a person hardly does. One short query, and for spam one more."""
    now, budget = now or timezone.now(), origin.budget_of(address)
    digest = _digest(message)
    known = Arrival.objects.known(
        address=budget, telephone=phone_e164, words_digest=digest, since=now - HOUR, words_since=now - DAY
    )
    found = {
        "filled in what cannot be seen": 3 * bool(trap.strip()),
        "sent at once": 1 * ((taken := seconds_since(opened, now)) is not None and taken < settings.MIN_FILL_SECONDS),
        "no sign of the form": 1 * (taken is None),
        "many from one address": 3 * (known.of_address >= settings.SUBMIT_LIMIT_PER_HOUR),
        "many with one telephone": 3 * (known.of_telephone >= settings.SUBMIT_LIMIT_PER_HOUR),
        "the same words from elsewhere": 2 * known.words_from_elsewhere,
        "links": 1 * (len(LINK.findall(message)) > 1),
    }
    reasons = tuple(reason for reason, points in found.items() if points)
    score = sum(found.values())
    is_flood = known.of_address >= FLOOD * settings.SUBMIT_LIMIT_PER_HOUR
    if score >= SPAM_FROM and not is_flood:
        is_flood = Arrival.objects.filter(at__gt=now - DAY, score__gte=SPAM_FROM)[:MOST_SPAM].count() >= MOST_SPAM
    return Opinion(score, reasons, budget, digest, is_flood)


def _digest(message: str) -> str:
    """Of letters and digits alone, keyed, so that what was written cannot be guessed from it."""
    letters = "".join(filter(str.isalnum, message.casefold()))
    if len(letters) < SHORTEST_KNOWN_AGAIN:
        return ""
    return hmac.new(settings.SECRET_KEY.encode(), letters.encode(), hashlib.sha256).hexdigest()
