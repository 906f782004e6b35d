"""One e-mail and its life."""

from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

from appointments.models.questions import MOST_COUNTED
from appointments.models.requests import AppointmentRequest
from medspa.sealed import SealedTextField

STUCK_AFTER = timedelta(minutes=15)  # a message that is due and that nobody takes
TRIED_IN_VAIN = timedelta(hours=1)  # a message that is tried and not taken
RECENTLY = timedelta(days=1)
AHEAD = timedelta(days=2)  # no message is put off for longer: a bound, so that an index answers


class MessageQuerySet(models.QuerySet["Message"]):
    def unsent(self) -> "MessageQuerySet":
        """Still to be sent: not sent, not given up, not overtaken by later news."""
        return self.filter(sent_at=None, given_up_at=None, withdrawn_at=None)

    def to_hold_back(self) -> "MessageQuerySet":
        """What a move of the desk told the patient and no worker has taken in hand yet."""
        return self.unsent().filter(kind__in=Message.BY_A_MOVE, attempts=0)

    def held_back(self) -> "MessageQuerySet":
        """Held back by the desk, and no later news has taken its place."""
        return self.filter(held_back=True)

    def overtaken(self) -> "MessageQuerySet":
        """Taken back, because newer news took its place."""
        return self.filter(withdrawn_at__isnull=False, held_back=False)

    def due(self, now: datetime) -> "MessageQuerySet":
        return self.unsent().filter(due_at__lte=now).order_by("due_at", "pk")

    def stuck(self, now: datetime) -> "MessageQuerySet":
        """Due for a quarter of an hour, or tried in vain for an hour: the worker or the mail server is in trouble."""
        return self.unsent().filter(_stuck(now))

    def failed(self, since: datetime) -> "MessageQuerySet":
        """Given up after `since`, and nobody has sent it again."""
        return self.filter(given_up_at__gt=since)

    def trouble_questions(self, now: datetime) -> dict[str, models.QuerySet]:
        """How many are stuck, and how many have failed within a day, for `AppointmentRequest.objects.numbers`."""
        asked = {"stuck": self.stuck(now), "failed": self.failed(now - RECENTLY)}
        return {name: rows.order_by().values("pk")[:MOST_COUNTED] for name, rows in asked.items()}


def _stuck(now: datetime) -> Q:
    late, in_vain = Q(due_at__lt=now - STUCK_AFTER), Q(attempts__gt=0, queued_at__lt=now - TRIED_IN_VAIN)
    return Q(due_at__lt=now + AHEAD) & (late | in_vain)


class Message(models.Model):
    """One e-mail: written with the move that causes it, sent later by the outbox."""

    class Kind(models.TextChoices):
        RECEIVED = "received", "Receipt to the patient"
        DESK_NOTICE = "desk_notice", "Notice to the desk"
        BOOKED = "booked", "Appointment to the patient"
        RESCHEDULED = "rescheduled", "New time to the patient"
        CANCELLED = "cancelled", "Cancellation to the patient"
        REMINDER = "reminder", "Reminder to the patient"
        MISSED = "missed", "Missed visit to the patient"
        AFTERCARE = "aftercare", "Aftercare to the patient"
        LATE = "late", "Apology for a late answer to the patient"
        REPLY = "reply", "The desk's own words to the patient"
        DESK_CHANGE = "desk_change", "Notice of a patient's change to the desk"
        DIGEST = "digest", "Morning digest to the desk"

    ABOUT_THE_APPOINTMENT = (Kind.BOOKED, Kind.RESCHEDULED, Kind.CANCELLED, Kind.REMINDER, Kind.MISSED)
    BY_A_MOVE = (Kind.BOOKED, Kind.RESCHEDULED, Kind.CANCELLED, Kind.MISSED, Kind.AFTERCARE, Kind.REPLY)
    NEWS = (*ABOUT_THE_APPOINTMENT, Kind.AFTERCARE, Kind.REPLY)  # told by telephone where no mail can
    TO_THE_DESK = (Kind.DESK_NOTICE, Kind.DESK_CHANGE, Kind.DIGEST)

    appointment_request = models.ForeignKey(
        AppointmentRequest,
        models.CASCADE,
        null=True,
        db_index=False,  # message_once_a_version begins with it
        related_name="messages",
        help_text="Empty: the morning digest.",
    )
    kind = models.CharField(max_length=12, choices=Kind)
    version = models.PositiveIntegerField(
        help_text="With the kind, what makes it one message: the request's version, or for the digest its day's number."
    )
    step = models.PositiveSmallIntegerField(default=0, help_text="Of a reminder: how many hours before the visit.")
    recipient = models.EmailField()
    subject = models.CharField(max_length=200)
    text = SealedTextField(help_text="Sealed, because it holds the link to the patient's page.")
    html = SealedTextField(blank=True, help_text="The same for mailboxes that show pages.")
    calendar = SealedTextField(blank=True, help_text="The visit as a calendar file, where one goes along.")
    message_id = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now, help_text="Not before; while it is sent, when the claim ends.")
    queued_at = models.DateTimeField(default=timezone.now, help_text="Since when it is tried: for five days.")
    sending_since = models.DateTimeField(null=True, blank=True, help_text="While a worker has it in hand.")
    attempts = models.PositiveIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)
    given_up_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    held_back = models.BooleanField(default=False, help_text="Withdrawn by the desk, which may send it after all.")
    error = models.CharField("the mail server's words", max_length=500, blank=True)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "pk"]
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                condition=Q(sent_at=None, given_up_at=None, withdrawn_at=None),
                name="message_due",
            ),
            models.Index(fields=["given_up_at"], condition=Q(given_up_at__isnull=False), name="message_failed"),
            # The outbox, newest first, narrowed to what is rare among all that was sent.
            models.Index(fields=["id"], condition=Q(given_up_at__isnull=False), name="message_given_up"),
            models.Index(fields=["id"], condition=Q(held_back=True), name="message_held_back"),
            models.Index(
                fields=["id"], condition=Q(withdrawn_at__isnull=False, held_back=False), name="message_overtaken"
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["appointment_request", "kind", "version", "step"], name="message_once_a_version"
            ),
            models.UniqueConstraint(fields=["version"], condition=Q(kind="digest"), name="one_digest_a_day"),
            models.CheckConstraint(
                condition=Q(kind="digest", appointment_request=None)
                | ~Q(kind="digest") & Q(appointment_request__isnull=False),
                name="every_message_but_the_digest_is_about_a_request",
            ),
            models.CheckConstraint(
                condition=Q(held_back=False) | Q(withdrawn_at__isnull=False), name="what_is_held_back_is_withdrawn"
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()

    @property
    def can_be_held_back(self) -> bool:
        """As `to_hold_back` asks the database."""
        over = self.sent_at or self.given_up_at or self.withdrawn_at
        return not over and self.attempts == 0 and self.kind in self.BY_A_MOVE

    @property
    def state(self) -> str:
        """In words for the desk."""
        if self.sent_at:
            return "sent"
        if self.given_up_at:
            return "failed"
        if self.withdrawn_at:
            return "held back" if self.held_back else "cancelled"
        if self.sending_since and self.due_at > timezone.now():
            return "sending"
        return "queued, will be tried again" if self.error else "queued"

    @property
    def can_be_sent_again(self) -> bool:
        """Whether it failed, or waits for its next try: a person who presses will not wait."""
        over = self.sent_at or self.withdrawn_at or self.sending_since
        return not over and bool(self.given_up_at or self.error)
