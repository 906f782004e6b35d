"""The desk: the queue of requests, one request's page, one page for every move, and what was mailed.

Nothing is edited here. A request changes by the moves of `workflow` alone; everything else is for reading.
"""

from appointments.admin.log import EventAdmin
from appointments.admin.my_calendar import CalendarFeedAdmin
from appointments.admin.providers import ProviderAdmin, TimeOffAdmin
from appointments.admin.queue import AppointmentRequestAdmin
from appointments.admin.records import AppointmentAdmin, MessageAdmin
from appointments.admin.replies import SavedReplyAdmin
from appointments.admin.wordings import MailWordingAdmin

__all__ = [
    "AppointmentAdmin",
    "AppointmentRequestAdmin",
    "CalendarFeedAdmin",
    "EventAdmin",
    "MailWordingAdmin",
    "MessageAdmin",
    "ProviderAdmin",
    "SavedReplyAdmin",
    "TimeOffAdmin",
]
