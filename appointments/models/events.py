"""What was done, and who looked: by whom, when, and from where."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from appointments.models.requests import AppointmentRequest
from medspa.sealed import SealedTextField

WRITTEN_ONCE = "An event is written once, by event_log, and never changed."


class EventQuerySet(models.QuerySet["Event"]):
    def moves(self) -> "EventQuerySet":
        """What was done, without who merely looked."""
        return self.exclude(kind__in=Event.LOOKS)

    def looks(self) -> "EventQuerySet":
        return self.filter(kind__in=Event.LOOKS)

    def in_order(self) -> "EventQuerySet":
        return self.order_by("position")

    def about(self, reference: str) -> "EventQuerySet":
        """What concerns one request, also where it stood on a list among others."""
        of_several = [Event.Kind.LISTED, Event.Kind.EXPORTED, Event.Kind.ERASED]
        on_a_list = Q(kind__in=of_several, details__contains=reference)
        return self.filter(Q(appointment_request__reference=reference) | on_a_list)

    def erase_notes(self) -> int:
        """The words go, the event stays. How many went."""
        return super().update(note="")

    def let_go(self, keys: Iterable[int]) -> None:
        """Delete rows. The database allows it six years after they were written."""
        self.filter(pk__in=keys)._raw_delete(self.db)

    def update(self, **changes: Any) -> int:
        raise TypeError(WRITTEN_ONCE)

    def delete(self) -> tuple[int, dict[str, int]]:
        raise TypeError(WRITTEN_ONCE)


class Event(models.Model):
    """Something that was done to a request, or somebody who looked. Written once, never changed."""

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
        NOT_SPAM = "not_spam", "Brought back from spam"
        ON_HOLD = "on_hold", "Legal hold"
        OFF_HOLD = "off_hold", "Legal hold lifted"
        ERASED = "erased", "Details erased"
        SEEN = "seen", "Opened"
        LISTED = "listed", "On a list"
        SEARCHED = "searched", "Searched"
        MESSAGE_READ = "message_read", "Message read"
        EXPORTED = "exported", "Exported"

    BY_PATIENTS = (Kind.RECEIVED, Kind.ASKED, Kind.WITHDRAWN, Kind.HEALTH_CHECK)
    GLANCES = (Kind.SEEN, Kind.LISTED, Kind.SEARCHED, Kind.MESSAGE_READ)  # too many for a request's history
    LOOKS = (*GLANCES, Kind.HEALTH_READ, Kind.EXPORTED)
    BETWEEN_MOVES = (Kind.NOTED, *LOOKS)  # they change nothing, so several may fall to one version

    position = models.BigIntegerField(unique=True, help_text="In the chain, from 1.")
    digest = models.CharField(max_length=64, help_text="SHA-256 over this event and the digest before it.")
    appointment_request = models.ForeignKey(
        AppointmentRequest, models.PROTECT, null=True, related_name="events", help_text="Empty: none, or several."
    )
    kind = models.CharField(max_length=12, choices=Kind)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        db_index=False,  # event_by_person begins with it
        related_name="+",
        help_text="Empty: the patient, or a command at the console.",
    )
    address = models.GenericIPAddressField("from", null=True, help_text="Of staff alone.")
    version = models.PositiveIntegerField(help_text="Of the request, once this was done.")
    records = models.PositiveIntegerField(default=1, help_text="How many requests were concerned.")
    details = models.CharField(max_length=2400, blank=True, help_text="In our own words, never the patient's.")
    note = SealedTextField(blank=True)
    has_note = models.BooleanField(default=False, help_text="Whether one was written; it may have been erased since.")

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["at", "pk"]
        permissions = [("review_event", "Can see who looked at what")]
        indexes = [models.Index(fields=["by", "at"], name="event_by_person")]
        constraints = [
            models.UniqueConstraint(
                fields=["appointment_request", "version"],
                condition=~Q(
                    kind__in=["noted", "seen", "listed", "searched", "message_read", "health_read", "exported"]
                ),
                name="one_event_a_version",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["received", "asked", "withdrawn", "health_check", "listed", "exported", "erased"])
                | Q(by__isnull=False),
                name="staff_events_have_a_name",
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    def save(self, **options) -> None:
        raise TypeError(WRITTEN_ONCE)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        raise TypeError(WRITTEN_ONCE)


class EventChain(models.Model):
    """Where the chain of events ends. One row; whoever holds it writes the next event."""

    ends = SealedTextField(default="")

    def __str__(self) -> str:
        return "The end of the log"
