"""Which language an address speaks: Spanish under `/es/`, English everywhere else. Nothing else decides it.

No cookie and no wish of the browser, so that an address shows everybody the same and may be kept by anyone.
"""

from collections.abc import Collection
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.encoding import escape_uri_path

MAIN = settings.LANGUAGE_CODE
NAMES = dict(settings.LANGUAGES)


class OtherLanguage(NamedTuple):
    """Where the page that is read stands in another language."""

    code: str
    name: str
    path: str


def language_of(path: str) -> str:
    first = path.lstrip("/").partition("/")[0] if path.startswith("/") else ""
    return first if first in NAMES and first != MAIN else MAIN


def same_page(path: str, language: str) -> str:
    """The path of the same page in `language`, on this site whatever the path says."""
    here = language_of(path)
    bare = "/" + path.lstrip("/").removeprefix("" if here == MAIN else here).lstrip("/")
    return escape_uri_path(bare if language == MAIN else f"/{language}{bare}")


def other_language(path: str) -> OtherLanguage:
    code = next(code for code in NAMES if code != language_of(path))
    return OtherLanguage(code, NAMES[code], same_page(path, code))


def addresses(path: str, languages: Collection[str] = tuple(NAMES)) -> dict[str, Any]:
    """For the head of a page that exists in `languages`: its own address, and its address in each of them.

    A page that only stands in for one that is not translated yet has the address of what it shows.
    """
    here = language_of(path)
    urls = {language: settings.SITE_URL + same_page(path, language) for language in languages}
    alternates = {**urls, "x-default": urls[MAIN]} if here in urls and len(urls) > 1 else {}
    return {"site": settings.SITE_URL, "canonical": urls.get(here, urls[MAIN]), "alternates": alternates}
