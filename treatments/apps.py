"""The app, and the rule that its tables carry on every database."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class TreatmentsConfig(AppConfig):
    name = "treatments"

    def ready(self) -> None:
        from treatments.content_rules import lay_down  # noqa: PLC0415  (reads models)

        post_migrate.connect(lay_down, sender=self, dispatch_uid="treatments.content_rules")
