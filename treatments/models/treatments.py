"""One treatment and its page's texts, in one language."""

from datetime import date, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.core.files.base import ContentFile
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, override

from medspa.row_lists import QuerySetWithLists
from treatments import social_picture
from treatments.models.picture_fields import remove_later
from treatments.texts import MarkdownField, RenderedField

if TYPE_CHECKING:
    from treatments.models.photos import Result


def sees_drafts(user: User | AnonymousUser) -> bool:
    """Patients read what is published; who may change a page reads its drafts as well."""
    return user.has_perm("treatments.change_treatment")


class TreatmentQuerySet(QuerySetWithLists["Treatment"]):
    def published(self, now: datetime | None = None) -> "TreatmentQuerySet":
        """What patients may read now, in every language."""
        due = models.Q(publish_at=None) | models.Q(publish_at__lte=now or timezone.now())
        return self.filter(due, status=Treatment.Status.PUBLISHED)

    def readable_by(self, user: User | AnonymousUser) -> "TreatmentQuerySet":
        """What `user` may read now."""
        return self.readable(with_drafts=sees_drafts(user))

    def readable(self, *, with_drafts: bool) -> "TreatmentQuerySet":
        return self.all() if with_drafts else self.published()

    def in_language(self, language: str) -> "TreatmentQuerySet":
        return self.filter(language=language)

    def originals(self) -> "TreatmentQuerySet":
        """The treatments themselves, without the rows that hold their words in another language."""
        return self.filter(original=None)

    def at(self, slug: str, language: str) -> "TreatmentQuerySet":
        """The treatment with this address and the row with its words in `language`: two rows at most."""
        return self.filter(models.Q(slug=slug, original=None) | models.Q(original__slug=slug, language=language))

    def names_alone(self) -> "TreatmentQuerySet":
        """Without the texts of the page, which are read when somebody asks for them."""
        return self.only("name", "slug", "language", "position", "status", "publish_at")

    def with_translations(self) -> "TreatmentQuerySet":
        """Ready for `in_words_of`."""
        return self.with_lists("translations")

    def with_points(self) -> "TreatmentQuerySet":
        """With every list of its page."""
        return self.with_lists("benefits", "contraindications", "steps", "recovery_notes", "faqs")

    def with_pictures(self) -> "TreatmentQuerySet":
        """With all photos and results, shown or not."""
        return self.with_lists("photos", "results")


