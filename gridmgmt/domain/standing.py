"""Where each case stands, told by the event log alone.

The event log is the outbox: every move of a case writes one event in its own transaction, and none is ever
changed or removed (decision 0023). :func:`replay` folds it; what comes out is what figures are counted from
(:mod:`.scoreboard`), and nothing of it was looked up anywhere else.

Counts and times follow from the names of events: a result was handed in when ``result_submitted`` says so,
until a check fails. What no name tells (deadlines, whose it is, the hexagon) are facts of the event. Events
of one case come in their order, because each move locks its case before it writes.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.workflow import TRANSITIONS, State
from gridmgmt.domain.worktime import LimitUnit

OPENING = frozenset({EventKind.REPORT_RECEIVED, EventKind.SELF_HANDLED_REPORTED})
MOVES = OPENING | {row.event for row in TRANSITIONS.values()}
"""Events of a case's own steps; all others tell of something beside it."""


@dataclass(slots=True)
class Standing:
    """One case as far as figures depend on it. ``started_at`` and ``paused_at`` are the unit's clock's."""

    reported_at: datetime
    state: State = State.REPORTED
    category: str = ""
    source: str = ""
    cell_code: str = ""
    h3: int | None = None
    unit_code: str | None = None
    worker_id: UUID | None = None
    due_at: datetime | None = None
    stage_due_at: datetime | None = None
    limit_unit: LimitUnit | None = None
    started_at: datetime | None = None
    paused_at: datetime | None = None
    filed_at: datetime | None = None
    handled_at: datetime | None = None
    closed_at: datetime | None = None
    unrouted: bool = False
    reworks: int = 0
    returns: int = 0
    extensions: int = 0

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to act."""
        return not self.state.is_final

    def is_overdue(self, now: datetime) -> bool:
        """Whether whoever has to act now has passed his limit."""
        return self.is_open and self.stage_due_at is not None and self.stage_due_at < now


def replay(events: Iterable[Event], until: datetime | None = None) -> dict[UUID, Standing]:
    """Every case as the log leaves it.

    Parameters
    ----------
    events : in the order of the log, of any kind.
    until : events after it are passed over, so that any past moment can be asked for.
    """
    held: dict[UUID, Standing] = {}
    for event in events:
        if event.case_id is None or (until is not None and event.at > until):
            continue
        if event.kind in OPENING:
            held[event.case_id] = _opened(event)
        case = held.get(event.case_id)
        if case is None:
            continue
        if event.kind in MOVES:
            _move(case, event)
        elif event.kind is EventKind.CASE_UNROUTED:
            case.unrouted = True
        elif event.kind is EventKind.DEADLINES_RECOMPUTED:
            _deadlines(case, event.facts["new"], keep=True)
    return held


def _opened(event: Event) -> Standing:
    facts = event.facts
    h3 = facts.get("h3")
    return Standing(
        event.at, category=facts["category"], source=facts["source"], h3=int(h3, 16) if h3 else None
    )


def _move(case: Standing, event: Event) -> None:
    facts = event.facts
    case.state, case.cell_code = State(facts["state"]), facts["cell_code"]
    case.unit_code = facts["unit_code"]
    worker = facts.get("worker_id")
    case.worker_id = UUID(worker) if worker else None
    unit = facts.get("limit_unit")
    case.limit_unit = LimitUnit(unit) if unit else None
    _deadlines(case, facts, keep=False)
    told = _TOLD_BY_NAME.get(event.kind)
    if told is not None:
        told(case, event.at)


def _deadlines(case: Standing, facts: Mapping[str, Any], *, keep: bool) -> None:
    for name in ("due_at", "stage_due_at"):
        if name in facts or not keep:
            at = facts.get(name)
            setattr(case, name, datetime.fromisoformat(at) if at else None)


def _filed(case: Standing, at: datetime) -> None:
    case.filed_at = at


def _dispatched(case: Standing, at: datetime) -> None:
    case.started_at, case.paused_at = at, None


def _returned(case: Standing, _at: datetime) -> None:
    case.started_at = case.paused_at = None
    case.returns += 1
    case.extensions = 0


def _extended(case: Standing, _at: datetime) -> None:
    case.extensions += 1


def _held(case: Standing, at: datetime) -> None:
    case.paused_at = at


def _resumed(case: Standing, _at: datetime) -> None:
    case.paused_at = None


def _handed_in(case: Standing, at: datetime) -> None:
    case.handled_at = at


def _again(case: Standing, at: datetime) -> None:
    case.started_at, case.paused_at, case.handled_at, case.closed_at = at, None, None, None
    case.reworks += 1


def _closed(case: Standing, at: datetime) -> None:
    case.closed_at, case.paused_at = at, None


_TOLD_BY_NAME: Mapping[EventKind, Callable[[Standing, datetime], None]] = MappingProxyType(
    {
        EventKind.CASE_FILED: _filed,
        EventKind.CASE_DISPATCHED: _dispatched,
        EventKind.CASE_SENT_BACK: _returned,
        EventKind.CASE_EXTENDED: _extended,
        EventKind.CASE_PUT_ON_HOLD: _held,
        EventKind.CASE_RESUMED: _resumed,
        EventKind.RESULT_SUBMITTED: _handed_in,
        EventKind.VERIFICATION_FAILED: _again,
        EventKind.CASE_REOPENED: _again,
        EventKind.CASE_CLOSED: _closed,
    }
)
