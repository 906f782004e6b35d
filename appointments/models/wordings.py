"""What a mail says where the owner has said it otherwise."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connections, models

from appointments.models.messages import Message
from appointments.placeholders import NEEDED, OF_KIND, NotAPlaceholder, used

Kind = Message.Kind


class MailWordingQuerySet(models.QuerySet["MailWording"]):
    def of_kinds(self, *kinds: str) -> dict[tuple[str, str], tuple[str, str]]:
        """Subject and text by kind and language, in one query: with every mail somebody asks for them."""
        marks = ", ".join(["%s"] * len(kinds))
        words = f"SELECT kind, language, subject, text FROM {self.model._meta.db_table} WHERE kind IN ({marks})"
        with connections[self.db].cursor() as cursor:
            cursor.execute(words, [str(kind) for kind in kinds])
            return {(kind, language): (subject, text) for kind, language, subject, text in cursor.fetchall()}


class MailWording(models.Model):
    """The owner's own words for one kind of mail in one language. Without a row, the standard words are sent."""

    kind = models.CharField(
        "mail", max_length=12, choices=[(kind.value, kind.label) for kind in Kind if kind in OF_KIND]
    )
    language = models.CharField(max_length=2, choices=settings.LANGUAGES, default="en")
    subject = models.CharField(max_length=120)
    text = models.TextField(max_length=2000, help_text="Paragraphs stand between empty lines.")

    objects = MailWordingQuerySet.as_manager()

    class Meta:
        verbose_name = "mail wording"
        ordering = ["kind", "language"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "language"],
                name="one_wording_of_a_mail_in_a_language",
                violation_error_message="This mail has words of your own in this language already.",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind__in=["desk_notice", "desk_change", "digest"]) | models.Q(language="en"),
                name="the_desk_is_written_to_in_english",
                violation_error_message="Mails to the desk are written in English.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.get_language_display()})"

    def clean(self) -> None:
        """Refuse what cannot be filled in, and what would not say what the mail is for."""
        self.text = self.text.replace("\r\n", "\n").strip()
        refused = {field: why for field in ("subject", "text") if (why := self._refusal(field))}
        if refused:
            raise ValidationError(refused)

    def _refusal(self, field: str) -> str:
        try:
            names = used(getattr(self, field), OF_KIND.get(self.kind, ()))
        except NotAPlaceholder as trouble:
            return str(trouble)
        if field == "subject":
            secret = "{link} is the patient's secret: it can stand in the text, and not in the subject."
            return secret if "link" in names else ""
        missing = [name for name in ("link", *NEEDED.get(self.kind, ())) if name not in names]
        return f"Leave {{{missing[0]}}} in: the mail is of no use without it." if missing else ""
