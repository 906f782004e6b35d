"""What was written while the machine's clock was ahead, set right once the clock is: nothing waits for it for years.

Moments that have passed need no rule here: a clock that was behind makes things late, and late is seen. What was
written in the log stays as it was written, in its order.
"""

from datetime import datetime, timedelta

from appointments import outbox
from appointments.models import AppointmentRequest, Arrival, Status
from appointments.response_clock import respond_by
from medspa.models import Clinic

CLOCKS_DIFFER = timedelta(minutes=5)  # between machines; what is ahead by less is left alone
LONGEST_CLOSURE = timedelta(days=60)


def set_right(clinic: Clinic, now: datetime) -> None:
    """Requests that came in later than now came in just now; what is due impossibly late is due as if it did."""
    outbox.draw_near(now)
    ahead, due = now + CLOCKS_DIFFER, respond_by(clinic, now)
    Arrival.objects.filter(at__gt=ahead).update(at=now)
    came_in = AppointmentRequest.objects.filter(created_at__gt=ahead)
    came_in.filter(status=Status.NEW).update(created_at=now, respond_by=due, next_action_at=due)
    came_in.update(created_at=now)
    farthest = now + timedelta(days=clinic.follow_up_ladder[-1]) + LONGEST_CLOSURE
    AppointmentRequest.objects.filter(next_action_at__gt=farthest).update(next_action_at=due)
    AppointmentRequest.objects.filter(to_tell_since__gt=ahead).update(to_tell_since=now)
