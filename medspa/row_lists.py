"""A row with its lists, fetched in one query: for pages that are made of many short lists.

Django fetches each list with a query of its own. Here the database hands them over inside the row, as JSON, and what
comes out is the same: `row.hours.all()` costs nothing more.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any, Self, TypeVar

from django.db import models
from django.db.models.expressions import Expression

Row = TypeVar("Row", bound=models.Model)


class _ListOf(Expression):
    """The rows of `relation` that belong to the row in hand, as JSON: a list of lists of their columns."""

    output_field = models.TextField()

    def __init__(self, model: type[models.Model], relation: str) -> None:
        super().__init__()
        self.model, self.relation = model, relation

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list]:
        field = _link(self.model, self.relation)
        quote, table = connection.ops.quote_name, field.model._meta.db_table
        columns = ", ".join(f"listed.{quote(one.column)}" for one in field.model._meta.concrete_fields)
        rows = f"json_group_array(json_array({columns}))"
        if connection.vendor == "postgresql":
            rows = f"json_agg(json_build_array({columns}))::text"
        mine = f"{quote(compiler.query.get_initial_alias())}.{quote(self.model._meta.pk.column)}"
        return f"(SELECT {rows} FROM {quote(table)} AS listed WHERE listed.{quote(field.column)} = {mine})", []


class QuerySetWithLists(models.QuerySet[Row]):
    """A QuerySet whose rows can bring their lists along."""

    _lists: tuple[str, ...] = ()

    def with_lists(self, *relations: str) -> Self:
        """With every row of `relations`, far sides of foreign keys, each in its model's order. No query more."""
        wanted = [name for name in relations if name not in self._lists]
        found = self.annotate(**{_annotation(name): _ListOf(self.model, name) for name in wanted})
        found._lists = (*self._lists, *wanted)
        return found

    def _clone(self) -> Self:
        copy = super()._clone()
        copy._lists = self._lists
        return copy

    def _fetch_all(self) -> None:
        is_new = self._result_cache is None
        super()._fetch_all()
        if is_new:
            for row in self._result_cache or []:
                for name in self._lists if isinstance(row, models.Model) else ():
                    _unpack(row, name)


def _annotation(relation: str) -> str:
    return f"{relation}_as_json"


@cache
def _link(model: type[models.Model], relation: str) -> models.ForeignKey:
    """The foreign key of the far side."""
    return model._meta.get_field(relation).remote_field  # type: ignore[union-attr,return-value]


def _unpack(row: models.Model, relation: str) -> None:
    field = _link(type(row), relation)
    given = row.__dict__.pop(_annotation(relation))
    listed = [_made(field.model, values, row._state.db) for values in json.loads(given or "[]") or []]
    for one in listed:
        field.set_cached_value(one, row)
    for name, is_reversed in reversed(_order(field.model)):
        listed.sort(key=attrgetter(name), reverse=is_reversed)
    rows = getattr(row, relation).get_queryset()
    rows._result_cache, rows._prefetch_done = listed, True
    if not hasattr(row, "_prefetched_objects_cache"):
        row._prefetched_objects_cache = {}
    row._prefetched_objects_cache[relation] = rows


@cache
def _order(model: type[models.Model]) -> list[tuple[str, bool]]:
    """By which columns a model's rows stand, and whether backwards."""
    names = [(name.lstrip("-"), name.startswith("-")) for name in model._meta.ordering]
    return [
        (name if name == "pk" else model._meta.get_field(name).attname, is_reversed)  # type: ignore[union-attr]
        for name, is_reversed in names
    ]


def _made(model: type[models.Model], values: list, using: str | None) -> models.Model:
    names, readers = _readers(model)
    return model.from_db(using, names, [read(value) for read, value in zip(readers, values, strict=True)])


@cache
def _readers(model: type[models.Model]) -> tuple[list[str], list[Callable]]:
    """How each column's JSON becomes what Django reads from that column."""
    fields = model._meta.concrete_fields
    return [field.attname for field in fields], [_reader(field) for field in fields]


def _reader(field: models.Field) -> Callable:
    if isinstance(field, models.DateTimeField):
        return moment
    if hasattr(field, "from_db_value"):
        return lambda value: None if value is None else field.from_db_value(value, None, None)
    if isinstance(field, models.DateField | models.TimeField | models.BooleanField):
        return field.to_python
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def moment(value: str | datetime | None) -> datetime | None:
    """What a database gave as it keeps it. SQLite keeps UTC without saying so; PostgreSQL says it."""
    if value is None:
        return None
    at = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
