from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from medspa.opening_times import Hours, Spell, clock_time, day_names, open_spells

NEW_YORK, PHOENIX = ZoneInfo("America/New_York"), ZoneInfo("America/Phoenix")
TUESDAY_TO_SATURDAY = [Hours(day, time(9), time(17)) for day in range(1, 6)]


def first_spells(count, week, zone, after, closed=()):
    spells = open_spells(week, closed, zone, after)
    return [next(spells) for _index in range(count)]


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_the_spell_that_has_begun_comes_first():
    noon = datetime(2026, 3, 10, 12, tzinfo=PHOENIX)
    assert first_spells(1, TUESDAY_TO_SATURDAY, PHOENIX, noon) == [Spell(utc(2026, 3, 10, 16), utc(2026, 3, 11, 0))]


def test_the_spell_that_has_just_ended_does_not_come_again():
    closing = datetime(2026, 3, 10, 17, tzinfo=PHOENIX)
    assert first_spells(1, TUESDAY_TO_SATURDAY, PHOENIX, closing) == [Spell(utc(2026, 3, 11, 16), utc(2026, 3, 12, 0))]


def test_saturday_evening_leads_to_tuesday_morning():
    saturday = datetime(2026, 3, 14, 20, tzinfo=PHOENIX)
    assert first_spells(1, TUESDAY_TO_SATURDAY, PHOENIX, saturday)[0].opens == datetime(2026, 3, 17, 9, tzinfo=PHOENIX)


@pytest.mark.parametrize(
    ("zone", "day", "before", "after"),
    [
        (NEW_YORK, date(2026, 3, 6), 14, 13),  # the clocks go forward on Sunday, March 8
        (NEW_YORK, date(2026, 10, 30), 13, 14),  # and back on Sunday, November 1
        (PHOENIX, date(2026, 3, 6), 16, 16),
        (PHOENIX, date(2026, 10, 30), 16, 16),
    ],
)
def test_nine_in_the_morning_stays_nine_in_the_morning_when_the_clocks_change(zone, day, before, after):
    week = [Hours(4, time(9), time(10)), Hours(0, time(9), time(10))]
    friday, monday = first_spells(2, week, zone, datetime.combine(day, time(0), zone))
    assert [friday.opens.hour, monday.opens.hour] == [before, after]
    assert [friday.opens.astimezone(zone).hour, monday.opens.astimezone(zone).hour] == [9, 9]


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 8), 3), (date(2026, 11, 1), 5)])
def test_a_night_in_which_the_clocks_change_is_an_hour_shorter_or_longer(day, hours):
    night = [Hours(6, time(0), time(4))]
    (spell,) = first_spells(1, night, NEW_YORK, datetime.combine(day, time(0), NEW_YORK))
    assert (spell.closes - spell.opens).total_seconds() == hours * 3600


def test_a_closure_takes_out_its_first_and_its_last_day():
    closed = [(date(2026, 3, 11), date(2026, 3, 13))]
    tuesday, saturday = first_spells(2, TUESDAY_TO_SATURDAY, PHOENIX, datetime(2026, 3, 10, tzinfo=PHOENIX), closed)
    assert tuesday.opens.astimezone(PHOENIX).date() == date(2026, 3, 10)
    assert saturday.opens.astimezone(PHOENIX).date() == date(2026, 3, 14)


def test_closures_that_overlap_close_each_day_of_either():
    closed = [(date(2026, 3, 10), date(2026, 3, 12)), (date(2026, 3, 12), date(2026, 3, 13))]
    (spell,) = first_spells(1, TUESDAY_TO_SATURDAY, PHOENIX, datetime(2026, 3, 10, tzinfo=PHOENIX), closed)
    assert spell.opens.astimezone(PHOENIX).date() == date(2026, 3, 14)


def test_spells_that_overlap_or_touch_come_out_as_one():
    tuesday = [Hours(1, time(13), time(17)), Hours(1, time(9), time(12)), Hours(1, time(11), time(13))]
    (spell,) = first_spells(1, tuesday, PHOENIX, datetime(2026, 3, 10, tzinfo=PHOENIX))
    assert (spell.opens, spell.closes) == (utc(2026, 3, 10, 16), utc(2026, 3, 11, 0))


def test_a_spell_within_another_does_not_shorten_it():
    tuesday = [Hours(1, time(9), time(17)), Hours(1, time(10), time(11))]
    (spell,) = first_spells(1, tuesday, PHOENIX, datetime(2026, 3, 10, tzinfo=PHOENIX))
    assert spell.closes == utc(2026, 3, 11, 0)


def test_a_lunch_break_parts_the_day():
    tuesday = [Hours(1, time(9), time(12)), Hours(1, time(13), time(17))]
    morning, afternoon = first_spells(2, tuesday, PHOENIX, datetime(2026, 3, 10, tzinfo=PHOENIX))
    assert (morning.closes, afternoon.opens) == (utc(2026, 3, 10, 19), utc(2026, 3, 10, 20))


def test_a_week_without_hours_never_opens():
    assert list(open_spells([], [], PHOENIX, utc(2026, 3, 10))) == []


def test_a_clinic_closed_for_good_never_opens():
    closed = [(date(2026, 1, 1), date(2030, 1, 1))]
    assert list(open_spells(TUESDAY_TO_SATURDAY, closed, PHOENIX, utc(2026, 3, 10))) == []


@pytest.mark.parametrize(
    ("weekdays", "words"),
    [
        ([], ""),
        ([5], "Saturday"),
        ([0, 1], "Monday and Tuesday"),
        ([1, 2, 3, 4], "Tuesday to Friday"),
        ([4, 2, 0], "Monday, Wednesday and Friday"),
        ([0, 1, 2, 5], "Monday to Wednesday and Saturday"),
        ([0, 1, 3, 4], "Monday, Tuesday, Thursday and Friday"),
        ([6, 6, 0], "Monday and Sunday"),
        (range(7), "Monday to Sunday"),
    ],
)
def test_days_are_named_as_they_are_said(weekdays, words):
    assert day_names(weekdays) == words


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (time(9), "9 am"),
        (time(17, 30), "5:30 pm"),
        (time(12), "noon"),
        (time(12, 15), "12:15 pm"),
        (time(0), "12 am"),
        (time(8, 5), "8:05 am"),
    ],
)
def test_times_are_said_as_the_front_desk_says_them(at, words):
    assert clock_time(at) == words
