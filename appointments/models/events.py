"""What was done, by whom and when."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from appointments.models.requests import AppointmentRequest
from appointments.sealed import SealedTextField


class Event(models.Model):
    """Something that was done to a request, by whom and when. Written once, never changed."""

    class Kind(models.TextChoices):
        RECEIVED = "received", "Request received"
        CLAIMED = "claimed", "Claimed"
        CALLED = "called", "Call"
        WRITTEN = "written", "E-mail written"
        WAITLISTED = "waitlisted", "Put on the waiting list"
        BOOKED = "booked", "Booked"
        RESCHEDULED = "rescheduled", "Moved to another time"
        CANCELLED = "cancelled", "Appointment cancelled"
        ARRIVED = "arrived", "Arrived"
        NOSHOW = "noshow", "Did not come"
        MERGED = "merged", "Merged"
        CLOSED = "closed", "Closed"
        REOPENED = "reopened", "Reopened"
        NOTED = "noted", "Note"
        HELD = "held", "Mail held back"
        SENT_ANYWAY = "sent_anyway", "Mail sent after all"
        SENT_AGAIN = "sent_again", "Mail sent again"
        ASKED = "asked", "Asked for other times"
        KEPT = "kept", "The time was kept"
        WITHDRAWN = "withdrawn", "Cancelled by the patient"
        HEALTH_CHECK = "health_check", "Health check answered"
        HEALTH_READ = "health_read", "Health check read"
        REVIEWED = "reviewed", "Health check reviewed"

    BY_PATIENTS = (Kind.RECEIVED, Kind.ASKED, Kind.WITHDRAWN, Kind.HEALTH_CHECK)
    BETWEEN_MOVES = (Kind.NOTED, Kind.HEALTH_READ)  # they change nothing, so several may fall to one version

    appointment_request = models.ForeignKey(AppointmentRequest, models.CASCADE, related_name="events")
    kind = models.CharField(max_length=12, choices=Kind)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Empty: the patient."
    )
    version = models.PositiveIntegerField(help_text="Of the request, once this was done.")
    details = models.CharField(max_length=300, blank=True, help_text="In our own words, never the patient's.")
    note = SealedTextField(blank=True)

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["appointment_request", "version"],
                condition=~Q(kind__in=["noted", "health_read"]),
                name="one_event_a_version",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["received", "asked", "withdrawn", "health_check"]) | Q(by__isnull=False),
                name="staff_events_have_a_name",
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    def save(self, **options) -> None:
        if self.pk is not None:
            raise TypeError("An event is written once and never changed.")
        super().save(**options)
