"""Named questions about requests: what waits, what is late, who is to be told; and the queue in numbers."""

import hashlib
import uuid
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.contrib.auth.models import User
from django.core.exceptions import EmptyResultSet
from django.db import connections, models
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from appointments.models.parts_of_day import part_of_day
from appointments.references import read_reference
from appointments.search_index import SHORTEST, Holds, IsReachedBy
from appointments.telephones import as_e164
from medspa.row_lists import QuerySetWithLists, moment
from medspa.sealed import keyed_digest

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
MOST_COUNTED = 1000  # of what waits: nobody works by a larger number
NEWEST = 500  # are found by a search among all requests
NEWEST_FOR_SHORT_WORDS = 10_000
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # for "has one" as a comparison: SQLite looks up no NOT NULL beside an OR


def private_token_of(form_token: uuid.UUID) -> str:
    """256 bits, alike for the same form however often it is sent, and wherever it is kept until it is stored."""
    return urlsafe_b64encode(keyed_digest(str(form_token), "private link of a form")).decode().rstrip("=")


def hash_token(token: str) -> str:
    """How a private link is kept for looking up: SHA-256 of 256 random bits needs no salt."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Standing(NamedTuple):
    """The queue in numbers, each counted to MOST_COUNTED. What waits is late, due soon, or in time."""

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

    @property
    def said(self) -> dict[str, str]:
        """Each number as it is read: `12`, or `1000+` where nobody counted further."""
        names = [*self._fields[:-1], "to_answer", "now"]
        return {
            name: f"{number}+" if (number := getattr(self, name)) >= MOST_COUNTED else str(number) for name in names
        }


class AppointmentRequestQuerySet(QuerySetWithLists["AppointmentRequest"]):
    def to_answer(self) -> "AppointmentRequestQuerySet":
        """What waits for the clinic: new, being contacted, or booked with the wish for another time."""
        return self.filter(next_action_at__gt=LONG_AGO)

    def ever(self) -> "AppointmentRequestQuerySet":
        """All of them, in words that send SQLite to the index of their age."""
        return self.filter(created_at__gt=LONG_AGO)

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
        # In the words of the index: SQLite knows it again by them.
        stands = Q(appointments__status="booked") | Q(appointments__status="arrived")
        return self.filter(stands, appointments__ends_at__lt=now)

    def standing(self, now: datetime, user: User | None) -> Standing:
        """The queue as `user` finds it, in one query."""
        return Standing(**self.numbers(**self.standing_questions(now, user)))

    def standing_questions(self, now: datetime, user: User | None) -> dict[str, models.QuerySet]:
        """What `numbers` is to be asked for a Standing."""
        waiting, now_or_later = self.to_answer(), self.to_answer().filter(next_action_at__gte=now)
        questions = {
            "late": self.late(now),
            "soon": now_or_later.filter(next_action_at__lt=now + SOON),
            "in_time": waiting.filter(next_action_at__gte=now + SOON),
            "mine": waiting.of(user),
            "unclaimed": waiting.of(None),
            "waitlisted": self.waitlisted(),
            "to_tell": self.to_tell(now),
            "to_review": self.to_review(),
            "over": self.visit_over(now),
            "spam": self.spam(),
        }
        bounded = {name: rows.order_by().values("pk")[:MOST_COUNTED] for name, rows in questions.items()}
        return bounded | {"oldest": self.longest_wait()}

    def longest_wait(self) -> models.QuerySet:
        """ "Has one" in the words of the index that knows the order."""
        return (
            self.filter(next_action_at__isnull=False, created_at__gt=LONG_AGO)
            .order_by("created_at")
            .values("created_at")[:1]
        )

    def numbers(self, **questions: models.QuerySet) -> dict[str, Any]:
        """How many rows answer each question, in one query; of `oldest`, the moment that its one row says."""
        connection, parts, params = connections[self.db], [], []
        for name, rows in questions.items():
            try:
                sql, values = rows.query.get_compiler(self.db).as_sql()
            except EmptyResultSet:  # such as a number that is too large for the database
                sql, values = "SELECT 1 WHERE 1 = 0", ()
            parts.append(f"({sql})" if name == "oldest" else f"(SELECT count(*) FROM ({sql}) AS counted)")
            params += values
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(parts)}", params)
            found = dict(zip(questions, cursor.fetchone(), strict=True))
        return found | ({"oldest": moment(found["oldest"])} if "oldest" in found else {})

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

    def search(self, words: str, *, among_all: bool = False, few: bool = False) -> "AppointmentRequestQuerySet":
        """By reference, name, telephone (in any format) or e-mail; every word must fit, wherever it stands.

        `among_all` requests, the NEWEST that fit are found. Words of one or two letters alone are looked for among
        NEWEST_FOR_SHORT_WORDS: no index knows them. Where the requests are `few` already, each of them is read.
        """
        if reference := read_reference(words):
            return self.filter(reference=reference)
        given, bound = words.replace("\x00", "").split(), NEWEST + 1 if among_all else None
        long, short = (
            [word for word in given if len(word) >= SHORTEST],
            [word for word in given if len(word) < SHORTEST],
        )
        found = self
        if number := as_e164(words):
            return self.filter(IsReachedBy(number, words.strip()))
        if long:
            found = found.filter(Holds(long, None if short else bound, one_by_one=few))
        elif short and not few:
            found = self.filter(pk__in=self.order_by("-pk").values("pk")[:NEWEST_FOR_SHORT_WORDS])
        for word in short:
            found = found.filter(
                Q(full_name__icontains=word) | Q(email__icontains=word) | Q(reference__istartswith=word)
            )
        return found
