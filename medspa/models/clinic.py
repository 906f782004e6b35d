"""Facts about the clinic: who, where, when open. One row, edited by staff, shown on every page."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, ClassVar, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from medspa.opening_times import Hours, Spell, day_names, open_spells
from medspa.row_lists import QuerySetWithLists

if TYPE_CHECKING:
    from medspa.models.hours import Closure

SHOWN_IN_ENGLISH = "Empty: the English words are shown on the Spanish pages."
LONGEST_AHEAD = 14 * 24  # hours before a visit that somebody may be reminded of it
FICTIONAL_EXCHANGE = "55501"  # 555-0100 to 555-0199 are reserved for fiction (NANPA)


class ClinicNotOpenedYet(RuntimeError):
    """There is no Clinic row: `manage.py open_clinic` has not run."""


def known_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError("Enter a time zone by its name, like America/Phoenix.")


def days_of_follow_up(text: str) -> None:
    """Whole days, never going back: `0, 1, 3, 5`."""
    steps = text.split(",")
    days = [int(step) for step in steps if step.strip().isascii() and step.strip().isdigit() and len(step.strip()) < 4]
    if len(days) != len(steps) or days != sorted(days):
        raise ValidationError("Enter days with commas between them, none smaller than the one before, like 0, 1, 3, 5.")


def hours_before_a_visit(text: str) -> None:
    """Whole hours, each fewer than the one before: `48, 3`. Empty: no reminders."""
    steps = [step.strip() for step in text.split(",")] if text else []
    hours = [int(step) for step in steps if step.isascii() and step.isdigit() and 0 < int(step[:4]) <= LONGEST_AHEAD]
    if len(hours) != len(steps) or sorted(set(hours), reverse=True) != hours:
        raise ValidationError("Enter hours with commas between them, each fewer than the one before, like 48, 3.")


class ClinicQuerySet(QuerySetWithLists["Clinic"]):
    def current(self) -> "Clinic":
        """The clinic with its hours and closures, in one query. Raises ClinicNotOpenedYet."""
        clinic = self.with_lists("hours", "closures").first()
        if clinic is None:
            raise ClinicNotOpenedYet("There is no clinic yet. Run: manage.py open_clinic")
        Clinic.last_read = clinic
        return clinic


class DayLine(NamedTuple):
    """One line of the opening hours as they are read: days that are alike stand together."""

    days: str
    hours: str


class OwnWords(NamedTuple):
    """Words of the clinic's own, and the language that they are in. Without words it is false."""

    text: str
    language: str

    def __bool__(self) -> bool:
        return bool(self.text)


def in_the_readers_language(english: str, spanish: str) -> OwnWords:
    """The Spanish words for who reads Spanish, the English ones where there are none and for everybody else."""
    return OwnWords(spanish, "es") if spanish and get_language() == "es" else OwnWords(english, "en")


