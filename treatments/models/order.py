"""The order of a list: an entry changes places with its neighbour, and nobody counts.

Old rows may share a position or leave gaps. Every move numbers its list anew from 1.
"""

from typing import Any

from django.db import models


def after_move(rows: models.QuerySet[Any], pk: int, *, places: int) -> tuple[list[Any], list[Any]]:
    """The list as it will be with this row `places` further down (up if negative), and those rows whose number changes.

    Locks the list, so call it inside the transaction that stores them. A row that is gone or already at the end
    of the list moves nowhere.
    """
    list(
        rows.select_for_update().order_by("pk").values_list("pk")
    )  # in one order for all, or two could block each other
    order = list(rows.all())
    here = next((place for place, row in enumerate(order) if row.pk == pk), None)
    if here is not None and 0 <= here + places < len(order):
        order.insert(here + places, order.pop(here))
    renumbered = [(row, number) for number, row in enumerate(order, start=1) if row.position != number]
    for row, number in renumbered:
        row.position = number
    return order, [row for row, _number in renumbered]


def end_of(rows: models.QuerySet[Any]) -> int:
    """The position after the last one."""
    return (rows.aggregate(last=models.Max("position"))["last"] or 0) + 1
