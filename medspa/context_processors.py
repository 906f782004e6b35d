"""What every page knows: the clinic, and whether it is open now."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from medspa.models import Clinic


def clinic(request: HttpRequest) -> dict:
    """`clinic`, fetched once a page and only where a template asks for it."""
    return {"clinic": SimpleLazyObject(Clinic.objects.current)}
