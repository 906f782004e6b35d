"""Pictures on a treatment's page. They belong to the treatment itself; its pages in other languages show the same."""

from datetime import date, datetime
from typing import NamedTuple

from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language

from treatments.images import readable_photo
from treatments.models.picture_fields import PhotoField, remove_at_commit
from treatments.models.points import Point
from treatments.models.treatments import Treatment

FOR_WHOM = "For people who cannot see the picture."
OR_ENGLISH = "Empty: the English words stand on the Spanish page."


class Words(NamedTuple):
    """What is said beside a picture, and in which language."""

    alt: str
    caption: str
    language: str


class Picture(Point):
    """Its words in each language. A picture has no page of its own, so they stand beside each other."""

    alt = models.CharField("description", max_length=200, help_text=FOR_WHOM)
    alt_es = models.CharField("description in Spanish", max_length=200, blank=True, help_text=OR_ENGLISH)
    caption = models.CharField(max_length=200, blank=True)
    caption_es = models.CharField("caption in Spanish", max_length=200, blank=True)

    class Meta(Point.Meta):
        abstract = True

    def __str__(self) -> str:
        return self.alt

    @property
    def words(self) -> Words:
        """In the reader's language; in English as long as they are not translated."""
        if get_language() == "es" and self.alt_es:
            return Words(self.alt_es, self.caption_es, "es")
        return Words(self.alt, self.caption, "en")


class Photo(Picture):
    """A picture on the page. What is kept is our own re-encoding: no camera data, no original."""

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="photos")
    image = PhotoField(upload_to="photos/", width_field="width", height_field="height", validators=[readable_photo])
    width = models.PositiveIntegerField(editable=False, default=0)
    height = models.PositiveIntegerField(editable=False, default=0)


class ResultQuerySet(models.QuerySet["Result"]):
    def with_consent(self, today: date) -> "ResultQuerySet":
        """What may be shown on `today`, the clinic's date: consent was given, has not ended, was not withdrawn."""
        lasts = Q(consent_expires_on=None) | Q(consent_expires_on__gte=today)
        return self.filter(lasts, consent_on__lte=today, consent_withdrawn_at=None)

    def not_withdrawn(self) -> "ResultQuerySet":
        return self.filter(consent_withdrawn_at=None)

    def with_file(self, name: str) -> "ResultQuerySet":
        return self.filter(Q(before=name) | Q(after=name))


class Result(Picture):
    """What one patient looked like before and after, shown only while that patient consents."""

    class Scope(models.TextChoices):
        PAGE = "page", "On this website"
        PAGE_AND_SOCIAL = "social", "On this website and where it is shared"

    class Standing(models.TextChoices):
        SHOWN = "shown", "Shown"
        NOT_YET = "not-yet", "Not shown: consent begins later"
        ENDED = "ended", "Not shown: consent has ended"
        WITHDRAWN = "withdrawn", "Not shown: consent withdrawn"

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="results")
    before = PhotoField(
        upload_to="results/", width_field="before_width", height_field="before_height", validators=[readable_photo]
    )
    before_width = models.PositiveIntegerField(editable=False, default=0)
    before_height = models.PositiveIntegerField(editable=False, default=0)
    after = PhotoField(
        upload_to="results/", width_field="after_width", height_field="after_height", validators=[readable_photo]
    )
    after_width = models.PositiveIntegerField(editable=False, default=0)
    after_height = models.PositiveIntegerField(editable=False, default=0)
    alt = models.CharField("what changed", max_length=200, help_text=FOR_WHOM)
    alt_es = models.CharField("what changed, in Spanish", max_length=200, blank=True, help_text=OR_ENGLISH)
    consent_by = models.CharField("who consented", max_length=100, help_text="Never shown on the page.")
    consent_on = models.DateField("consent given on")
    consent_scope = models.CharField(max_length=10, choices=Scope, default=Scope.PAGE)
    consent_expires_on = models.DateField("consent ends on", null=True, blank=True, help_text="The last day.")
    consent_withdrawn_at = models.DateTimeField("consent withdrawn at", null=True, blank=True, editable=False)

    objects = ResultQuerySet.as_manager()

    class Meta(Picture.Meta):
        verbose_name = "before and after"
        verbose_name_plural = "before and after"

    def save(self, **options) -> None:
        """Never touches a withdrawal that is stored: whoever saves an older state of the row cannot undo it."""
        if not self._state.adding and options.get("update_fields") is None:
            fields = [field.name for field in self._meta.concrete_fields if not field.primary_key]
            options["update_fields"] = [name for name in fields if name != "consent_withdrawn_at"]
        super().save(**options)

    def withdraw(self, now: datetime | None = None) -> bool:
        """From now on the pair is shown to nobody, and its files go from the disk; the record of the consent stays.

        False if that had happened before; then nothing changes. It stays so: a new consent is a new row.
        """
        still_given = Result.objects.filter(pk=self.pk, consent_withdrawn_at=None)
        with transaction.atomic():
            is_new = still_given.update(consent_withdrawn_at=now or timezone.now()) == 1
            if is_new:
                remove_at_commit(self.before, self.after)
        self.refresh_from_db(fields=["consent_withdrawn_at"])
        return is_new

    def standing(self, today: date) -> Standing:
        """Whether it is shown on `today`, the clinic's date, and why not."""
        if self.consent_withdrawn_at:
            return self.Standing.WITHDRAWN
        if self.consent_on > today:
            return self.Standing.NOT_YET
        if self.consent_expires_on and self.consent_expires_on < today:
            return self.Standing.ENDED
        return self.Standing.SHOWN
