"""Patrols: plans of cells, shifts, coverage, visits, notes. Raw positions are in :mod:`.tracks`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
import shapely
from shapely.geometry import LineString, Point
from sqlalchemy import any_, func, insert, literal, select, text, update
from sqlalchemy.dialects import postgresql

from gridmgmt.domain.coverage import HexCoverage, TargetCoverage
from gridmgmt.domain.org import Actor
from gridmgmt.domain.patrol import Interval, PatrolPlan, Target, TargetKind, Unit
from gridmgmt.domain.patrolshift import Shift
from gridmgmt.errors import NotFound
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import (
    patrol_coverage,
    patrol_notes,
    patrol_plans,
    patrol_shifts,
    patrol_visits,
    reports,
)

# Plans


def add_plan(db: Db, plan: PatrolPlan, by: UUID, at: datetime) -> None:
    """Store a version of a cell's plan."""
    values = {
        "id": plan.id,
        "subdistrict_code": plan.subdistrict_code,
        "cell_code": plan.cell_code,
        "version": plan.version,
        "targets": [_told(target) for target in plan.targets],
        "synthetic": plan.synthetic,
        "set_by": by,
        "set_at": at,
    }
    db.execute(insert(patrol_plans).values(values))


def _told(target: Target) -> dict[str, Any]:
    return {
        "id": str(target.id),
        "kind": str(target.kind),
        "name": target.name,
        "amount": target.every.amount,
        "unit": str(target.every.unit),
        "geometry": orjson.loads(shapely.to_geojson(target.shape)),
    }


def _target(told: Mapping[str, Any]) -> Target:
    kind, corners = TargetKind(told["kind"]), told["geometry"]["coordinates"]
    shape = Point(corners) if kind is TargetKind.POINT else LineString(corners)
    every = Interval(told["amount"], Unit(told["unit"]))
    return Target(UUID(told["id"]), kind, told["name"], every, shape)


def _plan(row: Any) -> PatrolPlan:
    targets = tuple(_target(told) for told in row.targets)
    return PatrolPlan(row.id, row.subdistrict_code, row.cell_code, row.version, targets, row.synthetic)


def plan_by_id(db: Db, plan_id: UUID, actor: Actor) -> PatrolPlan | None:
    """A version of a plan by its id; for recognising what was sent twice."""
    query = select(patrol_plans).where(
        patrol_plans.c.id == plan_id, patrol_plans.c.subdistrict_code.in_(actor.subdistricts)
    )
    row = db.execute(query).first()
    return _plan(row) if row else None


def version_of(db: Db, actor: Actor, cell_code: str) -> int:
    """The version of a cell's newest plan; 0 for none."""
    c = patrol_plans.c
    query = select(func.coalesce(func.max(c.version), 0)).where(
        c.cell_code == cell_code, c.subdistrict_code.in_(actor.subdistricts)
    )
    return int(db.execute(query).scalar_one())


def plans_of(db: Db, actor: Actor, cells: Iterable[str], at: datetime) -> list[PatrolPlan]:
    """The plan of each of these cells as it was at a time, in order of the cells."""
    query = (
        select(patrol_plans)
        .ext(postgresql.distinct_on(patrol_plans.c.cell_code))
        .where(
            patrol_plans.c.subdistrict_code.in_(actor.subdistricts),
            patrol_plans.c.cell_code.in_(sorted(cells)),
            patrol_plans.c.set_at <= at,
        )
        .order_by(patrol_plans.c.cell_code, patrol_plans.c.version.desc())
    )
    return [_plan(row) for row in db.execute(query)]


def hold_cell(db: Db, cell_code: str) -> None:
    """Let nobody else set this cell's plan until the transaction ends."""
    query = text("select pg_advisory_xact_lock(hashtextextended('patrol plan ' || :cell, 0))")
    db.execute(query, {"cell": cell_code})


_LAST = text("""
    with last as (
        select distinct on (v.target_id) v.target_id, v.cell_code, s.on_at,
               coalesce(v.reached_at, s.on_at) as at
          from app.patrol_visits v join app.patrol_shifts s on s.id = v.shift_id
         where v.target_id = any(:targets) and v.verdict = 'covered' and s.subdistrict_code = any(:scope)
         order by v.target_id, s.on_at desc)
    select l.target_id, l.at, (select count(*) from app.patrol_shifts s
                                where l.cell_code = any(s.cell_codes) and s.on_at > l.on_at
                                  and s.subdistrict_code = any(:scope)) as since
      from last l
""")


