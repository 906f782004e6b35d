"""What is private: who looked at it, how long it stays, how it is handed out and how it goes."""

from appointments.privacy.copies import Copy, copy_of
from appointments.privacy.erasing import ERASED, emptied, let_go_of_what_belongs_to
from appointments.privacy.looking import exported, listed, looked_at, searched
from appointments.privacy.policy import gaps, months
from appointments.privacy.retention import PERIODS, ClockInDoubt, Period, ends_before, insist_on_the_clock
from appointments.privacy.unusual import MANY, Hour, unusual_hours

__all__ = [
    "ERASED",
    "MANY",
    "PERIODS",
    "ClockInDoubt",
    "Copy",
    "Hour",
    "Period",
    "copy_of",
    "emptied",
    "ends_before",
    "exported",
    "gaps",
    "insist_on_the_clock",
    "let_go_of_what_belongs_to",
    "listed",
    "looked_at",
    "months",
    "searched",
    "unusual_hours",
]
