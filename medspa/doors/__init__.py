"""How staff prove who they are: limits on guessing, and the second step. No page lives here."""

from medspa.doors.codes import (
    Enrolment,
    end_sessions,
    enrol,
    has_second_step,
    new_recovery_codes,
    opens,
    recover,
    reset,
    sessions_of,
    start,
)
from medspa.doors.first_password import first_password_ends, first_password_has_ended
from medspa.doors.guessing import LOCKED_FOR, LockedOut, forgive, try_once, unlock
from medspa.doors.writing import tidy, write_down

__all__ = [
    "LOCKED_FOR",
    "Enrolment",
    "LockedOut",
    "end_sessions",
    "enrol",
    "first_password_ends",
    "first_password_has_ended",
    "forgive",
    "has_second_step",
    "new_recovery_codes",
    "opens",
    "recover",
    "reset",
    "sessions_of",
    "start",
    "tidy",
    "try_once",
    "unlock",
    "write_down",
]
