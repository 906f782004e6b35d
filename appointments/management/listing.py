"""What commands that list rows have in common: one line a row, or one JSON object a row."""

import json
import logging

from django.core.management.base import BaseCommand
from django.core.serializers.json import DjangoJSONEncoder

from appointments import privacy

log = logging.getLogger(__name__)


class ListingCommand(BaseCommand):
    """Prints `rows()`, streamed, and logs that it did, without the rows."""

    columns: tuple[str, ...] = ()

    def add_arguments(self, parser):
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def rows(self):
        raise NotImplementedError

    def handle(self, **options):
        listed = 0
        for row in self.rows().iterator(chunk_size=2000):
            listed += 1
            line = "\t".join(str(row[name] or "-") for name in self.columns)
            self.stdout.write(json.dumps(row, cls=DjangoJSONEncoder) if options["json"] else line)
        name = type(self).__module__.rpartition(".")[2]
        privacy.exported(f"manage.py {name}", by=None, records=listed)
        log.info("%s listed %d rows", name, listed)
