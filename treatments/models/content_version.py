"""Which content the public pages show now."""

from datetime import datetime
from typing import NamedTuple

from django.db import models
from django.db.models import Min, Q, Subquery
from django.utils import timezone

from treatments.models.treatments import Treatment


class Standing(NamedTuple):
    """The content's version, and when a page that is scheduled changes it with no one's doing."""

    version: str
    until: datetime | None


class ContentVersionQuerySet(models.QuerySet["ContentVersion"]):
    def standing(self, now: datetime | None = None) -> Standing | None:
        """What is stored at this moment, in one query. None on a site whose content was never touched."""
        coming = Treatment.objects.filter(
            Q(publish_at__gt=now or timezone.now()), status=Treatment.Status.PUBLISHED
        ).order_by()
        first = coming.values("status").annotate(first=Min("publish_at")).values("first")
        found = self.annotate(until=Subquery(first)).values_list("version", "until").first()
        return Standing(*found) if found else None


class ContentVersion(models.Model):
    """Exactly one row. The database itself puts another version there whenever content changes: `content_rules`.

    A version is random, so that a restored copy of the database never passes for what it was later.
    """

    version = models.CharField(max_length=32)

    objects = ContentVersionQuerySet.as_manager()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="exactly_one_content_version")]

    def __str__(self) -> str:
        return self.version
