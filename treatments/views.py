"""The public pages about what we offer, in the language of their address. Staff who may edit also see drafts."""

from collections.abc import Iterable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from medspa.languages import MAIN, addresses
from medspa.models import Clinic
from treatments import page_cache, structured_data
from treatments.models import Treatment


@page_cache.finished
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    clinic = Clinic.objects.current()
    words = {"clinic": clinic, "structured_data": structured_data.as_json(structured_data.of_clinic(clinic))}
    return _page(request, "treatments/home.html", {"treatments": _on_offer(), **words})


@page_cache.finished
@require_safe
def treatments(request: HttpRequest) -> HttpResponse:
    return _page(request, "treatments/treatments.html", {"treatments": _on_offer()})


@page_cache.finished
@require_safe
def treatment(request: HttpRequest, slug: str) -> HttpResponse:
    clinic, (shown, links) = Clinic.objects.current(), _readable(request, slug)
    graph = structured_data.of_treatment(clinic, shown, links["canonical"])
    words = {"clinic": clinic, "structured_data": structured_data.as_json(graph)}
    original = shown.original or shown
    pictures = {
        "photos": original.photos.all(),
        "results": original.results_shown(clinic.today()),
    }
    words["sections"] = _sections(shown, **pictures)
    return _page(request, "treatments/treatment.html", {"treatment": shown, **pictures, **words, **links})


@page_cache.finished
@require_safe
def aftercare(request: HttpRequest, slug: str) -> HttpResponse:
    shown, links = _readable(request, slug)
    return _page(request, "treatments/aftercare.html", {"treatment": shown, **links})


@page_cache.finished
@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return _page(request, "treatments/accessibility.html", {})


def _page(request: HttpRequest, template: str, words: dict) -> HttpResponse:
    """The page under its one address: the site's own, whatever host or query it was asked with."""
    clinic = words.get("clinic") or Clinic.objects.current()
    page_cache.shown_until(request.META, clinic.alike_until())
    return render(request, template, {**addresses(request.path), **words, "clinic": clinic})


def _sections(treatment: Treatment, *, photos: Iterable, results: Iterable) -> dict[str, str]:
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


def _on_offer() -> list[Treatment]:
    """Each treatment in the reader's language, or in English as long as it is not translated."""
    offered, language = Treatment.objects.published().originals(), get_language()
    if language != MAIN:
        offered = offered.with_translations()
    return [treatment.in_words_of(language) for treatment in offered]


def _readable(request: HttpRequest, slug: str) -> tuple[Treatment, dict]:
    """The row that is read at this address, and the page's addresses in each language that patients can read."""
    readable, language = Treatment.objects.readable_by(request.user), get_language()
    whole = readable.originals().with_points().with_pictures().with_translations()
    treatment = get_object_or_404(whole, slug=slug)
    published = [MAIN, *(row.language for row in treatment.translations.all() if row.is_published)]
    links = addresses(request.path, published)
    if language == MAIN:
        return treatment, links
    translation = readable.filter(original=treatment).in_language(language).with_points().first()
    if translation:
        translation.original = treatment
    return translation or treatment, links