class Treatment(models.Model):
    """One treatment and the texts of its page. Drafts are seen by staff alone."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"

    FACTS = (  # alike in every language, and kept at the original
        "slug",
        "position",
        "procedure_minutes",
        "calming_minutes_min",
        "calming_minutes_max",
        "price_from",
    )

    name = models.CharField(max_length=100)
    slug = models.SlugField("address", max_length=60, help_text="The last part of the page's address.")
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    publish_at = models.DateTimeField(
        "publish at", null=True, blank=True, help_text="A published page is not shown before this time. Empty: at once."
    )
    language = models.CharField(max_length=2, choices=settings.LANGUAGES, default="en", editable=False)
    original = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, editable=False, related_name="translations"
    )
    position = models.PositiveSmallIntegerField(default=0, help_text="Lower numbers come first.")
    summary = models.CharField(max_length=300, help_text="One or two sentences under the name. Also used in lists.")
    description = models.CharField(
        "description for search engines", max_length=170, blank=True, help_text="70 to 160 characters."
    )
    procedure_minutes = models.PositiveSmallIntegerField(
        "minutes of treatment", default=30, validators=[MinValueValidator(5), MaxValueValidator(480)]
    )
    calming_minutes_min = models.PositiveSmallIntegerField(
        "minutes of calming treatment, at least", null=True, blank=True, help_text="Leave empty if there is none."
    )
    calming_minutes_max = models.PositiveSmallIntegerField(
        "minutes of calming treatment, at most", null=True, blank=True
    )
    time_off = models.CharField("time off", max_length=60, blank=True, help_text="Such as: Usually none.")
    price_from = models.CharField("price from", max_length=40, blank=True, help_text="Such as $250.")

    what_it_is = MarkdownField(blank=True)
    what_it_is_html = RenderedField()
    benefits_intro = MarkdownField("what it can help, before the list", blank=True)
    benefits_intro_html = RenderedField()
    benefits_close = MarkdownField("what it can help, after the list", blank=True)
    benefits_close_html = RenderedField()
    who_it_suits = MarkdownField(blank=True)
    who_it_suits_html = RenderedField()
    on_the_day = MarkdownField("what happens on the day, before the steps", blank=True)
    on_the_day_html = RenderedField()
    risks = MarkdownField(blank=True)
    risks_html = RenderedField()
    recovery_intro = MarkdownField("recovery, before the notes", blank=True)
    recovery_intro_html = RenderedField()
    prices = MarkdownField(blank=True)
    prices_html = RenderedField()
    closing = MarkdownField("last words", blank=True)
    closing_html = RenderedField()

    reviewed_by = models.CharField(max_length=100, blank=True, help_text="Name and profession.")
    reviewed_on = models.DateField(null=True, blank=True)
    next_review_on = models.DateField(null=True, blank=True)
    social_picture = models.ImageField(upload_to="social/", blank=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = TreatmentQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(calming_minutes_min__isnull=True, calming_minutes_max__isnull=True)
                | models.Q(calming_minutes_max__gte=models.F("calming_minutes_min")),
                name="calming_minutes_are_a_range",
                violation_error_message="Fill in both minutes of calming treatment, the smaller one first, or neither.",
            ),
            models.UniqueConstraint(fields=["slug", "language"], name="one_page_an_address"),
            models.UniqueConstraint(fields=["original", "language"], name="one_translation_a_language"),
            models.CheckConstraint(
                condition=models.Q(language="en", original=None) | ~models.Q(language="en") & ~models.Q(original=None),
                name="a_translation_has_an_original",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, **options) -> None:
        """The facts of a treatment are one, whatever language its words are in. Its name is drawn when it is new."""
        if self.original:
            for fact in self.FACTS:
                setattr(self, fact, getattr(self.original, fact))
        with transaction.atomic():
            self._draw_social_picture(options)
            super().save(**options)
            if not self.original:
                facts = {fact: getattr(self, fact) for fact in self.FACTS}
                self.translations.exclude(**facts).update(**facts, updated_at=self.updated_at)

    def get_absolute_url(self) -> str:
        """Of its own page for a translation; in the reader's language for the treatment itself."""
        with override(self.language if self.original_id else get_language()):
            return reverse("treatments:treatment", args=[self.slug])

    def translation(self, language: str) -> "Treatment | None":
        """The row with this treatment's words in `language`, draft or not."""
        return next((row for row in self.translations.all() if row.language == language), None)

    def in_words_of(self, language: str | None) -> "Treatment":
        """The row that patients read in `language`: this one as long as no translation is published."""
        found = None if language == self.language else self.translation(language or self.language)
        return found if found and found.is_published else self

    def results_shown(self, today: date) -> "list[Result]":
        """Its pictures before and after that may be shown on `today`, the clinic's date: those with consent."""
        return [result for result in self.results.all() if result.standing(today) == result.Standing.SHOWN]

    @property
    def is_published(self) -> bool:
        """Whether patients may read it now."""
        return self.status == self.Status.PUBLISHED and (self.publish_at is None or self.publish_at <= timezone.now())

    @property
    def shown_since_change(self) -> datetime:
        """Since when patients may read it as it is now: its last change, or the time it was kept back for."""
        return max(self.updated_at, self.publish_at) if self.publish_at else self.updated_at

    @property
    def is_scheduled(self) -> bool:
        """Whether it will be shown by itself, at a time that has not come."""
        return self.status == self.Status.PUBLISHED and not self.is_published

    @property
    def visit_minutes(self) -> tuple[int, int]:
        """Shortest and longest stay at the clinic, with the calming treatment where there is one."""
        least, most = self.calming_minutes_min or 0, self.calming_minutes_max or 0
        return self.procedure_minutes + least, self.procedure_minutes + most

    @property
    def visit_lengths(self) -> list[int]:
        """How long a visit may be booked, in minutes: the treatment alone, or with the calming one by quarter hours."""
        if self.calming_minutes_max is None:
            return [self.procedure_minutes]
        least, most = self.visit_minutes
        return sorted({self.procedure_minutes, *range(least, most, 15), most})

    def _draw_social_picture(self, options: dict) -> None:
        former, storage, name = self.social_picture, self.social_picture.storage, social_picture.file_name(self.name)
        if former.name == name:
            return
        if not storage.exists(name):
            storage.save(name, ContentFile(social_picture.draw(self.name)))
        if former:
            remove_later(former.field, storage, former.name, [former.name])
        self.social_picture = name
        if fields := options.get("update_fields"):
            options["update_fields"] = [*fields, "social_picture"]
