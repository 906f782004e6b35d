"""New rows, written by a statement that is put together once for each model, where Django does so for every row."""

from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field


def insert(*rows: models.Model) -> None:
    """Write unsaved rows of one model in one statement; each has its key then.

    Neither their `save` nor a signal is called. A database that does not say which keys it gave (SQLite before 3.35)
    is asked row by row.
    """
    if not rows:
        return
    for row in rows:  # a key that was not known when it was named
        row._prepare_related_fields_for_save(operation_name="insert")  # type: ignore[attr-defined]
    connection = connections[DEFAULT_DB_ALIAS]  # the thread's own, instead of the one that looks it up at each word
    if not connection.features.can_return_columns_from_insert:
        for row in rows:
            row.save_base(force_insert=True)
        return
    fields, head, marks, tail = _words(type(rows[0]))
    values = [_as_stored(field, row, connection) for row in rows for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(f"{head}{', '.join([marks] * len(rows))}{tail}", values)
        keys = cursor.fetchall()
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk, row._state.adding, row._state.db = key, False, connection.alias


def _as_stored(field: Field, row: models.Model, connection: BaseDatabaseWrapper) -> Any:
    value = field.pre_save(row, True)
    return None if value is None else field.get_db_prep_save(value, connection)


@cache
def _words(model: type[models.Model]) -> tuple[list[Field], str, str, str]:
    """Every column but the key, and the statement around the rows."""
    quote, fields = (
        connections[DEFAULT_DB_ALIAS].ops.quote_name,
        [field for field in model._meta.concrete_fields if not field.primary_key],
    )
    columns = ", ".join(quote(field.column) for field in fields)
    head = f"INSERT INTO {quote(model._meta.db_table)} ({columns}) VALUES "
    return fields, head, f"({', '.join(['%s'] * len(fields))})", f" RETURNING {quote(model._meta.pk.column)}"
