"""Mail that has not gone: when it goes, whether it was held back or could not be delivered, what the desk may do."""

from typing import NamedTuple

from django.contrib.auth.models import AbstractUser
from django.utils import timezone

from appointments.admin import glance
from appointments.models import AppointmentRequest, Message
from medspa.opening_times import clock_time


class PendingMail(NamedTuple):
    message: Message
    goes: str  # in words; empty: it is held back, or could not be delivered

    @property
    def has_failed(self) -> bool:
        return self.message.can_be_sent_again

    @property
    def next_try(self) -> str:
        """When it is tried again by itself; empty for one that was given up, or that is tried any moment."""
        is_over = self.message.given_up_at or self.message.due_at <= timezone.now()
        return "" if is_over else glance.moment(self.message.due_at)

    @property
    def move(self) -> str:
        if self.has_failed:
            return "send_again"
        return "hold_back" if self.goes else "send_after_all"


def pending(appointment_request: AppointmentRequest, user: AbstractUser) -> list[PendingMail]:
    """For those who may see mails: what can be held back, what is, and what could not be delivered."""
    if not user.has_perm("appointments.view_message"):
        return []
    mails = appointment_request.messages.all()
    return [
        PendingMail(mail, when_it_goes(mail) or "goes now" if mail.can_be_held_back else "")
        for mail in mails
        if mail.can_be_held_back or mail.held_back or mail.can_be_sent_again
    ]


def when_it_goes(message: Message) -> str:
    """`goes at 3:05 pm`, on the clock of the page; empty once it is due."""
    if message.due_at <= timezone.now():
        return ""
    return f"goes at {clock_time(timezone.localtime(message.due_at).time())}"
