"""What the lists at the desk can be narrowed to. Each list opens on what waits."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from appointments.models import WAITING, Message, Standing, Status
from treatments.models import Treatment

UNSURE = "unsure"


class OpensOnOne(admin.SimpleListFilter):
    """A filter whose first choice is taken until another is made. It has no "All" besides its own choices."""

    clears: tuple[str, ...] = ()  # other filters that a choice here lifts

    def value(self) -> str:
        chosen = super().value()
        return chosen if chosen in dict(self.lookup_choices) else self.first_choice()

    def first_choice(self) -> str:
        return self.lookup_choices[0][0]

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        for name, words in self.lookup_choices:
            address = changelist.get_query_string({self.parameter_name: name}, remove=self.clears)
            yield {"selected": self.value() == name, "query_string": address, "display": words}


class StateFilter(OpensOnOne):
    """What waits; all, once somebody looks for a status or for words. Shown as tabs above the list, not beside it."""

    title, parameter_name, clears = "state", "state", ("status", "found")
    template = "admin/includes/shown_above.html"
    IN_ORDER_OF_THE_CLOCK = {"to_answer", "now", "mine", "unclaimed"}
    FEW = IN_ORDER_OF_THE_CLOCK | {"waitlisted", "to_tell", "to_review"}

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [
            ("to_answer", "To answer"),
            ("now", "To call now"),
            ("mine", "Mine"),
            ("unclaimed", "Unclaimed"),
            ("waitlisted", "Waiting list"),
            ("to_tell", "To tell by phone"),
            ("to_review", "To review"),
            ("over", "Visits over"),
            ("spam", "Spam"),
            ("all", "All"),
        ]

    def first_choice(self) -> str:
        return "all" if {"status", "q", "found"} & set(self.request.GET) else "to_answer"

    def tabs(self, changelist: Any, standing: Standing) -> Iterator[dict[str, Any]]:
        """Each choice with how many requests it shows; nobody counts all there ever were."""
        for (name, _words), choice in zip(self.lookup_choices, self.choices(changelist), strict=True):
            yield {**choice, "count": standing.said.get(name)}

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        narrowed = {
            "to_answer": lambda: queryset.to_answer(),
            "now": lambda: queryset.to_call_now(timezone.now()),
            "mine": lambda: queryset.to_answer().of(request.user),
            "unclaimed": lambda: queryset.to_answer().of(None),
            "waitlisted": lambda: queryset.waitlisted(),
            "to_tell": lambda: queryset.to_tell(timezone.now()),
            "to_review": lambda: queryset.to_review(),
            "spam": lambda: queryset.spam(),
            "over": lambda: queryset.visit_over(timezone.now()),
            "all": lambda: queryset.ever(),
        }
        return narrowed.get(self.value(), lambda: queryset)()


class StatusFilter(admin.SimpleListFilter):
    title, parameter_name = "status", "status"
    FEW = {*WAITING, Status.WAITLISTED}

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return Status.choices

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        everything = changelist.get_query_string(remove=["status"])
        yield {"selected": self.value() is None, "query_string": everything, "display": "All"}
        for name, words in self.lookup_choices:
            address = changelist.get_query_string({"status": name}, remove=["state"])
            yield {"selected": self.value() == name, "query_string": address, "display": words}

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(status=self.value()) if self.value() else queryset


class TreatmentFilter(admin.SimpleListFilter):
    title, parameter_name = "treatment", "treatment"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        offered = list(Treatment.objects.originals().values_list("slug", "name", "pk"))
        self.numbers: dict[str | None, int | None] = {slug: pk for slug, _name, pk in offered} | {UNSURE: None}
        return [*[(slug, name) for slug, name, _pk in offered], (UNSURE, "Not sure, would like advice")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if not self.value():
            return queryset
        return (
            queryset.filter(treatment=self.numbers[self.value()]) if self.value() in self.numbers else queryset.none()
        )


def shows_few(request: HttpRequest) -> bool:
    """Whether the list holds work that is to be done, of which there is never very much."""
    return request.GET.get("state") in StateFilter.FEW or request.GET.get("status") in StatusFilter.FEW


class DayFilter(OpensOnOne):
    title, parameter_name = "day", "day"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("coming", "From today on"), ("all", "All")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
        return queryset.filter(starts_at__gte=today) if self.value() == "coming" else queryset


class MessageStateFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "state"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [
            ("queued", "Queued"),
            ("sending", "Sending"),
            ("stuck", "Stuck"),
            ("failed", "Failed"),
            ("cancelled", "Cancelled"),
            ("held_back", "Held back"),
            ("sent", "Sent"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        now, unsent = timezone.now(), Message.objects.unsent()
        in_hand = Q(sending_since__isnull=False, due_at__gt=now)
        few = {"queued": unsent.exclude(in_hand), "sending": unsent.filter(in_hand), "stuck": unsent.stuck(now)}
        if self.value() in few:  # found first, or SQLite looks among all mail, newest first
            return queryset.filter(pk__in=few[self.value()].values("pk"))
        many = {
            "failed": queryset.filter(given_up_at__isnull=False),
            "cancelled": queryset.overtaken(),
            "held_back": queryset.held_back(),
            "sent": queryset.filter(sent_at__isnull=False),
        }
        return many.get(self.value() or "", queryset)
