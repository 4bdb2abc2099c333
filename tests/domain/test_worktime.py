"""Deadlines, time used and lights; holidays and make-up days; an oracle that counts minutes."""

from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gridmgmt.domain.workcalendar import WorkCalendar, official_overrides, parse_work_calendar
from gridmgmt.domain.worktime import (
    Light,
    LimitUnit,
    add_working_time,
    deadline,
    elapsed,
    light,
    share_used,
    shift_deadline,
    yellow_after,
)
from gridmgmt.errors import InvalidInput

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS = ((time(8, 30), time(12)), (time(13, 30), time(18)))
DAY, HOUR = LimitUnit.WORKING_DAY, LimitUnit.WORKING_HOUR
MINUTE = timedelta(minutes=1)
unhurried = settings(deadline=None)  # the oracle lists its minutes on first use


def make_calendar(overrides=None, slots=HOURS, timezone="Asia/Shanghai", **more):
    return WorkCalendar(timezone, slots, overrides or {}, **more)


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


# 2026-11-20 is a Friday.


@pytest.mark.parametrize(("amount", "unit"), [(1, DAY), (8, HOUR)])
def test_one_working_day_from_friday_16_is_due_monday_16(amount, unit):
    assert at("2026-11-23 16:00") == deadline(at("2026-11-20 16:00"), amount, unit, make_calendar())


@pytest.mark.parametrize(("amount", "unit"), [(1, DAY), (8, HOUR)])
def test_a_holiday_on_monday_makes_it_due_on_tuesday(amount, unit):
    calendar = make_calendar({date(2026, 11, 23): False})
    assert at("2026-11-24 16:00") == deadline(at("2026-11-20 16:00"), amount, unit, calendar)


@pytest.mark.parametrize(("amount", "unit"), [(1, DAY), (8, HOUR)])
def test_a_make_up_saturday_makes_it_due_on_saturday(amount, unit):
    calendar = make_calendar({date(2026, 11, 21): True})
    assert at("2026-11-21 16:00") == deadline(at("2026-11-20 16:00"), amount, unit, calendar)


def test_deadlines_are_aware_utc():
    due = deadline(at("2026-11-20 16:00"), 1, DAY, make_calendar())
    assert UTC is due.tzinfo
    assert "2026-11-23T08:00:00+00:00" == due.isoformat()


@pytest.mark.parametrize(
    "filed",
    ["2026-11-20 18:00", "2026-11-20 23:59", "2026-11-21 12:00", "2026-11-23 00:00", "2026-11-23 08:30"],
)
def test_what_is_filed_outside_hours_counts_from_the_next_working_moment(filed):
    assert at("2026-11-23 12:00") == deadline(at(filed), 3, HOUR, make_calendar()) + timedelta(minutes=30)
    assert at("2026-11-24 08:30") == deadline(at(filed), 1, DAY, make_calendar())


def test_the_lunch_break_is_no_working_time():
    assert at("2026-11-20 14:00") == deadline(at("2026-11-20 11:30"), 1, HOUR, make_calendar())
    assert at("2026-11-20 14:30") == deadline(at("2026-11-20 12:15"), 1, HOUR, make_calendar())


def test_eight_hours_from_the_opening_end_at_the_close_and_one_day_at_the_next_opening():
    start, calendar = at("2026-11-23 08:30"), make_calendar()
    hours, day = deadline(start, 8, HOUR, calendar), deadline(start, 1, DAY, calendar)
    assert (at("2026-11-23 18:00"), at("2026-11-24 08:30")) == (hours, day)
    assert timedelta(0) == elapsed(hours, day, DAY, calendar)


def test_a_day_of_seven_hours_is_still_one_working_day():
    calendar = make_calendar(slots=((time(9), time(12)), (time(13), time(17))))
    start = at("2026-11-23 11:00")
    assert at("2026-11-24 11:00") == deadline(start, 1, DAY, calendar)
    assert at("2026-11-24 13:00") == deadline(start, 8, HOUR, calendar) + timedelta(hours=1)


def test_natural_units_run_through_nights_and_holidays():
    start, calendar = at("2026-11-20 23:50"), make_calendar({date(2026, 11, 21): False})
    assert at("2026-11-21 00:20") == deadline(start, 30, LimitUnit.NATURAL_MINUTE, calendar)
    assert at("2026-11-22 23:50") == deadline(start, 48, LimitUnit.NATURAL_HOUR, calendar)


