"""Every number on a page of the desk, in one query: the queue's standing, mail in trouble, how long a list is.

No number grows without a bound, and so neither does what it costs: work is counted to a thousand, lists to ten
thousand. What is beyond is found by a filter or a search, not by turning pages.
"""

from functools import cached_property
from typing import Any, NamedTuple

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from appointments.models import AppointmentRequest, Message, Standing

MOST_ROWS = 10_000


class Numbers(NamedTuple):
    """`listed` is one more than was to be counted where there are more; None if no list was counted."""

    standing: Standing
    stuck: int
    failed: int
    listed: int | None


def numbers(request: HttpRequest, listed: QuerySet | None = None, most: int = MOST_ROWS) -> Numbers:
    """As they are at the page's first question. A list that is asked for later counts itself."""
    if not hasattr(request, "numbers"):
        now = timezone.now()
        asked = AppointmentRequest.objects.standing_questions(now, request.user) | Message.objects.trouble_questions(
            now
        )
        if listed is not None:
            asked["listed"] = _bounded(listed, most)
        found = AppointmentRequest.objects.numbers(**asked)
        apart: dict[str, Any] = {name: found.pop(name, None) for name in ("stuck", "failed", "listed")}
        request.numbers = Numbers(Standing(**found), **apart)
    return request.numbers


def _bounded(rows: QuerySet, most: int) -> QuerySet:
    return rows.order_by().values("pk")[: most + 1]


class BoundedPaginator(Paginator):
    """Counts to `most`, with the page's other numbers where it is told whose page it is."""

    def __init__(self, *args: Any, request: HttpRequest | None = None, most: int = 0, **options: Any) -> None:
        super().__init__(*args, **options)
        self.request, self.most = request, most or MOST_ROWS

    @cached_property
    def count(self) -> int:
        return min(self._counted, self.most)

    @property
    def has_more(self) -> bool:
        return self._counted > self.most

    @cached_property
    def _counted(self) -> int:
        listed = numbers(self.request, self.object_list, self.most).listed if self.request else None
        return _bounded(self.object_list, self.most).count() if listed is None else listed
