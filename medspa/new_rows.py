"""New rows, written by a statement that is put together once for each model, where Django does so for every row."""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field

AS_THEY_ARE: dict[type[Field], type] = {  # what these fields hold, if of just this type, is stored unchanged
    models.BooleanField: bool,
    models.CharField: str,
    models.EmailField: str,
    models.ForeignKey: int,
    models.OneToOneField: int,
    models.PositiveIntegerField: int,
    models.PositiveSmallIntegerField: int,
    models.TextField: str,
}


class Column(NamedTuple):
    """Which attribute fills it, of which type that needs nothing done, whether it is a moment, and Django's field."""

    name: str
    as_it_is: type | None
    is_moment: bool
    field: Field


class Words(NamedTuple):
    """Every column but the key, those that name other rows, and the statement around the rows."""

    columns: list[Column]
    relations: list[models.ForeignKey]
    head: str
    marks: str
    tail: str


def insert(*rows: models.Model) -> None:
    """Write unsaved rows of one model in one statement; each has its key then.

    Neither their `save` nor a signal is called. A database that does not say which keys it gave (SQLite before 3.35)
    is asked row by row.
    """
    if rows:
        _write(rows, "")


def insert_unless_taken(row: models.Model) -> bool:
    """Write one unsaved row. False, and nothing is written, where another one has what only one may have.

    The transaction goes on then, as it would not after an IntegrityError; so nobody needs a savepoint around it.
    """
    if connections[DEFAULT_DB_ALIAS].features.can_return_columns_from_insert:
        return _write([row], " ON CONFLICT DO NOTHING")
    try:
        with transaction.atomic():
            return _write([row], "")
    except IntegrityError:
        row.pk = None
        return False


def _write(rows: Sequence[models.Model], but: str) -> bool:
    """Whether they are written; `but` is what keeps them from it."""
    connection = connections[DEFAULT_DB_ALIAS]  # the thread's own, instead of the one that looks it up at each word
    columns, relations, head, marks, tail = _words(type(rows[0]))
    for row in rows:
        for relation in relations:
            named = row._state.fields_cache.get(relation.name)
            if named is not None and getattr(row, relation.attname) is None:  # its key was not known then
                row._prepare_related_fields_for_save(operation_name="insert")  # type: ignore[attr-defined]
    if not connection.features.can_return_columns_from_insert:
        for row in rows:
            row.save_base(force_insert=True)
        return True
    values: list[Any] = []
    for row in rows:
        _add_stored(values, row, columns, connection)
    with connection.cursor() as cursor:
        cursor.execute(f"{head}{', '.join([marks] * len(rows))}{but}{tail}", values)
        keys = cursor.fetchall()
    if not keys:
        return False
    for row, (key,) in zip(rows, keys, strict=True):
        row.pk, row._state.adding, row._state.db = key, False, connection.alias
    return True


def _add_stored(values: list[Any], row: models.Model, columns: list[Column], connection: BaseDatabaseWrapper) -> None:
    given, as_moment = row.__dict__, connection.ops.adapt_datetimefield_value
    for name, as_it_is, is_moment, field in columns:
        value = given.get(name, field)  # the field itself, which is no value, where the attribute is made when read
        if value is not None and type(value) is not as_it_is:
            if is_moment and type(value) is datetime and value.tzinfo:
                value = as_moment(value)
            elif (value := field.pre_save(row, True)) is not None:
                value = field.get_db_prep_save(value, connection)
        values.append(value)


@cache
def _words(model: type[models.Model]) -> Words:
    quote = connections[DEFAULT_DB_ALIAS].ops.quote_name
    fields = [field for field in model._meta.concrete_fields if not field.primary_key]
    names = ", ".join(quote(field.column) for field in fields)
    return Words(
        [Column(field.attname, AS_THEY_ARE.get(type(field)), _is_moment(field), field) for field in fields],
        [field for field in fields if isinstance(field, models.ForeignKey)],
        f"INSERT INTO {quote(model._meta.db_table)} ({names}) VALUES ",
        f"({', '.join(['%s'] * len(fields))})",
        f" RETURNING {quote(model._meta.pk.column)}",
    )


def _is_moment(field: Field) -> bool:
    return type(field) is models.DateTimeField and not (field.auto_now or field.auto_now_add)