@pytest.mark.parametrize("unit", list(LimitUnit))
@pytest.mark.parametrize("amount", [0, -1, 10**9])
def test_a_limit_of_nothing_or_of_decades_is_refused(amount, unit):
    with pytest.raises(InvalidInput):
        deadline(at("2026-11-20 16:00"), amount, unit, make_calendar())


@pytest.mark.parametrize("unit", list(LimitUnit))
def test_a_start_without_zone_is_refused(unit):
    with pytest.raises(InvalidInput):
        deadline(datetime(2026, 11, 20, 16), 1, unit, make_calendar())  # noqa: DTZ001  the point of the test


def test_adding_nothing_gives_the_start_back_also_at_night():
    night = at("2026-11-20 23:00")
    assert night == add_working_time(night, timedelta(0), make_calendar())
    with pytest.raises(InvalidInput):
        add_working_time(night, timedelta(minutes=-1), make_calendar())


def test_a_calendar_without_working_days_is_refused_instead_of_searched_for_ever():
    days = {date(2026, 1, 1) + timedelta(days=i): False for i in range(4_400)}
    with pytest.raises(InvalidInput):
        deadline(at("2026-11-20 16:00"), 1, DAY, make_calendar(days))


@pytest.mark.parametrize(
    "slots",
    [
        (),
        ((time(9), time(9)),),
        ((time(12), time(9)),),
        ((time(13), time(18)), (time(8), time(12))),
        ((time(8), time(13)), (time(12), time(18))),
        ((time(8), time(12)), (time(12), time(18))),
        ((time(8, tzinfo=UTC), time(12, tzinfo=UTC)),),
    ],
)
def test_slots_are_in_order_apart_and_without_zone(slots):
    with pytest.raises(InvalidInput):
        make_calendar(slots=slots)


def test_an_unknown_zone_is_refused():
    with pytest.raises(InvalidInput):
        make_calendar(timezone="Asia/Nowhere")


# The oracle: list every working minute of eight weeks, one by one, and count in the list.

ORACLE_START = datetime(2026, 9, 21)  # noqa: DTZ001  wall clock
ORACLE_MINUTES = 56 * 24 * 60


