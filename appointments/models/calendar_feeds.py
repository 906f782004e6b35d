"""A person's secret address of the calendar."""

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.utils import timezone

from appointments.models.questions import hash_token


class CalendarFeedQuerySet(models.QuerySet["CalendarFeed"]):
    def behind(self, token: str) -> "CalendarFeedQuerySet":
        """The feed whose secret address holds `token`, if any."""
        return self.filter(token_hash=hash_token(token))

    def of(self, user: User) -> "CalendarFeedQuerySet":
        return self.filter(user=user)


class CalendarFeed(models.Model):
    """A secret address under which one person's calendar program reads visits. Whoever has it needs no login.

    Only the token's hash is kept, so the address is shown once and cannot be shown again.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="calendar_feed")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects = CalendarFeedQuerySet.as_manager()

    class Meta:
        verbose_name = "calendar address"
        verbose_name_plural = "my calendar"  # the list is one's own page
        default_permissions = ()  # who may see the visits may have an address

    def __str__(self) -> str:
        return f"Calendar address of {self.user}"
