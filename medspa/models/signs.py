"""When something last happened that nobody sees happen: the sender's round, a backup."""

from datetime import datetime

from django.db import models


class SignManager(models.Manager["Sign"]):
    def leave(self, name: str, *, at: datetime, about: str = "") -> None:
        """Write down that `name` happened at `at`; `about` says more. One statement, so any number may at once."""
        sign = Sign(name=name, at=at, about=about)
        self.bulk_create([sign], update_conflicts=True, unique_fields=["name"], update_fields=["at", "about"])

    def moments(self) -> dict[str, datetime]:
        """When each sign was left."""
        return dict(self.values_list("name", "at"))

    def of(self, name: str) -> "Sign | None":
        """The sign that was left last under `name`; None if none ever was."""
        return self.filter(name=name).first()

    def age_seconds(self, name: str, now: datetime) -> int | None:
        """How long ago it was at `now`; None if it never was. A clock that was set back makes it 0."""
        sign = self.of(name)
        return max(0, int((now - sign.at).total_seconds())) if sign else None


class Sign(models.Model):
    """A sign of life: the last time that something happened. One row for each name."""

    SENDER, MAIL, BACKUP = "sender", "mail", "backup"  # the sender's round, a message that went out, a backup

    name = models.CharField(max_length=40, unique=True)
    at = models.DateTimeField()
    about = models.TextField(blank=True, help_text="Nothing of any patient.")

    objects = SignManager()

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%Y-%m-%d %H:%M}"
