"""Which content the public pages show now."""

from datetime import datetime
from typing import NamedTuple

from django.db import connections, models
from django.utils import timezone

from medspa.row_lists import moment
from treatments.models.treatments import Treatment


class Standing(NamedTuple):
    """The content's version, and when a page that is scheduled changes it with no one's doing."""

    version: str
    until: datetime | None


class ContentVersionQuerySet(models.QuerySet["ContentVersion"]):
    def standing(self, now: datetime | None = None) -> Standing | None:
        """What is stored at this moment, in one query. None on a site whose content was never touched.

        Every form asks, so the query's words are ready.
        """
        connection = connections[self.db]
        since = connection.ops.adapt_datetimefield_value(now or timezone.now())
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT version, (SELECT min(publish_at) FROM {Treatment._meta.db_table}"
                f" WHERE publish_at > %s AND status = %s) FROM {self.model._meta.db_table}",
                [since, Treatment.Status.PUBLISHED.value],
            )
            found = cursor.fetchone()
        return Standing(found[0], moment(found[1])) if found else None


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
