"""What a page said before."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from treatments.models.treatments import Treatment


class TreatmentVersion(models.Model):
    """A treatment's texts and lists as they were saved once, by whom and when. Written once, never changed."""

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="versions")
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    content = models.JSONField(encoder=DjangoJSONEncoder)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.treatment} as of {timezone.localtime(self.at):%Y-%m-%d %H:%M}"
