"""How requests are found by a part of a name, a number, an address or a reference, among any number of them.

Each database in its own words: on SQLite a trigram table of FTS5 beside the requests, kept by triggers; on PostgreSQL a
trigram index. Only columns that a list may show are in it. What is sealed is never searched.
"""

from collections.abc import Iterator
from typing import Any

from django.db import connections, models
from django.db.models.expressions import Expression

TABLE, INDEX = "appointments_appointmentrequest", "appointments_request_search"
COLUMNS = ("full_name", "email", "phone", "phone_e164", "reference")
SHORTEST = 3  # characters: both indexes are made of pieces of three
NOWHERE = '"-"'  # is found on SQLite, being shorter
ALL = "{1}(" + " || ' ' || ".join(f"{{0}}{column}" for column in COLUMNS) + ")"
SAMPLES = (
    400  # PostgreSQL looks at to guess how many will fit; by 100 it takes a word of one request in a hundred for 3
)


class Holds(Expression):
    """Whether a request has every one of `words` in it, in capitals or not.

    None is shorter than SHORTEST. On SQLite the newest `at_most` are looked at, where that is given: the others take no
    time then. With `one_by_one` each request that fits otherwise is read, which is cheaper where those are few; without
    it, all that have the words are looked up first. PostgreSQL decides that by itself.
    """

    conditional = True
    output_field = models.BooleanField()

    def __init__(self, words: list[str], at_most: int | None = None, *, one_by_one: bool = False) -> None:
        super().__init__()
        self.words, self.at_most, self.one_by_one = words, at_most, one_by_one

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list]:
        alias = connection.ops.quote_name(compiler.query.get_initial_alias())
        if self.one_by_one:
            each = f"instr({ALL.format(f'{alias}.', 'casefold')}, %s) > 0"
            return f"({' AND '.join(each for _word in self.words)})", [word.casefold() for word in self.words]
        newest = f" ORDER BY rowid DESC LIMIT {self.at_most:d}" if self.at_most else ""
        phrases = " AND ".join(_phrase(word) for word in self.words)
        return f"{alias}.id IN (SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH %s{newest})", [phrases]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list]:
        alias = connection.ops.quote_name(compiler.query.get_initial_alias())
        each = f"{ALL.format(f'{alias}.', 'lower')} LIKE lower(%s)"
        patterns = [f"%{connection.ops.prep_for_like_query(word)}%" for word in self.words]
        return f"({' AND '.join(each for _word in self.words)})", patterns


class IsReachedBy(Expression):
    """Whether a request's telephone number is `number`; where no request has that one, whether it was `typed` in one.

    A whole number is made of pieces that very many have, and looking for all of them took longer with every request:
    so SQLite looks for its end alone, and reads what has that.
    """

    conditional = True
    output_field = models.BooleanField()
    KNOWN = f"SELECT id FROM {TABLE} WHERE phone_e164 = %s"

    def __init__(self, number: str, typed: str) -> None:
        super().__init__()
        self.number, self.typed = number, typed

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, list]:
        alias = connection.ops.quote_name(compiler.query.get_initial_alias())
        end = f"CASE WHEN EXISTS ({self.KNOWN}) THEN %s ELSE %s END"  # asked once
        as_typed = f"SELECT rowid FROM {INDEX} WHERE {INDEX} MATCH {end} AND instr(casefold(phone), %s) > 0"
        rarest = f"phone : {_phrase(self.typed[-4:])}"
        sought = [self.number, self.number, NOWHERE, rarest, self.typed.casefold()]
        return f"{alias}.id IN ({self.KNOWN} UNION ALL {as_typed})", sought

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list]:
        alias = connection.ops.quote_name(compiler.query.get_initial_alias())
        as_typed = (
            f"SELECT id FROM {TABLE} WHERE NOT EXISTS ({self.KNOWN}) AND {ALL.format('', 'lower')} LIKE lower(%s)"
        )
        pattern = f"%{connection.ops.prep_for_like_query(self.typed)}%"
        return f"{alias}.id IN ({self.KNOWN} UNION ALL {as_typed})", [self.number, self.number, pattern]


def _phrase(words: str) -> str:
    return '"{}"'.format(words.replace('"', '""'))


def lay_down(using: str = "default", **_signal: object) -> None:
    """Make the index where it is missing, and what keeps it. Safe to repeat."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if TABLE not in connection.introspection.table_names(cursor):
            return
        columns = connection.introspection.get_table_description(cursor, TABLE)
        if not {column.name for column in columns} >= set(COLUMNS):
            return  # an earlier migration
        if connection.vendor == "postgresql":
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(
                f"CREATE INDEX IF NOT EXISTS {INDEX} ON {TABLE} USING gin (({ALL.format('', 'lower')}) gin_trgm_ops)"
            )
            cursor.execute(f"ALTER INDEX {INDEX} ALTER COLUMN 1 SET STATISTICS {SAMPLES}")
        elif not _is_kept(cursor):
            for statement in _on_sqlite():
                cursor.execute(statement)


def is_sound(using: str = "default") -> bool:
    """Whether every request is found by what it says. Reads all of them on SQLite."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [INDEX])
            return cursor.fetchone() == (True,)
        if not _is_kept(cursor):
            return False
        try:
            cursor.execute(f"INSERT INTO {INDEX} ({INDEX}, rank) VALUES ('integrity-check', 1)")
        except connection.Database.DatabaseError:
            return False
        return True


def _is_kept(cursor: Any) -> bool:
    """Whether the table and its three triggers are there. They go when SQLite makes the table of requests anew."""
    cursor.execute("SELECT count(*) FROM sqlite_master WHERE name LIKE %s AND type = 'trigger'", [f"{INDEX}_on_%"])
    triggers = cursor.fetchone()[0]
    cursor.execute("SELECT count(*) FROM sqlite_master WHERE name = %s", [INDEX])
    return triggers == 3 and cursor.fetchone()[0] == 1


def _on_sqlite() -> Iterator[str]:
    columns = ", ".join(COLUMNS)
    old, new = (", ".join(f"{which}.{column}" for column in COLUMNS) for which in ("OLD", "NEW"))
    changes = " OR ".join(f"OLD.{column} IS NOT NEW.{column}" for column in COLUMNS)
    take = f"INSERT INTO {INDEX} ({INDEX}, rowid, {columns}) VALUES ('delete', OLD.id, {old});"
    put = f"INSERT INTO {INDEX} (rowid, {columns}) VALUES (NEW.id, {new});"
    yield (
        f"CREATE VIRTUAL TABLE IF NOT EXISTS {INDEX} USING fts5"
        f" ({columns}, content='{TABLE}', content_rowid='id', tokenize='trigram')"
    )
    yield f"CREATE TRIGGER IF NOT EXISTS {INDEX}_on_insert AFTER INSERT ON {TABLE} BEGIN {put} END"
    yield f"CREATE TRIGGER IF NOT EXISTS {INDEX}_on_delete AFTER DELETE ON {TABLE} BEGIN {take} END"
    yield (
        f"CREATE TRIGGER IF NOT EXISTS {INDEX}_on_update AFTER UPDATE OF {columns} ON {TABLE}"
        f" WHEN {changes} BEGIN {take} {put} END"
    )
    yield f"INSERT INTO {INDEX} ({INDEX}) VALUES ('rebuild')"
