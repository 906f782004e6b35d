"""A backup is brought back: whole, or not at all."""

from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from appointments.management.commands.check_integrity import complaints
from medspa.backups.archive import Manifest
from medspa.backups.locked_box import read_key
from medspa.backups.refusal import BackupRefused
from medspa.backups.restoring import Restored, restore, verify
from medspa.management.telling import Progress

COUNTED = {
    "requests": "appointments_appointmentrequest",
    "messages": "appointments_message",
    "appointments": "appointments_appointment",
}


class Command(BaseCommand):
    help = (
        "Brings a backup back. First all of it is looked at: is it whole, does BACKUP_KEY open it, do DATA_KEYS open "
        "what is sealed in it, does this version of the program know its tables. Then database and files are put in "
        "place, or nothing is. Stop the site before. What is there already is refused, and with --overwrite put aside "
        "under a dated name, never deleted. Exit code 1 if nothing was brought back, 2 if what was brought back has "
        "something wrong with it, one line each."
    )
    requires_system_checks = []  # the database may not be there
    requires_migrations_checks = False

    def add_arguments(self, parser):
        parser.add_argument("path", metavar="PATH", type=Path)
        parser.add_argument("--overwrite", action="store_true", help="put aside the clinic that is there")
        parser.add_argument("--verify-only", action="store_true", help="look at all of it and change nothing")

    def handle(self, *, path: Path, overwrite: bool, verify_only: bool, **options):
        progress = Progress()
        try:
            key = read_key(settings.BACKUP_KEY)
            if verify_only:
                self._tell(verify(path, key))
                return
            restored = restore(path, key=key, overwrite=overwrite, now=timezone.now(), tell=progress)
        except BackupRefused as refusal:
            raise CommandError(str(refusal)) from None
        finally:
            progress.end()
        self._tell(restored.manifest)
        self._say_what_next(restored)

    def _tell(self, manifest: Manifest) -> None:
        counts = ", ".join(f"{manifest.rows.get(table, 0):,} {name}" for name, table in COUNTED.items())
        self.stdout.write(f"The backup of {manifest.site} made at {manifest.made_at} is whole: {counts}.")

    def _say_what_next(self, restored: Restored) -> None:
        for place in restored.put_aside:
            self.stdout.write(f"What was there before is now {place}. Delete it once you are sure.")
        if restored.still_to_run:
            self.stdout.write("The backup is older than the program. It still needs: manage.py migrate")
            self.stdout.write("After that: manage.py check_integrity")
        elif wrong := list(complaints()):
            self.stderr.write("\n".join(wrong))
            raise SystemExit(2)
        else:
            self.stdout.write("All is well in it.")
        self.stdout.write(
            "Requests that came after the backup are not in it, and what was erased after it is back: erase it again "
            "as soon as the site runs."
        )
