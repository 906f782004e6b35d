"""Which pages search engines should know, under the site's own address whatever host they asked."""

from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.urls import reverse

from medspa.languages import NAMES
from treatments.models import Treatment, TreatmentQuerySet


class PagesOfThisSite(Sitemap):
    """Each page in each language that it exists in, and with it where the others are."""

    i18n = alternates = x_default = True

    def get_protocol(self, protocol=None) -> str:
        return urlsplit(settings.SITE_URL).scheme

    def get_domain(self, site=None) -> str:
        return urlsplit(settings.SITE_URL).netloc


class StandingPages(PagesOfThisSite):
    def items(self) -> list[str]:
        return ["treatments:home", "treatments:treatments", "appointments:request_form", "appointments:privacy_notice"]

    def location(self, item: str) -> str:
        return reverse(item)


class TreatmentPages(PagesOfThisSite):
    def items(self) -> TreatmentQuerySet:
        return Treatment.objects.published().originals().with_translations()

    def get_languages_for_item(self, item: Treatment) -> list[str]:
        return [language for language in NAMES if item.in_words_of(language).language == language]

    def lastmod(self, item: Treatment) -> datetime:
        return max(item.in_words_of(language).updated_at for language in NAMES)


sitemaps = {"pages": StandingPages, "treatments": TreatmentPages}
