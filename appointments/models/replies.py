"""Words that the desk writes again and again."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from appointments.models.requests import AppointmentRequest
from appointments.placeholders import NotAPlaceholder, used


class SavedReplyQuerySet(models.QuerySet["SavedReply"]):
    def to_write(self, appointment_request: AppointmentRequest) -> list["SavedReply"]:
        """Those that can be filled in for this request, the patient's language first."""
        booked = appointment_request.booked_appointment() is not None
        fitting = [reply for reply in self.filter(is_active=True) if booked or not reply.tells_the_time]
        return sorted(fitting, key=lambda reply: reply.language != appointment_request.language)


class SavedReply(models.Model):
    """An e-mail that the desk has ready: a start that is filled in for one patient, and changed before it goes."""

    name = models.CharField(max_length=80, help_text="For the desk. Patients do not see it.")
    language = models.CharField(max_length=2, choices=settings.LANGUAGES, default="en")
    subject = models.CharField(max_length=120)
    text = models.TextField(max_length=1500, help_text="The clinic's name, telephone and the reference stand below it.")
    is_active = models.BooleanField("offered at the desk", default=True)

    objects = SavedReplyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "saved replies"
        ordering = ["language", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "language"],
                name="one_reply_of_a_name_in_a_language",
                violation_error_message="There is a reply of this name in this language already.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def tells_the_time(self) -> bool:
        return "{time}" in self.subject + self.text

    def clean(self) -> None:
        self.text = self.text.replace("\r\n", "\n").strip()
        refused = {field: why for field in ("subject", "text") if (why := self._refusal(field))}
        if refused:
            raise ValidationError(refused)

    def _refusal(self, field: str) -> str:
        try:
            names = used(getattr(self, field))
        except NotAPlaceholder as trouble:
            return str(trouble)
        if field == "subject" and "link" in names:
            return "{link} is the patient's secret: it can stand in the text, and not in the subject."
        return ""
