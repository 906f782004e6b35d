"""What the pages about what we offer show: fetched and put together once, and anew the moment content changes.

Of what the clock says only the clinic's day is heeded here: closures and consents depend on it.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from medspa.languages import MAIN, addresses
from medspa.models import Clinic
from treatments import structured_data
from treatments.kept_content import while_content_is_the_same
from treatments.models import Treatment

Words = dict[str, Any]


class PageWords:
    """The words of one page for as long as content is the same, put together once for each day at the clinic."""

    def __init__(self, clinic: Clinic, put_together: Callable[[datetime], Words]) -> None:
        self.clinic, self._put_together = clinic, put_together
        self._of_day: tuple[date | None, Words] = (None, {})

    def now(self) -> Words:
        moment = timezone.now()
        day, words = self._of_day
        if day != (today := self.clinic.today(moment)):
            words = {"clinic": self.clinic, **self._put_together(moment)}
            self._of_day = today, words
        return words


@while_content_is_the_same()
def front_page(language: str) -> PageWords:
    clinic, offered = Clinic.objects.current(), _on_offer(language)

    def put_together(now: datetime) -> Words:
        graph = structured_data.of_clinic(clinic, now)
        return {"treatments": offered, "structured_data": structured_data.as_json(graph)}

    return PageWords(clinic, put_together)


@while_content_is_the_same()
def list_of_treatments(language: str) -> PageWords:
    offered = _on_offer(language)
    return PageWords(Clinic.objects.current(), lambda now: {"treatments": offered})


class Address(NamedTuple):
    """Where a page about one treatment stands; `with_drafts` for who may read what patients cannot."""

    path: str
    slug: str
    language: str
    with_drafts: bool


@while_content_is_the_same()
def treatment_page(at: Address) -> PageWords:
    """Raises Treatment.DoesNotExist where nothing is to be read."""
    clinic, (shown, links) = Clinic.objects.current(), _readable(at)
    original = shown.original or shown
    photos: Sequence = list(original.photos.all())

    def put_together(now: datetime) -> Words:
        graph = structured_data.of_treatment(clinic, shown, links["canonical"], now)
        pictures: dict[str, Sequence] = {"photos": photos, "results": original.results_shown(clinic.today(now))}
        words = {"clinic": clinic, "treatment": shown, "sections": _sections(shown, **pictures), **pictures}
        return {
            **links,
            "treatment": shown,
            "columns": render_to_string("treatments/sections.html", words),
            "structured_data": structured_data.as_json(graph),
        }

    return PageWords(clinic, put_together)


@while_content_is_the_same()
def aftercare_page(at: Address) -> PageWords:
    """Raises Treatment.DoesNotExist where nothing is to be read."""
    shown, links = _readable(at)
    return PageWords(Clinic.objects.current(), lambda now: {**links, "treatment": shown})


def _on_offer(language: str) -> list[Treatment]:
    """Each treatment in the reader's language, or in English as long as it is not translated."""
    offered = Treatment.objects.published().originals()
    if language != MAIN:
        offered = offered.with_translations()
    return [treatment.in_words_of(language) for treatment in offered]


def _readable(at: Address) -> tuple[Treatment, Words]:
    """The row that is read at this address, and the page's addresses in each language that patients can read."""
    found = Treatment.objects.readable(with_drafts=at.with_drafts).at(at.slug, at.language)
    rows = {row.language: row for row in found.with_points().with_pictures().with_translations()}
    if MAIN not in rows:
        raise Treatment.DoesNotExist
    original = rows[MAIN]
    published = [MAIN, *(row.language for row in original.translations.all() if row.is_published)]
    shown = rows.get(at.language, original)
    if shown is not original:
        shown.original = original
    return shown, addresses(at.path, published)


def _sections(treatment: Treatment, *, photos: Sequence, results: Sequence) -> dict[str, str]:
    """What the page has something to say about, in its order: the anchor of each section and its short name."""
    with override(treatment.language):
        sections = {
            "what-it-is": (_("What it is"), treatment.what_it_is or photos),
            "benefits": (
                _("What it can help"),
                treatment.benefits.all() or treatment.benefits_intro or treatment.benefits_close,
            ),
            "results": (_("Before and after"), results),
            "who-it-suits": (_("Who it suits"), treatment.who_it_suits or treatment.contraindications.all()),
            "on-the-day": (_("On the day"), treatment.steps.all() or treatment.on_the_day or treatment.risks),
            "recovery": (_("Recovery"), treatment.recovery_notes.all() or treatment.recovery_intro),
            "prices": (_("Prices"), treatment.prices),
            "questions": (_("Questions"), treatment.faqs.all()),
        }
        return {anchor: words for anchor, (words, content) in sections.items() if content}
