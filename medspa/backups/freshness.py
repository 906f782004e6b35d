"""Whether the last backup is recent enough: what the last one that came safely to disk has written down."""

from datetime import datetime, timedelta
from typing import NamedTuple

from medspa.models import Sign

FRESH, OLD, NONE = "fresh", "old", "none"
MAX_AGE = timedelta(hours=26)  # one a day, and two hours for a night that takes longer


class Freshness(NamedTuple):
    """`word` is one of fresh, old and none; `age_seconds` is None where there never was a backup."""

    word: str
    age_seconds: int | None

    @property
    def is_fresh(self) -> bool:
        return self.word == FRESH

    def __str__(self) -> str:
        if self.age_seconds is None:
            return "There is no backup yet."
        hours, minutes = divmod(self.age_seconds // 60, 60)
        return f"The last backup is {hours} h {minutes} min old."


def freshness(now: datetime, *, max_age: timedelta = MAX_AGE) -> Freshness:
    """How the last backup stands at `now`. One query."""
    sign = Sign.objects.of(Sign.BACKUP)
    if sign is None:
        return Freshness(NONE, None)
    age = max(now - sign.at, timedelta(0))  # a clock that was set back makes no backup old
    return Freshness(FRESH if age <= max_age else OLD, int(age.total_seconds()))
