"""When the clinic is open: the hours of its week, and the days on which it is closed all the same."""

from django.db import models
from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from medspa.models.clinic import SHOWN_IN_ENGLISH, Clinic, OwnWords, in_the_readers_language
from medspa.opening_times import clock_time


class OpeningHours(models.Model):
    """One spell of one weekday, in the clinic's wall-clock time. A day may have several; a day with none is closed."""

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="hours", default=1)
    weekday = models.PositiveSmallIntegerField(choices=WEEKDAYS.items())
    opens_at = models.TimeField()
    closes_at = models.TimeField()

    class Meta:
        ordering = ["weekday", "opens_at"]
        verbose_name_plural = "opening hours"
        constraints = [
            models.UniqueConstraint(fields=["clinic", "weekday", "opens_at"], name="one_opening_at_a_time"),
            models.CheckConstraint(
                condition=models.Q(closes_at__gt=models.F("opens_at")),
                name="closes_after_it_opens",
                violation_error_message="The closing time must be later than the opening time.",
            ),
            models.CheckConstraint(condition=models.Q(weekday__lte=6), name="weekday_is_a_day_of_the_week"),
        ]

    def __str__(self) -> str:
        return f"{WEEKDAYS[self.weekday]} {clock_time(self.opens_at)} to {clock_time(self.closes_at)}"

    @property
    def span(self) -> str:
        return _("%(opens)s to %(closes)s") % {"opens": clock_time(self.opens_at), "closes": clock_time(self.closes_at)}


class Closure(models.Model):
    """Days on which the clinic is closed although the week says open. Both days are inclusive."""

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="closures", default=1)
    starts_on = models.DateField("first day")
    ends_on = models.DateField("last day")
    reason = models.CharField(max_length=100, blank=True, help_text="Shown to patients, such as Thanksgiving.")
    reason_es = models.CharField("reason in Spanish", max_length=100, blank=True, help_text=SHOWN_IN_ENGLISH)

    class Meta:
        ordering = ["starts_on"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on__gte=models.F("starts_on")),
                name="closure_ends_after_it_starts",
                violation_error_message="The last day must not be before the first day.",
            )
        ]

    def __str__(self) -> str:
        # Translators: as in https://docs.djangoproject.com/en/5.2/ref/templates/builtins/#date
        first, last = (date_format(day, pgettext("a day", "M d, Y")) for day in (self.starts_on, self.ends_on))
        return first if first == last else _("%(first)s to %(last)s") % {"first": first, "last": last}

    @property
    def reason_for_reader(self) -> OwnWords:
        return in_the_readers_language(self.reason, self.reason_es)
