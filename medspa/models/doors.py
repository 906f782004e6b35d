"""What opens the desk's door besides a password, and who has been at it."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

from medspa.sealed import SealedTextField

KEPT = timedelta(days=30)


class AttemptQuerySet(models.QuerySet["Attempt"]):
    def stale(self, now: datetime) -> "AttemptQuerySet":
        """What no limit counts any more, or would not for years: the clock was ahead."""
        return self.exclude(at__gte=now - KEPT, at__lte=now + KEPT)


class Attempt(models.Model):
    """One try to get in, written before it is known whether it succeeds. What succeeds is taken away again.

    A name is kept as a keyed digest: people type passwords where the name belongs.
    """

    name_digest = models.CharField(max_length=64)
    address = models.CharField(max_length=45, blank=True)
    at = models.DateTimeField(default=timezone.now)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["name_digest", "at"], name="attempt_of_name"),
            models.Index(fields=["address", "at"], name="attempt_of_address"),
        ]

    def __str__(self) -> str:
        return f"Attempt at {self.at:%Y-%m-%d %H:%M}"


class FirstPassword(models.Model):
    """The password of this account was made by the program. The row goes when the person sets one."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="first_password")
    made_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"First password of {self.user}"


class SecondFactor(models.Model):
    """The secret that a person's phone makes codes of, six digits every half minute (RFC 6238)."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="second_factor")
    secret = SealedTextField(help_text="Base32.")
    last_step = models.BigIntegerField(default=0, help_text="Half minutes since 1970 of the last code that was used.")
    confirmed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Codes of {self.user}"


class RecoveryCode(models.Model):
    """One of ten codes on paper, for when the phone is gone. Each opens once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64, unique=True, help_text="HMAC-SHA256 of 128 random bits.")
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Recovery code of {self.user}"


class Passkey(models.Model):
    """A key that stays in a person's device and signs for this site alone (WebAuthn)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="passkeys")
    name = models.CharField(max_length=60)
    credential_id = models.CharField(max_length=512, unique=True, help_text="Base64url.")
    public_key = models.TextField(help_text="COSE, base64url.")
    sign_count = models.BigIntegerField(default=0)
    made_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["made_at"]

    def __str__(self) -> str:
        return self.name


class DoorEventQuerySet(models.QuerySet["DoorEvent"]):
    def let_go(self, before: datetime) -> int:
        """Delete what is older. The database allows it six years after it happened."""
        return self.filter(at__lt=before)._raw_delete(self.db)


class DoorEvent(models.Model):
    """Somebody came in, was kept out, or changed what opens the door. Written once."""

    class Kind(models.TextChoices):
        SIGNED_IN = "signed_in", "Signed in"
        SIGNED_OUT = "signed_out", "Signed out"
        TIMED_OUT = "timed_out", "Signed out by the clock"
        REFUSED = "refused", "Wrong password or code"
        LOCKED = "locked", "Locked out"
        UNLOCKED = "unlocked", "Unlocked"
        FACTOR_SET = "factor_set", "Second step set up"
        FACTOR_RESET = "factor_reset", "Second step taken away"
        CODE_USED = "code_used", "Recovery code used"
        DENIED = "denied", "Page refused"
        SESSIONS = "sessions", "Other sessions ended"

    kind = models.CharField(max_length=12, choices=Kind)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", help_text="Empty: nobody known."
    )
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+")
    address = models.CharField("from", max_length=45, blank=True)
    at = models.DateTimeField(default=timezone.now)

    objects = DoorEventQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        permissions = [("review_doorevent", "Can see who signed in")]
        indexes = [models.Index(fields=["user", "at"], name="door_of_user")]

    def __str__(self) -> str:
        return self.get_kind_display()

    def save(self, **options) -> None:
        if self.pk is not None:
            raise TypeError("An event at the door is written once and never changed.")
        super().save(**options)
