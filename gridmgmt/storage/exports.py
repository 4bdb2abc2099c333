"""Exports: asked for, approved, claimed by a worker, ready, taken, expired. And the rows that go into one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text, update

from gridmgmt.domain.org import Actor
from gridmgmt.domain.purposes import ExportState
from gridmgmt.errors import NotFound
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import exports

Row = dict[str, Any]

MOST_ATTEMPTS = 3
_PATIENCE = timedelta(minutes=10)

_COLUMNS = tuple(exports.c)


def add(db: Db, row: Mapping[str, Any]) -> None:
    """Put an export on record; column names as in the table."""
    db.execute(insert(exports).values(**row))


def find(db: Db, export_id: UUID) -> Row | None:
    """The export of this id, whoever's it is; for recognising what was sent twice."""
    found = db.execute(select(*_COLUMNS).where(exports.c.id == export_id)).first()
    return dict(found._mapping) if found else None


def load(db: Db, export_id: UUID, actor: Actor, *, lock: bool = False) -> Row:
    """An export within the actor's scope.

    Raises
    ------
    NotFound
        None there.
    """
    query = select(*_COLUMNS).where(
        exports.c.id == export_id, exports.c.subdistrict_code.in_(actor.subdistricts)
    )
    found = db.execute(query.with_for_update() if lock else query).first()
    if found is None:
        raise NotFound("No such export.", kind="export")
    return dict(found._mapping)


def listed(db: Db, actor: Actor, *, everybodys: bool, limit: int) -> list[Row]:
    """The actor's own exports, or everybody's in his scope, newest first."""
    query = select(*_COLUMNS).where(exports.c.subdistrict_code.in_(actor.subdistricts))
    if not everybodys:
        query = query.where(exports.c.asked_by == actor.id)
    return [dict(r._mapping) for r in db.execute(query.order_by(exports.c.asked_at.desc()).limit(limit))]


def set_values(db: Db, export_id: UUID, **values: Any) -> None:
    """Write down what became of an export that was loaded with its lock."""
    db.execute(update(exports).where(exports.c.id == export_id).values(**values))


_ROWS_FROM = """
      from app.cases c
      join app.reports r on r.id = c.report_id
      left join app.subject_keys k on k.report_id = r.id
      left join app.contacts o on o.report_id = r.id
     where c.subdistrict_code = :code
       and (cast(:begin as timestamptz) is null or c.reported_at >= :begin)
       and (cast(:until as timestamptz) is null or c.reported_at < :until)
       and (cast(:unit as text) is null or c.unit_code = :unit)
"""
_COUNT = text(f"select count(*) {_ROWS_FROM}")
_ROWS = text(f"""
    select c.number, c.state, c.category, c.source, c.community_code, c.cell_code, c.unit_code,
           c.reported_at, c.due_at, c.closed_at, st_x(c.place) as lon, st_y(c.place) as lat,
           r.id as report_id, r.subdistrict_code, r.description, r.description_sealed,
           k.sealed as subject_key, o.name, o.phone, c.worker_id
           {_ROWS_FROM} order by c.reported_at, c.number limit :limit
""")


def _narrowing(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "code": row["subdistrict_code"],
        "begin": row["reported_from"],
        "until": row["reported_until"],
        "unit": row["unit_code"],
    }


def count_rows(db: Db, row: Mapping[str, Any]) -> int:
    """How many rows an export would have now."""
    return int(db.execute(_COUNT, _narrowing(row)).scalar_one())


def rows_of(db: Db, row: Mapping[str, Any], *, limit: int) -> list[Row]:
    """The rows of an export, oldest first; sealed values as they lie."""
    return [dict(r._mapping) for r in db.execute(_ROWS, _narrowing(row) | {"limit": limit})]


_CLAIM = text("""
    update app.exports set attempts = attempts + 1, claimed_at = :now
     where id = (select id from app.exports
                  where state = 'queued' and attempts < :most
                    and (claimed_at is null or claimed_at < :stale)
                  order by asked_at limit 1 for update skip locked)
    returning *
""")
_GIVE_UP = text("""
    update app.exports set state = 'failed'
     where state = 'queued' and attempts >= :most and claimed_at < :stale
""")


def claim(db: Db, now: datetime) -> Row | None:
    """The export that waited longest, claimed; None when none waits.

    Whoever claims it commits before the work: a worker that dies leaves it to another after ten minutes,
    and after three attempts it counts as failed.
    """
    values = {"now": now, "most": MOST_ATTEMPTS, "stale": now - _PATIENCE}
    db.execute(_GIVE_UP, {"most": MOST_ATTEMPTS, "stale": now - _PATIENCE})
    found = db.execute(_CLAIM, values).first()
    return dict(found._mapping) if found else None


def finish(db: Db, claimed: Mapping[str, Any], **values: Any) -> bool:
    """Write down the outcome of a claimed export, unless somebody else claimed it meanwhile."""
    changed = db.execute(
        update(exports)
        .where(
            exports.c.id == claimed["id"],
            exports.c.state == ExportState.QUEUED,
            exports.c.attempts == claimed["attempts"],
        )
        .values(**values)
    )
    return bool(changed.rowcount)


def expire(db: Db, now: datetime) -> list[Row]:
    """Exports whose time is over, marked as expired: id and subdistrict of each."""
    query = (
        update(exports)
        .where(exports.c.state == ExportState.READY, exports.c.expires_at <= now)
        .values(state=ExportState.EXPIRED)
        .returning(exports.c.id, exports.c.subdistrict_code, exports.c.sha256)
    )
    return [dict(r._mapping) for r in db.execute(query)]


def ever_made(db: Db, codes: Sequence[str]) -> list[Row]:
    """Every export that was ever made in these subdistricts: whose copy it is, and for what."""
    query = (
        select(*_COLUMNS)
        .where(exports.c.ready_at.is_not(None), exports.c.subdistrict_code.in_(codes))
        .order_by(exports.c.ready_at)
    )
    return [dict(r._mapping) for r in db.execute(query)]
