"""Order at the desk: buttons that move a treatment, or a row of its form, up or down by one."""

import re
from http import HTTPStatus

from django.contrib import admin, messages
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import path, reverse

from treatments import versions
from treatments.models import Treatment
from treatments.models.order import after_move, end_of

PLACES = {"up": -1, "down": 1}
BUTTON = re.compile(r"_move-(?P<list>\w+)-(?P<pk>\d{1,18})-(?P<direction>up|down)")
SHOWS_EVERY_ROW_IN_ORDER = {"p", "all"}  # what a list's address may ask for while up and down mean what they say


class PutsInOrder:
    """For a ModelAdmin of treatments."""

    def get_urls(self):
        view = self.admin_site.admin_view(self.move_view)
        return [
            path(f"<int:pk>/{direction}/", view, {"direction": direction}, name=f"treatments_treatment_{direction}")
            for direction in PLACES
        ] + super().get_urls()

    def get_list_display(self, request):
        places: dict[int, int] = {}
        may_move = self.has_change_permission(request) and set(request.GET) <= SHOWS_EVERY_ROW_IN_ORDER

        @admin.display(description="order")  # a closure, because a column does not know the rows beside it
        def order(treatment: Treatment) -> str:
            if not places:
                pks = Treatment.objects.originals().values_list("pk", flat=True)
                places.update({pk: place for place, pk in enumerate(pks, start=1)})
            words = {"treatment": treatment, "place": places[treatment.pk], "of": len(places), "may_move": may_move}
            return render_to_string("admin/treatments/treatment/order_cell.html", words)

        return [*super().get_list_display(request), order]

    def move_view(self, request: HttpRequest, pk: int, direction: str) -> HttpResponse:
        """A POST swaps a treatment with its neighbour, and comes back to the list at that row."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        treatment = get_object_or_404(Treatment.objects.originals(), pk=pk)
        if not self.has_change_permission(request, treatment):
            raise PermissionDenied
        with transaction.atomic():
            order, renumbered = after_move(Treatment.objects.originals(), pk, places=PLACES[direction])
            for row in renumbered:
                self._give_position(row, by=request.user)
        place = [row.pk for row in order].index(pk) + 1
        self.log_change(request, treatment, f"Moved {direction}: {place} of {len(order)} in the list.")
        messages.success(request, f"{treatment} is now {place} of {len(order)}.")
        button = f"{_still_there(direction, place, len(order))}-{pk}"
        return _see(f"{reverse('admin:treatments_treatment_changelist')}#{button}")

    def _give_position(self, treatment: Treatment, *, by) -> None:
        """To its pages in every language. Not stamped as changed: what patients read says the same."""
        position = treatment.position
        for page in [treatment, *treatment.translations.all()]:
            versions.keep_what_was(page)
            Treatment.objects.filter(pk=page.pk).update(position=position)
            versions.keep(page, by=by)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.position = end_of(Treatment.objects.originals())
        super().save_model(request, obj, form, change)

    def save_related(self, request, form, formsets, change):
        """Everything that was typed is stored, then the row whose button was pressed changes places."""
        super().save_related(request, form, formsets, change)
        form.instance.back_at = _move_row(request, formsets)

    def response_change(self, request, obj):
        if not getattr(obj, "back_at", ""):
            return super().response_change(request, obj)
        messages.success(request, f"{obj} is saved, and the row is moved. You may go on editing.")
        filters = {"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}
        return _see(f"{add_preserved_filters(filters, request.path)}#{obj.back_at}")


def _move_row(request: HttpRequest, formsets: list) -> str:
    """Where on the page to go on: the same button at the row's new place, or its list if the row is gone."""
    pressed = next((found for name in request.POST if (found := BUTTON.fullmatch(name))), None)
    formset = next((one for one in formsets if pressed and one.prefix == pressed["list"]), None)
    if formset is None:
        return ""
    direction, pk = pressed["direction"], int(pressed["pk"])
    rows = formset.model._default_manager.filter(treatment=formset.instance)
    order, renumbered = after_move(rows, pk, places=PLACES[direction])
    formset.model._default_manager.bulk_update(renumbered, ["position"])
    places = [row.pk for row in order]
    if pk not in places or len(places) == 1:
        return f"{formset.prefix}-group"
    place = places.index(pk) + 1
    return f"{formset.prefix}-{pk}-{_still_there(direction, place, len(places))}"


def _still_there(direction: str, place: int, of: int) -> str:
    """The first row has no button up and the last none down, so the other one takes the focus."""
    return {1: "down", of: "up"}.get(place, direction)


def _see(address: str) -> HttpResponse:
    return HttpResponseRedirect(address, status=HTTPStatus.SEE_OTHER)
