"""Every form about a request: the patient's own, and one small form for each move of the staff."""

from appointments.forms.moves import MOVE_FORMS, MoveForm, VisitForm
from appointments.forms.patient import UNSURE, AppointmentRequestForm, FormToken, TypedEmail, TypedText

__all__ = [
    "MOVE_FORMS",
    "UNSURE",
    "AppointmentRequestForm",
    "FormToken",
    "MoveForm",
    "TypedEmail",
    "TypedText",
    "VisitForm",
]
