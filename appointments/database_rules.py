"""What the database itself refuses: two appointments of one provider that overlap, and an event that changes.

Django cannot say this on both databases, so each rule is written in each database's own words and laid down after
every migration. That also restores the triggers when SQLite drops them, as it does whenever a table is rebuilt.
"""

from typing import Any

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

SLOT_TAKEN = "provider_is_never_booked_twice"
EVENTS_STAY = "events_are_written_once"
TABLES = {"appointments_appointment", "appointments_event", "medspa_doorevent"}

# Every column but the note, which is sealed anew when keys change and goes when a patient's details are erased.
FIXED = "id, position, digest, appointment_request_id, kind, at, by_id, address, version, records, details, has_note"
YEARS = 6  # 45 CFR 164.316(b)(2)(i)

POSTGRESQL = [
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    f"""
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_constraint
                 WHERE conname = '{SLOT_TAKEN}' AND conrelid = 'appointments_appointment'::regclass) THEN
    ALTER TABLE appointments_appointment ADD CONSTRAINT {SLOT_TAKEN}
      EXCLUDE USING gist (provider_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (status <> 'cancelled');
  END IF;
END $$;
""",
    # The columns are named in the function alone: a trigger that names one keeps later migrations from altering it.
    f"""
CREATE OR REPLACE FUNCTION {EVENTS_STAY}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - 'note' = to_jsonb(NEW) - 'note' THEN RETURN NEW; END IF;
  IF TG_OP = 'DELETE' AND OLD.at < now() - interval '{YEARS} years' THEN RETURN OLD; END IF;
  RAISE EXCEPTION '{EVENTS_STAY}' USING ERRCODE = 'integrity_constraint_violation';
END; $$;
""",
    f"CREATE OR REPLACE TRIGGER {EVENTS_STAY}_on_change BEFORE UPDATE OR DELETE ON appointments_event"
    f" FOR EACH ROW EXECUTE FUNCTION {EVENTS_STAY}()",
    f"CREATE OR REPLACE TRIGGER {EVENTS_STAY}_on_truncate BEFORE TRUNCATE ON appointments_event"
    f" FOR EACH STATEMENT EXECUTE FUNCTION {EVENTS_STAY}()",
]

DOORS = "medspa_doorevent"
POSTGRESQL += [
    f"CREATE OR REPLACE TRIGGER {EVENTS_STAY}_at_the_door BEFORE UPDATE OR DELETE ON {DOORS}"
    f" FOR EACH ROW EXECUTE FUNCTION {EVENTS_STAY}()",
]

OVERLAP = f"""
BEGIN
  SELECT RAISE(ABORT, '{SLOT_TAKEN}') WHERE EXISTS (
    SELECT 1 FROM appointments_appointment AS other
    WHERE other.provider_id = NEW.provider_id AND other.id IS NOT NEW.id AND other.status <> 'cancelled'
      AND other.ends_at > NEW.starts_at AND other.starts_at < NEW.ends_at);
END;
"""
REFUSED = f"BEGIN SELECT RAISE(ABORT, '{EVENTS_STAY}'); END;"
SQLITE = [
    # An insert is checked afterwards, when the new row has its id.
    f"CREATE TRIGGER IF NOT EXISTS {SLOT_TAKEN}_on_insert AFTER INSERT ON appointments_appointment"
    f" WHEN NEW.status <> 'cancelled' {OVERLAP}",
    f"CREATE TRIGGER IF NOT EXISTS {SLOT_TAKEN}_on_update AFTER UPDATE ON appointments_appointment"
    f" WHEN NEW.status <> 'cancelled' {OVERLAP}",
    f"CREATE TRIGGER IF NOT EXISTS {EVENTS_STAY}_on_update BEFORE UPDATE OF {FIXED} ON appointments_event {REFUSED}",
    f"CREATE TRIGGER IF NOT EXISTS {EVENTS_STAY}_on_delete BEFORE DELETE ON appointments_event"
    f" WHEN OLD.at > datetime('now', '-{YEARS} years') {REFUSED}",
    # INSERT OR REPLACE takes a row away without asking the trigger above.
    f"CREATE TRIGGER IF NOT EXISTS {EVENTS_STAY}_on_insert BEFORE INSERT ON appointments_event WHEN EXISTS"
    f" (SELECT 1 FROM appointments_event WHERE id = NEW.id OR position = NEW.position) {REFUSED}",
    f"CREATE TRIGGER IF NOT EXISTS {EVENTS_STAY}_at_the_door BEFORE UPDATE ON {DOORS} {REFUSED}",
    f"CREATE TRIGGER IF NOT EXISTS {EVENTS_STAY}_at_the_door_still BEFORE DELETE ON {DOORS}"
    f" WHEN OLD.at > datetime('now', '-{YEARS} years') {REFUSED}",
]


def lay_down(using: str = "default", **_signal: object) -> None:
    """Put the rules in place where they are missing. Safe to repeat."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if not _has_every_column(connection, cursor):
            return  # an earlier migration: the rules come with the last one
        for statement in POSTGRESQL if connection.vendor == "postgresql" else SQLITE:
            cursor.execute(statement)


def _has_every_column(connection: BaseDatabaseWrapper, cursor: Any) -> bool:
    if not set(connection.introspection.table_names(cursor)) >= TABLES:
        return False
    columns = connection.introspection.get_table_description(cursor, "appointments_event")
    return {column.name for column in columns} >= set(FIXED.split(", "))


def missing(using: str = "default") -> bool:
    """Whether the database has lost one of its rules."""
    connection = connections[using]
    names = [f"{SLOT_TAKEN}%", f"{EVENTS_STAY}%"]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Of the tables in use alone: a restore keeps the former ones in a schema of their own.
            in_use: list[str | list[str]] = [*names, sorted(TABLES)]
            cursor.execute(
                "SELECT (SELECT count(*) FROM pg_constraint WHERE conname LIKE %s AND conrelid = ANY (of.tables))"
                " + (SELECT count(*) FROM pg_trigger"
                " WHERE tgname LIKE %s AND tgenabled <> 'D' AND tgrelid = ANY (of.tables))"
                " FROM (SELECT array_agg(to_regclass(name)::oid) AS tables FROM unnest(%s::text[]) AS name) AS of",
                in_use,
            )
            return cursor.fetchone()[0] < 4
        cursor.execute(
            "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND (name LIKE %s OR name LIKE %s)", names
        )
        return cursor.fetchone()[0] < len(SQLITE)
