"""Life: 100,000 cases through their whole life in the pure domain, no database.

Five lives: straight to its end; with rework; with an extension and a hold; sent back by one unit and
dispatched to the next; closed and opened again. Every step goes through ``advance`` with its permission,
separation of duties, facts, guards, grants, clocks and events, half an hour after the one before. Cases are
synthetic. ``python -m bench.life``; ``--quick`` takes a fiftieth.
"""

import sys
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bench.report import Options, Result, Side, main
from gridmgmt.domain.case import Case, advance, open_case
from gridmgmt.domain.org import Actor
from gridmgmt.domain.request import Request
from gridmgmt.domain.workflow import Action, State
from tests.builders_cases import CLOCKS, NOW, make_case, make_granted, post_for, required_facts

_BEGIN = (Action.ACCEPT, Action.FILE, Action.DISPATCH, Action.SIGN_FOR)
_END = (Action.SUBMIT_RESULT, Action.PASS_VERIFICATION, Action.CLOSE)
LIVES: Mapping[str, tuple[Action, ...]] = {
    "straight": (*_BEGIN, *_END),
    "rework": (*_BEGIN, Action.SUBMIT_RESULT, Action.FAIL_VERIFICATION, *_END),
    "extended and held": (*_BEGIN, Action.EXTEND, Action.HOLD, Action.RESUME, *_END),
    "sent back": (*_BEGIN, Action.SEND_BACK, Action.DISPATCH, Action.SIGN_FOR, *_END),
    "reopened": (*_BEGIN, *_END, Action.REOPEN, Action.SIGN_FOR, *_END),
}
_APART = timedelta(minutes=30)
_NUMBERS = uuid.UUID("00000000-0000-0000-0000-00000000b111")
Move = tuple[Action, Actor, Mapping[str, Any], Request | None, datetime]


def run(options: Options) -> Result:
    """One side: steps in a second; how many of each life ended as they should."""
    count = 2_000 if options.quick else 100_000
    scripts = {name: _script(actions) for name, actions in LIVES.items()}
    names = list(scripts)
    cases = [make_case(id=uuid.uuid5(_NUMBERS, str(n))) for n in range(count)]
    ended: Counter[tuple[str, State]] = Counter()
    steps = events = 0
    began = time.perf_counter()
    for number, case in enumerate(cases):
        name = names[number % len(names)]
        last, taken, told = _live(case, scripts[name])
        ended[name, last.state] += 1
        steps, events = steps + taken, events + told
    seconds = time.perf_counter() - began
    wanted = sum(1 + len(LIVES[names[n % len(names)]]) for n in range(count))
    return Result(
        name="life",
        question="how fast does the pure domain take cases through their whole life?",
        unit="steps",
        sides=(Side("advance", steps / seconds, f"{count:,} cases in {seconds:.1f} s, {events:,} events"),),
        facts={
            "cases": count,
            "cases_per_second": round(count / seconds),
            "microseconds_per_step": round(1e6 * seconds / steps, 1),
            "ended": {f"{name}: {state}": n for (name, state), n in sorted(ended.items())},
        },
        goals={
            "every case is closed in the end": {state for _, state in ended} == {State.CLOSED},
            "no step is left out": steps == wanted,
        },
    )


def _script(actions: tuple[Action, ...]) -> list[Move]:
    """The moves of a life, found once: who does what with which facts, at what time."""
    case, now = open_case(make_case(), clocks=CLOCKS, facts={}).case, NOW
    moves: list[Move] = []
    for action in actions:
        now += _APART
        actor = post_for(case, action)
        granted = make_granted(case, action, actor, asked_at=now)
        facts = required_facts(case.state, action)
        moves.append((action, actor, facts, granted, now))
        case = advance(case, action, actor, now, clocks=CLOCKS, facts=facts, granted=granted).case
    return moves


def _live(case: Case, script: list[Move]) -> tuple[Case, int, int]:
    """A case after its life, with the steps and events that it left."""
    decision = open_case(case, clocks=CLOCKS, facts={})
    steps, events = 1, len(decision.events)
    for action, actor, facts, granted, now in script:
        mine = None if granted is None else replace(granted, case_id=case.id)
        decision = advance(decision.case, action, actor, now, clocks=CLOCKS, facts=facts, granted=mine)
        steps, events = steps + 1, events + len(decision.events)
    return decision.case, steps, events


if __name__ == "__main__":
    sys.exit(main([run]))
