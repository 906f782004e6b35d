"""Pictures on a treatment's page."""

from datetime import date

from django.db import models
from django.db.models import Q

from treatments.images import prepare, readable_photo
from treatments.models.points import Point
from treatments.models.treatments import Treatment


class Photo(Point):
    """A picture on the page. What is kept is our own re-encoding: no camera data, no original."""

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="photos")
    image = models.ImageField(
        upload_to="photos/", width_field="width", height_field="height", validators=[readable_photo]
    )
    width = models.PositiveIntegerField(editable=False, default=0)
    height = models.PositiveIntegerField(editable=False, default=0)
    alt = models.CharField("description", max_length=200, help_text="For people who cannot see the picture.")
    caption = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.alt

    def save(self, **options) -> None:
        if self.image and not self.image._committed:  # a new upload, not yet on disk
            self.image = prepare(self.image)
        super().save(**options)


class ResultQuerySet(models.QuerySet["Result"]):
    def with_consent(self, today: date) -> "ResultQuerySet":
        """What may be shown on `today`, the clinic's date: consent was given, has not ended, was not withdrawn."""
        lasts = Q(consent_expires_on=None) | Q(consent_expires_on__gte=today)
        return self.filter(lasts, consent_on__lte=today, consent_withdrawn_at=None)


class Result(Point):
    """What one patient looked like before and after, shown only while that patient consents."""

    class Scope(models.TextChoices):
        PAGE = "page", "On this website"
        PAGE_AND_SOCIAL = "social", "On this website and where it is shared"

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="results")
    before = models.ImageField(
        upload_to="results/", width_field="before_width", height_field="before_height", validators=[readable_photo]
    )
    before_width = models.PositiveIntegerField(editable=False, default=0)
    before_height = models.PositiveIntegerField(editable=False, default=0)
    after = models.ImageField(
        upload_to="results/", width_field="after_width", height_field="after_height", validators=[readable_photo]
    )
    after_width = models.PositiveIntegerField(editable=False, default=0)
    after_height = models.PositiveIntegerField(editable=False, default=0)
    alt = models.CharField("what changed", max_length=200, help_text="For people who cannot see the pictures.")
    caption = models.CharField(max_length=200, blank=True)
    consent_by = models.CharField("who consented", max_length=100, help_text="Never shown on the page.")
    consent_on = models.DateField("consent given on")
    consent_scope = models.CharField(max_length=10, choices=Scope, default=Scope.PAGE)
    consent_expires_on = models.DateField("consent ends on", null=True, blank=True, help_text="The last day.")
    consent_withdrawn_at = models.DateTimeField("consent withdrawn at", null=True, blank=True)

    objects = ResultQuerySet.as_manager()

    class Meta(Point.Meta):
        verbose_name = "before and after"
        verbose_name_plural = "before and after"

    def __str__(self) -> str:
        return self.alt
