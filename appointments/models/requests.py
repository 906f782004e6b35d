"""What one patient asked for, and where it stands."""

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Count, Min, Q, Value
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appointments.models.parts_of_day import part_of_day
from appointments.references import read_reference
from appointments.sealed import SealedTextField
from appointments.telephones import as_e164
from treatments.models import Treatment


class Status(models.TextChoices):
    NEW = "new", _("New")
    CONTACTING = "contacting", _("Contacting")
    WAITLISTED = "waitlisted", _("Waiting list")
    BOOKED = "booked", _("Booked")
    CLOSED = "closed", _("Closed")


class ClosedReason(models.TextChoices):
    COMPLETED = "completed", _("The visit took place")
    PATIENT_DECLINED = "patient_declined", _("The patient no longer wants to come")
    UNREACHABLE = "unreachable", _("The patient could not be reached")
    NOT_A_CANDIDATE = "not_a_candidate", _("The treatment does not suit the patient")
    REFERRED_OUT = "referred_out", _("The patient was referred elsewhere")
    DUPLICATE = "duplicate", _("The same request was made twice")
    SPAM = "spam", _("Spam")
    ENTERED_IN_ERROR = "entered_in_error", _("Entered in error")
    OTHER = "other", _("Another reason")


WAITING = (Status.NEW, Status.CONTACTING)
SOON = timedelta(minutes=30)


class Standing(NamedTuple):
    """The queue in numbers. What waits is late, due soon, or in time."""

    late: int
    soon: int
    in_time: int
    mine: int
    unclaimed: int
    waitlisted: int
    to_tell: int
    over: int
    oldest: datetime | None

    @property
    def to_answer(self) -> int:
        return self.late + self.soon + self.in_time

    @property
    def now(self) -> int:
        return self.late + self.soon


