"""The public pages about what we offer. Staff who may edit also see drafts."""

from django.conf import settings
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from medspa.models import Clinic
from treatments import structured_data
from treatments.models import Photo, Treatment, TreatmentQuerySet


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    clinic = Clinic.objects.current()
    words = {"clinic": clinic, "structured_data": structured_data.as_json(structured_data.of_clinic(clinic))}
    return _page(request, "treatments/home.html", {"treatments": Treatment.objects.published(), **words})


@require_safe
def treatments(request: HttpRequest) -> HttpResponse:
    return _page(request, "treatments/treatments.html", {"treatments": Treatment.objects.published()})


@require_safe
def treatment(request: HttpRequest, slug: str) -> HttpResponse:
    clinic, shown = Clinic.objects.current(), _readable(request, slug)
    graph = structured_data.of_treatment(clinic, shown, settings.SITE_URL + request.path)
    words = {"clinic": clinic, "structured_data": structured_data.as_json(graph)}
    return _page(request, "treatments/treatment.html", {"treatment": shown, **words})


@require_safe
def aftercare(request: HttpRequest, slug: str) -> HttpResponse:
    return _page(request, "treatments/aftercare.html", {"treatment": _readable(request, slug)})


@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    return _page(request, "treatments/accessibility.html", {})


@require_safe
@cache_control(public=True, max_age=3600)
def photo(request: HttpRequest, name: str) -> FileResponse:
    """The file of a photo that is on a page; a draft's photos are for those who may see the draft."""
    shown = get_object_or_404(Photo, image=f"photos/{name}.jpg", treatment__in=_readable_by(request))
    return FileResponse(shown.image.open("rb"), content_type="image/jpeg")


def _page(request: HttpRequest, template: str, words: dict) -> HttpResponse:
    """The page under its one address: the site's own, whatever host or query it was asked with."""
    return render(request, template, {"canonical": settings.SITE_URL + request.path, **words})


def _readable(request: HttpRequest, slug: str) -> Treatment:
    return get_object_or_404(_readable_by(request).with_points(), slug=slug)


def _readable_by(request: HttpRequest) -> TreatmentQuerySet:
    may_see_drafts = request.user.has_perm("treatments.change_treatment")
    return Treatment.objects.all() if may_see_drafts else Treatment.objects.published()
