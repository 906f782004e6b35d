"""Every form about a request: the patient's own, the same taken at the desk, and one small form for each move."""

from appointments.forms.desk import DeskRequestForm
from appointments.forms.kept import keep, store, store_kept
from appointments.forms.moves import (
    AddNoteForm,
    CloseForm,
    EraseForm,
    ExportForm,
    HoldForm,
    LogCallForm,
    MailForm,
    MergeForm,
    MoveForm,
    NoteForm,
    ReopenForm,
    ReviewForm,
)
from appointments.forms.patient import TRAP, UNSURE, AppointmentRequestForm, Flood, FormToken, TypedEmail, TypedText
from appointments.forms.private_page import HealthCheckForm, TimesForm
from appointments.forms.time_off import TimeOffForm
from appointments.forms.visits import VisitForm, slot_code
from appointments.forms.writing import WriteForm

MOVE_FORMS: dict[str, type[MoveForm]] = {
    "claim": MoveForm,
    "log_call": LogCallForm,
    "write": WriteForm,
    "book": VisitForm,
    "reschedule": VisitForm,
    "cancel": NoteForm,
    "arrive": MoveForm,
    "fulfil": NoteForm,
    "keep": NoteForm,
    "no_show": NoteForm,
    "review": ReviewForm,
    "waitlist": NoteForm,
    "merge": MergeForm,
    "close": CloseForm,
    "reopen": ReopenForm,
    "not_spam": MoveForm,
    "export": ExportForm,
    "erase": EraseForm,
    "place_hold": HoldForm,
    "lift_hold": HoldForm,
    "add_note": AddNoteForm,
    "hold_back": MailForm,
    "send_after_all": MailForm,
    "send_again": MailForm,
}

__all__ = [
    "MOVE_FORMS",
    "TRAP",
    "UNSURE",
    "AppointmentRequestForm",
    "DeskRequestForm",
    "Flood",
    "FormToken",
    "HealthCheckForm",
    "MoveForm",
    "TimeOffForm",
    "TimesForm",
    "TypedEmail",
    "TypedText",
    "VisitForm",
    "WriteForm",
    "keep",
    "slot_code",
    "store",
    "store_kept",
]
