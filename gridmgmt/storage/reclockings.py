"""Open cases with what their clocks are made of, in batches; and the record of deadlines computed anew.

One statement reads a batch and locks its cases, so that nobody moves one between its reading and its
writing; one statement writes cases, records and events. Only facts that a clock is computed with leave the
database: nothing of what people wrote.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, text

from gridmgmt.domain.case import Step
from gridmgmt.domain.deadlines import CLOCK_ACTIONS, Held
from gridmgmt.domain.events import Event
from gridmgmt.domain.workflow import State
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.errors import StaleVersion
from gridmgmt.storage import outbox
from gridmgmt.storage.db import Db, hot_json
from gridmgmt.storage.milestones import milestone_row, read_milestone
from gridmgmt.storage.tables import case_reclockings

_NOBODY = UUID(int=0)
_STATES: Mapping[str, State] = MappingProxyType({str(s): s for s in State})
_NO_FACTS: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class OpenCase:
    """An open case as far as its clocks go: what it is, what is stored, and its history.

    Only steps that a clock depends on, without their persons and with such facts alone.
    """

    id: UUID
    number: str
    version: int
    state: State
    category: str
    area_class: str
    cell_code: str
    unit_code: str | None
    reported_at: datetime
    held: Held
    steps: tuple[Step, ...]


_FIND = """
    with picked as (
        select c.* from app.cases c
         where c.subdistrict_code = %s and c.id > cast(%s as uuid)
           and c.state not in ('closed', 'rejected', 'merged', 'voided')
         order by c.id limit cast(%s as int)
           for update)
    select cast(json_agg(json_build_array(
               p.id, p.number, p.version, p.state, p.category, p.area_class, p.cell_code, p.unit_code,
               p.reported_at, p.limit_amount, p.limit_unit, p.clock_started_at, p.clock_paused_at, p.due_at,
               p.signed_at, p.sign_due_at, p.milestones, p.stage_due_at, s.steps) order by p.id) as text)
      from picked p
      join lateral (
          select json_agg(json_build_array(s.seq, s.action, s.from_state, s.to_state, s.at,
                     case when s.action in ('file', 'extend', 'hold', 'reach_milestone')
                          then json_build_object(
                              'condition', s.facts -> 'condition', 'amount', s.facts -> 'amount',
                              'unit', s.facts -> 'unit', 'resume_on', s.facts -> 'resume_on',
                              'milestone', s.facts -> 'milestone') end) order by s.seq) as steps
            from app.case_steps s
           where s.case_id = p.id
             and (s.seq = (select max(n.seq) from app.case_steps n
                            where n.case_id = p.id and n.action <> 'hand_over')
                  or s.action in (select json_array_elements_text(cast(%s as json))))) s
        on true
