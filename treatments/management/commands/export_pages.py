"""Finished pages as files."""

from pathlib import Path

from django.core.management.base import BaseCommand, CommandError
from django.core.wsgi import get_wsgi_application
from django.db import DatabaseError

from treatments.exported_pages import PageNotFinished, export


class Command(BaseCommand):
    help = (
        "Write the public pages and their compressed siblings below DIR/pages, and the headers that belong to them "
        "into DIR/headers.conf, for nginx or Caddy to send. Pages that are gone are removed from there. Files are "
        "replaced whole, so that it can be run while they are served. The message sender does the same by itself "
        "whenever content changes, if PAGES_DIR names the folder. Exit code 1 if a page could not be made or written."
    )

    def add_arguments(self, parser):
        parser.add_argument("folder", metavar="DIR", type=Path, help="where the pages go; made if it is not there")

    def handle(self, *, folder: Path, **options):
        try:
            done = export(get_wsgi_application(), folder)
        except (PageNotFinished, OSError, DatabaseError) as trouble:
            raise CommandError(f"The pages were not exported: {trouble}") from None
        lasts = f", true until {done.until:%Y-%m-%d %H:%M} UTC unless content changes" if done.until else ""
        self.stdout.write(f"{done.pages} pages in {folder}, {done.removed} removed{lasts}")
