"""The patient's pages, and the feed of a calendar."""

from appointments.views.feed import calendar_feed
from appointments.views.my_request import cancel, health_check, my_request, times, visit_file
from appointments.views.requesting import csrf_failure, privacy_notice, request_form

__all__ = [
    "calendar_feed",
    "cancel",
    "csrf_failure",
    "health_check",
    "my_request",
    "privacy_notice",
    "request_form",
    "times",
    "visit_file",
]