def last_visits(db: Db, actor: Actor, targets: Iterable[UUID]) -> dict[UUID, tuple[datetime, int]]:
    """When each target was last covered, and how many shifts in its cell began since."""
    values = {"targets": list(targets), "scope": list(actor.subdistricts)}
    return {r.target_id: (r.at, r.since) for r in db.execute(_LAST, values)}


# Shifts


@dataclass(frozen=True, slots=True)
class StoredShift:
    """A shift with what was computed from its positions."""

    shift: Shift
    points: int
    points_counted: int
    unseen_s: int
    track_erased_at: datetime | None
    phone_on_at: datetime
    received_off_at: datetime | None
    phone_off_at: datetime | None

    def was_ended_at(self, phone_at: datetime) -> bool:
        """Whether that is when the phone said it ended; what lapsed may be ended as often as one likes."""
        return self.shift.lapsed or self.phone_off_at == phone_at


def _stored(row: Any) -> StoredShift:
    shift = Shift(
        id=row.id,
        subdistrict_code=row.subdistrict_code,
        person_id=row.person_id,
        cell_codes=tuple(row.cell_codes),
        on_at=row.on_at,
        off_at=row.off_at,
        received_on_at=row.received_on_at,
        lapsed=row.lapsed,
        track_erased=row.track_erased_at is not None,
        phone_on_at=row.phone_on_at,
    )
    return StoredShift(
        shift, row.points, row.points_counted, row.unseen_s, row.track_erased_at,
        row.phone_on_at, row.received_off_at, row.phone_off_at,
    )  # fmt: skip


def find_shift(db: Db, shift_id: UUID, actor: Actor, *, lock: bool = False) -> StoredShift | None:
    """A shift in the actor's scope; locked until the transaction ends where asked."""
    query = select(patrol_shifts).where(
        patrol_shifts.c.id == shift_id, patrol_shifts.c.subdistrict_code.in_(actor.subdistricts)
    )
    row = db.execute(query.with_for_update() if lock else query).first()
    return _stored(row) if row else None


def load_shift(db: Db, shift_id: UUID, actor: Actor, *, lock: bool = False) -> StoredShift:
    """As :func:`find_shift`.

    Raises
    ------
    NotFound
        None there.
    """
    found = find_shift(db, shift_id, actor, lock=lock)
    if found is None:
        raise NotFound("No such shift.", kind="shift")
    return found


def latest_shift(db: Db, actor: Actor, *, lock: bool = False) -> StoredShift | None:
    """The actor's own open shift, else his latest."""
    query = (
        select(patrol_shifts)
        .where(patrol_shifts.c.person_id == actor.id)
        # Two may have begun at one instant; at most one of them is open.
        .order_by(patrol_shifts.c.off_at.is_(None).desc(), patrol_shifts.c.on_at.desc())
        .limit(1)
    )
    row = db.execute(query.with_for_update() if lock else query).first()
    return _stored(row) if row else None


def shifts_between(
    db: Db, actor: Actor, since: datetime, until: datetime, cell_code: str | None = None, *, limit: int
) -> list[StoredShift]:
    """Shifts that began in [since, until), in order of their beginning."""
    c = patrol_shifts.c
    query = select(patrol_shifts).where(
        c.subdistrict_code.in_(actor.subdistricts), c.on_at >= since, c.on_at < until
    )
    if cell_code is not None:
        query = query.where(literal(cell_code) == any_(c.cell_codes))
    return [_stored(row) for row in db.execute(query.order_by(c.on_at, c.id).limit(limit))]


def hold_person(db: Db, person_id: UUID) -> None:
    """Let nobody else begin a shift of this person until the transaction ends."""
    query = text("select pg_advisory_xact_lock(hashtextextended('patrol of ' || cast(:id as text), 0))")
    db.execute(query, {"id": str(person_id)})


def add_shift(db: Db, shift: Shift, phone_on_at: datetime) -> None:
    """Begin a shift."""
    values = {
        "id": shift.id,
        "subdistrict_code": shift.subdistrict_code,
        "person_id": shift.person_id,
        "cell_codes": list(shift.cell_codes),
        "on_at": shift.on_at,
        "phone_on_at": phone_on_at,
        "received_on_at": shift.received_on_at,
    }
    db.execute(insert(patrol_shifts).values(values))


def end_shift(db: Db, shift_id: UUID, row: Mapping[str, Any]) -> None:
    """End a shift; column names as in the table."""
    db.execute(update(patrol_shifts).where(patrol_shifts.c.id == shift_id).values(**row))


