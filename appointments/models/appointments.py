"""A booked visit."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from appointments.models.requests import AppointmentRequest
from treatments.models import Provider


class AppointmentQuerySet(models.QuerySet["Appointment"]):
    def missed_by(self, appointment_request: AppointmentRequest) -> "AppointmentQuerySet":
        """Visits to which nobody came, of whoever has this telephone number; of this request where there is none."""
        missed = self.filter(status=Appointment.Status.NOSHOW)
        if not appointment_request.phone_e164:
            return missed.filter(appointment_request=appointment_request)
        return missed.filter(appointment_request__phone_e164=appointment_request.phone_e164)

    def between(self, begins: datetime, ends: datetime) -> "AppointmentQuerySet":
        """What takes some of the time from `begins` to `ends`: all visits but those cancelled."""
        # No visit is longer than a day: so one index answers, however many are over or far away.
        within = self.filter(ends_at__gt=begins, ends_at__lt=ends + timedelta(days=1), starts_at__lt=ends)
        return within.exclude(status=Appointment.Status.CANCELLED)

    def standing(self) -> "AppointmentQuerySet":
        return self.filter(status__in=Appointment.STANDS)

    def missed_by_those_of(self, visits: Iterable["Appointment"]) -> "AppointmentQuerySet":
        """Visits to which nobody came, of whoever has a telephone number of these visits, or made their request."""
        rows = [visit.appointment_request for visit in visits]
        numbers = {row.phone_e164 for row in rows if row.phone_e164}
        same = Q(appointment_request__in=rows) | Q(appointment_request__phone_e164__in=numbers)
        return self.filter(same, status=Appointment.Status.NOSHOW)

    def beginning_between(self, first: datetime, end: datetime) -> "AppointmentQuerySet":
        """Visits that begin from `first` on and before `end`."""
        return self.filter(starts_at__gte=first, starts_at__lt=end)

    def not_cancelled(self) -> "AppointmentQuerySet":
        """Visits that take, or took, a provider's time."""
        return self.exclude(status=Appointment.Status.CANCELLED)

    def with_what_the_desk_says(self) -> "AppointmentQuerySet":
        """With the request, its treatment and the provider, in one query."""
        return self.select_related("appointment_request__treatment", "provider")


class Appointment(models.Model):
    """A booked visit. Two that overlap for one provider are refused by the database (`database_rules`)."""

    class Status(models.TextChoices):
        BOOKED = "booked", "Booked"
        ARRIVED = "arrived", "Arrived"
        FULFILLED = "fulfilled", "Fulfilled"
        NOSHOW = "noshow", "No-show"
        CANCELLED = "cancelled", "Cancelled"

    STANDS = (Status.BOOKED, Status.ARRIVED)  # still to come, or going on

    appointment_request = models.ForeignKey(AppointmentRequest, models.CASCADE, related_name="appointments")
    provider = models.ForeignKey(
        Provider,
        models.PROTECT,
        db_index=False,  # appointment_provider begins with it
        related_name="appointments",
    )
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.BOOKED)
    sequence = models.PositiveIntegerField(default=0, help_text="Rises when the visit is moved or cancelled.")
    agreed_at = models.DateTimeField(default=timezone.now, help_text="When its time was last set.")
    reminded_hours = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Of the last reminder: so many hours before the visit. Empty: none yet."
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects = AppointmentQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at"]
        indexes = [
            models.Index(fields=["provider", "ends_at"], name="appointment_provider"),
            models.Index(fields=["starts_at"], name="appointment_day"),
            models.Index(
                fields=["ends_at"], condition=Q(status="booked") | Q(status="arrived"), name="appointment_over"
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="appointment_ends_after_it_starts"),
            models.UniqueConstraint(
                fields=["appointment_request"],
                condition=Q(status__in=["booked", "arrived"]),
                name="one_standing_appointment",
            ),
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.starts_at):%Y-%m-%d %H:%M}"

    def has_begun(self, now: datetime | None = None) -> bool:
        """Whether the patient is there, or should be."""
        return self.status == self.Status.ARRIVED or self.starts_at <= (now or timezone.now())

    @property
    def minutes(self) -> int:
        return round((self.ends_at - self.starts_at).total_seconds() / 60)
