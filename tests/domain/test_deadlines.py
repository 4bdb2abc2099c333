"""Deadlines as a function of history: equal to what was stored, and to counting minutes one by one."""

import dataclasses
import os
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from gridmgmt.domain.case import Case, Step
from gridmgmt.domain.clocks import MilestoneLimit
from gridmgmt.domain.deadlines import (
    CLOCK_ACTIONS,
    Held,
    ReasonCode,
    explain,
    milestone_light,
    replay,
    used_by_unit,
)
from gridmgmt.domain.taxonomy import Limit
from gridmgmt.domain.workflow import Action, State
from gridmgmt.domain.worktime import Light, LimitUnit, light
from gridmgmt.errors import NotReady
from tests.brute import instant_of
from tests.builders_cases import (
    CASE_ID,
    CLOCKS,
    OTHER_UNIT,
    UNIT,
    drive,
    make_calendar,
    make_case,
    make_clocks,
    move,
)
from tests.builders_histories import Life, make_world

HISTORIES = int(os.environ.get("GRIDMGMT_HISTORIES", "300"))
"""All 10,000 take two minutes: GRIDMGMT_HISTORIES=10000, and ``python -m bench.clocks``."""
PER_CALENDAR = 50
SEED = 20_261_123


def held_by(case: Case) -> Held:
    return Held(**{f.name: getattr(case, f.name) for f in dataclasses.fields(Held)})


def at(minute: int | None) -> datetime | None:
    return None if minute is None else instant_of(minute)


def compare(life: Life) -> None:
    """The stored clocks, the replayed ones and the counted ones are the same."""
    case, model = life.case, life.model
    assert replay(life.steps, lambda *_: life.clocks) == held_by(case)
    assert (case.due_at, case.clock_started_at) == (at(model.due), at(model.started))
    assert (case.clock_paused_at, case.sign_due_at) == (at(model.paused), at(model.sign_due))
    counted = [(p["code"], at(p["due"]), at(p["reached"])) for p in model.parts]
    assert counted == [(m.code, m.due_at, m.reached_at) for m in case.milestones]
    assert case.stage_due_at == at(life.stage_due)


def compare_lights(life: Life, rng: random.Random) -> None:
    model, case = life.model, life.case
    if model.due is None or model.started is None or case.limit_unit is None or model.started > model.due:
        return
    whole = life.world.minutes.between(model.started, model.due, str(case.limit_unit))
    # The last green minute by the model's own count, and its neighbours: no border may be off by one.
    four_fifths = whole * 4 // 5
    natural = str(case.limit_unit).startswith("natural")
    edge = (
        model.started + four_fifths
        if natural
        else life.world.minutes.after_working(model.started, four_fifths)
    )
    borders = (model.started, edge - 1, edge, edge + 1, model.due - 1, model.due, model.due + 1)
    for minute in (*borders, rng.randint(model.started, model.due)):
        shown = light(
            instant_of(model.started), instant_of(model.due), instant_of(minute), life.world.calendar,
            case.limit_unit,
        )  # fmt: skip
        assert whole == 0 or shown == life.world.minutes.light(
            model.started, model.due, minute, str(case.limit_unit)
        )


def check_histories(count: int) -> int:
    """Compare after every step; returns the number of steps."""
    rng, steps = random.Random(SEED), 0
    for number in range(count):
        if number % PER_CALENDAR == 0:
            world = make_world(rng)
        life = Life(rng, world)
        for after in life.run(14):
            steps += 1
            # Each length of history is a history of its own; comparing every one would be dear.
            if rng.random() < 0.2:
                compare(after)
        compare(life)
        compare_lights(life, rng)
    return steps


def test_stored_replayed_and_counted_deadlines_are_the_same_on_random_histories() -> None:
    assert check_histories(HISTORIES) > 8 * HISTORIES


# By hand: what the texts say


FRIDAY_16 = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
"""Friday 16:00 in Tianjin."""


def china(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour - 8, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("overrides", "due_at"),
    [
        ({}, china(23, 16)),
        ({date(2026, 11, 23): False}, china(24, 16)),
        ({date(2026, 11, 21): True}, china(21, 16)),
    ],
    ids=["Monday", "Monday is a holiday", "Saturday is worked"],
)
def test_one_working_day_from_friday_16_00(overrides: dict[date, bool], due_at: datetime) -> None:
    clocks = make_clocks(calendar=make_calendar(overrides=overrides))
    steps = [*dispatched(FRIDAY_16)]
    assert replay(steps, lambda *_: clocks).due_at == due_at


