"""A treatment's Spanish page at the desk: how it stands, how it is started, and what it shares with its original."""

from http import HTTPStatus

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.urls import path, reverse
from django.utils.html import format_html

from treatments import versions
from treatments.models import Treatment, start_translation

SPANISH = "es"
# What a translation's page shows and does not change; its place in the list is changed there.
SHARED = [fact for fact in Treatment.FACTS if fact != "position"]
STARTED = "The Spanish page of {} is started as a draft. It holds the English words until you put Spanish ones there."
THERE_ALREADY = "The Spanish page of {} is there already. Here it is."


class Originals(ChangeList):
    """A row for each treatment; its Spanish page is a column of it."""

    def get_queryset(self, *args, **options):
        self.root_queryset = self.root_queryset.originals().with_translations()
        return super().get_queryset(*args, **options)


class InSpanish:
    """For a ModelAdmin of treatments: the list knows each Spanish page, and one press starts one."""

    def get_urls(self):
        view = self.admin_site.admin_view(self.start_spanish_view)
        return [path("<int:pk>/spanish/", view, name="treatments_treatment_start_spanish"), *super().get_urls()]

    def get_changelist(self, request, **options):
        return Originals

    def get_list_display(self, request):
        may_start = self.has_add_permission(request)

        @admin.display(description="Español")  # a closure, because a column does not know who looks at it
        def spanish(treatment: Treatment) -> str:
            return render_to_string(
                "admin/treatments/treatment/spanish_cell.html", self._spanish(treatment, may_start=may_start)
            )

        name, state, *others = super().get_list_display(request)
        return [name, state, spanish, *others]

    def render_change_form(self, request, context, *args, **kwargs):
        if (treatment := context["original"]) and not treatment.original_id:
            context["spanish"] = self._spanish(treatment, may_start=self.has_add_permission(request))
        return super().render_change_form(request, context, *args, **kwargs)

    def _spanish(self, treatment: Treatment, *, may_start: bool) -> dict:
        found = treatment.translation(SPANISH)
        return {
            "treatment": treatment,
            "found": found,
            "state": self.state(found) if found else "Not translated yet",
            "may_start": may_start and not found,
        }

    def start_spanish_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """A POST lands on the Spanish page, started now or there already."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        treatment = get_object_or_404(Treatment.objects.originals(), pk=pk)
        if not self.has_add_permission(request):
            raise PermissionDenied
        with transaction.atomic():
            there = treatment.translation(SPANISH)
            draft = there or start_translation(treatment, SPANISH)
            is_new = not there and versions.keep(draft, by=request.user)  # of two at once the second keeps none
        if is_new:
            self.log_addition(request, draft, f"Spanish page of {treatment} started.")
        messages.success(request, (STARTED if is_new else THERE_ALREADY).format(treatment))
        return HttpResponseRedirect(_page_of(draft), status=HTTPStatus.SEE_OTHER)

    def get_readonly_fields(self, request, obj=None):
        return [*super().get_readonly_fields(request, obj), *(["place", *SHARED] if _is_translation(obj) else [])]

    def get_prepopulated_fields(self, request, obj=None):
        return {} if _is_translation(obj) else super().get_prepopulated_fields(request, obj)

    def get_fieldsets(self, request, obj=None):
        fieldsets = super().get_fieldsets(request, obj)
        if not _is_translation(obj):
            return fieldsets
        note = format_html(
            'The same in every language. Change them at <a href="{}">{}</a>.', _page_of(obj.original), obj.original
        )
        shared = ("Shared with the original", {"fields": ["place", *SHARED], "description": note})
        own = [(name, {**options, "fields": _without_shared(options["fields"])}) for name, options in fieldsets]
        after_facts = [name for name, _options in own].index("Facts in a row") + 1
        return [*own[:after_facts], shared, *own[after_facts:]]

    @admin.display(description="place in the list")
    def place(self, treatment: Treatment) -> str:
        order = list(Treatment.objects.originals().values_list("pk", flat=True))
        return f"{order.index(treatment.original_id or treatment.pk) + 1} of {len(order)}"


def _is_translation(treatment: Treatment | None) -> bool:
    return bool(treatment and treatment.original_id)


def _without_shared(fields: list) -> list:
    """Rows of several fields lose those that are shared, and go when nothing is left."""
    rows = [[name for name in ([row] if isinstance(row, str) else row) if name not in SHARED] for row in fields]
    return [tuple(row) for row in rows if row]


def _page_of(treatment: Treatment) -> str:
    return reverse("admin:treatments_treatment_change", args=[treatment.pk])
