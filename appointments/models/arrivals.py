"""How a form came in: what is counted against floods. It goes after a month."""

from datetime import datetime
from typing import NamedTuple

from django.db import connections, models
from django.db.models import Q
from django.utils import timezone

from appointments.models.requests import AppointmentRequest


class Known(NamedTuple):
    """What came before that is like a form in hand."""

    of_address: int
    of_telephone: int
    words_from_elsewhere: bool


class ArrivalQuerySet(models.QuerySet["Arrival"]):
    def known(
        self, *, address: str, telephone: str, words_digest: str, since: datetime, words_since: datetime
    ) -> Known:
        """How many came `since` then, from an address and with a telephone, and whether somebody elsewhere used the
        words since `words_since`. What is empty is not looked for. One query, each part by an index.
        """
        connection = connections[self.db]
        arrivals, requests = self.model._meta.db_table, AppointmentRequest._meta.db_table
        hour, day = (connection.ops.adapt_datetimefield_value(moment) for moment in (since, words_since))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT CASE WHEN %s = '' THEN 0 ELSE"
                f" (SELECT count(*) FROM {arrivals} WHERE address = %s AND at > %s) END,"
                " CASE WHEN %s = '' THEN 0 ELSE"
                f" (SELECT count(*) FROM {requests} WHERE phone_e164 = %s AND created_at > %s) END,"
                " CASE WHEN %s = '' THEN FALSE ELSE"
                f" EXISTS (SELECT 1 FROM {arrivals} WHERE words_digest = %s AND words_digest > ''"
                " AND at > %s AND address <> %s) END",
                [address, address, hour, telephone, telephone, hour, words_digest, words_digest, day, address],
            )
            of_address, of_telephone, from_elsewhere = cursor.fetchone()
        return Known(of_address, of_telephone, bool(from_elsewhere))


class Arrival(models.Model):
    """From where a patient's form came, and how much it looked like a machine's."""

    appointment_request = models.OneToOneField(AppointmentRequest, models.CASCADE, related_name="arrival")
    address = models.CharField(max_length=45, blank=True, help_text="IPv4 address, or the /64 network of an IPv6 one.")
    words_digest = models.CharField(max_length=64, blank=True, help_text="Of a longer message, to know it again.")
    score = models.PositiveSmallIntegerField(default=0)
    reasons = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)

    objects = ArrivalQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["address", "at"], name="arrival_of_address"),
            models.Index(fields=["words_digest", "at"], condition=Q(words_digest__gt=""), name="arrival_of_words"),
            models.Index(fields=["at"], name="arrival_age"),
        ]

    def __str__(self) -> str:
        return f"Arrival of {self.appointment_request}"
