"""Joint calls 吹哨 with their sub-tasks, opinions and history; evidence packs of refusals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gridmgmt.domain.jointcall import JointCall, Opinion, OpinionBasis, Part, Purpose, Task, TaskState
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Axis
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.errors import ContentDiffers, NotAllowed, NotFound
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import (
    joint_call_opinions,
    joint_call_steps,
    joint_call_tasks,
    joint_calls,
    refusal_packs,
)

_CALL_NAMES = (
    "id", "case_id", "subdistrict_code", "purpose", "text", "issued_by", "issued_at", "document_no",
    "version",
)  # fmt: skip
_TASK_NAMES = (
    "id", "unit_code", "part", "what", "sign_in_due_at", "arrive_due_at", "due_at", "state", "signed_in_at",
    "arrived_at", "ended_at", "ended_by", "words", "sign_in_unit", "arrive_unit", "due_unit",
)  # fmt: skip
_UNITS = ("sign_in_unit", "arrive_unit", "due_unit")
# What an action changes of a sub-task; the order itself is never edited.
_MOVED = ("state", "signed_in_at", "arrived_at", "ended_at", "ended_by", "words")


@dataclass(frozen=True, slots=True)
class CallStep:
    """One line of a call's history; ``seq`` equals the call's version after it."""

    call_id: UUID
    seq: int
    subdistrict_code: str
    task_id: UUID | None
    action: str
    actor_id: UUID
    on_behalf_of: UUID | None
    at: datetime
    facts: Mapping[str, Any]
    command_id: UUID | None = None


def load(db: Db, call_id: UUID, actor: Actor, *, lock: bool = False) -> JointCall:
    """A call inside the actor's scope; with ``lock`` nobody else moves it before the commit.

    Raises
    ------
    NotFound
        No such call in the actor's subdistricts.
    NotAllowed
        It may be looked at and not be moved.
    """
    query = select(joint_calls).where(
        joint_calls.c.id == call_id, joint_calls.c.subdistrict_code.in_(actor.subdistricts)
    )
    found = db.execute(query.with_for_update() if lock else query).first()
    if found is None:
        # Row-level security hides from the lock what the actor may see and not change.
        if lock and db.execute(query).first() is not None:
            raise NotAllowed("Your roles answer no joint call.", article="11", rule="R11", in_scope=True)
        raise NotFound("No such joint call.", kind="joint_call")
    return _call(found._mapping, _tasks(db, [call_id])[call_id])


def find(db: Db, call_id: UUID) -> JointCall | None:
    """The call under an id that a client made, for a replay; None when it is new."""
    found = db.execute(select(joint_calls).where(joint_calls.c.id == call_id)).first()
    return None if found is None else _call(found._mapping, _tasks(db, [call_id])[call_id])


def of_case(db: Db, case_id: UUID) -> list[JointCall]:
    """The calls about a case that was loaded within scope, oldest first."""
    query = select(joint_calls).where(joint_calls.c.case_id == case_id)
    rows = db.execute(query.order_by(joint_calls.c.issued_at, joint_calls.c.id)).all()
    tasks = _tasks(db, [r.id for r in rows])
    return [_call(r._mapping, tasks[r.id]) for r in rows]


def open_of_cases(db: Db, case_ids: Sequence[UUID]) -> list[JointCall]:
    """The open calls about some cases, for whoever runs the clocks; without opinions, not his to read."""
    query = select(joint_calls).where(joint_calls.c.case_id.in_(case_ids), joint_calls.c.closed_at.is_(None))
    rows = db.execute(query.order_by(joint_calls.c.issued_at, joint_calls.c.id)).all()
    tasks = _tasks(db, [r.id for r in rows], opinions=False)
    return [_call(r._mapping, tasks[r.id]) for r in rows]


def _call(row: RowMapping, tasks: Sequence[Task]) -> JointCall:
    values = {name: row[name] for name in _CALL_NAMES}
    hands = MappingProxyType({UUID(k): Axis(v) for k, v in row["hands"].items()})
    return JointCall(**{**values, "purpose": Purpose(row["purpose"]), "tasks": tuple(tasks), "hands": hands})


def _tasks(db: Db, call_ids: Sequence[UUID], *, opinions: bool = True) -> dict[UUID, list[Task]]:
    found: dict[UUID, list[Task]] = {call_id: [] for call_id in call_ids}
    if not found:
        return found
    query = select(joint_call_tasks).where(joint_call_tasks.c.call_id.in_(call_ids))
    rows = db.execute(query.order_by(joint_call_tasks.c.position)).all()
    given = _opinions(db, [r.id for r in rows]) if opinions else {}
    for r in rows:
        values = {name: r._mapping[name] for name in _TASK_NAMES}
        values |= {name: LimitUnit(values[name]) for name in _UNITS if values[name]}
        values |= {"part": Part(r.part), "state": TaskState(r.state), "photos": tuple(r.photos)}
        found[r.call_id].append(Task(**values, opinions=tuple(given.get(r.id, ()))))
    return found


def _opinions(db: Db, task_ids: Sequence[UUID]) -> dict[UUID, list[Opinion]]:
    c = joint_call_opinions.c
    found: dict[UUID, list[Opinion]] = {}
    for r in db.execute(select(joint_call_opinions).where(c.task_id.in_(task_ids)).order_by(c.at)):
        opinion = Opinion(OpinionBasis(r.basis), r.score, r.text, r.given_by, r.at)
        found.setdefault(r.task_id, []).append(opinion)
    return found


def add(db: Db, call: JointCall, step: CallStep) -> None:
    """Store a new call with its sub-tasks and the first line of its history.

    Raises
    ------
    ContentDiffers
        Its id was used at this very moment, or belongs to another subdistrict.
    """
    row = {name: getattr(call, name) for name in _CALL_NAMES} | {"hands": _hands(call), "closed_at": None}
    once = upsert(joint_calls).values(row).on_conflict_do_nothing(index_elements=["id"])
    if db.execute(once.returning(joint_calls.c.id)).first() is None:
        raise ContentDiffers("This id belongs to another joint call.", rule="R08a")
    tasks = [
        {name: getattr(task, name) for name in _TASK_NAMES}
        | {"call_id": call.id, "subdistrict_code": call.subdistrict_code, "position": n, "photos": []}
        for n, task in enumerate(call.tasks)
    ]
    db.execute(insert(joint_call_tasks).inline(), tasks)
    _append(db, step)


def save(db: Db, call: JointCall, task: Task, step: CallStep) -> None:
    """Store what an action changed: the sub-task, an opinion, the call's end, the line of history."""
    db.execute(
        update(joint_calls)
        .where(joint_calls.c.id == call.id)
        .values(version=call.version, hands=_hands(call), closed_at=call.closed_at)
    )
    moved = {name: getattr(task, name) for name in _MOVED} | {"photos": list(task.photos)}
    db.execute(update(joint_call_tasks).where(joint_call_tasks.c.id == task.id).values(moved))
    _append(db, step)


