"""The public pages about what we offer. Staff who may edit also see drafts."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from treatments.models import Treatment


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return _page(request, "treatments/home.html", {"treatments": Treatment.objects.published()})


@require_safe
def treatments(request: HttpRequest) -> HttpResponse:
    return _page(request, "treatments/treatments.html", {"treatments": Treatment.objects.published()})


@require_safe
def treatment(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, "treatments/treatment.html", {"treatment": _readable(request, slug)})


@require_safe
def aftercare(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, "treatments/aftercare.html", {"treatment": _readable(request, slug)})


def _page(request: HttpRequest, template: str, words: dict) -> HttpResponse:
    """The page under its one address: the site's own, whatever host or query it was asked with."""
    return render(request, template, {"canonical": settings.SITE_URL + request.path, **words})


def _readable(request: HttpRequest, slug: str) -> Treatment:
    treatments = Treatment.objects.with_points()
    if not request.user.has_perm("treatments.change_treatment"):
        treatments = treatments.published()
    return get_object_or_404(treatments, slug=slug)