def random_calendar(seed):
    random = Random(seed)
    edges = sorted(random.sample(range(0, 24 * 60 - 1, 10), k=2 * random.randint(1, 4)))
    clock = [time(minute // 60, minute % 60) for minute in edges]
    overrides = {
        (ORACLE_START + timedelta(days=random.randrange(56))).date(): random.random() < 0.5 for _ in range(14)
    }
    return make_calendar(overrides, tuple(zip(clock[::2], clock[1::2], strict=True)))


CALENDARS = [make_calendar(official_overrides(2026, 2026)[0]), *map(random_calendar, range(7))]


@cache
def working_minutes(index):
    calendar, found = CALENDARS[index], []
    for i in range(ORACLE_MINUTES):
        minute = ORACLE_START + i * MINUTE
        works = calendar.overrides.get(minute.date(), minute.weekday() < 5)
        if works and any(start <= minute.time() < end for start, end in calendar.slots):
            found.append(minute)
    return found


def oracle_after(index, start, minutes):
    ahead = [minute for minute in working_minutes(index) if minute >= start]
    return ahead[minutes - 1] + MINUTE


def oracle_days_after(index, start, days):
    moment = next(minute for minute in working_minutes(index) if minute >= start)
    later = sorted({minute.date() for minute in working_minutes(index) if minute.date() > moment.date()})
    return datetime.combine(later[days - 1], moment.time())


def oracle_between(index, start, end):
    return sum(1 for minute in working_minutes(index) if start <= minute < end) * MINUTE


indexes = st.integers(0, len(CALENDARS) - 1)
starts = st.integers(0, 21 * 24 * 60).map(lambda i: ORACLE_START + i * MINUTE)


def zoned(wall):
    return wall.replace(tzinfo=SHANGHAI)


@unhurried
@given(indexes, starts, st.integers(1, 6))
def test_working_hours_agree_with_counting_minutes(index, start, hours):
    assume(hours * 60 <= sum(1 for minute in working_minutes(index) if minute >= start))
    expected = oracle_after(index, start, hours * 60)
    assert zoned(expected) == deadline(zoned(start), hours, HOUR, CALENDARS[index])


@unhurried
@given(indexes, starts, st.integers(1, 12))
def test_working_days_agree_with_counting_days(index, start, days):
    expected = oracle_days_after(index, start, days)
    assert zoned(expected) == deadline(zoned(start), days, DAY, CALENDARS[index])


@unhurried
@given(indexes, starts, starts)
def test_elapsed_time_agrees_with_counting_minutes(index, one, other):
    start, end = sorted((one, other))
    expected = oracle_between(index, start, end)
    assert expected == elapsed(zoned(start), zoned(end), HOUR, CALENDARS[index])
    if start < end:
        assert timedelta(0) == elapsed(zoned(end), zoned(start), HOUR, CALENDARS[index])


@unhurried
@given(indexes, starts, st.integers(1, 5), st.integers(1, 5), st.sampled_from(list(LimitUnit)))
def test_limits_add_up(index, start, first, second, unit):
    calendar = CALENDARS[index]
    in_one = deadline(zoned(start), first + second, unit, calendar)
    assert in_one == deadline(deadline(zoned(start), first, unit, calendar), second, unit, calendar)


@unhurried
@given(indexes, starts, starts, st.integers(1, 10), st.sampled_from(list(LimitUnit)))
def test_a_later_start_is_never_due_earlier_and_a_longer_limit_always_later(index, one, other, amount, unit):
    calendar, (early, late) = CALENDARS[index], sorted((one, other))
    due = deadline(zoned(early), amount, unit, calendar)
    assert due <= deadline(zoned(late), amount, unit, calendar)
    assert due < deadline(zoned(early), amount + 1, unit, calendar)
    assert due > zoned(early)


@unhurried
@given(indexes, starts, st.integers(1, 40), st.sampled_from([DAY, HOUR]))
def test_a_limit_of_working_hours_holds_exactly_its_working_time(index, start, amount, unit):
    calendar = CALENDARS[index]
    due = deadline(zoned(start), amount, unit, calendar)
    length = amount * (timedelta(hours=1) if unit is HOUR else calendar.day_length)
    assert length == elapsed(zoned(start), due, unit, calendar)


@unhurried
@given(indexes, starts, st.integers(1, 6), st.integers(-60, 30 * 24 * 60), st.sampled_from(list(LimitUnit)))
def test_the_light_can_be_told_by_comparing_two_stored_instants(index, start, amount, minutes, unit):
    calendar, started = CALENDARS[index], zoned(start)
    due = deadline(started, amount, unit, calendar)
    yellow = yellow_after(started, due, unit, calendar)
    assert yellow <= due
    for now in (
        started + minutes * MINUTE,
        yellow,
        yellow + timedelta.resolution,
        due,
        due + timedelta.resolution,
    ):
        expected = Light.RED if now > due else Light.YELLOW if now > yellow else Light.GREEN
        assert expected == light(started, due, now, calendar, unit)


def test_the_light_is_green_up_to_80_percent_and_red_only_after_the_deadline():
    calendar, start, due = make_calendar(), at("2026-11-23 08:30"), at("2026-11-24 14:30")  # 12.5 hours
    for text, expected in [
        ("2026-11-23 08:30", Light.GREEN),
        ("2026-11-24 10:30", Light.GREEN),
        ("2026-11-24 10:31", Light.YELLOW),
        ("2026-11-24 14:30", Light.YELLOW),
        ("2026-11-24 14:31", Light.RED),
    ]:
        assert expected == light(start, due, at(text), calendar, HOUR)


def test_a_deadline_at_the_close_is_missed_in_the_evening_and_not_only_next_morning():
    calendar, start, due = make_calendar(), at("2026-11-23 08:30"), at("2026-11-23 18:00")
    assert Light.RED == light(start, due, at("2026-11-23 18:01"), calendar, HOUR)


def test_the_share_used_passes_one_and_a_half_when_half_the_limit_is_over():
    calendar, start, due = make_calendar(), at("2026-11-23 08:30"), at("2026-11-23 18:00")
    assert 0.5 == share_used(start, due, at("2026-11-23 14:00"), calendar, HOUR)
    assert 1.5 == share_used(start, due, at("2026-11-24 14:00"), calendar, HOUR)
    assert 1.0 == share_used(start, start, start, calendar, HOUR)


def test_after_a_pause_what_was_left_runs_on():
    calendar = make_calendar()
    due, paused = at("2026-11-23 16:00"), at("2026-11-23 10:00")
    assert at("2026-11-26 09:00") == shift_deadline(due, paused, at("2026-11-25 14:00"), DAY, calendar)
    assert at("2026-11-25 20:00") == shift_deadline(
        due, paused, at("2026-11-25 14:00"), LimitUnit.NATURAL_HOUR, calendar
    )


def test_a_pause_does_not_mend_a_deadline_that_was_missed_before_it():
    calendar, due = make_calendar(), at("2026-11-23 16:00")
    assert due == shift_deadline(due, at("2026-11-23 17:00"), at("2026-11-30 09:00"), DAY, calendar)


@unhurried
@given(indexes, starts, st.integers(1, 20), st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_pause_neither_gives_nor_takes_working_time(index, start, hours, until_pause, pause):
    calendar, started = CALENDARS[index], zoned(start)
    due = deadline(started, hours, HOUR, calendar)
    paused = started + until_pause * MINUTE
    resumed = paused + pause * MINUTE
    shifted = shift_deadline(due, paused, resumed, HOUR, calendar)
    assert due <= shifted
    if paused < due and resumed > paused:
        used = elapsed(started, paused, HOUR, calendar) + elapsed(resumed, shifted, HOUR, calendar)
        assert timedelta(hours=hours) == used


def test_the_official_holidays_of_2026_are_known_with_their_make_up_days():
    overrides, covered_until = official_overrides(2026, 2026)
    assert date(2026, 12, 31) == covered_until
    assert overrides[date(2026, 10, 10)]
    assert not overrides[date(2026, 10, 1)]
    assert date(2026, 11, 23) not in overrides
    assert all(works != (day.weekday() < 5) for day, works in overrides.items())


def test_years_without_announced_holidays_count_by_weekday_and_say_so():
    overrides, covered_until = official_overrides(2026, 2100)
    assert date(2026, 12, 31) <= covered_until < date(2100, 12, 31)
    assert all(day <= covered_until for day in overrides)
    calendar = make_calendar(overrides, covered_from=date(2026, 1, 1), covered_until=covered_until)
    beyond = covered_until + timedelta(days=1)
    assert calendar.covers(covered_until)
    assert calendar.covers(date(2026, 1, 1))
    assert not calendar.covers(date(2025, 12, 31))
    assert not calendar.covers(beyond)
    assert (beyond.weekday() < 5) == calendar.is_working_day(beyond)


def test_if_even_the_first_year_is_unknown_nothing_is_covered():
    overrides, covered_until = official_overrides(2090, 2091)
    assert ({}, date(2089, 12, 31)) == (overrides, covered_until)


@pytest.mark.parametrize("years", [(2003, 2026), (2027, 2026)])
def test_years_before_the_data_or_backwards_are_refused(years):
    with pytest.raises(InvalidInput):
        official_overrides(*years)


def test_working_days_are_counted_across_years_without_walking_them():
    calendar = CALENDARS[0]
    first, last = date(2026, 1, 1), date(2027, 1, 1)
    walked = sum(calendar.is_working_day(first + timedelta(days=i)) for i in range((last - first).days))
    assert walked == calendar.working_days_between(first, last)


def document(**over):
    return {
        "name": "test",
        "timezone": "Asia/Shanghai",
        "slots": [["08:30", "12:00"], ["13:30", "18:00"]],
        "official_years": [2026, 2026],
        **over,
    }


def test_a_local_day_has_the_last_word_over_the_official_calendar():
    assert parse_work_calendar(document()).is_working_day(date(2026, 10, 10))
    local = parse_work_calendar(document(days={"2026-10-10": False, "2026-11-22": True}))
    assert not local.is_working_day(date(2026, 10, 10))
    assert local.is_working_day(date(2026, 11, 22))


@pytest.mark.parametrize(
    ("path", "over"),
    [
        ("slots", {"slots": [["8 o'clock", "12:00"]]}),
        ("slots", {"slots": None}),
        ("official_years", {"official_years": [2026]}),
        ("days", {"days": {"2026-10-10": "yes"}}),
        ("days", {"days": {"tomorrow": True}}),
    ],
)
def test_a_wrong_work_calendar_is_refused_with_the_path(path, over):
    with pytest.raises(InvalidInput) as refusal:
        parse_work_calendar(document(**over))
    assert path == refusal.value.facts["path"]
