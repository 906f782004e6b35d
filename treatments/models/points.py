"""The lists of a treatment's page."""

from django.db import models

from treatments.models.treatments import Treatment
from treatments.texts import MarkdownField, RenderedField


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
