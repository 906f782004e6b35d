"""What the database does when content changes: it puts a new version beside it, in the same transaction.

Nobody who changes content can forget it, neither the desk nor a program nor a statement typed at the database.
Laid down after every migration, because SQLite drops triggers whenever a table is rebuilt.
"""

from collections.abc import Iterator

from django.apps import apps
from django.db import connections, models

from medspa.models import Clinic, Closure, OpeningHours
from treatments.models import ContentVersion, TreatmentVersion

CHANGED = "content_has_changed"
VERSION = ContentVersion._meta.db_table
ON_NO_PAGE = {ContentVersion, TreatmentVersion}

NEW_VERSION = (
    f"INSERT INTO {VERSION} (id, version) VALUES (1, {{random}})"
    f" ON CONFLICT (id) DO UPDATE SET version = excluded.version"
)
ON_SQLITE = NEW_VERSION.format(random="lower(hex(randomblob(16)))")
ON_POSTGRESQL = NEW_VERSION.format(random="replace(gen_random_uuid()::text, '-', '')")

FUNCTION = f"""
CREATE OR REPLACE FUNCTION {CHANGED}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN {ON_POSTGRESQL}; RETURN NULL; END; $$;
"""


def content() -> list[type[models.Model]]:
    """Every model whose rows stand on a public page."""
    on_pages = [model for model in apps.get_app_config("treatments").get_models() if model not in ON_NO_PAGE]
    return [Clinic, OpeningHours, Closure, *on_pages]


def lay_down(using: str = "default", **_signal: object) -> None:
    """Put the triggers in place where they are missing. Safe to repeat."""
    connection = connections[using]
    with connection.cursor() as cursor:
        there = set(connection.introspection.table_names(cursor))
        if not there >= {VERSION, *(model._meta.db_table for model in content())}:
            return  # an earlier migration: the rules come with the last one
        for statement in _triggers(connection.vendor):
            cursor.execute(statement)
        cursor.execute(ON_POSTGRESQL if connection.vendor == "postgresql" else ON_SQLITE)


def take_away(using: str = "default") -> None:
    """For a migration that goes back to where there was no version."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"DROP FUNCTION IF EXISTS {CHANGED}() CASCADE")
            return
        cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s", [f"{CHANGED}%"])
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TRIGGER {name}")


def _triggers(vendor: str) -> Iterator[str]:
    tables = [model._meta.db_table for model in content()]
    if vendor == "postgresql":
        yield FUNCTION
        for table in tables:
            yield (
                f"CREATE OR REPLACE TRIGGER {CHANGED} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION {CHANGED}()"
            )
        return
    for table in tables:
        for change in ("insert", "update", "delete"):
            yield (
                f"CREATE TRIGGER IF NOT EXISTS {CHANGED}_by_{change}_on_{table} AFTER {change.upper()} ON {table}"
                f" BEGIN {ON_SQLITE}; END"
            )
