"""What a treatment's page still lacks. The command and the panel at the desk print these findings and add none.

Something missing is needed before patients rely on the page. Everything else is a note for its editor to weigh.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.utils import timezone

from medspa.models import Clinic
from treatments.claims import claim_words
from treatments.models import Treatment, TreatmentQuerySet
from treatments.reading import measure, plain

DESCRIPTION_LENGTH = (70, 160)  # characters; shorter says too little in a list of results, longer is cut
HARDEST_GRADE = 8
LONGEST_MEAN = 12  # words a sentence
FEW_WORDS = 15  # a section shorter than this is not measured: one long word would decide


class Finding(NamedTuple):
    """One sentence for the editor. Needed means that the page is not finished without it."""

    words: str
    is_needed: bool


def to_report() -> TreatmentQuerySet:
    """Every page with all that its report reads, in a fixed number of queries."""
    return Treatment.objects.with_points().with_pictures().with_translations()


def about_clinic(clinic: Clinic) -> list[Finding]:
    """What stands in for a fact on every page, and which of the clinic's own words Spanish pages show in English."""
    return [*(_needed(words) for words in clinic.placeholders), *_clinics_own_words(clinic)]


def about_treatment(treatment: Treatment, clinic: Clinic, now: datetime | None = None) -> list[Finding]:
    """What this page lacks, what is needed first; the clinic's own placeholders are not among it."""
    found = [
        *_description(treatment),
        *_review(treatment, (now or timezone.now()).astimezone(clinic.zone)),
        *_lists(treatment),
        *_translations(treatment),
        *_price(treatment),
        *_reading(treatment),
        *_claims(treatment),
    ]
    return sorted(found, key=lambda finding: not finding.is_needed)


def _needed(words: str) -> Finding:
    return Finding(words, is_needed=True)


def _note(words: str) -> Finding:
    return Finding(words, is_needed=False)


def _clinics_own_words(clinic: Clinic) -> Iterator[Finding]:
    if clinic.tagline and not clinic.tagline_es:
        yield _note("The tagline is in English alone; the Spanish home page shows it in English.")
    for closure in clinic.coming_closures():
        if closure.reason and not closure.reason_es:
            yield _note(f"The reason for being closed on {closure} is in English alone: {closure.reason}.")


def _description(treatment: Treatment) -> Iterator[Finding]:
    least, most = DESCRIPTION_LENGTH
    length = len(treatment.description)
    if not length:
        yield _needed(f"The description for search engines is missing; they are shown the summary{_misfit(treatment)}.")
    elif length < least:
        yield _needed(
            f"The description for search engines is too short: {length} characters, {least} or more are needed."
        )
    elif length > most:
        yield _needed(f"The description for search engines is too long: {length} characters, and {most} are shown.")


def _misfit(treatment: Treatment) -> str:
    least, most = DESCRIPTION_LENGTH
    length = len(treatment.summary)
    if least <= length <= most:
        return " instead"
    return f" instead, whose {length} characters are too {'few' if length < least else 'many'}"


def _review(treatment: Treatment, now: datetime) -> Iterator[Finding]:
    if not treatment.reviewed_by:
        yield _needed("Nobody is named who reviewed the page.")
    if not treatment.reviewed_on:
        yield _needed("The date of the review is missing.")
    if not treatment.next_review_on:
        yield _needed("The date of the next review is missing.")
    elif treatment.next_review_on < now.date():
        yield _needed(f"The review is overdue: it was to be done by {treatment.next_review_on:%B %-d, %Y}.")


def _lists(treatment: Treatment) -> Iterator[Finding]:
    if not treatment.contraindications.all():
        yield _needed("Who should wait is empty: no reason is given to wait with this treatment.")
    if not treatment.recovery_notes.all():
        yield _needed("There are no recovery notes, so the aftercare sheet is empty as well.")
    for number, picture in enumerate([*treatment.photos.all(), *treatment.results.all()], start=1):
        if not picture.alt.strip():
            yield _needed(f"Picture {number} has no words for people who cannot see it.")


def _translations(treatment: Treatment) -> Iterator[Finding]:
    if treatment.original_id:
        return
    written = {translation.language: translation for translation in treatment.translations.all()}
    for language, name in settings.LANGUAGES:
        if language == treatment.language:
            continue
        if language not in written:
            yield _note(f"{name}: not translated yet.")
        elif not written[language].is_published:
            yield _note(f"{name}: translated, but patients cannot see it yet.")


def _price(treatment: Treatment) -> Iterator[Finding]:
    if not treatment.price_from and not treatment.prices:
        yield _note("No price is given. Nothing on the page or in search results mentions one.")


def _reading(treatment: Treatment) -> Iterator[Finding]:
    sections = texts_by_section(treatment)
    whole = measure([text for texts in sections.values() for text in texts], treatment.language)
    if whole is None:
        return
    if whole.words_a_sentence > LONGEST_MEAN:
        mean = f"{whole.words_a_sentence:.1f}"
        yield _note(f"Sentences have {mean} words on average; {LONGEST_MEAN} or fewer read more easily.")
    measured = {name: measure(texts, treatment.language) for name, texts in sections.items()}
    grades = {name: one.grade for name, one in measured.items() if one and one.grade and one.words >= FEW_WORDS}
    if not grades or whole.grade is None:
        return
    hardest = max(grades, key=lambda name: grades[name])
    if whole.grade > HARDEST_GRADE:
        where = f"The hardest section is {hardest}, at grade {grades[hardest]}"
        yield _note(f"The page reads at school grade {whole.grade}; grade {HARDEST_GRADE} or lower is wanted. {where}.")
    elif grades[hardest] > HARDEST_GRADE:
        yield _note(
            f"The section {hardest} reads at school grade {grades[hardest]}, the page as a whole at {whole.grade}."
        )


def _claims(treatment: Treatment) -> Iterator[Finding]:
    texts = [treatment.description, *(text for texts in texts_by_section(treatment).values() for text in texts)]
    if claims := claim_words(texts):
        yield _note(f"These words may promise too much: {', '.join(claims)}.")


def texts_by_section(treatment: Treatment) -> dict[str, list[str]]:
    """Every text that patients read, under the headings of the page and in their order."""
    rows = {
        "Summary": [treatment.name, treatment.summary, treatment.time_off],
        "What it is": [plain(treatment.what_it_is_html)],
        "What it can help": [
            plain(treatment.benefits_intro_html),
            *(text for row in treatment.benefits.all() for text in (row.name, row.text)),
            plain(treatment.benefits_close_html),
        ],
        "Who it suits": [
            plain(treatment.who_it_suits_html),
            *(row.page_words for row in treatment.contraindications.all()),
        ],
        "What happens on the day": [
            plain(treatment.on_the_day_html),
            *(text for row in treatment.steps.all() for text in (row.name, row.minutes, row.text)),
        ],
        "Risks": [plain(treatment.risks_html)],
        "Recovery": [
            plain(treatment.recovery_intro_html),
            *(text for row in treatment.recovery_notes.all() for text in (row.when, row.text)),
        ],
        "Prices": [plain(treatment.prices_html)],
        "Questions": [text for row in treatment.faqs.all() for text in (row.question, plain(row.answer_html))],
        "Photos": [text for row in treatment.photos.all() for text in (row.alt, row.caption)],
        "Before and after": [text for row in treatment.results.all() for text in (row.alt, row.caption)],
        "Last words": [plain(treatment.closing_html)],
    }
    return {name: [text for text in texts if text] for name, texts in rows.items()}
