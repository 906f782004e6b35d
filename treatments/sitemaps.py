"""Which pages search engines should know, under the site's own address whatever host they asked.

An address here is the canonical one that the page itself names, and both name the same alternates.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.urls import reverse

from medspa.languages import MAIN, NAMES, addresses, same_page
from treatments.models import Treatment

STANDING = [
    "treatments:home",
    "treatments:treatments",
    "appointments:request_form",
    "appointments:privacy_notice",
    "treatments:accessibility",
]


class Page(NamedTuple):
    """One page in one language. `languages` are all in which patients can read it."""

    path: str
    languages: list[str]
    changed_at: datetime | None


class Pages(Sitemap):
    """Each page in each language that it exists in, and with it where the others are.

    The pages of treatments alone say when they changed. What the others say stands partly in templates, and a
    treatment that is taken off a list leaves no time there: a date that may be wrong is worse than none.
    """

    def items(self) -> list[Page]:
        return [*_standing(), *_of_treatments()]

    def location(self, item: Page) -> str:
        return item.path

    def lastmod(self, item: Page) -> datetime | None:
        return item.changed_at

    def get_protocol(self, protocol=None) -> str:
        return urlsplit(settings.SITE_URL).scheme

    def get_domain(self, site=None) -> str:
        return urlsplit(settings.SITE_URL).netloc

    def get_urls(self, page=1, site=None, protocol=None) -> list[dict]:
        urls = super().get_urls(page, site, protocol)
        for url in urls:
            alternates = addresses(url["item"].path, url["item"].languages)["alternates"]
            url["alternates"] = [{"lang_code": code, "location": address} for code, address in alternates.items()]
        return urls


def _standing() -> Iterator[Page]:
    for name in STANDING:
        yield from _in_each_language(name, [], dict.fromkeys(NAMES))


def _of_treatments() -> Iterator[Page]:
    treatments = Treatment.objects.published().originals().with_translations()
    for treatment in treatments.with_lists("recovery_notes"):
        rows = {language: treatment.in_words_of(language) for language in NAMES}
        changed = {language: row.shown_since_change for language, row in rows.items() if row.language == language}
        yield from _in_each_language("treatments:treatment", [treatment.slug], changed)
        if treatment.recovery_intro or treatment.recovery_notes.all():
            yield from _in_each_language("treatments:aftercare", [treatment.slug], changed)


def _in_each_language(name: str, args: Iterable[str], changed: dict[str, datetime | None]) -> Iterator[Page]:
    path = same_page(reverse(name, args=[*args]), MAIN)
    for language, changed_at in changed.items():
        yield Page(same_page(path, language), [*changed], changed_at)


sitemaps = {"pages": Pages}