def step(seq: int, action: str, source: State | None, target: State, at: datetime, **facts: object) -> Step:
    return Step(CASE_ID, seq, action, source, target, UUID(int=9), at, facts, "22-1")


def dispatched(at: datetime, unit: str = UNIT, first: int = 1) -> list[Step]:
    opening = [
        step(1, "report", None, State.REPORTED, at),
        step(2, "accept", State.REPORTED, State.ACCEPTED, at),
        step(3, "file", State.ACCEPTED, State.FILED, at),
    ]
    last = step(first + 3, "dispatch", State.FILED, State.HANDLING, at, unit_code=unit)
    return [*opening, last] if first == 1 else [last]


def test_a_new_calendar_moves_what_is_open_and_nothing_else() -> None:
    steps = dispatched(FRIDAY_16)
    later = make_clocks(calendar=make_calendar(overrides={date(2026, 11, 23): False}))
    before, after = replay(steps, lambda *_: CLOCKS), replay(steps, lambda *_: later)
    assert (before.due_at, after.due_at) == (china(23, 16), china(24, 16))
    assert dataclasses.replace(before, due_at=None, stage_due_at=None) == dataclasses.replace(
        after, due_at=None, stage_due_at=None
    )


def test_the_wrong_units_time_is_told_and_not_charged_to_the_next() -> None:
    steps = [
        *dispatched(china(23, 9)),
        step(5, "send_back", State.HANDLING, State.FILED, china(23, 11), reason="x", basis="y"),
        step(6, "dispatch", State.FILED, State.HANDLING, china(24, 9), unit_code=OTHER_UNIT),
        step(7, "sign_for", State.HANDLING, State.HANDLING, china(24, 10)),
        step(8, "submit_result", State.HANDLING, State.HANDLED, china(24, 15)),
    ]
    told = explain(steps, lambda *_: CLOCKS, china(24, 16))
    assert told.held.due_at == china(25, 9), "one working day from the second dispatch"
    assert used_by_unit(told.spans) == {(OTHER_UNIT, LimitUnit.WORKING_DAY): timedelta(hours=4, minutes=30)}
    wrong = next(s for s in told.spans if s.unit_code == UNIT)
    assert (wrong.used, wrong.charged) == (timedelta(hours=2), False)
    assert [r.code for r in told.reasons] == ["limit", "returned", "limit", "signed"]


def test_every_change_of_a_deadline_has_its_reason() -> None:
    steps = [
        *dispatched(china(23, 9)),
        step(5, "sign_for", State.HANDLING, State.HANDLING, china(23, 10)),
        step(6, "extend", State.HANDLING, State.HANDLING, china(23, 11), amount=2, unit="working_day"),
        step(7, "hold", State.HANDLING, State.ON_HOLD, china(24, 9), resume_on="2026-11-26"),
        step(8, "resume", State.ON_HOLD, State.HANDLING, china(26, 9)),
        step(9, "submit_result", State.HANDLING, State.HANDLED, china(26, 10)),
        step(10, "fail_verification", State.HANDLED, State.HANDLING, china(26, 11)),
    ]
    told = explain(steps, lambda *_: CLOCKS, china(26, 16))
    assert [(r.code, r.due_at) for r in told.reasons] == [
        (ReasonCode.LIMIT, china(24, 9)),
        (ReasonCode.SIGNED, china(24, 9)),
        (ReasonCode.EXTENDED, china(26, 9)),
        (ReasonCode.HELD, china(30, 9)),
        (ReasonCode.REWORK, china(27, 11)),
    ]
    assert [r.facts["was"] for r in told.reasons if "was" in r.facts] == [china(24, 9), china(26, 9)]
    assert told.held == replay(steps, lambda *_: CLOCKS)
    spans = [(s.state, s.charged, s.used) for s in told.spans if s.state in {State.HANDLING, State.ON_HOLD}]
    hour = timedelta(hours=1)
    assert spans == [
        (State.HANDLING, True, 8 * hour),
        (State.ON_HOLD, False, 16 * hour),
        (State.HANDLING, True, hour),
        (State.HANDLING, True, 3.5 * hour),
    ]


