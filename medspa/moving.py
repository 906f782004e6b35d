"""Carrying a clinic over from SQLite into an empty PostgreSQL database: every row, with its key, or none.

The writers' place on SQLite is taken for the whole of it, and everything in PostgreSQL, its tables too, is one
transaction: interrupted at any moment, this leaves SQLite as it was and PostgreSQL empty. Sealed texts are carried as
they are. Afterwards every table is read on both sides and compared.
"""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any, NamedTuple

from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.core.management.color import no_style
from django.db import DEFAULT_DB_ALIAS, Error, connection, connections, models, transaction
from django.db.migrations.executor import MigrationExecutor

from medspa.backups.into_sqlite import database, insist_on_nobody, who_has_open
from medspa.backups.refusal import BackupRefused
from medspa.environment import read_database
from medspa.sealed import CannotUnseal

FORMER = "former"
AT_ONCE = 2000
OLDEST_SERVER = 150000
Tell = Callable[[str], None]


class Table(NamedTuple):
    """How many rows, and a sum over what they say, in whatever order they lie."""

    rows: int
    digest: int


class MoveRefused(RuntimeError):
    """One clear line for the owner. SQLite is as it was, PostgreSQL is empty."""


class _OnlyTried(Exception):
    """A dry run has done everything, and takes it back."""


def move(url: str, *, dry_run: bool, tell: Tell) -> dict[str, Table]:
    """Carry everything over into the database that `url` names; what was carried, by table. Raises MoveRefused."""
    if connection.vendor != "sqlite":
        raise MoveRefused("This site is not on SQLite. There is nothing to carry over.")
    target = read_database(url, settings.VAR_DIR)
    if target["ENGINE"] != "django.db.backends.postgresql":
        raise MoveRefused("The URL must begin with postgres://.")
    try:
        insist_on_nobody()
    except BackupRefused as refusal:
        raise MoveRefused(str(refusal)) from None
    carried: dict[str, Table] = {}
    former = database()
    try:
        with _both(target), transaction.atomic(using=FORMER), transaction.atomic():
            _insist_on_ready()
            carried = _carry_all(tell)
            if who_has_open(former):  # what it would write would stay behind
                raise MoveRefused("The site was started meanwhile. Nothing was carried over. Stop it first.")
            if dry_run:
                raise _OnlyTried
    except _OnlyTried:
        return carried
    except CannotUnseal as trouble:
        raise MoveRefused(f"Nothing was carried over. {trouble}") from None
    except Error as error:
        raise MoveRefused(f"Nothing was carried over. The database says: {_first_line(error)}") from None
    return carried


@contextmanager
def _both(target: dict[str, Any]) -> Iterator[None]:
    """The target in the place of the site's database, so that migrations run there; SQLite beside it."""
    ours = connections.settings[DEFAULT_DB_ALIAS]
    connection.close()
    connections.settings[FORMER] = ours
    connections.settings[DEFAULT_DB_ALIAS] = {**ours, "TEST": {}, **target}
    del connections[DEFAULT_DB_ALIAS]
    try:
        yield
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")  # without it the first pages would be slow
    finally:
        connections[FORMER].close()
        connection.close()
        connections.settings[DEFAULT_DB_ALIAS] = ours
        del connections[DEFAULT_DB_ALIAS], connections[FORMER], connections.settings[FORMER]


def _insist_on_ready() -> None:
    executor = MigrationExecutor(connections[FORMER])
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise MoveRefused("The tables on SQLite are those of an older version. First run: manage.py migrate")
    with connection.cursor() as cursor:
        if connection.pg_version < OLDEST_SERVER:  # type: ignore[attr-defined]
            raise MoveRefused("PostgreSQL must be version 15 or newer.")
        if connection.introspection.table_names(cursor):
            raise MoveRefused("The database is not empty. Make a new one for the site.")


def _carry_all(tell: Tell) -> dict[str, Table]:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # else no table could be altered after it was filled
    tell("making the tables")
    call_command("migrate", interactive=False, verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    every = sorted(apps.get_models(include_auto_created=True), key=_last_the_version)
    _empty(every)
    for model in every:
        _carry(model, tell)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for statement in connection.ops.sequence_reset_sql(no_style(), every):
            cursor.execute(statement)
    return {model._meta.db_table: _compared(model, tell) for model in every}


def _last_the_version(model: type[models.Model]) -> tuple[bool, str]:
    """The database raises the version of the content as content arrives: its row comes last."""
    return model._meta.model_name == "contentversion", model._meta.db_table


def _empty(every: list[type[models.Model]]) -> None:
    """Of what migrations put there by themselves: permissions, content types."""
    with connection.cursor() as cursor:
        for model in reversed(every):
            cursor.execute(f"DELETE FROM {_quoted(model._meta.db_table)}")


def _carry(model: type[models.Model], tell: Tell) -> None:
    table, columns = model._meta.db_table, [field.column for field in model._meta.concrete_fields]
    names = ", ".join(map(_quoted, columns))
    if model._meta.model_name == "contentversion":
        _empty([model])
    carried = 0
    with (
        closing(sqlite3.connect(connections[FORMER].settings_dict["NAME"])) as former,
        connection.cursor() as cursor,
        cursor.copy(f"COPY {_quoted(table)} ({names}) FROM STDIN") as copy,
    ):
        for row in former.execute(f"SELECT {names} FROM {_quoted(table)}"):
            copy.write_row(row)
            carried += 1
            if carried % AT_ONCE == 0:
                tell(f"carrying {table}: {carried:,}")


def _compared(model: type[models.Model], tell: Tell) -> Table:
    """What both sides hold of it. Raises MoveRefused where they differ."""
    tell(f"comparing {model._meta.db_table}")
    before, after = (_sum(model, alias) for alias in (FORMER, DEFAULT_DB_ALIAS))
    if before != after:
        words = "{} differs: {} rows before, {} after. Nothing was carried over."
        raise MoveRefused(words.format(model._meta.db_table, before.rows, after.rows))
    return after


def _sum(model: type[models.Model], alias: str) -> Table:
    """Over what Django reads, which is the same on both databases; sealed texts are opened, so that they were tried."""
    names = [field.attname for field in model._meta.concrete_fields]
    rows = digest = 0
    for row in model._base_manager.using(alias).values_list(*names).order_by().iterator(chunk_size=AT_ONCE):
        rows += 1
        said = repr([_in_order(value) for value in row])
        digest += int.from_bytes(hashlib.sha256(said.encode()).digest())
    return Table(rows, digest % 2**256)


def _in_order(value: Any) -> Any:
    """PostgreSQL keeps the names in a JSON value in an order of its own."""
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value


def _quoted(name: str) -> str:
    return connection.ops.quote_name(name)


def _first_line(error: Exception) -> str:
    """The others may quote rows."""
    return next(iter(str(error).splitlines()), type(error).__name__)
