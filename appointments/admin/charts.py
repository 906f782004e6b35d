"""Bars for numbers: where each stands in a drawing of 100 by 100 that is stretched to its place on the page."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from appointments.reports import Line

GAP = 0.2  # of the room that one week has


class Bar(NamedTuple):
    x: str
    y: str
    width: str
    height: str
    series: int
    words: str


class Series(NamedTuple):
    name: str
    value: Callable[[Line], int | None]


class Chart(NamedTuple):
    title: str
    unit: str
    series: list[str]
    top: int  # the number that the full height stands for
    bars: list[Bar]


def chart(title: str, unit: str, lines: Sequence[Line], series: Sequence[Series], *, top: int = 0) -> Chart:
    """Bars side by side, one for each series in each line. A line without a number has none."""
    values = [[each.value(line) for each in series] for line in lines]
    top = top or max((value or 0 for row in values for value in row), default=0) or 1
    room = 100 / max(len(lines), 1)
    width = room * (1 - GAP) / len(series)
    bars = [
        Bar(
            x=_short(place * room + room * GAP / 2 + number * width),
            y=_short(100 - 100 * value / top),
            width=_short(width),
            height=_short(100 * value / top),
            series=number + 1,
            words=f"{lines[place].name}: {value} {unit}, {series[number].name.lower()}",
        )
        for place, row in enumerate(values)
        for number, value in enumerate(row)
        if value
    ]
    return Chart(title, unit, [each.name for each in series], top, bars)


class Row(NamedTuple):
    """One line as a bar that lies: what was asked, and the part of it that was booked."""

    name: str
    asked: int
    booked: int
    asked_width: str
    booked_width: str


def rows(lines: Sequence[Line]) -> list[Row]:
    """Requests and bookings of each line, the longest bar 100 wide."""
    top = max((line.asked for line in lines), default=0) or 1
    return [
        Row(line.name, line.asked, line.booked, _short(100 * line.asked / top), _short(100 * line.booked / top))
        for line in lines
    ]


def _short(number: float) -> str:
    return f"{number:.2f}"
