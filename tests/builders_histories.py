"""Random lives of cases: calendars, limits, and the same walk through ``advance`` and by counting minutes."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import Any
from uuid import UUID

from gridmgmt.domain.case import Case, Step, advance, open_case
from gridmgmt.domain.clocks import Clocks, MilestoneLimit
from gridmgmt.domain.grants import RETURNS_OF_THE_STREET
from gridmgmt.domain.org import Actor, Role, system_actor
from gridmgmt.domain.request import Request, RequestStatus
from gridmgmt.domain.taxonomy import Limit
from gridmgmt.domain.workcalendar import WorkCalendar
from gridmgmt.domain.workflow import TRANSITIONS, Action, State
from gridmgmt.domain.worktime import LimitUnit
from tests.brute import DAY, FIRST_DAY, Minutes, Model, instant_of
from tests.builders_cases import (
    OTHER_UNIT,
    STAGE_LIMITS,
    STREET,
    UNIT,
    make_actor,
    make_case,
    required_facts,
)

DAYS = 400
"""Histories begin in the first weeks; no deadline gets as far as the last of these days."""
_MOST = {
    LimitUnit.NATURAL_MINUTE: 2_000,
    LimitUnit.NATURAL_HOUR: 60,
    LimitUnit.WORKING_HOUR: 40,
    LimitUnit.WORKING_DAY: 8,
}


@dataclass(frozen=True)
class World:
    """A calendar, in the domain's form and as minutes."""

    calendar: WorkCalendar
    minutes: Minutes


def make_world(rng: random.Random) -> World:
    """One to three slots to the minute, and about one day in ten different from its weekday."""
    edges = sorted(rng.sample(range(1, DAY), 2 * rng.randint(1, 3)))
    slots = list(zip(edges[::2], edges[1::2], strict=True))
    days = [FIRST_DAY + timedelta(days=n) for n in range(DAYS)]
    overrides = {day: rng.random() < 0.5 for day in rng.sample(days, 40)}
    return World(
        WorkCalendar("Asia/Shanghai", tuple((_clock(a), _clock(b)) for a, b in slots), overrides),
        Minutes(DAYS, slots, overrides),
    )