class AppointmentRequestQuerySet(models.QuerySet["AppointmentRequest"]):
    def to_answer(self) -> "AppointmentRequestQuerySet":
        """What still waits for the clinic: new, or somebody has begun to reach the patient."""
        return self.filter(status__in=WAITING)

    def late(self, now: datetime) -> "AppointmentRequestQuerySet":
        """What should have been answered, or tried again, by now."""
        return self.due_before(now)

    def due_before(self, end: datetime) -> "AppointmentRequestQuerySet":
        """What is to be answered, or tried again, before `end`; late ones among it."""
        return self.to_answer().filter(next_action_at__lt=end)

    def to_call_now(self, now: datetime) -> "AppointmentRequestQuerySet":
        """What is late or due within half an hour."""
        return self.due_before(now + SOON)

    def of(self, user: User | None) -> "AppointmentRequestQuerySet":
        """Claimed by `user`; by nobody for None."""
        return self.filter(claimed_by=user)

    def waitlisted(self) -> "AppointmentRequestQuerySet":
        return self.filter(status=Status.WAITLISTED)

    def to_tell(self, now: datetime) -> "AppointmentRequestQuerySet":
        """Whose patient has no address and does not yet know the latest news of a visit. Whatever the status."""
        return self.filter(to_tell_since__lte=now)

    def visit_over(self, now: datetime) -> "AppointmentRequestQuerySet":
        """Booked, and the visit's time has passed: nobody has said yet whether it took place."""
        return self.filter(appointments__status__in=["booked", "arrived"], appointments__ends_at__lt=now)

    def standing(self, now: datetime, user: User) -> Standing:
        """The queue as `user` finds it, in two queries: over what is open and whom to tell, and over visits."""
        waits = Q(status__in=WAITING)
        late, soon = (
            waits & Q(next_action_at__lt=now),
            waits & Q(next_action_at__gte=now, next_action_at__lt=now + SOON),
        )
        # A comparison, because SQLite looks up no index for `IS NOT NULL` beside an OR.
        to_tell, opened = Q(to_tell_since__lte=now), Q(status__in=[*WAITING, Status.WAITLISTED])
        numbers = self.filter(opened | to_tell).aggregate(
            late=Count("pk", filter=late),
            soon=Count("pk", filter=soon),
            in_time=Count("pk", filter=waits & Q(next_action_at__gte=now + SOON)),
            mine=Count("pk", filter=waits & Q(claimed_by=user)),
            unclaimed=Count("pk", filter=waits & Q(claimed_by=None)),
            waitlisted=Count("pk", filter=Q(status=Status.WAITLISTED)),
            to_tell=Count("pk", filter=to_tell),
            oldest=Min("created_at", filter=waits),
        )
        return Standing(**numbers, over=self.visit_over(now).count())

    def next_first(self) -> "AppointmentRequestQuerySet":
        """In the order of the clock. What came in over a night is due at one moment: then the oldest is first."""
        return self.order_by("next_action_at", "created_at", "pk")

    def longest_untold_first(self) -> "AppointmentRequestQuerySet":
        return self.order_by("to_tell_since", "pk")

    def longest_waiting_first(self) -> "AppointmentRequestQuerySet":
        return self.order_by("created_at", "pk")

    def behind(self, token: str) -> "AppointmentRequestQuerySet":
        """The request whose private page `token` opens, if any."""
        return self.filter(private_token_hash=hash_token(token))

    def alike(self, other: "AppointmentRequest") -> "AppointmentRequestQuerySet":
        """Other requests from the same number or address. Families share both, so this is a question, not an answer."""
        of_number, of_address = self.none(), self.none()
        if other.phone_e164:
            of_number = self.filter(phone_e164=other.phone_e164)
        if other.email:
            of_address = self.alias(address=Lower("email")).filter(address=Lower(Value(other.email)))
        # A union, because an OR over two indexes is answered by reading the whole table.
        return self.filter(pk__in=of_number.order_by().values("pk").union(of_address.order_by().values("pk"))).exclude(
            pk=other.pk
        )

    def waiting_for(self, local: datetime, minutes: int) -> "AppointmentRequestQuerySet":
        """Who is on the waiting list and could come then: their times fit, or they named none. Longest wait first."""
        suits = Q(preferred_times=None) | Q(
            preferred_times__weekdays__contains=local.weekday(), preferred_times__part=part_of_day(local.time())
        )
        takes = Q(treatment=None) | Q(treatment__procedure_minutes__lte=minutes)
        return self.waitlisted().filter(suits, takes).distinct().longest_waiting_first()

    def search(self, words: str) -> "AppointmentRequestQuerySet":
        """By reference, name, telephone (in any format) or e-mail; every word must fit."""
        found = self
        if reference := read_reference(words):
            return self.filter(reference=reference)
        if number := as_e164(words):
            return self.filter(Q(phone_e164=number) | Q(phone__icontains=words))
        for word in words.replace("\x00", "").split():
            found = found.filter(
                Q(full_name__icontains=word)
                | Q(email__icontains=word)
                | Q(phone__icontains=word)
                | Q(reference__istartswith=word)
            )
        return found


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
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="claimed_requests"
    )
    created_at = models.DateTimeField(default=timezone.now)
    respond_by = models.DateTimeField(help_text="By when the first answer is due, in opening time. Set once.")
    first_response_at = models.DateTimeField(null=True, blank=True, help_text="The first talk or visit. Set once.")
    next_action_at = models.DateTimeField(
        null=True, blank=True, help_text="When the desk is to answer or to try again. Empty: nobody waits."
    )
    calls_in_vain = models.PositiveSmallIntegerField(default=0, help_text="Since somebody was last reached.")
    to_tell_since = models.DateTimeField(
        null=True, blank=True, help_text="Since when the desk is to tell news of a visit by telephone. Empty: nothing."
    )

    duplicate_of = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, editable=False, related_name="duplicates"
    )

    full_name = models.CharField(max_length=100)
    phone = models.CharField(max_length=100, blank=True, help_text="As typed.")
    phone_e164 = models.CharField(max_length=16, blank=True)
    email = models.EmailField(blank=True)
    contact_by = models.CharField(max_length=5, choices=ContactBy)
    treatment = models.ForeignKey(
        Treatment, models.PROTECT, null=True, blank=True, help_text="Empty: the patient would like advice."
    )
    message = SealedTextField(blank=True)
    language = models.CharField(max_length=2, choices=settings.LANGUAGES, default="en", help_text="What we write in.")

    objects = AppointmentRequestQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        permissions = [
            ("work_appointmentrequest", "Can claim, call, book and close requests"),
            ("view_reports", "Can view reports"),
        ]
        indexes = [
            models.Index(fields=["status", "created_at", "id"], name="request_queue"),
            models.Index(
                fields=["next_action_at", "created_at", "id"],
                condition=Q(status__in=["new", "contacting"]),
                name="request_due",
            ),
            models.Index(
                fields=["to_tell_since", "id"], condition=Q(to_tell_since__isnull=False), name="request_to_tell"
            ),
            models.Index(fields=["source", "created_at", "id"], name="request_source"),
            models.Index(fields=["phone_e164"], name="request_phone"),
            models.Index(Lower("email"), name="request_email"),
            models.Index(fields=["created_at", "id"], name="request_age"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status=Status.CLOSED) ^ Q(closed_reason=""), name="closed_with_a_reason_and_only_then"
            ),
            models.CheckConstraint(
                condition=Q(status__in=["new", "contacting"]) ^ Q(next_action_at=None), name="what_waits_has_its_time"
            ),
            models.CheckConstraint(
                condition=Q(duplicate_of=None) | Q(closed_reason=ClosedReason.DUPLICATE), name="a_copy_is_closed_as_one"
            ),
            models.CheckConstraint(condition=~Q(phone="") | ~Q(email=""), name="patient_can_be_reached"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_open(self) -> bool:
        return self.status != Status.CLOSED

    @property
    def is_waiting(self) -> bool:
        """Whether the patient waits for the clinic."""
        return self.status in WAITING

    def is_late(self, now: datetime | None = None) -> bool:
        """Whether it should have been answered, or tried again, by now."""
        return self.next_action_at is not None and self.next_action_at < (now or timezone.now())

    def booked_appointment(self):
        """The Appointment that stands, booked or arrived, or None. There is never more than one."""
        return next((row for row in self.appointments.all() if row.status in row.STANDS), None)


def hash_token(token: str) -> str:
    """How a private link is kept for looking up: SHA-256 of 256 random bits needs no salt."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
