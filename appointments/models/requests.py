"""What one patient asked for, and where it stands."""

import uuid
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appointments.models.questions import AppointmentRequestQuerySet, ClosedReason, Status
from medspa.sealed import SealedTextField
from treatments.models import Treatment


class AppointmentRequest(models.Model):
    """What one patient asked for, and where it stands. `version` rises by one with every move."""

    class ContactBy(models.TextChoices):
        TEXT = "text", _("Text message")
        CALL = "call", _("Phone call")
        EMAIL = "email", _("Email")

    class Source(models.TextChoices):
        WEB = "web", "On the website"
        PHONE = "phone", "By telephone"
        WALK_IN = "walk_in", "In person"

    reference = models.CharField(max_length=8, unique=True)
    form_token = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    private_token = SealedTextField(editable=False)
    private_token_hash = models.CharField(max_length=64, unique=True, editable=False)

    status = models.CharField(max_length=12, choices=Status, default=Status.NEW)
    closed_reason = models.CharField(max_length=20, choices=ClosedReason, blank=True)
    version = models.PositiveIntegerField(default=1)
    source = models.CharField(max_length=7, choices=Source, default=Source.WEB)
    claimed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        related_name="claimed_requests",
    )
    created_at = models.DateTimeField(default=timezone.now)
    respond_by = models.DateTimeField(help_text="By when the first answer is due, in opening time. Set once.")
    first_response_at = models.DateTimeField(null=True, blank=True, help_text="The first talk or visit. Set once.")
    next_action_at = models.DateTimeField(
        null=True, blank=True, help_text="When the desk is to answer or to try again. Empty: nobody waits for it."
    )
    ended_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was closed. The patient's link ends some weeks later."
    )
    calls_in_vain = models.PositiveSmallIntegerField(default=0, help_text="Since somebody was last reached.")
    to_tell_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when the desk is to tell news of a visit by telephone. Empty: nothing."
    )
    review_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when a clinician is to look at the health check. Empty: nothing."
    )

    erased_at = models.DateTimeField(null=True, blank=True, help_text="When the person's details went.")
    legal_hold_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when nothing of it may be erased. Empty: it may."
    )

    duplicate_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, db_index=False, related_name="duplicates"
    )

    full_name = models.CharField(max_length=100)
    phone = models.CharField(max_length=100, blank=True, help_text="As typed.")
    phone_e164 = models.CharField(max_length=16, blank=True)
    email = models.EmailField(blank=True)
    contact_by = models.CharField(max_length=5, choices=ContactBy)
    treatment = models.ForeignKey(
        Treatment,
        models.PROTECT,
        null=True,
        blank=True,
        db_index=False,
        help_text="Empty: the patient would like advice.",
    )
    message = SealedTextField(blank=True)
    language = models.CharField(max_length=2, choices=settings.LANGUAGES, default="en", help_text="What we write in.")

    objects = AppointmentRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        permissions = [
            ("work_appointmentrequest", "Can claim, call, book and close requests"),
            ("view_reports", "Can view reports"),
            ("export_appointmentrequest", "Can hand out a patient's data"),
            ("erase_appointmentrequest", "Can erase a patient's data"),
            ("hold_appointmentrequest", "Can place and lift legal holds"),
        ]
        indexes = [  # a form is written into each, so none is the beginning of another, and none holds what is empty
            models.Index(fields=["status", "created_at", "id"], name="request_queue"),
            models.Index(
                fields=["next_action_at", "created_at", "id"],
                condition=Q(next_action_at__isnull=False),
                name="request_due",
            ),
            models.Index(
                fields=["to_tell_since", "id"], condition=Q(to_tell_since__isnull=False), name="request_to_tell"
            ),
            models.Index(
                fields=["review_since", "id"], condition=Q(review_since__isnull=False), name="request_to_review"
            ),
            models.Index(fields=["source", "created_at", "id"], name="request_source"),
            models.Index(fields=["phone_e164"], name="request_phone"),
            models.Index(Lower("email"), name="request_email"),
            models.Index(fields=["created_at", "id"], name="request_age"),
            models.Index(fields=["treatment", "created_at", "id"], name="request_treatment"),
            models.Index(
                fields=["claimed_by", "next_action_at", "created_at", "id"],
                condition=Q(next_action_at__isnull=False),
                name="request_claimed",
            ),
            models.Index(fields=["claimed_by"], condition=Q(claimed_by__isnull=False), name="request_claimer"),
            models.Index(fields=["duplicate_of"], condition=Q(duplicate_of__isnull=False), name="request_copy"),
            models.Index(fields=["created_at"], condition=Q(next_action_at__isnull=False), name="request_longest_wait"),
            models.Index(
                fields=["ended_at", "id"],
                condition=Q(ended_at__isnull=False, erased_at=None),
                name="request_ended",
            ),
            models.Index(
                fields=["created_at", "id"], condition=Q(closed_reason="spam", erased_at=None), name="request_spam"
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status=Status.CLOSED) ^ Q(closed_reason=""), name="closed_with_a_reason_and_only_then"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["new", "contacting"], next_action_at__isnull=False)
                | Q(status__in=["waitlisted", "closed"], next_action_at=None)
                | Q(status="booked"),  # it waits where the patient has asked for another time
                name="what_waits_has_its_time",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.CLOSED) ^ Q(ended_at=None), name="what_is_closed_has_ended"
            ),
            models.CheckConstraint(
                condition=Q(erased_at=None) | Q(status=Status.CLOSED, legal_hold_since=None),
                name="only_what_is_over_is_erased",
            ),
            models.CheckConstraint(
                condition=Q(duplicate_of=None) | Q(closed_reason=ClosedReason.DUPLICATE), name="a_copy_is_closed_as_one"
            ),
            models.CheckConstraint(
                condition=~Q(phone="") | ~Q(email="") | Q(erased_at__isnull=False),
                name="patient_can_be_reached",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_open(self) -> bool:
        return self.status != Status.CLOSED

    @property
    def is_waiting(self) -> bool:
        """Whether the patient waits for the clinic: for a first time, or for another one."""
        return self.next_action_at is not None

    @property
    def asks_for_another_time(self) -> bool:
        """Whether a visit is booked and the patient would like it to be moved."""
        return self.status == Status.BOOKED and self.is_waiting

    @property
    def is_being_checked(self) -> bool:
        """Whether it was filed as spam when it came, and nobody has looked at it since."""
        return self.closed_reason == ClosedReason.SPAM and self.version == 1

    @property
    def prefers_the_telephone(self) -> bool:
        """Whether the patient asked to be called or texted, and can be."""
        return bool(self.phone) and self.contact_by != self.ContactBy.EMAIL

    def is_late(self, now: datetime | None = None) -> bool:
        """Whether it should have been answered, or tried again, by now."""
        return self.next_action_at is not None and self.next_action_at < (now or timezone.now())

    def booked_appointment(self):
        """The Appointment that stands, booked or arrived, or None. There is never more than one."""
        return next((row for row in self.appointments.all() if row.status in row.STANDS), None)