def test_who_signs_late_is_late_although_the_limit_runs() -> None:
    clocks = make_clocks(sign_for=Limit(30, LimitUnit.NATURAL_MINUTE))
    steps = dispatched(china(23, 9))
    unsigned = replay(steps, lambda *_: clocks)
    assert (unsigned.sign_due_at, unsigned.stage_due_at) == (china(23, 9, 30), china(23, 9, 30))
    signed = [*steps, step(5, "sign_for", State.HANDLING, State.HANDLING, china(23, 9, 20))]
    assert replay(signed, lambda *_: clocks).stage_due_at == unsigned.due_at


def test_milestones_have_lights_of_their_own_and_keep_them_when_reached() -> None:
    parts = (
        MilestoneLimit("stop_work", Limit(4, LimitUnit.WORKING_HOUR)),
        MilestoneLimit("penalty", Limit(7, LimitUnit.WORKING_DAY)),
    )
    clocks = make_clocks(milestones=parts, handling_limit=Limit(20, LimitUnit.WORKING_DAY))
    steps = [
        *dispatched(china(23, 9)),
        step(5, "sign_for", State.HANDLING, State.HANDLING, china(23, 9)),
    ]
    held = replay(steps, lambda *_: clocks)
    assert held.stage_due_at == china(23, 14, 30)
    stop_work, penalty = held.milestones
    seen = [
        milestone_light(held, stop_work, at, clocks) for at in (china(23, 10), china(23, 14), china(23, 15))
    ]
    assert seen == [Light.GREEN, Light.YELLOW, Light.RED]
    assert milestone_light(held, penalty, china(23, 15), clocks) is Light.GREEN
    steps.append(
        step(6, "reach_milestone", State.HANDLING, State.HANDLING, china(23, 14), milestone="stop_work")
    )
    reached = replay(steps, lambda *_: clocks)
    assert milestone_light(reached, reached.milestones[0], china(30, 9), clocks) is Light.YELLOW
    assert reached.stage_due_at == penalty.due_at


def test_milestones_are_reported_in_order_and_before_the_result() -> None:
    parts = (
        MilestoneLimit("stop_work", Limit(4, LimitUnit.WORKING_HOUR)),
        MilestoneLimit("penalty", Limit(7, LimitUnit.WORKING_DAY)),
    )
    clocks = make_clocks(milestones=parts)
    case = drive(make_case(State.FILED), Action.DISPATCH, clocks=clocks)
    assert guard_of(lambda: move(case, Action.REACH_MILESTONE, clocks=clocks)) == "signed"
    case = drive(case, Action.SIGN_FOR, clocks=clocks)
    assert guard_of(lambda: move(case, Action.SUBMIT_RESULT)) == "milestones_reached"
    assert guard_of(lambda: move(case, Action.REACH_MILESTONE, milestone="penalty")) == "next_milestone"
    case = move(case, Action.REACH_MILESTONE, milestone="stop_work").case
    assert guard_of(lambda: move(case, Action.REACH_MILESTONE, milestone="stop_work")) == "next_milestone"
    case = move(case, Action.REACH_MILESTONE, milestone="penalty").case
    assert move(case, Action.SUBMIT_RESULT).case.state is State.HANDLED
    again = move(move(case, Action.SUBMIT_RESULT).case, Action.FAIL_VERIFICATION).case
    assert all(m.reached_at for m in again.milestones), "work that was stopped stays stopped"


def test_a_step_that_the_table_no_longer_knows_leaves_the_clocks() -> None:
    steps = [*dispatched(china(23, 9)), step(5, "once_upon", State.HANDLING, State.HANDLING, china(23, 10))]
    assert replay(steps, lambda *_: CLOCKS).due_at == china(24, 9)


def guard_of(attempt: Callable[[], object]) -> object:
    with pytest.raises(NotReady) as refused:
        attempt()
    return refused.value.facts["guard"]


def test_the_steps_that_move_a_clock_and_the_newest_are_enough() -> None:
    rng = random.Random(SEED + 1)
    world = make_world(rng)
    for _ in range(100):
        life = Life(rng, world)
        for _ in life.run(14):
            pass
        few = [s for s in life.steps[:-1] if s.action in CLOCK_ACTIONS] + life.steps[-1:]
        clocks = life.clocks
        assert replay(few, lambda *_, clocks=clocks: clocks) == held_by(life.case)
