"""Figures counted from events: what each counts, borders of time, and rates without a denominator."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.scoreboard import Scoreboard, Tally, differences, scoreboard, shown
from gridmgmt.domain.standing import Standing, replay
from gridmgmt.domain.workflow import State
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.geo import hexes
from gridmgmt.geo.crs import LonLat
from tests.builders_cases import NOW, STREET, UNIT, make_calendar

HOUR = timedelta(hours=1)
HEX = hexes.hex_of(LonLat(117.65, 39.03))


def make_standing(**over: Any) -> Standing:
    """A case that a unit handles since an hour ago, with three hours left."""
    facts: dict[str, Any] = {
        "reported_at": NOW - HOUR, "state": State.HANDLING, "cell_code": f"{STREET}001001",
        "unit_code": UNIT, "due_at": NOW + 3 * HOUR, "stage_due_at": NOW + 3 * HOUR,
        "limit_unit": LimitUnit.NATURAL_HOUR, "started_at": NOW - HOUR, "filed_at": NOW - HOUR,
    }  # fmt: skip
    return Standing(**facts | over)


def board_of(*cases: Standing) -> Scoreboard:
    return scoreboard(cases, NOW, NOW - 2 * HOUR, make_calendar(), 9)


def event(kind: EventKind, minute: int = 0, number: int = 1, **facts: Any) -> Event:
    given = {"state": "reported", "cell_code": "c", "unit_code": None, "category": "k", "source": "patrol"}
    return Event(kind, STREET, NOW + timedelta(minutes=minute), UUID(int=number), given | facts)


def test_a_case_without_an_answer_is_answerable_only_after_its_limit() -> None:
    assert board_of(make_standing(due_at=NOW)).street.answerable == 0
    assert board_of(make_standing(due_at=NOW - timedelta.resolution)).street.answerable == 1


def test_a_case_on_hold_is_not_answerable_for_the_time_of_the_hold() -> None:
    held = make_standing(state=State.ON_HOLD, paused_at=NOW - HOUR, due_at=NOW - HOUR / 2)
    assert (board_of(held).street.answerable, board_of(held).lights) == (0, {})


def test_an_answer_at_its_limit_is_in_time_and_one_after_it_is_late() -> None:
    due = NOW - HOUR
    for handled_at, timely in ((due, 1), (due + timedelta.resolution, 0)):
        tally = board_of(make_standing(state=State.CLOSED, due_at=due, handled_at=handled_at)).street
        assert (tally.answerable, tally.handled, tally.handled_in_time) == (1, 1, timely)
        assert (tally.settled, tally.settled_in_time) == (1, timely)


def test_overdue_is_judged_by_whoever_has_to_act_now() -> None:
    late_desk = make_standing(state=State.HANDLED, handled_at=NOW - 2 * HOUR, stage_due_at=NOW - HOUR)
    board = board_of(late_desk)
    assert (board.totals["overdue"], board.overdue, board.lights) == (1, {"handled": 1}, {"green": 1})
    assert board_of(replace(late_desk, state=State.CLOSED)).totals["overdue"] == 0


def test_cases_are_counted_where_they_are_and_not_where_nobody_is() -> None:
    worker = UUID(int=9)
    board = board_of(make_standing(worker_id=worker), make_standing(unit_code=None, reworks=2, returns=1))
    assert (set(board.units), set(board.workers)) == ({UNIT}, {str(worker)})
    assert board.units[UNIT].open == 1
    assert board.cells[f"{STREET}001001"] == Tally(
        reported=2, filed=2, open=2, reworks=2, returns=1
    )  # fmt: skip


def test_hexagons_are_counted_at_the_asked_size() -> None:
    board = board_of(make_standing(h3=HEX), make_standing(h3=HEX), make_standing())
    assert board.hexes == {f"{hexes.parent(HEX, 9):x}": 2}


def test_a_rate_without_a_denominator_is_a_dash() -> None:
    assert set(Tally().rates().values()) == {None}
    assert (shown(None), shown(0.0), shown(0.5)) == ("—", "0.0%", "50.0%")


def test_rates_are_shares_of_what_was_due() -> None:
    tally = Tally(reported=10, filed=8, voided=2, answerable=5, handled=4, handled_in_time=3, settled=2,
                  settled_in_time=1, reworked=1)  # fmt: skip
    assert tally.rates() == {
        "filing": 0.8, "accurate_filing": 0.75, "handling": 0.8, "handling_in_time": 0.6, "closure": 0.4,
        "closure_in_time": 0.2, "rework": 0.2,
    }  # fmt: skip


def test_the_log_is_read_up_to_a_moment_with_that_moment() -> None:
    log = [event(EventKind.REPORT_RECEIVED), event(EventKind.REPORT_ACCEPTED, 5, state="accepted")]
    at = NOW + timedelta(minutes=5)
    assert replay(log, until=at)[UUID(int=1)].state is State.ACCEPTED
    assert replay(log, until=at - timedelta.resolution)[UUID(int=1)].state is State.REPORTED
    assert replay(log, until=NOW - HOUR) == {}


def test_what_no_rule_takes_is_unrouted_until_a_unit_has_it() -> None:
    log = [event(EventKind.REPORT_RECEIVED), event(EventKind.CASE_UNROUTED)]
    assert board_of(*replay(log).values()).totals["unrouted"] == 1
    given = event(EventKind.CASE_DISPATCHED, state="handling", unit_code=UNIT)
    assert board_of(*replay([*log, given]).values()).totals["unrouted"] == 0


def test_deadlines_that_are_computed_anew_replace_those_that_changed_and_no_others() -> None:
    due = {"due_at": (NOW + HOUR).isoformat(), "stage_due_at": (NOW + HOUR).isoformat()}
    moved = {"due_at": (NOW + 9 * HOUR).isoformat()}
    log = [
        event(EventKind.REPORT_RECEIVED),
        event(EventKind.CASE_DISPATCHED, state="handling", limit_unit="working_hour", **due),
        event(EventKind.DEADLINES_RECOMPUTED, new=moved, old={}),
    ]
    case = replay(log)[UUID(int=1)]
    assert (case.due_at, case.stage_due_at) == (NOW + 9 * HOUR, NOW + HOUR)


def test_what_stands_beside_a_case_moves_it_not() -> None:
    before = [event(EventKind.REPORT_RECEIVED)]
    beside = [
        event(k) for k in (EventKind.CALL_ISSUED, EventKind.SUPERVISION_ORDERED, EventKind.CASE_OVERDUE)
    ]
    stranger = event(EventKind.CASE_CLOSED, number=2, state="closed")
    assert replay(before) == replay([*before, *beside, stranger])


def test_boards_that_differ_say_in_which_figure() -> None:
    one, other = board_of(make_standing()), board_of(make_standing(), make_standing(h3=HEX))
    assert differences(one, one) == {}
    found = differences(one, other)
    assert found["totals open"] == (1, 2)
    assert found[f"hexes {hexes.parent(HEX, 9):x}"] == (0, 1)
