"""What the database itself refuses: two appointments of one provider that overlap.

Django can say this on PostgreSQL alone, so the rule is written in each database's own words and laid down after
every migration. That also restores the triggers when SQLite drops them, as it does whenever a table is rebuilt.
"""

from django.db import connections

SLOT_TAKEN = "provider_is_never_booked_twice"

POSTGRESQL = f"""
CREATE EXTENSION IF NOT EXISTS btree_gist;
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_constraint
                 WHERE conname = '{SLOT_TAKEN}' AND conrelid = 'appointments_appointment'::regclass) THEN
    ALTER TABLE appointments_appointment ADD CONSTRAINT {SLOT_TAKEN}
      EXCLUDE USING gist (provider_id WITH =, tstzrange(starts_at, ends_at) WITH &&) WHERE (status <> 'cancelled');
  END IF;
END $$;
"""

OVERLAP = f"""
BEGIN
  SELECT RAISE(ABORT, '{SLOT_TAKEN}') WHERE EXISTS (
    SELECT 1 FROM appointments_appointment AS other
    WHERE other.provider_id = NEW.provider_id AND other.id IS NOT NEW.id AND other.status <> 'cancelled'
      AND other.ends_at > NEW.starts_at AND other.starts_at < NEW.ends_at);
END;
"""
# An insert is checked afterwards, when the new row has its id.
SQLITE = [
    f"CREATE TRIGGER IF NOT EXISTS {SLOT_TAKEN}_on_insert AFTER INSERT ON appointments_appointment"
    f" WHEN NEW.status <> 'cancelled' {OVERLAP}",
    f"CREATE TRIGGER IF NOT EXISTS {SLOT_TAKEN}_on_update AFTER UPDATE ON appointments_appointment"
    f" WHEN NEW.status <> 'cancelled' {OVERLAP}",
]


def lay_down(using: str = "default", **_signal: object) -> None:
    """Put the rules in place where they are missing. Safe to repeat."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if "appointments_appointment" not in connection.introspection.table_names(cursor):
            return
        for statement in [POSTGRESQL] if connection.vendor == "postgresql" else SQLITE:
            cursor.execute(statement)


def missing(using: str = "default") -> bool:
    """Whether the database has lost its rules."""
    connection = connections[using]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT count(*) FROM pg_constraint WHERE conname = %s", [SLOT_TAKEN])
            return cursor.fetchone()[0] < 1
        cursor.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE %s", [f"{SLOT_TAKEN}%"])
        return cursor.fetchone()[0] < len(SQLITE)
