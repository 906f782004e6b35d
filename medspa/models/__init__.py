"""The clinic and its staff: facts on every page, what opens the desk's door, and signs of life."""

from medspa.models.clinic import (
    Clinic,
    ClinicNotOpenedYet,
    DayLine,
    OwnWords,
    days_of_follow_up,
    hours_before_a_visit,
    in_the_readers_language,
    known_time_zone,
)
from medspa.models.doors import Attempt, DoorEvent, FirstPassword, Passkey, RecoveryCode, SecondFactor
from medspa.models.hours import Closure, OpeningHours
from medspa.models.signs import Sign

__all__ = [
    "Attempt",
    "Clinic",
    "ClinicNotOpenedYet",
    "Closure",
    "DayLine",
    "DoorEvent",
    "FirstPassword",
    "OpeningHours",
    "OwnWords",
    "Passkey",
    "RecoveryCode",
    "SecondFactor",
    "Sign",
    "days_of_follow_up",
    "hours_before_a_visit",
    "in_the_readers_language",
    "known_time_zone",
]
