"""The app, and the rules that its tables carry on every database."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from appointments import database_rules, search_index


class AppointmentsConfig(AppConfig):
    name = "appointments"
    verbose_name = "Appointments"

    def ready(self) -> None:
        import appointments.checks  # noqa: F401, PLC0415  (registers itself; reads models)

        post_migrate.connect(database_rules.lay_down, sender=self, dispatch_uid="appointments.database_rules")
        post_migrate.connect(search_index.lay_down, sender=self, dispatch_uid="appointments.search_index")
