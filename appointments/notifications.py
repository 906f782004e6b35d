"""Every mail, put into words: one function each, returning a Message that is not yet saved.

A mail carries the clinic's name and telephone, the reference, a time and a link, nothing else: a stranger's address
can be typed into the form, so neither what was typed there nor the treatment is repeated. What the desk writes itself
stands in `reply` alone. The words are the owner's (MailWording), or else the standard ones (`mail_words`).
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import cache, lru_cache, wraps
from html import escape
from typing import ParamSpec

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from appointments import calendar_files
from appointments.mail_words import Words, standard_words
from appointments.models import Appointment, AppointmentRequest, MailWording, Message, SavedReply
from appointments.placeholders import KEPT, OF_KIND, fill_in, paragraphs
from appointments.response_clock import promise, spoken
from medspa.models import Clinic

Kind = Message.Kind
Told = ParamSpec("Told")
OwnWords = dict[tuple[str, str], tuple[str, str]]  # the owner's subject and text, by kind and language
SAMPLE_REFERENCE, SAMPLE_TIME = "ABC-1234", datetime(2030, 1, 8, 17, 0, tzinfo=UTC)
LINK, BUTTON = "{link}", "{button}"
OPEN = "\0"  # in no template: where a page's subject and text go


def in_their_language(wording: Callable[Told, Message | None]) -> Callable[Told, Message | None]:
    """Words, dates and the link's page in the language that the patient asked in."""

    @wraps(wording)
    def worded(*told: Told.args, **more: Told.kwargs) -> Message | None:
        appointment_request: AppointmentRequest = told[0]  # type: ignore[assignment]
        with override(appointment_request.language):
            return wording(*told, **more)

    return worded


def on_arrival(appointment_request: AppointmentRequest, clinic: Clinic) -> list[Message | None]:
    """The receipt, and the notice to the desk: both in one look at the owner's words."""
    own = MailWording.objects.of_kinds(Kind.RECEIVED, Kind.DESK_NOTICE)
    return [received(appointment_request, clinic, own), desk_notice(appointment_request, clinic, own)]


@in_their_language
def received(appointment_request: AppointmentRequest, clinic: Clinic, own: OwnWords | None = None) -> Message | None:
    """The receipt: not yet an appointment, and by when we answer."""
    due = promise(clinic, appointment_request.respond_by, appointment_request.created_at)
    return _to_patient(Kind.RECEIVED, appointment_request, clinic, own, promise=due or _("as soon as we can"))


def desk_notice(appointment_request: AppointmentRequest, clinic: Clinic, own: OwnWords | None = None) -> Message | None:
    """To the desk: one new request, with a link for those who may sign in. None where no DESK_EMAIL is set."""
    return _to_desk(Kind.DESK_NOTICE, appointment_request, clinic, own)


def desk_change(appointment_request: AppointmentRequest, clinic: Clinic) -> Message | None:
    """To the desk: a patient has cancelled, or has asked for another time. None where no DESK_EMAIL is set."""
    return _to_desk(Kind.DESK_CHANGE, appointment_request, clinic)


@in_their_language
def booked(appointment_request: AppointmentRequest, clinic: Clinic, appointment: Appointment) -> Message | None:
    return _about_the_visit(Kind.BOOKED, appointment_request, clinic, appointment)


@in_their_language
def rescheduled(appointment_request: AppointmentRequest, clinic: Clinic, appointment: Appointment) -> Message | None:
    return _about_the_visit(Kind.RESCHEDULED, appointment_request, clinic, appointment)


@in_their_language
def cancelled(appointment_request: AppointmentRequest, clinic: Clinic, appointment: Appointment) -> Message | None:
    return _about_the_visit(Kind.CANCELLED, appointment_request, clinic, appointment)


@in_their_language
def reminder(
    appointment_request: AppointmentRequest, clinic: Clinic, appointment: Appointment, hours: int
) -> Message | None:
    """The visit is to come, so many `hours` from now."""
    time = spoken(clinic, appointment.starts_at)
    return _to_patient(Kind.REMINDER, appointment_request, clinic, step=hours, time=time)


@in_their_language
def missed(appointment_request: AppointmentRequest, clinic: Clinic, appointment: Appointment) -> Message | None:
    time = spoken(clinic, appointment.starts_at)
    return _to_patient(Kind.MISSED, appointment_request, clinic, time=time)


@in_their_language
def aftercare(appointment_request: AppointmentRequest, clinic: Clinic) -> Message | None:
    """After the visit. The recovery notes name the treatment, so they stand on the patient's page and not here."""
    return _to_patient(Kind.AFTERCARE, appointment_request, clinic)


