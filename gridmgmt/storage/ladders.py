"""The ladder in the database: which case to look at when, its rounds, and every rung it passed.

A look at some cases claims their rows (``for update skip locked``), so that any number of workers share
the work and none waits for another; everything the look decides is written by the transaction that
claimed. A worker that dies leaves nothing half done: its rows are due as before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import delete, insert, select, text

from gridmgmt.domain import besidelimits
from gridmgmt.domain.besidelimits import BesideLimit
from gridmgmt.domain.case import Case
from gridmgmt.domain.ladder import Level, Pause, Round, Rung, Step, Waiting
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.storage import cases, joint_calls, supervision
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import ladder_rungs


@dataclass(frozen=True, slots=True)
class Claimed:
    """A case that is due for a look, with what the last look left and what it and its limits are now."""

    case: Case
    stepped_at: datetime
    rounds: Mapping[str, Round]
    pauses: tuple[Pause, ...]
    waiting: tuple[Waiting, ...]
    beside: tuple[BesideLimit, ...] = ()


def look_soon(db: Db, cases_by_street: Mapping[UUID, str], at: datetime) -> None:
    """Have these cases looked at: something happened to them. By case, the subdistrict."""
    if not cases_by_street:
        return
    # In one order, so that two transactions that share some wait for each other and never in a ring.
    ids = sorted(cases_by_street)
    values = {"ids": ids, "codes": [cases_by_street[i] for i in ids], "at": at}
    db.execute(_LOOK_SOON, values)


_LOOK_SOON = text("""
    insert into app.case_ladders (case_id, subdistrict_code, look_at)
    select c.id, c.code, :at from unnest(cast(:ids as uuid[]), cast(:codes as text[])) c(id, code)
    on conflict (case_id) do update set look_at = least(case_ladders.look_at, excluded.look_at)
""")
_CLAIM = text("""
    select case_id, rounds from app.case_ladders where look_at <= :now
     order by look_at limit :limit for update skip locked
""")
_HISTORY = text("""
    select s.case_id, s.action, s.at from app.case_steps s join app.cases c on c.id = s.case_id
     where s.case_id = any(:ids)
       and (s.action in ('hold', 'resume')
            or s.seq = (select max(n.seq) from app.case_steps n
                         where n.case_id = c.id and n.action <> 'hand_over'))
     order by s.case_id, s.seq
""")
_WAITING = text("""
    select case_id, clock, round, rung, acknowledge_by from app.ladder_steps
     where case_id = any(:ids) and acknowledge_by is not null and acknowledged_at is null
       and passed_on_at is null
     order by case_id, clock, round, rung
""")


Rounds = Mapping[str, Any]
"""What the last look at a case left, as it is stored."""


def claim(db: Db, now: datetime, *, limit: int) -> dict[UUID, Rounds]:
    """Cases that are due for a look and that nobody else is looking at, the longest due first; locked."""
    return {r.case_id: r.rounds for r in db.execute(_CLAIM, {"now": now, "limit": limit})}


def read(db: Db, held: Mapping[UUID, Rounds]) -> list[Claimed]:
    """What a look at claimed cases goes by, in their order."""
    ids = list(held)
    history: dict[UUID, list[tuple[str, datetime]]] = {}
    for row in db.execute(_HISTORY, {"ids": ids}):
        history.setdefault(row.case_id, []).append((row.action, row.at))
    waiting: dict[UUID, list[Waiting]] = {}
    for row in db.execute(_WAITING, {"ids": ids}):
        waiting.setdefault(row.case_id, []).append(
            Waiting(row.clock, row.round, row.rung, row.acknowledge_by)
        )
    found = {case.id: case for case in cases.of_ids(db, ids)}
    beside: dict[UUID, list[BesideLimit]] = {}
    for call in joint_calls.open_of_cases(db, ids):
        beside.setdefault(call.case_id, []).extend(besidelimits.of_call(call))
    for order in supervision.owed_of_cases(db, ids):
        beside.setdefault(order.case_id, []).extend(besidelimits.of_order(order))
    return [
        Claimed(
            found[case_id],
            history[case_id][-1][1],
            {clock: _round(given) for clock, given in held[case_id].items()},
            tuple(_pauses(history[case_id])),
            tuple(waiting.get(case_id, ())),
            tuple(beside.get(case_id, ())),
        )
        for case_id in ids
    ]


def _pauses(history: Iterable[tuple[str, datetime]]) -> list[Pause]:
    found: list[Pause] = []
    since: datetime | None = None
    for action, at in history:
        if action == "hold":
            since = at
        elif action == "resume" and since is not None:
            found.append(Pause(since, at))
            since = None
    return found


def _round(given: Mapping[str, Any]) -> Round:
    return Round(
        given["number"],
        datetime.fromisoformat(given["started_at"]),
        datetime.fromisoformat(given["due_at"]),
        LimitUnit(given["unit"]),
        given["reached"],
        given["runs"],
    )


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at one case found, to be written."""

    case_id: UUID
    subdistrict_code: str
    rounds: Mapping[str, Round]
    steps: Sequence[Step]
    passed_on: Sequence[tuple[str, int, int]]
    next_at: datetime | None


