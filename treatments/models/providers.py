"""Who treats patients."""

from django.conf import settings
from django.db import models

from medspa.row_lists import QuerySetWithLists


class Provider(models.Model):
    """Somebody who treats patients and whose time is booked."""

    name = models.CharField(max_length=100, unique=True)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    is_active = models.BooleanField("takes appointments", default=True)

    objects = QuerySetWithLists.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
