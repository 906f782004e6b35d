"""Everything that the clinic owns in one file, while the site runs."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from medspa.backups.locked_box import read_key
from medspa.backups.making import back_up
from medspa.backups.refusal import BackupRefused
from medspa.management.telling import Progress


class Command(BaseCommand):
    help = (
        "Makes a backup while the site runs: the database, the photos and the requests that wait in the spool, all of "
        "one moment, in one file that is whole or not there. PATH is a new file, or a folder, in which it gets a dated "
        "name. With BACKUP_KEY set the file is locked. NOT in it are DATA_KEYS and SECRET_KEY: without DATA_KEYS "
        "nobody can read what patients wrote. Keep them elsewhere. Exit code 1 if no backup was made."
    )

    def add_arguments(self, parser):
        parser.add_argument("path", metavar="PATH", type=Path)
        parser.add_argument("--keep", type=int, default=0, metavar="N", help="in a folder, remove all but the newest N")

    def handle(self, *, path: Path, keep: int, **options):
        if keep < 0:
            raise CommandError("N must be 0 or more; 0 keeps all.")
        progress = Progress()
        try:
            key = read_key(settings.BACKUP_KEY)
            made = back_up(path.absolute(), key=key, keep=keep, now=timezone.now(), tell=progress)
        except BackupRefused as refusal:
            raise CommandError(str(refusal)) from None
        finally:
            progress.end()
        self.stdout.write(f"{made.file}: {made.size:,} bytes, SHA-256 {made.sha256}")
        if not key:
            self.stderr.write("It is not locked: whoever has the file can read names and telephone numbers.")
        self.stderr.write(
            "DATA_KEYS and SECRET_KEY are not in it. Without DATA_KEYS nobody can read what patients wrote."
        )