def add_opinion(db: Db, task_id: UUID, subdistrict_code: str, opinion: Opinion) -> None:
    """Store the street's opinion on one unit; it is never changed."""
    db.execute(
        insert(joint_call_opinions).values(
            task_id=task_id, basis=opinion.basis, subdistrict_code=subdistrict_code, score=opinion.score,
            text=opinion.text, given_by=opinion.by, at=opinion.at,
        )
    )  # fmt: skip


def _hands(call: JointCall) -> dict[str, str]:
    return {str(person): str(axis) for person, axis in call.hands.items()}


def _append(db: Db, step: CallStep) -> None:
    values = {name: getattr(step, name) for name in CallStep.__slots__} | {"facts": dict(step.facts)}
    once = upsert(joint_call_steps).values(values).on_conflict_do_nothing(index_elements=["command_id"])
    if db.execute(once.returning(joint_call_steps.c.seq)).first() is None:
        raise ContentDiffers("This id belongs to another command, which was done.", rule="R08a")


def step_of_command(db: Db, command_id: UUID) -> CallStep | None:
    """What a command did when it came the first time; None when it is new."""
    c = joint_call_steps.c
    found = db.execute(select(*(c[n] for n in CallStep.__slots__)).where(c.command_id == command_id)).first()
    return None if found is None else CallStep(**found._mapping)


def history(db: Db, call_id: UUID) -> list[CallStep]:
    """The lines of a call that was loaded within scope, first to last."""
    c = joint_call_steps.c
    query = select(*(c[n] for n in CallStep.__slots__)).where(c.call_id == call_id).order_by(c.seq)
    return [CallStep(**r._mapping) for r in db.execute(query)]


@dataclass(frozen=True, slots=True)
class Pack:
    """An evidence pack: the bytes and their SHA-256."""

    task_id: UUID
    call_id: UUID
    case_id: UUID
    subdistrict_code: str
    document: bytes
    sha256: bytes
    made_at: datetime


def add_pack(db: Db, pack: Pack) -> None:
    """Store the pack of a refusal; whoever refused may not read it."""
    db.execute(insert(refusal_packs).values({n: getattr(pack, n) for n in Pack.__slots__}).inline())


def pack_of(db: Db, task_id: UUID, actor: Actor) -> Pack:
    """The pack of a refused sub-task.

    Raises
    ------
    NotFound
        The unit did not refuse, or the sub-task lies outside the actor's subdistricts.
    """
    c = refusal_packs.c
    query = select(*(c[n] for n in Pack.__slots__)).where(
        c.task_id == task_id, c.subdistrict_code.in_(actor.subdistricts)
    )
    found = db.execute(query).first()
    if found is None:
        raise NotFound("There is no evidence pack of this sub-task.", kind="refusal_pack")
    return Pack(**{**found._mapping, "document": bytes(found.document), "sha256": bytes(found.sha256)})


def listed(db: Db, actor: Actor, *, unit_code: str | None, open_only: bool, limit: int) -> list[RowMapping]:
    """Calls of the actor's subdistricts, newest first, with their case's number; of one unit or of all."""
    query = text("""
        select j.id, c.number from app.joint_calls j join app.cases c on c.id = j.case_id
         where j.subdistrict_code = any(:scope)
           and (not :open_only or j.closed_at is null)
           and (cast(:unit as text) is null or exists (
                    select from app.joint_call_tasks t where t.call_id = j.id and t.unit_code = :unit))
         order by j.issued_at desc, j.id limit :limit
    """)
    values = {"scope": list(actor.subdistricts), "unit": unit_code, "open_only": open_only, "limit": limit}
    return [r._mapping for r in db.execute(query, values)]