_WRITE = text("""
    with x as (
        select * from jsonb_to_recordset(cast(:looked as jsonb))
            as x(case_id uuid, rounds jsonb, look_at timestamptz)),
    moved as (
        update app.case_ladders l set rounds = x.rounds, look_at = x.look_at,
                                      failures = 0, fault = null, failed_at = null
          from x where l.case_id = x.case_id),
    passed as (
        update app.ladder_steps s set passed_on_at = :now
          from jsonb_to_recordset(cast(:passed_on as jsonb))
            as p(case_id uuid, clock text, round int, rung smallint)
         where (s.case_id, s.clock, s.round, s.rung) = (p.case_id, p.clock, p.round, p.rung))
    insert into app.ladder_steps (case_id, clock, round, rung, subdistrict_code, percent, due_at, at, told,
                                  acknowledge_by)
    select s.case_id, s.clock, s.round, s.rung, s.subdistrict_code, s.percent, s.due_at, :now, s.told,
           s.acknowledge_by
      from jsonb_populate_recordset(null::app.ladder_steps, cast(:steps as jsonb)) s
""")


def write(db: Db, now: datetime, looked: Sequence[Looked]) -> None:
    """Store what was found; the cases' rows are claimed by this transaction.

    A step that is stored already is a fault of ours and fails the whole look: nothing is told twice.
    """
    values = {
        "now": now,
        "looked": _json(
            [{"case_id": one.case_id, "rounds": dict(one.rounds), "look_at": one.next_at} for one in looked]
        ),
        "steps": _json([_step(one, step) for one in looked for step in one.steps]),
        "passed_on": _json(
            [
                {"case_id": one.case_id, "clock": clock, "round": number, "rung": rung}
                for one in looked
                for clock, number, rung in one.passed_on
            ]
        ),
    }
    db.execute(_WRITE, values)


def _step(one: Looked, step: Step) -> dict[str, Any]:
    return {
        "case_id": one.case_id,
        "subdistrict_code": one.subdistrict_code,
        "clock": step.clock,
        "round": step.round,
        "rung": step.rung.no,
        "percent": step.rung.percent,
        "due_at": step.due_at,
        "told": step.told,
        "acknowledge_by": step.acknowledge_by,
    }


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


@dataclass(frozen=True, slots=True)
class PutAside:
    """A case whose look failed with something unforeseen; ``failures`` looks in a row have."""

    case_id: UUID
    subdistrict_code: str
    number: str
    state: str
    cell_code: str
    unit_code: str | None
    failures: int


# One minute, then twice as long each time, up to an hour: a fault of ours is mended by people.
_PUT_ASIDE = text("""
    update app.case_ladders l
       set failures = l.failures + 1, fault = x.fault, failed_at = :now,
           look_at = cast(:now as timestamptz)
                     + least(interval '1 hour', interval '1 minute' * power(2, least(l.failures, 10)))
      from unnest(cast(:ids as uuid[]), cast(:faults as text[])) x(id, fault), app.cases c
     where l.case_id = x.id and c.id = x.id
    returning l.case_id, l.subdistrict_code, c.number, c.state, c.cell_code, c.unit_code, l.failures
""")


def put_aside(db: Db, now: datetime, faults: Mapping[UUID, str]) -> list[PutAside]:
    """Keep which claimed cases could not be looked at, and when to try again; by case, the kind of fault."""
    values = {"now": now, "ids": list(faults), "faults": list(faults.values())}
    return [PutAside(**r._mapping) for r in db.execute(_PUT_ASIDE, values)]


_ASIDE = text("""
    select l.case_id, l.subdistrict_code, c.number, l.failures, l.fault, l.failed_at, l.look_at
      from app.case_ladders l join app.cases c on c.id = l.case_id
     where l.failures > 0 order by l.failed_at desc limit :limit
""")


def aside(db: Db, *, limit: int = 200) -> list[dict[str, Any]]:
    """Cases that stand aside, the newest fault first."""
    return [dict(r._mapping) for r in db.execute(_ASIDE, {"limit": limit})]


_ACKNOWLEDGE = text("""
    update app.ladder_steps set acknowledged_at = :now, acknowledged_by = :person
     where (case_id, clock, round, rung) = (:case_id, :clock, :round, :rung) and acknowledged_at is null
""")


def acknowledge(db: Db, step: tuple[UUID, str, int, int], person_id: UUID, now: datetime) -> bool:
    """Note that somebody who was told of a rung acknowledged it; False where somebody did before."""
    case_id, clock, number, rung = step
    values = {"case_id": case_id, "clock": clock, "round": number, "rung": rung}
    return bool(db.execute(_ACKNOWLEDGE, values | {"now": now, "person": person_id}).rowcount)


def rungs_of(db: Db, subdistrict_code: str) -> tuple[Rung, ...]:
    """The rungs that a street has set; empty where it set none."""
    c = ladder_rungs.c
    query = select(c.no, c.percent, c.levels, c.acknowledge_minutes).where(
        c.subdistrict_code == subdistrict_code
    )
    return tuple(
        Rung(r.no, r.percent, tuple(map(Level, r.levels)), r.acknowledge_minutes)
        for r in db.execute(query.order_by(c.no))
    )


def set_rungs(db: Db, subdistrict_code: str, rungs: Sequence[Rung]) -> None:
    """Replace the rungs of a street; none of them means the default again."""
    db.execute(delete(ladder_rungs).where(ladder_rungs.c.subdistrict_code == subdistrict_code))
    if rungs:
        rows = [
            {**rung._asdict(), "levels": list(rung.levels), "subdistrict_code": subdistrict_code}
            for rung in rungs
        ]
        db.execute(insert(ladder_rungs).inline(), rows)


def steps_of(db: Db, case_id: UUID) -> list[dict[str, Any]]:
    """The rungs that a case passed, for whoever loaded it within scope, in the order of their time."""
    query = text("""
        select clock, round, rung, percent, due_at, at, told, acknowledge_by, acknowledged_at,
               acknowledged_by, passed_on_at
          from app.ladder_steps where case_id = :id order by at, due_at, clock, rung
    """)
    return [dict(r._mapping) for r in db.execute(query, {"id": case_id})]
