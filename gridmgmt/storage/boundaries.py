"""Boundaries of subdistricts and communities as of an instant, and the approved changes behind them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import shapely
from geoalchemy2.shape import from_shape, to_shape
from sqlalchemy import func, insert, select, text

from gridmgmt.domain.boundary import BoundaryChange
from gridmgmt.domain.org import Actor
from gridmgmt.geo.crs import GEOGRAPHIC_SRID
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import boundary_changes, boundary_outlines, communities, subdistricts

_CHANGED = (
    select(boundary_outlines.c.code, boundary_outlines.c.outline)
    .join(boundary_changes, boundary_changes.c.id == boundary_outlines.c.change_id)
    .order_by(boundary_changes.c.valid_from)
)


def outlines_at(db: Db, subdistrict_code: str, at: datetime) -> dict[str, shapely.MultiPolygon]:
    """Outlines that count at an instant by code: of the subdistrict and of each of its communities."""
    # Read one after the other: of each code the newest that counts comes last.
    queries = (
        select(subdistricts.c.code, subdistricts.c.outline).where(subdistricts.c.code == subdistrict_code),
        select(communities.c.code, communities.c.outline).where(
            communities.c.subdistrict_code == subdistrict_code
        ),
        _CHANGED.where(
            boundary_changes.c.subdistrict_code == subdistrict_code, boundary_changes.c.valid_from <= at
        ),
    )
    return {
        r.code: cast("shapely.MultiPolygon", to_shape(r.outline))
        for query in queries
        for r in db.execute(query)
    }


def newest_change(db: Db, subdistrict_code: str) -> datetime | None:
    """The instant from which the newest known change counts."""
    query = select(func.max(boundary_changes.c.valid_from)).where(
        boundary_changes.c.subdistrict_code == subdistrict_code
    )
    found: datetime | None = db.execute(query).scalar()
    return found


def stored(db: Db, change_id: UUID, actor: Actor) -> BoundaryChange | None:
    """A change of the actor's subdistricts, with its outlines."""
    query = select(boundary_changes).where(
        boundary_changes.c.id == change_id, boundary_changes.c.subdistrict_code.in_(actor.subdistricts)
    )
    found = db.execute(query).first()
    if found is None:
        return None
    outlines = select(boundary_outlines.c.code, boundary_outlines.c.outline).where(
        boundary_outlines.c.change_id == change_id
    )
    shapes = {r.code: cast("shapely.MultiPolygon", to_shape(r.outline)) for r in db.execute(outlines)}
    return BoundaryChange(
        found.id, found.subdistrict_code, found.approval_no, found.proposal_no, found.approved_on,
        found.valid_from, shapes, found.note,
    )  # fmt: skip


def add(db: Db, change: BoundaryChange, by: UUID, at: datetime) -> None:
    """Store a change with its outlines; the database refuses one without an approval number."""
    names = ("id", "subdistrict_code", "approval_no", "proposal_no", "approved_on", "valid_from", "note")
    values: dict[str, Any] = {name: getattr(change, name) for name in names}
    db.execute(insert(boundary_changes).values(**values, entered_by=by, entered_at=at))
    rows = [
        {
            "change_id": change.id,
            "code": code,
            "subdistrict_code": change.subdistrict_code,
            "outline": from_shape(outline, srid=GEOGRAPHIC_SRID),
        }
        for code, outline in change.outlines.items()
    ]
    db.execute(insert(boundary_outlines), rows)


_LISTED = text("""
    select c.id, c.subdistrict_code, c.approval_no, c.proposal_no, c.approved_on, c.valid_from, c.note,
           c.entered_at, array_agg(o.code order by o.code) as codes
      from app.boundary_changes c join app.boundary_outlines o on o.change_id = c.id
     where c.subdistrict_code = any(:scope)
     group by c.id order by c.valid_from desc
""")


def listed(db: Db, actor: Actor) -> list[Mapping[str, Any]]:
    """Changes of the actor's subdistricts, the newest first, with the codes of their outlines."""
    return [dict(r._mapping) for r in db.execute(_LISTED, {"scope": list(actor.subdistricts)})]
