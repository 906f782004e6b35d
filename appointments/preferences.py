"""Which times a patient may tick, made from the opening hours: Tuesday to Friday mornings, Saturday afternoons."""

from appointments.models import EVENING, NOON, PreferredTime
from medspa.models import Clinic

Part = PreferredTime.Part


def times_to_prefer(clinic: Clinic) -> list[PreferredTime]:
    """Unsaved choices, weekdays before the weekend's days, each in the order of the day."""
    days_open: dict[str, set[int]] = {part: set() for part in Part.values}
    for hours in clinic.hours.all():
        if hours.opens_at < NOON:
            days_open[Part.MORNING].add(hours.weekday)
        if hours.opens_at < EVENING and hours.closes_at > NOON:
            days_open[Part.AFTERNOON].add(hours.weekday)
        if hours.closes_at > EVENING:
            days_open[Part.EVENING].add(hours.weekday)
    return [
        PreferredTime(weekdays="".join(map(str, sorted(days))), part=part)
        for group in ({0, 1, 2, 3, 4}, {5}, {6})
        for part in Part.values
        if (days := days_open[part] & group)
    ]


def read_preference(code: str) -> PreferredTime | None:
    """The choice behind a ticked box such as `1234-am`; None where it is not one.

    One that the opening hours no longer offer is still read: the patient saw it, and meant it.
    """
    weekdays, _dash, part = code.partition("-")
    in_order = "".join(sorted(set(weekdays)))
    if part not in Part.values or not weekdays or weekdays != in_order or not set(weekdays) <= set("0123456"):
        return None
    return PreferredTime(weekdays=weekdays, part=part)
