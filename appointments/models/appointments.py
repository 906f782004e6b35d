"""A booked visit."""

from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from appointments.models.requests import AppointmentRequest
from treatments.models import Provider


class Appointment(models.Model):
    """A booked visit. Two that overlap for one provider are refused by the database (`database_rules`)."""

    class Status(models.TextChoices):
        BOOKED = "booked", "Booked"
        ARRIVED = "arrived", "Arrived"
        FULFILLED = "fulfilled", "Fulfilled"
        NOSHOW = "noshow", "No-show"
        CANCELLED = "cancelled", "Cancelled"

    appointment_request = models.ForeignKey(AppointmentRequest, models.CASCADE, related_name="appointments")
    provider = models.ForeignKey(Provider, models.PROTECT, related_name="appointments")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    status = models.CharField(max_length=10, choices=Status, default=Status.BOOKED)
    sequence = models.PositiveIntegerField(default=0, help_text="Rises when the visit is moved.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["starts_at"]
        indexes = [models.Index(fields=["provider", "ends_at"], name="appointment_provider")]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="appointment_ends_after_it_starts"),
            models.UniqueConstraint(
                fields=["appointment_request"], condition=Q(status="booked"), name="one_booked_appointment"
            ),
        ]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.starts_at):%Y-%m-%d %H:%M}"

    @property
    def minutes(self) -> int:
        return round((self.ends_at - self.starts_at).total_seconds() / 60)
