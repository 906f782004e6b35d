"""Everything that can be done to a request: one verb each, one transaction each.

Nothing else writes a status or an event. Every verb on an existing request begins with a compare-and-swap on the
version that its caller saw, so that of several people who press at once one succeeds and the others get MoveNotAllowed.
"""

from appointments.workflow.answering import ENOUGH_CALLS, REACHED, add_note, claim, log_call, waitlist
from appointments.workflow.duplicates import merge
from appointments.workflow.ending import close, fulfil, reopen
from appointments.workflow.mails import hold_back, send_after_all, write
from appointments.workflow.moves import MOVES, PERMISSION, Move, MoveNotAllowed, allowed_moves, will_mail
from appointments.workflow.receiving import receive
from appointments.workflow.visits import arrive, book, cancel, no_show, reschedule

__all__ = [
    "ENOUGH_CALLS",
    "MOVES",
    "PERMISSION",
    "REACHED",
    "Move",
    "MoveNotAllowed",
    "add_note",
    "allowed_moves",
    "arrive",
    "book",
    "cancel",
    "claim",
    "close",
    "fulfil",
    "hold_back",
    "log_call",
    "merge",
    "no_show",
    "receive",
    "reopen",
    "reschedule",
    "send_after_all",
    "waitlist",
    "will_mail",
    "write",
]
