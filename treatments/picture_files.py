"""The files of pictures, each reached only as long as a page shows it. Nothing else in the folder has an address."""

from django.contrib.auth.models import AnonymousUser, User
from django.core.files.storage import Storage
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import re_path
from django.utils.cache import get_conditional_response, patch_cache_control
from django.views.decorators.http import require_safe

from medspa.models import Clinic
from treatments.models import Photo, Result, ResultQuerySet, Treatment

FOR_AN_HOUR = {"public": True, "max_age": 3600}
ASK_EACH_TIME = {"private": True, "no_cache": True}  # so that what is withdrawn is gone at the next look
KINDS = {"jpg": "image/jpeg", "avif": "image/avif", "png": "image/png"}


@require_safe
def photo(request: HttpRequest, stem: str, ending: str, width: str = "") -> HttpResponseBase:
    """A draft's photos are for those who may see the draft."""
    readable = Photo.objects.filter(treatment__in=Treatment.objects.readable_by(request.user))
    shown = get_object_or_404(readable.select_related("treatment"), image=f"photos/{stem}.jpg")
    cache = FOR_AN_HOUR if shown.treatment.is_published else ASK_EACH_TIME
    return _file(request, shown.image, f"photos/{stem}{width}.{ending}", cache)


@require_safe
def result(request: HttpRequest, stem: str, ending: str, width: str = "") -> HttpResponseBase:
    """Only while the patient consents; staff who keep the pictures also see what is not shown yet or any more."""
    name = f"results/{stem}.jpg"
    shown = get_object_or_404(_results_for(request.user).with_file(name))
    pictured = shown.before if shown.before.name == name else shown.after
    return _file(request, pictured, f"results/{stem}{width}.{ending}", ASK_EACH_TIME)


@require_safe
def social(request: HttpRequest, stem: str) -> HttpResponseBase:
    """The picture beside a shared link."""
    name = f"social/{stem}.png"
    shown = Treatment.objects.readable_by(request.user).filter(social_picture=name).first()
    if not shown:
        raise Http404
    return _file(request, shown.social_picture, name, FOR_AN_HOUR if shown.is_published else ASK_EACH_TIME)


def _results_for(user: User | AnonymousUser) -> ResultQuerySet:
    results = Result.objects.filter(treatment__in=Treatment.objects.readable_by(user))
    if user.has_perm("treatments.change_result"):
        return results.not_withdrawn()
    return results.with_consent(Clinic.objects.current().today())


def _file(request: HttpRequest, picture: FieldFile, name: str, cache: dict) -> HttpResponseBase:
    """A name is never given to a second content, so that it serves as its own ETag."""
    if name not in getattr(picture, "files", [picture.name]):
        raise Http404
    etag = f'"{name}"'
    response = get_conditional_response(request, etag=etag) or _opened(picture.storage, name)
    response["ETag"] = etag
    patch_cache_control(response, **cache)
    return response


def _opened(storage: Storage, name: str) -> FileResponse:
    try:
        file = storage.open(name)
    except FileNotFoundError as gone:
        raise Http404 from gone
    return FileResponse(file, content_type=KINDS[name.rpartition(".")[2]])


urlpatterns = [
    re_path(r"^photos/(?P<stem>[0-9a-f]{32})(?P<width>-\d{1,4})?\.(?P<ending>jpg|avif)$", photo),
    re_path(r"^results/(?P<stem>[0-9a-f]{32})(?P<width>-\d{1,4})?\.(?P<ending>jpg|avif)$", result),
    re_path(r"^social/(?P<stem>[0-9a-f]{32})\.png$", social),
]
