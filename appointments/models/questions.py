"""Named questions about requests: what waits, what is late, who is to be told; and the queue in numbers."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Count, Min, Q, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from appointments.models.parts_of_day import part_of_day
from appointments.references import read_reference
from appointments.telephones import as_e164

if TYPE_CHECKING:
    from appointments.models.requests import AppointmentRequest


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
LINK_LIVES = timedelta(weeks=6)  # after the request has ended
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # for "has one" as a comparison: SQLite looks up no NOT NULL beside an OR


def hash_token(token: str) -> str:
    """How a private link is kept for looking up: SHA-256 of 256 random bits needs no salt."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Standing(NamedTuple):
    """The queue in numbers. What waits is late, due soon, or in time."""

    late: int
    soon: int
    in_time: int
    mine: int
    unclaimed: int
    waitlisted: int
    to_tell: int
    to_review: int
    over: int
    spam: int
    oldest: datetime | None

    @property
    def to_answer(self) -> int:
        return self.late + self.soon + self.in_time

    @property
    def now(self) -> int:
        return self.late + self.soon


class AppointmentRequestQuerySet(models.QuerySet["AppointmentRequest"]):
    def to_answer(self) -> "AppointmentRequestQuerySet":
        """What waits for the clinic: new, being contacted, or booked with the wish for another time."""
        return self.filter(next_action_at__gt=LONG_AGO)

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

    def to_review(self) -> "AppointmentRequestQuerySet":
        """Whose health check a clinician is to look at."""
        return self.filter(review_since__gt=LONG_AGO)

    def spam(self) -> "AppointmentRequestQuerySet":
        """Filed as spam, by the program or by the desk, and not yet gone."""
        return self.filter(closed_reason=ClosedReason.SPAM, erased_at=None, created_at__gt=LONG_AGO)

    def to_keep_no_longer(self, ended_before: datetime) -> "AppointmentRequestQuerySet":
        """What ended before then, still names somebody and is under no legal hold."""
        return self.filter(ended_at__lt=ended_before, erased_at=None, legal_hold_since=None)

    def visit_over(self, now: datetime) -> "AppointmentRequestQuerySet":
        """Booked, and the visit's time has passed: nobody has said yet whether it took place."""
        return self.filter(appointments__status__in=["booked", "arrived"], appointments__ends_at__lt=now)

    def standing(self, now: datetime, user: User | None) -> Standing:
        """The queue as `user` finds it, in three queries: over what waits, over visits, and over spam."""
        waits = Q(next_action_at__gt=LONG_AGO)
        late, soon = (
            waits & Q(next_action_at__lt=now),
            waits & Q(next_action_at__gte=now, next_action_at__lt=now + SOON),
        )
        to_tell, to_review = Q(to_tell_since__lte=now), Q(review_since__gt=LONG_AGO)
        numbers = self.filter(waits | Q(status=Status.WAITLISTED) | to_tell | to_review).aggregate(
            late=Count("pk", filter=late),
            soon=Count("pk", filter=soon),
            in_time=Count("pk", filter=waits & Q(next_action_at__gte=now + SOON)),
            mine=Count("pk", filter=waits & Q(claimed_by=user)),
            unclaimed=Count("pk", filter=waits & Q(claimed_by=None)),
            waitlisted=Count("pk", filter=Q(status=Status.WAITLISTED)),
            to_tell=Count("pk", filter=to_tell),
            to_review=Count("pk", filter=to_review),
            oldest=Min("created_at", filter=waits),
        )
        return Standing(**numbers, over=self.visit_over(now).count(), spam=self.spam().count())

    def next_first(self) -> "AppointmentRequestQuerySet":
        """In the order of the clock. What came in over a night is due at one moment: then the oldest is first."""
        return self.order_by("next_action_at", "created_at", "pk")

    def longest_untold_first(self) -> "AppointmentRequestQuerySet":
        return self.order_by("to_tell_since", "pk")

    def longest_waiting_first(self) -> "AppointmentRequestQuerySet":
        return self.order_by("created_at", "pk")

    def longest_unreviewed_first(self) -> "AppointmentRequestQuerySet":
        return self.order_by("review_since", "pk")

    def behind(self, token: str, now: datetime) -> "AppointmentRequestQuerySet":
        """The request whose private page `token` opens, if any. Some weeks after its end the page is gone."""
        lives = Q(ended_at=None) | Q(ended_at__gt=now - LINK_LIVES)
        return self.filter(lives, private_token_hash=hash_token(token))

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