# What positions say


def save_counts(db: Db, shift_id: UUID, *, points: int, counted: int, unseen_s: int) -> None:
    """Keep what the positions of a shift amount to."""
    values = {"points": points, "points_counted": counted, "unseen_s": unseen_s}
    db.execute(update(patrol_shifts).where(patrol_shifts.c.id == shift_id).values(values))


def save_coverage(db: Db, shift: Shift, cell_code: str, found: HexCoverage, at: datetime) -> None:
    """Keep the hexagons of one cell in one shift; what was there is replaced."""
    values: dict[str, Any] = {
        "covered": list(found.covered),
        "unknown": list(found.unknown),
        "not_covered": list(found.not_covered),
        "computed_at": at,
    }
    key = {"shift_id": shift.id, "cell_code": cell_code, "subdistrict_code": shift.subdistrict_code}
    db.execute(
        postgresql.insert(patrol_coverage)
        .values(**key, **values)
        .on_conflict_do_update(index_elements=["shift_id", "cell_code"], set_=values)
    )


def coverage_of(db: Db, actor: Actor, shifts: Iterable[UUID]) -> list[tuple[UUID, str, HexCoverage]]:
    """Hexagons by shift and cell."""
    c = patrol_coverage.c
    query = select(patrol_coverage).where(
        c.shift_id.in_(list(shifts)), c.subdistrict_code.in_(actor.subdistricts)
    )
    return [
        (r.shift_id, r.cell_code, HexCoverage(tuple(r.covered), tuple(r.unknown), tuple(r.not_covered)))
        for r in db.execute(query.order_by(c.cell_code, c.shift_id))
    ]


def save_visits(db: Db, shift: Shift, given: Sequence[tuple[PatrolPlan, Target, TargetCoverage]]) -> None:
    """Keep the verdict on each target; what was there is replaced."""
    # A target that two cells' plans name is one target.
    given = list({target.id: (plan, target, found) for plan, target, found in given}.values())
    if not given:
        return
    rows = [
        {
            "shift_id": shift.id,
            "target_id": target.id,
            "plan_id": plan.id,
            "subdistrict_code": shift.subdistrict_code,
            "cell_code": plan.cell_code,
            "verdict": found.verdict,
            "covered_share": found.covered_share,
            "unknown_share": found.unknown_share,
            "reached_at": found.reached_at,
        }
        for plan, target, found in given
    ]
    query = postgresql.insert(patrol_visits).values(rows)
    new = {n: query.excluded[n] for n in rows[0] if n not in {"shift_id", "target_id", "subdistrict_code"}}
    db.execute(query.on_conflict_do_update(index_elements=["shift_id", "target_id"], set_=new))


def visits_of(db: Db, actor: Actor, shifts: Iterable[UUID]) -> list[dict[str, Any]]:
    """Verdicts on targets by shift."""
    c = patrol_visits.c
    query = select(patrol_visits).where(
        c.shift_id.in_(list(shifts)), c.subdistrict_code.in_(actor.subdistricts)
    )
    return [dict(r._mapping) for r in db.execute(query.order_by(c.target_id, c.shift_id))]


# Notes


def find_note(db: Db, note_id: UUID, actor: Actor) -> dict[str, Any] | None:
    """A note by its id; for recognising what was sent twice."""
    query = select(patrol_notes).where(
        patrol_notes.c.id == note_id, patrol_notes.c.subdistrict_code.in_(actor.subdistricts)
    )
    found = db.execute(query).first()
    return dict(found._mapping) if found else None


def add_note(db: Db, row: Mapping[str, Any]) -> None:
    """Keep a note; column names as in the table."""
    db.execute(insert(patrol_notes).values(**row))


def notes_of(db: Db, actor: Actor, shifts: Iterable[UUID]) -> list[dict[str, Any]]:
    """Notes of shifts in order of their times."""
    c = patrol_notes.c
    query = select(patrol_notes).where(
        c.shift_id.in_(list(shifts)), c.subdistrict_code.in_(actor.subdistricts)
    )
    return [dict(r._mapping) for r in db.execute(query.order_by(c.at, c.id))]


def is_report_of(db: Db, report_id: UUID, actor: Actor) -> bool:
    """Whether the actor filed this report in his subdistrict."""
    query = select(reports.c.id).where(
        reports.c.id == report_id,
        reports.c.reporter_id == actor.id,
        reports.c.subdistrict_code.in_(actor.subdistricts),
    )
    return db.execute(query).first() is not None
