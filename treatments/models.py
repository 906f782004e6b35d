"""What we offer. A treatment's page is its row and its points, in the order in which the page is read.

Texts are the practice's own words. An empty field leaves no trace on the page.
"""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse

from treatments.images import prepare, readable_photo
from treatments.texts import MarkdownField, RenderedField


class TreatmentQuerySet(models.QuerySet["Treatment"]):
    def published(self) -> "TreatmentQuerySet":
        return self.filter(status=Treatment.Status.PUBLISHED)

    def with_points(self) -> "TreatmentQuerySet":
        """With everything its page shows: one query for each kind of point."""
        return self.prefetch_related("benefits", "contraindications", "steps", "recovery_notes", "faqs", "photos")


class Treatment(models.Model):
    """One treatment and the texts of its page. Drafts are seen by staff alone."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        PUBLISHED = "published", "Published"

    name = models.CharField(max_length=100)
    slug = models.SlugField("address", unique=True, max_length=60, help_text="The last part of the page's address.")
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
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
            )
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("treatments:treatment", args=[self.slug])

    @property
    def is_published(self) -> bool:
        return self.status == self.Status.PUBLISHED

    @property
    def visit_minutes(self) -> tuple[int, int]:
        """Shortest and longest stay at the clinic, with the calming treatment where there is one."""
        least, most = self.calming_minutes_min or 0, self.calming_minutes_max or 0
        return self.procedure_minutes + least, self.procedure_minutes + most


class Point(models.Model):
    """One entry of a list on a treatment's page, in the order that staff give it."""

    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        abstract = True
        ordering = ["position", "pk"]


class Benefit(Point):
    """A reason why people come, never a promise."""

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="benefits")
    name = models.CharField(max_length=100)
    text = models.CharField(max_length=400, blank=True)

    def __str__(self) -> str:
        return self.name


class Contraindication(Point):
    """Why somebody should wait. Written once: on the page, in the private health check, and as advice at the desk."""

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="contraindications")
    page_words = models.CharField(
        "words on the page", max_length=200, help_text='Completes "Wait with this treatment if you ...".'
    )
    question = models.CharField(
        "question in the health check", max_length=200, help_text="Answered with yes, no or not sure."
    )
    staff_advice = models.CharField(
        "advice for staff", max_length=400, blank=True, help_text="What to do when the answer is yes or not sure."
    )

    def __str__(self) -> str:
        return self.page_words


class ProcedureStep(Point):
    """One step of the visit, with its minutes where they are known."""

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="steps")
    name = models.CharField(max_length=100)
    minutes = models.CharField(max_length=60, blank=True, help_text="In words, such as: About 30 minutes.")
    text = models.CharField(max_length=600, blank=True)

    def __str__(self) -> str:
        return self.name


class RecoveryNote(Point):
    """What to expect or to do at one time after the visit. Also printed on the aftercare sheet."""

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="recovery_notes")
    when = models.CharField(max_length=60, help_text="Such as: Same day.")
    text = models.CharField(max_length=600)

    def __str__(self) -> str:
        return self.when


class Faq(Point):
    """A question that patients ask, and our answer."""

    treatment = models.ForeignKey(Treatment, models.CASCADE, related_name="faqs")
    question = models.CharField(max_length=200)
    answer = MarkdownField()
    answer_html = RenderedField()

    class Meta(Point.Meta):
        verbose_name = "question"

    def __str__(self) -> str:
        return self.question


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


class Provider(models.Model):
    """Somebody who treats patients and whose time is booked."""

    name = models.CharField(max_length=100, unique=True)
    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    is_active = models.BooleanField("takes appointments", default=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
