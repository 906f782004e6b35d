"""Is the last backup fresh, and is it whole?"""

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from medspa.backups import MAX_AGE, freshness
from medspa.backups.locked_box import read_key
from medspa.backups.making import newest_in
from medspa.backups.refusal import BackupRefused
from medspa.backups.restoring import verify


class Command(BaseCommand):
    help = (
        "Says whether the last backup is fresh. With PATH, a backup or a folder of them, it also reads that backup, "
        "or the newest one, from end to end: is it whole, does the key open it, do DATA_KEYS open what is sealed in "
        "it. Changes nothing. Exit code 1 and one line when not."
    )

    def add_arguments(self, parser):
        hours = MAX_AGE // timedelta(hours=1)
        parser.add_argument("path", metavar="PATH", type=Path, nargs="?")
        parser.add_argument("--max-age-hours", type=float, default=hours, help=f"how old it may be (default {hours})")

    def handle(self, *, path: Path | None, max_age_hours: float, **options):
        if path:
            self._insist_on_whole(path)
        found = freshness(timezone.now(), max_age=timedelta(hours=max_age_hours))
        if not found.is_fresh:
            raise CommandError(str(found))
        self.stdout.write(str(found))

    def _insist_on_whole(self, path: Path) -> None:
        try:
            file = newest_in(path) if path.is_dir() else path
        except OSError as trouble:
            raise CommandError(f"{path} cannot be looked into: {trouble.strerror}.") from None
        if file is None:
            raise CommandError(f"There is no backup of this site in {path}.")
        try:
            manifest = verify(file, read_key(settings.BACKUP_KEY))
        except BackupRefused as refusal:
            raise CommandError(f"{file}: {refusal}") from None
        self.stdout.write(f"{file} of {manifest.made_at} is whole.")