class Clinic(models.Model):
    """The clinic itself: exactly one row. An empty field leaves no trace on any page."""

    name = models.CharField(max_length=100, default="Mirror Mirror Med Spa")
    site_name = models.CharField(max_length=100, default="Tucson Med Spa")
    tagline = models.CharField(max_length=200, blank=True, help_text="One sentence under the name on the home page.")
    tagline_es = models.CharField("tagline in Spanish", max_length=200, blank=True, help_text=SHOWN_IN_ENGLISH)
    street = models.CharField(max_length=200, blank=True)
    town = models.CharField(max_length=100, blank=True)
    region = models.CharField("state", max_length=100, blank=True, help_text="In full, such as Arizona.")
    region_code = models.CharField("state, short", max_length=10, blank=True, help_text="Such as AZ.")
    postal_code = models.CharField("ZIP code", max_length=20, blank=True)
    telephone = models.CharField(max_length=40, help_text="As patients read it, such as (520) 555-0142.")
    email = models.EmailField("public e-mail address", blank=True)
    map_url = models.URLField("link to a map", blank=True, help_text="Shown as a link. No map is loaded.")
    time_zone = models.CharField(
        max_length=64,
        default="America/Phoenix",
        validators=[known_time_zone],
        help_text="Every time on the site and at the desk is in this zone.",
    )
    response_target_minutes = models.PositiveIntegerField(
        default=60,
        validators=[MinValueValidator(1)],
        help_text="How soon a request is to be answered, in minutes of opening time.",
    )
    follow_up_days = models.CharField(
        "follow up after",
        max_length=60,
        default="0, 1, 3, 5",
        validators=[days_of_follow_up],
        help_text="Days after a call that reached nobody: the first call, the second, and so on. 0 is the same day.",
    )
    hold_mail_minutes = models.PositiveSmallIntegerField(
        "mail waits",
        default=3,
        validators=[MaxValueValidator(60)],
        help_text="Minutes that a mail about a visit waits, so that the desk can hold it back. 0 sends it at once.",
    )
    reminder_hours = models.CharField(
        "remind before a visit",
        max_length=60,
        default="48, 3",
        blank=True,
        validators=[hours_before_a_visit],
        help_text="Hours before a visit at which the patient is reminded of it. Empty: never.",
    )
    morning_digest_at = models.TimeField(
        "morning digest",
        default=time(8),
        null=True,
        blank=True,
        help_text="On open days, when the desk is mailed how many requests wait. Empty: never.",
    )
    apologizes_when_late = models.BooleanField(
        "apologize when an answer is late",
        default=False,
        help_text="Mail a patient once when the time for the first answer has run out.",
    )
    hours_confirmed = models.BooleanField(
        "these opening hours are real",
        default=False,
        help_text="Tick this when the hours below are the clinic's own and no longer placeholders.",
    )

    objects = ClinicQuerySet.as_manager()
    last_read: "ClassVar[Clinic | None]" = None  # for pages that must stand while the database is away

    class Meta:
        verbose_name_plural = "clinic"
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="exactly_one_clinic")]

    def __str__(self) -> str:
        return self.name

    def save(self, **options) -> None:
        self.pk = 1
        super().save(**options)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def follow_up_ladder(self) -> list[int]:
        """Days to wait after the first call that reached nobody, after the second, and so on."""
        return [int(days) for days in self.follow_up_days.split(",")]

    @property
    def reminder_ladder(self) -> list[int]:
        """Hours before a visit at which the patient is reminded, the earliest reminder first."""
        return [int(hours) for hours in self.reminder_hours.split(",")] if self.reminder_hours else []

    @property
    def telephone_link(self) -> str:
        """The number for a `tel:` link, empty where there is none. Ten digits are taken as a US number."""
        digits = "".join(filter(str.isdigit, self.telephone))
        if not digits:
            return ""
        return f"+1{digits}" if len(digits) == 10 else f"+{digits}"

    @property
    def tagline_for_reader(self) -> OwnWords:
        return in_the_readers_language(self.tagline, self.tagline_es)

    @property
    def has_fictional_telephone(self) -> bool:
        digits = "".join(filter(str.isdigit, self.telephone))
        return FICTIONAL_EXCHANGE in digits[-7:]

    @property
    def placeholders(self) -> list[str]:
        """What still stands in for a fact that the practice has not given, in words for staff."""
        found = []
        if self.has_fictional_telephone:
            found.append(f"The telephone number {self.telephone} is reserved for fiction and reaches nobody.")
        if not self.hours_confirmed:
            found.append("The opening hours are examples.")
        if not self.street:
            found.append("The street address is empty.")
        return found

    def open_spells(self, after: datetime) -> Iterator[Spell]:
        """Open time that ends after `after`, in order, over weekends and closures; aware, UTC."""
        week = [Hours(row.weekday, row.opens_at, row.closes_at) for row in self.hours.all()]
        closed = [(row.starts_on, row.ends_on) for row in self.closures.all()]
        return open_spells(week, closed, self.zone, after)

    def today(self, now: datetime | None = None) -> date:
        """The day it is at the clinic."""
        return (now or timezone.now()).astimezone(self.zone).date()

    def is_open(self, now: datetime | None = None) -> bool:
        now = now or timezone.now()
        spell = next(self.open_spells(now), None)
        return spell is not None and spell.opens <= now

    def alike_until(self, now: datetime | None = None) -> datetime:
        """Until when what the clock says on its pages stays true: the next opening, closing or midnight."""
        now = now or timezone.now()
        tomorrow = datetime.combine(self.today(now) + timedelta(days=1), time(), self.zone)
        spell = next(self.open_spells(now), None)
        return min(tomorrow, *([spell.opens if spell.opens > now else spell.closes] if spell else [tomorrow]))

    def week(self) -> list[DayLine]:
        """The opening hours line by line, `Tuesday to Saturday` / `9 am to 5 pm`, closed days last."""
        hours_on: dict[int, str] = dict.fromkeys(WEEKDAYS, "")
        for row in self.hours.all():
            hours_on[row.weekday] = f"{hours_on[row.weekday]}, {row.span}" if hours_on[row.weekday] else row.span
        if not any(hours_on.values()):
            return []
        alike: dict[str, list[int]] = {}
        for day, hours in hours_on.items():
            alike.setdefault(hours or _("Closed"), []).append(day)
        lines = [DayLine(day_names(days), hours) for hours, days in alike.items()]
        return sorted(lines, key=lambda line: line.hours == _("Closed"))

    def hours_on(self, day: date) -> str:
        """`9 am to 5 pm`, as the week has it; closures aside. Empty on a day without hours."""
        return ", ".join(row.span for row in self.hours.all() if row.weekday == day.weekday())

    def closure_on(self, day: date) -> "Closure | None":
        return next((row for row in self.closures.all() if row.starts_on <= day <= row.ends_on), None)

    def coming_closures(self, now: datetime | None = None) -> list["Closure"]:
        """Closures that are on or begin within 60 days, by the clinic's own date."""
        today = self.today(now)
        return [row for row in self.closures.all() if row.ends_on >= today and (row.starts_on - today).days <= 60]