"""


def lock_open_cases(db: Db, subdistrict_code: str, after: UUID | None, *, limit: int) -> list[OpenCase]:
    """The next open cases of a subdistrict in the order of their ids; locked until the commit."""
    values = [subdistrict_code, str(after or _NOBODY), str(limit), _json(sorted(CLOCK_ACTIONS))]
    found = hot_json(db, _FIND, values)
    return [_open_case(row) for row in found or ()]


def _at(text_or_none: str | None) -> datetime | None:
    return None if text_or_none is None else datetime.fromisoformat(text_or_none)


def _open_case(row: Sequence[Any]) -> OpenCase:
    (
        case_id, number, version, state, category, area_class, cell_code, unit_code, reported_at,
        amount, unit, started_at, paused_at, due_at, signed_at, sign_due_at, milestones, stage_due_at, steps,
    ) = row  # fmt: skip
    key = UUID(case_id)
    return OpenCase(
        key, number, version, State(state), category, area_class, cell_code, unit_code,
        datetime.fromisoformat(reported_at),
        Held(
            amount, LimitUnit(unit) if unit else None, _at(started_at), _at(paused_at), _at(due_at),
            _at(signed_at), _at(sign_due_at), tuple(map(read_milestone, milestones)), _at(stage_due_at),
        ),
        tuple(
            Step(
                key, seq, action, _STATES.get(source), _STATES[target], _NOBODY,
                datetime.fromisoformat(at), facts or _NO_FACTS, "",
            )
            for seq, action, source, target, at, facts in steps or ()
        ),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """What a recomputation was: who ordered it, when, why, and under which calendar and rules."""

    id: UUID
    subdistrict_code: str
    actor_id: UUID
    at: datetime
    why: str
    calendar_id: str
    calendar_version: int
    rules_revision: int


@dataclass(frozen=True, slots=True)
class Reclocked:
    """A case whose deadlines changed; ``old`` and ``new`` hold what differs, by name."""

    case: OpenCase
    held: Held
    old: Mapping[str, Any]
    new: Mapping[str, Any]


_WRITE = """
    with x as (
        select * from jsonb_to_recordset(cast(%s as jsonb)) as x(
            id uuid, version int, limit_amount int, limit_unit text, due_at timestamptz,
            sign_due_at timestamptz, milestones jsonb, stage_due_at timestamptz, old jsonb, new jsonb)),
    run as (
        select * from jsonb_to_record(cast(%s as jsonb)) as r(
            id uuid, subdistrict_code text, actor_id uuid, at timestamptz, why text, calendar_id text,
            calendar_version int, rules_revision bigint)),
    changed as (
        update app.cases c
           set limit_amount = x.limit_amount, limit_unit = x.limit_unit, due_at = x.due_at,
               sign_due_at = x.sign_due_at, milestones = x.milestones, stage_due_at = x.stage_due_at,
               updated_at = run.at
          from x, run where c.id = x.id and c.version = x.version
        returning c.id),
    kept as (
        insert into app.case_reclockings (case_id, subdistrict_code, run_id, actor_id, at, why, case_version,
                                          calendar_id, calendar_version, rules_revision, old, new)
        select x.id, run.subdistrict_code, run.id, run.actor_id, run.at, run.why, x.version,
               run.calendar_id, run.calendar_version, run.rules_revision, x.old, x.new
          from x, run),
    told as (
        insert into app.outbox (subdistrict_code, kind, case_id, at, facts)
        select e.subdistrict_code, e.kind, e.case_id, e.at, e.facts
          from jsonb_populate_recordset(null::app.outbox, cast(%s as jsonb)) with ordinality e
         order by e.ordinality)
    select cast(count(*) as text) from changed
"""


def write(db: Db, run: Run, changed: Sequence[Reclocked], events: Sequence[Event]) -> None:
    """Store new deadlines, the record of each and its event; the cases are locked by this transaction.

    Raises
    ------
    StaleVersion
        A case was not locked and has moved.
    """
    if not changed:
        return
    rows = [
        {
            "id": str(c.case.id),
            "version": c.case.version,
            "limit_amount": c.held.limit_amount,
            "limit_unit": c.held.limit_unit,
            "due_at": c.held.due_at,
            "sign_due_at": c.held.sign_due_at,
            "milestones": [milestone_row(m) for m in c.held.milestones],
            "stage_due_at": c.held.stage_due_at,
            "old": dict(c.old),
            "new": dict(c.new),
        }
        for c in changed
    ]
    facts = {name: getattr(run, name) for name in run.__dataclass_fields__}
    written = hot_json(db, _WRITE, [_json(rows), _json(facts), _json([outbox.row(e) for e in events])])
    if written != len(changed):
        raise StaleVersion("Cases moved while their deadlines were computed.", rule="R22b", written=written)


def _json(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recomputation of one case, as it was recorded."""

    run_id: UUID
    at: datetime
    actor_id: UUID
    why: str
    calendar_version: int
    rules_revision: int
    old: Mapping[str, Any]
    new: Mapping[str, Any]


def of_case(db: Db, case_id: UUID) -> list[Recorded]:
    """The recomputations of a case that was loaded within scope, first to last."""
    table = case_reclockings.c
    names = Recorded.__dataclass_fields__
    query = select(*(table[name] for name in names)).where(table.case_id == case_id).order_by(table.id)
    return [Recorded(**r._mapping) for r in db.execute(query)]


def count_open(db: Db, subdistrict_codes: Iterable[str]) -> int:
    """How many cases are open in some subdistricts."""
    query = text(
        "select count(*) from app.cases where subdistrict_code = any(:codes)"
        " and state not in ('closed', 'rejected', 'merged', 'voided')"
    )
    return int(db.execute(query, {"codes": list(subdistrict_codes)}).scalar_one())
