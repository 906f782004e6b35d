"""The records of a request: what was asked, what was done, what was booked, what was mailed.

Nouns and questions only. A request's status changes in `workflow` and nowhere else.
"""

from appointments.models.appointments import Appointment, AppointmentQuerySet
from appointments.models.arrivals import Arrival
from appointments.models.availability import ProviderHours, TimeOff
from appointments.models.calendar_feeds import CalendarFeed
from appointments.models.events import Event, EventChain
from appointments.models.health import HealthAnswer
from appointments.models.messages import STUCK_AFTER, Message
from appointments.models.parts_of_day import EVENING, NOON
from appointments.models.preferred_times import PreferredTime
from appointments.models.questions import (
    MOST_COUNTED,
    NEWEST,
    WAITING,
    ClosedReason,
    Standing,
    Status,
    hash_token,
    private_token_of,
)
from appointments.models.replies import SavedReply
from appointments.models.requests import AppointmentRequest
from appointments.models.wordings import MailWording

__all__ = [
    "EVENING",
    "MOST_COUNTED",
    "NEWEST",
    "NOON",
    "STUCK_AFTER",
    "WAITING",
    "Appointment",
    "AppointmentQuerySet",
    "AppointmentRequest",
    "Arrival",
    "CalendarFeed",
    "ClosedReason",
    "Event",
    "EventChain",
    "HealthAnswer",
    "MailWording",
    "Message",
    "PreferredTime",
    "ProviderHours",
    "SavedReply",
    "Standing",
    "Status",
    "TimeOff",
    "hash_token",
    "private_token_of",
]
