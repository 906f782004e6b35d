"""What somebody looked for at the desk. Names and numbers stay out of addresses: histories and logs keep those."""

import secrets

from django.http import HttpRequest

KEPT = 20
LONGEST = 200  # characters; no name or address that can be stored is longer


def keep(request: HttpRequest, words: str) -> str:
    """Remember the words in the person's session, and say the key that stands for them in an address."""
    searches = request.session.get("searches", {})
    key = secrets.token_urlsafe(6)
    newest = [*searches.items(), (key, words.replace("\x00", "").strip()[:LONGEST])][-KEPT:]
    request.session["searches"] = dict(newest)
    return key


def words_behind(request: HttpRequest) -> str | None:
    """The words that `?found=` of this address stands for; None where the session does not know them."""
    return request.session.get("searches", {}).get(request.GET.get("found"))