@in_their_language
def late(appointment_request: AppointmentRequest, clinic: Clinic) -> Message | None:
    """The clock has run out: still waiting, and we are sorry."""
    return _to_patient(Kind.LATE, appointment_request, clinic)


@in_their_language
def reply(appointment_request: AppointmentRequest, clinic: Clinic, *, subject: str, text: str) -> Message | None:
    """What the desk writes to the patient, word for word, and below it who writes and the reference."""
    if not appointment_request.email:
        return None
    reference = _("Your reference: %(reference)s") % {"reference": appointment_request.reference}
    below = "\n".join(filter(None, [clinic.name, clinic.telephone, reference]))
    link = settings.SITE_URL + _link_to(appointment_request)
    shown = [
        [_with_link(escape(line), link) for line in part.split("\n")] for part in f"{text}\n\n{below}".split("\n\n")
    ]
    message = _draft(Kind.REPLY, appointment_request, appointment_request.email)
    message.subject, message.text = " ".join(subject.split()), f"{text.strip()}\n\n{below}\n"
    message.html = _page(message.subject, shown)
    return message


def digest(clinic: Clinic, *, day: date, count: int, late: int, to_tell: int, to_review: int) -> Message | None:
    """To the desk in the morning: how much waits, in numbers alone. None where no DESK_EMAIL is set."""
    numbers = {"count": count, "late": late, "to_tell": to_tell, "to_review": to_review}
    message = Message(kind=Kind.DIGEST, version=day.toordinal(), recipient=settings.DESK_EMAIL)
    link = settings.SITE_URL + reverse("admin:appointments_appointmentrequest_changelist")
    words = {name: str(number or "") for name, number in numbers.items()} | {"count": str(count)}
    with override("en"):
        return _worded(message, clinic, {"link": link, **words}) if settings.DESK_EMAIL else None


def subject_of(kind: str, appointment_request: AppointmentRequest, clinic: Clinic) -> str:
    """The subject that a mail of this kind would have, as far as it is known; "" for one in words yet to be written."""
    if kind not in OF_KIND:
        return ""
    language = appointment_request.language
    words = dict.fromkeys(OF_KIND[kind], "…") | {"clinic": clinic.name, "reference": appointment_request.reference}
    return fill_in(_words_of(kind, language).subject, words)


def filled_in(saved: SavedReply, appointment_request: AppointmentRequest, clinic: Clinic) -> dict[str, str]:
    """`subject` and `text` of a saved reply for this patient, in the reply's language.

    KeyError for one that tells the time where no visit is booked.
    """
    appointment = appointment_request.booked_appointment()
    return _filled_in(saved, appointment_request, clinic, appointment.starts_at if appointment else None)


def sample(saved: SavedReply, clinic: Clinic) -> Message | None:
    """How a saved reply reads when it is sent, to nobody: the reference, the time and the link are made up."""
    nobody = _nobody(saved.language)
    return reply(nobody, clinic, **_filled_in(saved, nobody, clinic, SAMPLE_TIME))


def sample_of(kind: str, language: str, clinic: Clinic, words: Words | None = None) -> Message:
    """How a mail of this kind reads, to nobody. With `words`, as it would in those; else as it is sent now."""
    nobody = _nobody(language)
    with override(language):
        given = {
            "reference": SAMPLE_REFERENCE,
            "link": settings.SITE_URL + _link_to(nobody),
            "time": spoken(clinic, SAMPLE_TIME),
            "promise": _("as soon as we can"),
            **{"count": "7", "late": "2", "to_tell": "1", "to_review": "1"},
        }
        message = _draft(Kind(kind), nobody, nobody.email)
        return _worded(message, clinic, given, words)


def _nobody(language: str) -> AppointmentRequest:
    return AppointmentRequest(
        reference=SAMPLE_REFERENCE, private_token="sample", email="patient@example.com", language=language
    )


def _filled_in(
    saved: SavedReply, appointment_request: AppointmentRequest, clinic: Clinic, starts_at: datetime | None
) -> dict[str, str]:
    with override(saved.language):
        words = {
            "clinic": clinic.name,
            "telephone": clinic.telephone,
            "reference": appointment_request.reference,
            "link": settings.SITE_URL + _link_to(appointment_request),
        }
        if starts_at:
            words["time"] = spoken(clinic, starts_at)
    return {"subject": fill_in(saved.subject, words), "text": fill_in(saved.text, words)}


