"""The public pages about what we offer, in the language of their address. Staff who may edit also see drafts."""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from medspa.languages import MAIN, addresses
from medspa.models import Clinic
from treatments.finished_page import finished, shown_until
from treatments.models import Treatment, sees_drafts
from treatments.page_words import (
    Address,
    PageWords,
    Words,
    aftercare_page,
    front_page,
    list_of_treatments,
    treatment_page,
)


@finished
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return _page(request, "treatments/home.html", front_page(get_language() or MAIN).now())


@finished
@require_safe
def treatments(request: HttpRequest) -> HttpResponse:
    return _page(request, "treatments/treatments.html", list_of_treatments(get_language() or MAIN).now())


@finished
@require_safe
def treatment(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, "treatments/treatment.html", _of_treatment(treatment_page, request, slug))


@finished
@require_safe
def aftercare(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, "treatments/aftercare.html", _of_treatment(aftercare_page, request, slug))


@finished
@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return _page(request, "treatments/accessibility.html", {"clinic": Clinic.objects.current()})


def _of_treatment(page: Callable[[Address], PageWords], request: HttpRequest, slug: str) -> Words:
    try:
        return page(Address(request.path, slug, get_language() or MAIN, sees_drafts(request.user))).now()
    except Treatment.DoesNotExist:
        raise Http404("No treatment is to be read here.") from None


def _page(request: HttpRequest, template: str, words: Words) -> HttpResponse:
    """The page under its one address: the site's own, whatever host or query it was asked with."""
    shown_until(request.META, words["clinic"].alike_until())
    return render(request, template, {**addresses(request.path), **words})