def _clock(minute: int) -> time:
    return time(minute // 60, minute % 60)


def make_limit(rng: random.Random) -> Limit:
    """A limit of any unit, from one to a week or so."""
    unit = rng.choice(list(LimitUnit))
    return Limit(rng.randint(1, _MOST[unit]), unit)


def make_clocks(rng: random.Random, calendar: WorkCalendar) -> Clocks:
    """Limits for everything, in random units; half of the cases have milestones."""
    codes = ("stop_work", "penalty", "clear")[: rng.choice((0, 0, 1, 2, 3))]
    return Clocks(
        calendar,
        {state: make_limit(rng) for state in STAGE_LIMITS},
        make_limit(rng),
        sign_for=rng.choice((None, make_limit(rng), make_limit(rng))),
        milestones=tuple(MilestoneLimit(code, make_limit(rng)) for code in codes),
        source="random",
    )


class Life:
    """One case that lives through random steps; the model lives through the same."""

    def __init__(self, rng: random.Random, world: World) -> None:
        self.rng, self.world = rng, world
        self.clocks = make_clocks(rng, world.calendar)
        self.minute = rng.randint(0, 14 * DAY)
        case = make_case(reported_at=instant_of(self.minute))
        opened = open_case(case, clocks=self.clocks, facts={})
        self.case: Case = opened.case
        self.steps: list[Step] = [opened.step]
        self.model = Model(world.minutes)
        self.resume_on: date | None = None

    def run(self, steps: int) -> Iterator["Life"]:
        """Take steps, each some time after the one before."""
        for _ in range(steps):
            self.minute += self.rng.choice((0, 1, 5, 30, self.rng.randint(0, 3 * DAY)))
            action = self._choose()
            if action is None:
                return
            self._do(action)
            yield self

    def _choose(self) -> Action | None:
        rows = [a for (state, a) in TRANSITIONS if state is self.case.state]
        rows = [a for a in rows if self._possible(a)]
        onward = [a for a in rows if not TRANSITIONS[self.case.state, a].target.is_final]
        return self.rng.choice(onward or rows) if rows else None

    def _possible(self, action: Action) -> bool:
        open_parts = any(p["reached"] is None for p in self.model.parts)
        signed, seldom = self.case.signed_at is not None, self.rng.random()
        never = {Action.MERGE, Action.REJECT, Action.VOID}
        rare = {Action.REFER, Action.DECLINE, Action.ASK_CONFIRMATION, Action.CONFIRM}
        special = {
            Action.REACH_MILESTONE: open_parts and signed,
            Action.SUBMIT_RESULT: signed and not open_parts,
            Action.SIGN_FOR: not signed,
            Action.SEND_BACK: not self.case.ruled and seldom < 0.3,
        }
        return special.get(action, action not in never and (action not in rare or seldom < 0.2))

    def _do(self, action: Action) -> None:
        facts = self._facts(action)
        now = instant_of(self.minute)
        actor = _actor(self.case, action)
        granted = Request(
            UUID(int=50), self.case.id, STREET, action, facts, UUID(int=51), now, RequestStatus.GRANTED,
            actor.id, now,
        )  # fmt: skip
        # One person a post would be enough for the rules; here nobody's earlier acts matter.
        case = replace(self.case, acted={})
        decision = advance(case, action, actor, now, clocks=self.clocks, facts=facts, granted=granted)
        self.case = decision.case
        self.steps.append(decision.step)
        self._tell_model(action, facts)

    def _facts(self, action: Action) -> dict[str, Any]:
        facts = required_facts(self.case.state, action)
        match action:
            case Action.DISPATCH:
                facts["unit_code"] = (
                    self.case.unit_code if self.case.ruled else self.rng.choice((UNIT, OTHER_UNIT))
                )
            case Action.EXTEND:
                limit = make_limit(self.rng)
                facts |= {"amount": limit.amount, "unit": str(limit.unit), "document_no": "街延〔2026〕1号"}
            case Action.HOLD:
                today = FIRST_DAY + timedelta(days=self.minute // DAY)
                self.resume_on = today + timedelta(days=self.rng.randint(0, 20))
                facts["resume_on"] = self.resume_on.isoformat()
            case Action.REACH_MILESTONE:
                facts["milestone"] = next(m.code for m in self.case.milestones if m.reached_at is None)
        return facts

    def _tell_model(self, action: Action, facts: dict[str, Any]) -> None:
        model, at, clocks = self.model, self.minute, self.clocks
        match action:
            case Action.DISPATCH:
                sign = (clocks.sign_for.amount, str(clocks.sign_for.unit)) if clocks.sign_for else None
                limit = (clocks.handling_limit.amount, str(clocks.handling_limit.unit))
                parts = [(m.code, m.limit.amount, str(m.limit.unit)) for m in clocks.milestones]
                model.dispatch(at, limit, sign, parts)
            case Action.SIGN_FOR:
                model.signed = True
            case Action.EXTEND:
                model.extend(facts["amount"], facts["unit"])
            case Action.SEND_BACK:
                model.send_back()
            case Action.HOLD:
                model.paused = at
            case Action.RESUME:
                model.resume(at)
            case Action.REACH_MILESTONE:
                model.reach(at)
            case Action.FAIL_VERIFICATION | Action.REOPEN:
                model.again(at)
            case Action.CLOSE:
                model.paused = None

    @property
    def stage_due(self) -> int | None:
        """What whoever acts now has to keep, by counting minutes from the newest step."""
        state = self.case.state
        if state is State.HANDLING:
            return self.model.next_due
        if state is State.ON_HOLD:
            assert self.resume_on is not None
            return ((self.resume_on - FIRST_DAY).days + 1) * DAY
        limit = self.clocks.stage_limits.get(state)
        if state.is_final or limit is None:
            return None
        return self.world.minutes.deadline(self.minute, limit.amount, str(limit.unit))


_ROLES = tuple(sorted(set(Role) - {Role.SYSTEM}))


def _actor(case: Case, action: Action) -> Actor:
    if action is Action.SEND_BACK and case.return_count >= RETURNS_OF_THE_STREET:
        # Which goes to the district by itself.
        return system_actor(case.subdistrict_code)
    return make_actor(*_ROLES, number=7, unit_code=case.unit_code)
