"""Morning, afternoon and evening: how patients say when they could come."""

from datetime import time

from django.db import models
from django.utils.translation import gettext_lazy as _

NOON = time(12)
EVENING = time(17)


class Part(models.TextChoices):
    MORNING = "am", _("mornings")
    AFTERNOON = "pm", _("afternoons")
    EVENING = "eve", _("evenings")


def part_of_day(at: time) -> Part:
    """Which part of the day a visit that begins at `at`, on the clinic's clock, falls into."""
    if at < NOON:
        return Part.MORNING
    return Part.AFTERNOON if at < EVENING else Part.EVENING
