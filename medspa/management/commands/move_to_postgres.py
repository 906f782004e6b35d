"""A clinic that has outgrown SQLite, carried over into PostgreSQL."""

import sys

from django.core.management.base import BaseCommand, CommandError

from medspa.management.telling import Progress
from medspa.moving import MoveRefused, move


class Command(BaseCommand):
    help = (
        "Carries this site from SQLite into an empty PostgreSQL database: tables, rows, keys, the log with its chain. "
        "Then every table is read on both sides and compared. Stop the site before. Interrupted, refused or as a dry "
        "run it leaves SQLite as it was and PostgreSQL empty. URL is postgres://user:password@host/name, or - to read "
        "it from standard input, where nobody else on the machine sees the password. Photos and keys stay where they "
        "are. Exit code 1 if nothing was carried over."
    )

    def add_arguments(self, parser):
        parser.add_argument("url", metavar="URL")
        parser.add_argument("--dry-run", action="store_true", help="do all of it, compare, and take it back")

    def handle(self, *, url: str, dry_run: bool, **options):
        progress = Progress()
        try:
            carried = move(sys.stdin.readline().strip() if url == "-" else url, dry_run=dry_run, tell=progress)
        except MoveRefused as refusal:
            raise CommandError(str(refusal)) from None
        finally:
            progress.end()
        for name, table in carried.items():
            self.stdout.write(f"{name}: {table.rows:,} rows, {table.digest >> 192:016x}")
        rows = sum(table.rows for table in carried.values())
        if dry_run:
            self.stdout.write(f"{rows:,} rows could be carried over and were the same on both sides. Nothing was kept.")
            return
        self.stdout.write(f"{rows:,} rows were carried over and are the same on both sides.")
        self.stdout.write(
            "Now set DATABASE_URL to that URL, run manage.py check_integrity, start the site, and make a backup. "
            "The SQLite file is as it was: delete it once you are sure."
        )