def _link_to(appointment_request: AppointmentRequest) -> str:
    return reverse("appointments:my_request", args=[appointment_request.private_token])


def _about_the_visit(
    kind: Message.Kind, appointment_request: AppointmentRequest, clinic: Clinic, appointment: Appointment
) -> Message | None:
    """With the calendar file that books, moves or cancels the visit in the patient's own calendar."""
    message = _to_patient(kind, appointment_request, clinic, time=spoken(clinic, appointment.starts_at))
    if message is not None:
        message.calendar = calendar_files.file_for_patient(appointment, appointment_request.reference, clinic)
    return message


def _to_patient(
    kind: Message.Kind,
    appointment_request: AppointmentRequest,
    clinic: Clinic,
    own: OwnWords | None = None,
    *,
    step: int = 0,
    **words: str,
) -> Message | None:
    """None where the patient gave no address: the desk tells them by telephone."""
    if not appointment_request.email:
        return None
    message = _draft(kind, appointment_request, appointment_request.email)
    message.step = step
    wording = _words_of(kind, appointment_request.language, own)
    return _worded(message, clinic, {"link": settings.SITE_URL + _link_to(appointment_request), **words}, wording)


def _to_desk(
    kind: Message.Kind, appointment_request: AppointmentRequest, clinic: Clinic, own: OwnWords | None = None
) -> Message | None:
    if not settings.DESK_EMAIL:
        return None
    link = settings.SITE_URL + reverse("admin:appointments_appointmentrequest_change", args=[appointment_request.pk])
    with override("en"):
        message = _draft(kind, appointment_request, settings.DESK_EMAIL)
        return _worded(message, clinic, {"link": link}, _words_of(kind, "en", own))


def _draft(kind: Message.Kind, appointment_request: AppointmentRequest, recipient: str) -> Message:
    return Message(
        kind=kind, appointment_request=appointment_request, version=appointment_request.version, recipient=recipient
    )


def _words_of(kind: str, language: str, own: OwnWords | None = None) -> Words:
    found = (MailWording.objects.of_kinds(kind) if own is None else own).get((kind, language))
    return Words(*found) if found else standard_words(kind, language)


def _worded(message: Message, clinic: Clinic, given: dict[str, str], wording: Words | None = None) -> Message:
    """Fill the message's subject, text and page."""
    row = message.appointment_request
    language = row.language if row and message.kind not in Message.TO_THE_DESK else "en"
    wording = wording or _words_of(message.kind, language)
    words = {"clinic": clinic.name, "telephone": clinic.telephone, "reference": row.reference if row else "", **given}
    parts = paragraphs(wording.text, words)
    message.subject = " ".join(fill_in(wording.subject, words).split())
    message.text = "\n\n".join(fill_in(part, words) for part in parts) + "\n"
    shown = _for_the_page(words, clinic)
    message.html = _page(message.subject, [[fill_in(line, shown) for line in _lines(part)] for part in parts])
    return message


def _for_the_page(words: dict[str, str], clinic: Clinic) -> dict[str, str]:
    """Every word as a page shows it, and the `button` that a link on a line of its own becomes."""
    link = escape(words["link"])
    shown: dict[str, str] = {name: escape(word) for name, word in words.items()}
    shown["link"] = f'<a href="{link}">{link}</a>'
    if number := clinic.telephone_link:
        shown["telephone"] = f'<a href="tel:{number}">{escape(clinic.telephone)}</a>'
    return shown | {"button": f'<a class="button" href="{link}">{escape(_("Open the page"))}</a>'}


@lru_cache(maxsize=KEPT)
def _lines(paragraph: str) -> list[str]:
    """The lines of a paragraph as the page has them, unfilled."""
    return [BUTTON if line.strip() == LINK else escape(line) for line in paragraph.split("\n")]


def _with_link(escaped: str, link: str) -> str:
    return escaped.replace(escape(link), format_html('<a href="{0}">{0}</a>', link))


def _page(subject: str, shown: Iterable[Sequence[str]]) -> str:
    """`shown` are paragraphs of lines in which everything is escaped."""
    above, between, below = _frame(get_language() or "en")
    text = "".join(f"    <p>{'<br>'.join(lines)}</p>\n" for lines in shown)
    return f"{above}{escape(subject)}{between}{text}{below}"


@cache
def _frame(language: str) -> list[str]:
    """The page around a mail's subject and text, which is the same for every mail of a language."""
    with override(language):
        return render_to_string("appointments/email/page.html", {"subject": OPEN, "text": OPEN}).split(OPEN)
