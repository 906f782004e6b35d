"""Which pages search engines should know, under the site's own address whatever host they asked."""

from datetime import datetime
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.urls import reverse

from treatments.models import Treatment, TreatmentQuerySet


class PagesOfThisSite(Sitemap):
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
        return Treatment.objects.published()

    def lastmod(self, item: Treatment) -> datetime:
        return item.updated_at


sitemaps = {"pages": StandingPages, "treatments": TreatmentPages}
