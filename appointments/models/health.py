"""The private health check: what was asked, and what the patient answered."""

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from appointments.models.requests import AppointmentRequest
from medspa.sealed import SealedTextField


class HealthAnswerQuerySet(models.QuerySet["HealthAnswer"]):
    def last_given(self, appointment_request: AppointmentRequest) -> list["HealthAnswer"]:
        """The answers as they stand, in the order of the questions. Empty: none were given."""
        versions = self.filter(appointment_request=appointment_request).order_by("-version", "position")
        rows = list(versions)
        return [row for row in rows if row.version == rows[0].version]


class HealthAnswer(models.Model):
    """One answer of one version of the check. Question and advice are copied, so that no later edit changes them.

    A corrected check is a further version; none is ever changed.
    """

    class Answer(models.TextChoices):
        YES = "yes", _("Yes")
        NO = "no", _("No")
        UNSURE = "unsure", _("Not sure")

    appointment_request = models.ForeignKey(
        AppointmentRequest,
        models.CASCADE,
        db_index=False,  # one_answer_to_a_question begins with it
        related_name="health_answers",
    )
    version = models.PositiveIntegerField(help_text="Of the request, once these answers were given.")
    position = models.PositiveSmallIntegerField()
    question = models.CharField(max_length=200)
    staff_advice = models.CharField(max_length=400, blank=True)
    answer = SealedTextField(choices=Answer)
    answered_at = models.DateTimeField(default=timezone.now)

    objects = HealthAnswerQuerySet.as_manager()

    class Meta:
        ordering = ["version", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["appointment_request", "version", "position"], name="one_answer_to_a_question"
            )
        ]

    def __str__(self) -> str:
        return f"{self.appointment_request}: question {self.position}"  # never the answer

    def save(self, **options) -> None:
        if self.pk is not None:
            raise TypeError("A health answer is written once and never changed.")
        super().save(**options)

    @property
    def needs_review(self) -> bool:
        return self.answer != self.Answer.NO
