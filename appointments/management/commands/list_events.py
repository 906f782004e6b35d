"""The events of all requests, for the owner at the console."""

from django.db.models import F

from appointments.management.listing import ListingCommand
from appointments.models import Event


class Command(ListingCommand):
    help = (
        "List every event, oldest first: when, the request's reference, what was done, by whom, from where. That "
        "it was listed is written to the log."
    )
    columns = ("at", "reference", "kind", "details", "username", "address")

    def rows(self):
        events = Event.objects.in_order().annotate(
            reference=F("appointment_request__reference"), username=F("by__username")
        )
        return events.values(*self.columns)
