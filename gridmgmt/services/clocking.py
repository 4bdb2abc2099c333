"""The clocks of a case as they are told: each deadline with its light, the reasons, where the time went.

Computed from the history when somebody asks, with the rules as they are; what is stored is shown beside it
where the two differ, which only lasts until the open deadlines are computed anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import partial
from typing import Any

from gridmgmt.domain.case import Case, Step
from gridmgmt.domain.clocks import Clocks
from gridmgmt.domain.deadlines import (
    REASON_NAMES_ZH,
    ClocksAt,
    Explained,
    Held,
    Reason,
    Span,
    explain,
    milestone_light,
)
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.domain.taxonomy import Category
from gridmgmt.domain.workflow import STATE_NAMES_ZH, Action
from gridmgmt.domain.worktime import Light, light
from gridmgmt.errors import GridError
from gridmgmt.storage.reclockings import Recorded

_MINUTE_S = 60


def clocks_told(
    book: RuleBook, case: Case, steps: Sequence[Step], recorded: Sequence[Recorded], now: datetime
) -> dict[str, Any]:
    """Deadlines, reasons, spans and recomputations of a case, for pages.

    A case whose class or limit is no longer in the rules stays readable: ``refusal`` then says which rule
    is missing, and the deadlines are those that are stored.
    """
    told: dict[str, Any] = {
        "calendar": {
            "id": book.calendar_id,
            "name": book.calendar.name,
            "version": book.calendar.version,
            "covered_until": book.calendar.covered_until,
        },
        "recomputed": [_recorded(r) for r in recorded],
        "refusal": None,
    }
    held = Held(**{f.name: getattr(case, f.name) for f in fields(Held)})
    try:
        category = book.catalogue.find(case.category, book.day_of(case.reported_at))
        clocks_at = partial(_clocks_at, book, category, case)
        explained = explain(steps, clocks_at, now)
        clocks = _round_clocks(held, clocks_at, case, now)
    except GridError as refusal:
        return told | {
            "deadlines": [], "reasons": [], "spans": [], "refusal": {"code": refusal.code},
        }  # fmt: skip
    names = {m.code: m.name for m in book.catalogue.milestones_for(category, book.day_of(_start(held, now)))}
    return told | {
        "deadlines": [_whose_days(d, book) for d in _deadlines(case, held, clocks, names, now)],
        "reasons": [_reason(r) for r in explained.reasons],
        "spans": [_span(s) for s in explained.spans],
        "stale": _stale(held, explained),
    }


def _clocks_at(book: RuleBook, category: Category, case: Case, at: datetime, condition: str) -> Clocks:
    return book.clocks(category, at, area_class=case.area_class, condition=condition)


def _start(held: Held, now: datetime) -> datetime:
    return held.clock_started_at or now


def _round_clocks(held: Held, clocks_at: ClocksAt, case: Case, now: datetime) -> Clocks:
    return clocks_at(_start(held, now), case.filing_condition)


def _stale(held: Held, explained: Explained) -> bool:
    """Whether the rules have changed since the stored deadlines were computed."""
    return held != explained.held


def _deadlines(
    case: Case, held: Held, clocks: Clocks, names: Mapping[str, str], now: datetime
) -> list[dict[str, Any]]:
    if held.due_at is None or held.clock_started_at is None or held.limit_unit is None:
        return []
    shown: list[dict[str, Any]] = []
    if held.sign_due_at is not None and clocks.sign_for is not None:
        limit = clocks.sign_for
        paused = held.clock_paused_at is not None and held.signed_at is None
        start = min(case.dispatched_at or held.clock_started_at, held.sign_due_at)
        seen = light(start, held.sign_due_at, held.signed_at or now, clocks.calendar, limit.unit)
        shown.append(
            _deadline(
                "sign_for", "sign_for", "签收", held.sign_due_at, held.signed_at, None if paused else seen
            )
            | {"amount": limit.amount, "unit": limit.unit}
        )
    shown += [
        _deadline(
            "milestone", m.code, names.get(m.code, m.code), m.due_at, m.reached_at,
            milestone_light(held, m, now, clocks),
        )
        | {"amount": m.amount, "unit": m.unit}
        for m in held.milestones
    ]  # fmt: skip
    paused = held.clock_paused_at is not None and case.handled_at is None
    seen = light(held.clock_started_at, held.due_at, case.handled_at or now, clocks.calendar, held.limit_unit)
    last = list(names.items())[-1] if held.milestones and names else ("handling", "处置")
    shown.append(
        _deadline("handling", *last, held.due_at, case.handled_at, None if paused else seen)
        | {"amount": held.limit_amount, "unit": held.limit_unit}
    )
    return shown


def _deadline(
    kind: str, code: str, name: str, due_at: datetime, met_at: datetime | None, seen: Light | None
) -> dict[str, Any]:
    return {"kind": kind, "code": code, "name": name, "due_at": due_at, "met_at": met_at, "light": seen}


def _whose_days(deadline: dict[str, Any], book: RuleBook) -> dict[str, Any]:
    """Beside each deadline, whether the holiday data know its day; if not, it counts by weekday alone."""
    known = book.calendar.covers(book.calendar.local_date(deadline["due_at"]))
    return deadline | {"calendar_known": known}


def _reason(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "name": REASON_NAMES_ZH[reason.code],
        "seq": reason.seq,
        "at": reason.at,
        "due_at": reason.due_at,
        "facts": reason.facts,
    }


def _span(span: Span) -> dict[str, Any]:
    return {
        "state": span.state,
        "state_name": STATE_NAMES_ZH[span.state],
        "unit_code": span.unit_code,
        "started_at": span.started_at,
        "ended_at": span.ended_at,
        "due_at": span.due_at,
        "clock": span.clock,
        "used_min": round(span.used.total_seconds() / _MINUTE_S),
        "charged": span.charged,
    }


def _recorded(one: Recorded) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def offered_milestone(case: Case) -> str | None:
    """The milestone that may be reported next; None hides the action."""
    return next((m.code for m in case.milestones if m.reached_at is None), None)


def hides(case: Case, action: Action) -> bool:
    """Legal actions that make no sense now: only the first signature counts, and no milestone is due."""
    return (action is Action.SIGN_FOR and case.signed_at is not None) or (
        action is Action.REACH_MILESTONE and offered_milestone(case) is None
    )
