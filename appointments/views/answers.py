"""What several pages answer alike."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from medspa.models import Clinic


def known_to_nobody_else(response: HttpResponse) -> HttpResponse:
    """For a page at a secret address: the address goes to no other site and into no index."""
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex"
    return response


def see_other(name: str, *args: str) -> HttpResponse:
    return HttpResponseRedirect(reverse(name, args=args), status=HTTPStatus.SEE_OTHER)


def kept_for_now(
    request: HttpRequest, token: str, clinic: Clinic | None, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    """The request is safe in the spool and not yet in the database. `clinic` is None where nobody knows it."""
    words = {"page": reverse("appointments:my_request", args=[token]), "clinic": clinic}
    return known_to_nobody_else(render(request, "appointments/kept.html", words, status=status))
