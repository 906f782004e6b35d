"""When a provider works and when not: hours by the week, and time off."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import F, Q
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format

from medspa.opening_times import Spell, clock_time
from treatments.models import Provider


class ProviderHours(models.Model):
    """One spell of one weekday, on the clinic's clock. A provider without any works whenever the clinic is open."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="hours")
    weekday = models.PositiveSmallIntegerField(choices=WEEKDAYS.items())
    starts_at = models.TimeField("from")
    ends_at = models.TimeField("until")

    class Meta:
        ordering = ["weekday", "starts_at"]
        verbose_name = verbose_name_plural = "working hours"
        constraints = [
            models.UniqueConstraint(fields=["provider", "weekday", "starts_at"], name="provider_starts_once_at_a_time"),
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("starts_at")),
                name="provider_ends_after_starting",
                violation_error_message="The end must be later than the start.",
            ),
            models.CheckConstraint(condition=Q(weekday__lte=6), name="provider_works_on_days_of_the_week"),
        ]

    def __str__(self) -> str:
        return f"{WEEKDAYS[self.weekday]} {clock_time(self.starts_at)} to {clock_time(self.ends_at)}"


class TimeOff(models.Model):
    """When a provider is away: whole days, both inclusive, or a part of one day. On the clinic's clock."""

    provider = models.ForeignKey(Provider, models.CASCADE, related_name="time_off")
    starts_on = models.DateField("first day")
    ends_on = models.DateField("last day", help_text="The same as the first day for one day.")
    starts_at = models.TimeField("from", null=True, blank=True, help_text="Empty: the whole day.")
    ends_at = models.TimeField("until", null=True, blank=True)

    class Meta:
        ordering = ["-starts_on", "provider"]
        verbose_name = verbose_name_plural = "time off"
        indexes = [models.Index(fields=["provider", "ends_on"], name="time_off_of_provider")]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_on__gte=F("starts_on")),
                name="time_off_ends_after_it_starts",
                violation_error_message="The last day must not be before the first day.",
            ),
            models.CheckConstraint(
                condition=Q(starts_at=None, ends_at=None)
                | Q(starts_at__isnull=False, ends_at__isnull=False, ends_at__gt=F("starts_at"), ends_on=F("starts_on")),
                name="time_off_by_the_clock_is_within_a_day",
                violation_error_message="Fill in both times for a part of one day, or neither for whole days.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}: {self.when}"

    @property
    def when(self) -> str:
        """`Nov 24, 2026`, `Nov 24, 2026 to Nov 27, 2026`, `Nov 24, 2026, 1 pm to 3 pm`."""
        first, last = (date_format(day, "M j, Y") for day in (self.starts_on, self.ends_on))
        if self.hours:
            return f"{first}, {self.hours}"
        return first if first == last else f"{first} to {last}"

    @property
    def hours(self) -> str:
        """`1 pm to 3 pm`, or empty for whole days."""
        return f"{clock_time(self.starts_at)} to {clock_time(self.ends_at)}" if self.starts_at and self.ends_at else ""

    def spell(self, zone: ZoneInfo) -> Spell:
        """From when until when, aware, in UTC."""
        ends_on = self.ends_on if self.ends_at else self.ends_on + timedelta(days=1)
        opens = datetime.combine(self.starts_on, self.starts_at or time.min, zone)
        closes = datetime.combine(ends_on, self.ends_at or time.min, zone)
        return Spell(opens.astimezone(UTC), closes.astimezone(UTC))
