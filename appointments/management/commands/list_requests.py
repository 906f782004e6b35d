"""The requests, for the owner at the console."""

from appointments.management.listing import ListingCommand
from appointments.models import AppointmentRequest


class Command(ListingCommand):
    help = (
        "List every request, oldest first: reference, status, e-mail address. This is patient data, so that it was "
        "listed is written to the log."
    )
    columns = ("reference", "status", "email")

    def rows(self):
        return AppointmentRequest.objects.longest_waiting_first().values(*self.columns, "created_at")
