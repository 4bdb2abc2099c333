"""Which limits of a case run now, as the ladder 逐级督促 needs them: from when to when, on which clock.

While a unit has the case, its handling limit runs, before its signature the limit for signing, and the next
milestone's; at a desk and on hold 挂账 the one limit that the state has. Each climbs the ladder by itself.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from gridmgmt.domain.case import Case
from gridmgmt.domain.clocks import Clocks, next_milestone
from gridmgmt.domain.ladder import Pause, Running
from gridmgmt.domain.workflow import State
from gridmgmt.domain.worktime import LimitUnit

STAGE, HANDLING, SIGN_FOR, MILESTONE = "stage", "handling", "sign_for", "milestone:"
"""Names of limits: of the desk or the hold, of the unit, its signature, and its milestones by code."""


def running_limits(
    case: Case, stepped_at: datetime, clocks: Clocks, pauses: Sequence[Pause] = ()
) -> list[Running]:
    """The limits of a case that run now.

    Parameters
    ----------
    stepped_at : time of the case's newest step, at which the limit of a desk or of a hold began.
    pauses : ended holds of the case, in their order.
    """
    if case.state is State.HANDLING and case.clock_started_at is not None:
        return list(_of_unit(case, case.clock_started_at, clocks, pauses))
    limit = clocks.stage_limits.get(case.state)
    return as_a_stage(case, stepped_at, limit.unit if limit else LimitUnit.NATURAL_HOUR)


def as_a_stage(case: Case, stepped_at: datetime, unit: LimitUnit = LimitUnit.NATURAL_HOUR) -> list[Running]:
    """The one deadline that stands on the case, as a limit of its present state."""
    if case.state.is_final or case.stage_due_at is None:
        return []
    return [Running(STAGE, stepped_at, case.stage_due_at, unit)]


def _of_unit(case: Case, started_at: datetime, clocks: Clocks, pauses: Sequence[Pause]) -> Iterator[Running]:
    within = tuple(p for p in pauses if p.since >= started_at)
    if case.due_at is not None:
        unit = case.limit_unit or clocks.handling_limit.unit
        yield Running(HANDLING, started_at, case.due_at, unit, within)
    if case.sign_due_at is not None and case.signed_at is None:
        unit = clocks.sign_for.unit if clocks.sign_for else LimitUnit.NATURAL_HOUR
        yield Running(SIGN_FOR, started_at, case.sign_due_at, unit, within)
    following = next_milestone(case.milestones)
    if following is not None:
        clock = f"{MILESTONE}{following.code}"
        yield Running(clock, started_at, following.due_at, following.unit, within)
