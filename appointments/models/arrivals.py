"""How a form came in: what is counted against floods. It goes after a month."""

from django.db import models
from django.utils import timezone

from appointments.models.requests import AppointmentRequest


class Arrival(models.Model):
    """From where a patient's form came, and how much it looked like a machine's."""

    appointment_request = models.OneToOneField(AppointmentRequest, models.CASCADE, related_name="arrival")
    address = models.CharField(max_length=45, blank=True, help_text="IPv4 address, or the /64 network of an IPv6 one.")
    words_digest = models.CharField(max_length=64, blank=True, help_text="Of a longer message, to know it again.")
    score = models.PositiveSmallIntegerField(default=0)
    reasons = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [
            models.Index(fields=["address", "at"], name="arrival_of_address"),
            models.Index(fields=["words_digest", "at"], name="arrival_of_words"),
            models.Index(fields=["at"], name="arrival_age"),
        ]

    def __str__(self) -> str:
        return f"Arrival of {self.appointment_request}"
