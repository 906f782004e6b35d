"""Is everything still whole?"""

from collections.abc import Iterator

from django.core.management.base import BaseCommand
from django.db import connection
from django.db.models import F, Max
from django.db.models.functions import Coalesce

from appointments import database_rules, event_log, search_index, spool
from appointments.models import Appointment, AppointmentRequest, HealthAnswer, Message, PreferredTime


class Command(BaseCommand):
    help = (
        "Check that the database is sound, that it still refuses overlapping appointments and changed events, that "
        "every row belongs to a request, that a search finds each request, that its events lead up to its version, and "
        "that the log of who "
        "did and saw what is as it was written. Changes nothing. Prints one line for each thing that is wrong and ends "
        "with exit code 1, or says that all is well."
    )

    def handle(self, **options):
        wrong = 0
        for complaint in complaints():
            wrong += 1
            self.stderr.write(complaint)
        if wrong:
            raise SystemExit(1)
        self.stdout.write("All is well.")


def complaints() -> Iterator[str]:
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA integrity_check")
            yield from (f"SQLite: {words}" for (words,) in cursor.fetchall() if words != "ok")
    if missing := missing_tables():
        yield f"The database lacks {missing}. Run: manage.py migrate. Or bring a backup back: manage.py restore"
        return
    if database_rules.missing():
        yield "The database no longer refuses overlapping appointments or changed events. Run: manage.py migrate"
    if not search_index.is_sound():
        yield "Not every request is found by a search. Run: manage.py migrate"
    yield from event_log.complaints()
    for model in (PreferredTime, Appointment, HealthAnswer, Message):
        orphans = model.objects.exclude(appointment_request__in=AppointmentRequest.objects.all())
        if model is Message:
            orphans = orphans.exclude(kind=Message.Kind.DIGEST)  # it is about all of them
        yield from (
            f"{model._meta.verbose_name} {pk} belongs to no request" for pk in orphans.values_list("pk", flat=True)
        )
    if aside := spool.set_aside():
        yield f"Kept requests that could not be stored: {aside}, in spool/aside of VAR_DIR. See docs/operations.md"
    behind = AppointmentRequest.objects.annotate(last=Coalesce(Max("events__version"), 0)).exclude(version=F("last"))
    yield from (f"Request {row.reference}: its events do not lead up to its version" for row in behind)


def missing_tables() -> str:
    """Those without which nothing else can be looked at, in words; nothing: all are there."""
    needed = set(connection.introspection.django_table_names())
    missing = needed - set(connection.introspection.table_names())
    if len(missing) == len(needed):
        return "all its tables"
    return f"the tables {', '.join(sorted(missing))}" if missing else ""
