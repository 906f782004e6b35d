"""What every page knows: the clinic, and where the same page stands in the other language."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from medspa.languages import other_language
from medspa.models import Clinic


def clinic(request: HttpRequest) -> dict:
    """`clinic`, fetched once a page and only where a template asks for it."""
    return {"clinic": SimpleLazyObject(Clinic.objects.current)}


def languages(request: HttpRequest) -> dict:
    return {"other_language": other_language(request.path)}
