"""What changes of an open case when another plan takes effect, and what stays."""

from dataclasses import fields
from types import MappingProxyType
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmgmt.domain.case import Case, open_case
from gridmgmt.domain.deadlines import replay
from gridmgmt.domain.events import EventKind
from gridmgmt.domain.grid import CellKind, GridCell
from gridmgmt.domain.handover import HAND_OVER, NewPlace, hand_over, left_outside
from gridmgmt.domain.org import SYSTEM_ACTOR_ID
from gridmgmt.domain.permissions import Axis
from gridmgmt.domain.workflow import FINAL_STATES, State
from tests.builders_cases import CLOCKS, NOW, STREET, WORKER, make_case
from tests.builders_geo import make_box

PLAN, HEIR, OTHER = UUID(int=9), UUID(int=201), UUID(int=202)
OPEN = sorted(set(State) - FINAL_STATES)


def make_place(*people: UUID, chosen: UUID | None = HEIR) -> NewPlace:
    cell = GridCell(f"{STREET}002007", f"{STREET}002", "七网格", CellKind.DUTY, make_box(), 9.0, 400)
    return NewPlace(PLAN, 2, cell, people, lambda: chosen)


@pytest.mark.parametrize("state", OPEN)
def test_place_and_plan_change_and_nothing_that_runs(state: State) -> None:
    case = make_case(state, worker_id=WORKER)
    moved = hand_over(case, make_place(), NOW).case
    assert (moved.cell_code, moved.community_code) == (f"{STREET}002007", f"{STREET}002")
    assert (moved.plan_id, moved.version) == (PLAN, case.version + 1)
    changed = {"cell_code", "community_code", "plan_id", "version", "worker_id"}
    same = {f.name for f in fields(Case)} - changed
    assert all(getattr(moved, name) == getattr(case, name) for name in same)


def test_it_is_a_step_of_the_platform_and_an_event() -> None:
    case = make_case(State.HANDLING, worker_id=WORKER)
    decision = hand_over(case, make_place(), NOW)
    step, (event,) = decision.step, decision.events
    assert (step.action, step.actor_id, step.article, step.seq) == (HAND_OVER, SYSTEM_ACTOR_ID, "21-1", 2)
    assert (step.from_state, step.to_state) == (State.HANDLING, State.HANDLING)
    assert event.kind is EventKind.CASE_HANDED_OVER
    for facts in (step.facts, event.facts):
        assert (facts["from_cell"], facts["cell_code"]) == (case.cell_code, f"{STREET}002007")
        assert (facts["from_worker_id"], facts["worker_id"]) == (str(WORKER), str(HEIR))


@pytest.mark.parametrize(
    ("state", "before", "place", "after", "why"),
    [
        (State.HANDLING, WORKER, make_place(), HEIR, "new_cell"),
        (State.ON_HOLD, WORKER, make_place(), HEIR, "new_cell"),
        (State.HANDLING, None, make_place(), None, "none_named"),
        (State.HANDLING, WORKER, make_place(WORKER, OTHER), WORKER, "same_person"),
        (State.HANDLING, WORKER, make_place(chosen=None), WORKER, "nobody_there"),
        (State.HANDLED, WORKER, make_place(), WORKER, "work_is_done"),
        (State.VERIFIED, WORKER, make_place(), WORKER, "work_is_done"),
        (State.SELF_HANDLED, WORKER, make_place(), WORKER, "work_is_done"),
    ],
)
def test_the_worker_after(
    state: State, before: UUID | None, place: NewPlace, after: UUID | None, why: str
) -> None:
    decision = hand_over(make_case(state, worker_id=before), place, NOW)
    assert (decision.case.worker_id, decision.step.facts["why"]) == (after, why)


def test_nobody_gets_a_case_on_which_he_acted_for_another_axis() -> None:
    for axis in Axis:
        case = make_case(State.HANDLING, worker_id=WORKER, acted=MappingProxyType({HEIR: axis}))
        expected = HEIR if axis is Axis.HANDLING else WORKER
        assert hand_over(case, make_place(), NOW).case.worker_id == expected


def test_no_clock_starts_anew_by_a_handover() -> None:
    opened = open_case(make_case(State.REPORTED), clocks=CLOCKS, facts={})
    handed = hand_over(opened.case, make_place(), NOW)
    before = replay([opened.step], lambda *_: CLOCKS)
    assert replay([opened.step, handed.step], lambda *_: CLOCKS) == before
    assert before.stage_due_at == handed.case.stage_due_at


@given(
    state=st.sampled_from(OPEN), worker=st.sampled_from([None, WORKER]), chosen=st.sampled_from([None, HEIR])
)
def test_a_case_never_loses_its_worker_to_a_map(
    state: State, worker: UUID | None, chosen: UUID | None
) -> None:
    moved = hand_over(make_case(state, worker_id=worker), make_place(chosen=chosen), NOW).case
    assert (moved.worker_id is None) == (worker is None)


def test_a_place_in_no_cell_is_told_to_whoever_dispatches() -> None:
    event = left_outside(make_case(State.FILED), PLAN, NOW)
    assert (event.kind, event.facts["why"]) == (EventKind.CASE_UNROUTED, "outside_plan")
