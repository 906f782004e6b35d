"""When a patient could come."""

from datetime import datetime

from django.db import models
from django.utils.translation import gettext

from appointments.models.parts_of_day import Part, part_of_day
from appointments.models.requests import AppointmentRequest
from medspa.opening_times import day_names


class PreferredTime(models.Model):
    """Days and a part of the day that suit the patient, such as Tuesday to Friday mornings."""

    Part = Part

    appointment_request = models.ForeignKey(
        AppointmentRequest,
        models.CASCADE,
        db_index=False,  # preferred_time_once begins with it
        related_name="preferred_times",
    )
    weekdays = models.CharField(max_length=7, help_text="Digits from Monday = 0.")
    part = models.CharField(max_length=3, choices=Part)

    class Meta:
        ordering = ["weekdays", "part"]
        constraints = [
            models.UniqueConstraint(fields=["appointment_request", "weekdays", "part"], name="preferred_time_once")
        ]

    def __str__(self) -> str:
        return gettext("%(days)s %(part)s") % {
            "days": day_names(int(day) for day in self.weekdays),
            "part": self.get_part_display(),
        }

    @property
    def code(self) -> str:
        """How the form names it."""
        return f"{self.weekdays}-{self.part}"

    def fits(self, local: datetime) -> bool:
        """Whether a visit that begins then, on the clinic's clock, is what the patient asked for."""
        return self.part == part_of_day(local.time()) and str(local.weekday()) in self.weekdays
