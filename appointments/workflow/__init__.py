"""Everything that can be done to a request: one verb each, one transaction each.

Nothing else writes a status or an event. Every verb on an existing request begins with a compare-and-swap on the
version that its caller saw, so that of several people who press at once one succeeds and the others get MoveNotAllowed.
"""

from appointments.workflow.answering import ENOUGH_CALLS, REACHED, add_note, claim, log_call, waitlist
from appointments.workflow.duplicates import merge
from appointments.workflow.ending import close, fulfil, not_spam, reopen
from appointments.workflow.erasing import erase, export, let_go, lift_hold, place_hold
from appointments.workflow.mails import hold_back, send_after_all, send_again, write
from appointments.workflow.moves import (
    MOVES,
    PERMISSION,
    READS_HEALTH,
    Move,
    MoveNotAllowed,
    allowed_moves,
    has_aftercare,
    will_mail,
)
from appointments.workflow.patients import (
    Answered,
    answer_health_check,
    ask_for_times,
    can_answer_health_check,
    visit_code,
    withdraw,
)
from appointments.workflow.receiving import receive
from appointments.workflow.reviewing import VERDICTS, read_health_check, read_message, review
from appointments.workflow.rounds import make_rounds
from appointments.workflow.visits import arrive, book, cancel, keep, no_show, reschedule

__all__ = [
    "ENOUGH_CALLS",
    "MOVES",
    "PERMISSION",
    "REACHED",
    "READS_HEALTH",
    "VERDICTS",
    "Answered",
    "Move",
    "MoveNotAllowed",
    "add_note",
    "allowed_moves",
    "answer_health_check",
    "arrive",
    "ask_for_times",
    "book",
    "can_answer_health_check",
    "cancel",
    "claim",
    "close",
    "erase",
    "export",
    "fulfil",
    "has_aftercare",
    "hold_back",
    "keep",
    "let_go",
    "lift_hold",
    "log_call",
    "make_rounds",
    "merge",
    "no_show",
    "not_spam",
    "place_hold",
    "read_health_check",
    "read_message",
    "receive",
    "reopen",
    "reschedule",
    "review",
    "send_after_all",
    "send_again",
    "visit_code",
    "waitlist",
    "will_mail",
    "withdraw",
    "write",
]
