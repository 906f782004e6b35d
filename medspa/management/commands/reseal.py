"""Bring everything that is sealed under the newest key."""

from collections.abc import Iterator

from django.core.management.base import BaseCommand
from django.db import connection, transaction

from medspa.sealed import CannotUnseal, Column, sealed_anew, sealed_columns

AT_ONCE = 500


class Command(BaseCommand):
    help = (
        "Seals anew, with the first key of DATA_KEYS, what older keys sealed. To change keys: make one with "
        "`python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())'`, put it in front "
        "of the others in DATA_KEYS, with a comma between, restart the site, run this, and take the old key away once "
        "this says that nothing is left under it. Backups made before need the old key: keep it as long as them. "
        "Safe while the site runs, safe to interrupt and to repeat. Exit code 1 if something cannot be opened."
    )

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="count what is under older keys, change nothing")

    def handle(self, *, dry_run: bool, **options):
        done = lost = 0
        for column in sealed_columns():
            sealed, unreadable = self._column(column, dry_run)
            done, lost = done + sealed, lost + unreadable
            self.stderr.write(f"{column.table}.{column.name}: {sealed} under older keys, {unreadable} unreadable")
        self.stdout.write(f"{done} texts {'would be sealed' if dry_run else 'were sealed'} anew.")
        if lost:
            self.stderr.write(f"{lost} texts cannot be opened with any key of DATA_KEYS. They were left as they are.")
            raise SystemExit(1)

    def _column(self, column: Column, dry_run: bool) -> tuple[int, int]:
        done = lost = 0
        for rows in batches(column):
            changed = []
            for key, sealed in rows:
                try:
                    anew = sealed_anew(sealed)
                except CannotUnseal:
                    lost += 1
                    continue
                if anew:
                    changed.append((anew, key, sealed))
            if not dry_run:
                write(column, changed)
            done += len(changed)
        return done, lost


def batches(column: Column) -> Iterator[list[tuple[int, str]]]:
    table, name = map(connection.ops.quote_name, column)
    last = 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT id, {name} FROM {table} WHERE id > %s AND {name} <> '' ORDER BY id LIMIT {AT_ONCE}", [last]
            )
            rows = cursor.fetchall()
        if not rows:
            return
        yield rows
        last = rows[-1][0]


def write(column: Column, changed: list[tuple[str, int, str]]) -> None:
    """Only where the text is still as it was read: what has been erased meanwhile stays erased."""
    table, name = map(connection.ops.quote_name, column)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {table} SET {name} = %s WHERE id = %s AND {name} = %s", changed)
