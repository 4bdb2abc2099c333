"""Grid plans: versions, cells, hex cover, and who owned a point at a time.

Geometry leaves and enters as shapely in CGCS2000 lon/lat. :func:`cell_at_by_sql` answers from the
database alone, by hex first and by exact polygon on the border; tests hold it against ``CellIndex``.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

import shapely
from geoalchemy2.shape import from_shape, to_shape
from shapely import Polygon
from sqlalchemy import RowMapping, insert, select, text, update

from gridmgmt.domain.adoption import TOLERANCE_M2
from gridmgmt.domain.cellindex import HexRow
from gridmgmt.domain.grid import CellKind, GridCell, GridPlan, PlanStatus
from gridmgmt.domain.org import Actor
from gridmgmt.geo.crs import GEOGRAPHIC_SRID, LonLat, MetricZone, to_metric
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import (
    base_features,
    cell_codes,
    communities,
    grid_cells,
    grid_plans,
    subdistricts,
)


def published_plans(db: Db, subdistrict_code: str) -> list[GridPlan]:
    """Every published plan with its cells, past, present and future, in order of their start."""
    heads = db.execute(
        select(grid_plans)
        .where(
            grid_plans.c.subdistrict_code == subdistrict_code,
            grid_plans.c.status == PlanStatus.PUBLISHED,
        )
        .order_by(grid_plans.c.valid_from)
    ).all()
    return [_plan(db, head) for head in heads]


def plan_of(db: Db, plan_id: UUID) -> GridPlan:
    """A plan of any status with its cells, for somebody who was told that it exists."""
    return _plan(db, db.execute(select(grid_plans).where(grid_plans.c.id == plan_id)).one())


def _plan(db: Db, head: Any) -> GridPlan:
    rows = db.execute(select(grid_cells).where(grid_cells.c.plan_id == head.id).order_by(grid_cells.c.code))
    return GridPlan(
        id=head.id,
        subdistrict_code=head.subdistrict_code,
        version=head.version,
        status=PlanStatus(head.status),
        valid_from=head.valid_from,
        valid_to=head.valid_to,
        cells=tuple(
            GridCell(
                code=r.code,
                community_code=r.community_code,
                name=r.name,
                kind=CellKind(r.kind),
                polygon=cast("Polygon", to_shape(r.geom)),
                area_m2=r.area_m2,
                households=r.households,
            )
            for r in rows
        ),
        base_map_version=head.base_map_version,
        synthetic=head.synthetic,
        zone=MetricZone(head.metric_srid),
    )


def list_plans(db: Db, actor: Actor) -> list[RowMapping]:
    """Plans in the actor's subdistricts, newest first, with the number of their cells."""
    query = text("""
        select p.id, p.version, p.status, p.valid_from, p.valid_to, p.synthetic, p.base_map_version,
               p.report_card, (select count(*) from app.grid_cells g where g.plan_id = p.id) as cells
          from app.grid_plans p where p.subdistrict_code = any(:scope)
         order by p.subdistrict_code, p.version desc
    """)
    return [r._mapping for r in db.execute(query, {"scope": list(actor.subdistricts)})]


def is_stored(db: Db, plan_id: UUID) -> bool:
    """Whether there is a plan of that id, in whatever subdistrict the transaction sees."""
    return db.execute(select(grid_plans.c.id).where(grid_plans.c.id == plan_id)).first() is not None


def codes_of_other_ground(db: Db, plan: GridPlan) -> list[str]:
    """Codes of a plan's cells that were issued before and mean other ground, or ground that nobody stored."""
    query = (
        select(cell_codes.c.code, grid_cells.c.geom)
        .join(
            grid_cells,
            (grid_cells.c.plan_id == cell_codes.c.plan_id) & (grid_cells.c.code == cell_codes.c.code),
            isouter=True,
        )
        .where(cell_codes.c.code.in_([c.code for c in plan.cells]))
        .order_by(cell_codes.c.code)
    )
    drawn = {c.code: c.polygon for c in plan.cells}
    return [r.code for r in db.execute(query) if r.geom is None or _differs(drawn[r.code], r.geom, plan.zone)]


def _differs(drawn: shapely.Polygon | shapely.MultiPolygon, stored: Any, zone: MetricZone) -> bool:
    before = to_shape(stored)
    if drawn.equals_exact(before, 0.0):
        return False
    off = to_metric(drawn, zone).symmetric_difference(to_metric(before, zone))
    return bool(off.area > TOLERANCE_M2)


def next_version(db: Db, subdistrict_code: str) -> int:
    """The version number that the subdistrict's next plan gets."""
    query = text("select coalesce(max(version), 0) + 1 from app.grid_plans where subdistrict_code = :code")
    return int(db.execute(query, {"code": subdistrict_code}).scalar_one())


def used_codes(db: Db, subdistrict_code: str) -> set[str]:
    """Cell codes that were ever issued in the subdistrict, by drafts too; they are never given again."""
    query = text("select code from app.cell_codes where subdistrict_code = :code")
    return set(db.execute(query, {"code": subdistrict_code}).scalars())


def retire_codes(db: Db, subdistrict_code: str, codes: Iterable[str], note: str) -> int:
    """Name codes that were issued before this platform, so that no plan takes them; how many were new."""
    query = text("""
        insert into app.cell_codes (code, subdistrict_code, note)
        select c, :street, :note from unnest(cast(:codes as text[])) c on conflict (code) do nothing
    """)
    values = {"street": subdistrict_code, "note": note, "codes": sorted(set(codes))}
    return db.execute(query, values).rowcount


def add_plan(db: Db, plan: GridPlan, hexes: Iterable[HexRow], report_card: Mapping[str, Any]) -> None:
    """Store a plan with its cells and hex cover, as a draft: cells are fixed once a plan is more than that.

    The database refuses a cell outside its community's code, a cell code that is not fifteen digits, and a
    code that means other ground already.
    """
    db.execute(
        insert(grid_plans).values(
            id=plan.id,
            subdistrict_code=plan.subdistrict_code,
            version=plan.version,
            status=PlanStatus.DRAFT,
            valid_from=plan.valid_from,
            valid_to=plan.valid_to,
            base_map_version=plan.base_map_version,
            metric_srid=int(plan.zone),
            synthetic=plan.synthetic,
            report_card=dict(report_card),
        )
    )
    db.execute(
        insert(grid_cells),
        [
            {
                "plan_id": plan.id,
                "code": c.code,
                "community_code": c.community_code,
                "kind": c.kind,
                "name": c.name,
                "households": c.households or 0,
                "area_m2": c.area_m2,
                "geom": from_shape(c.polygon, srid=GEOGRAPHIC_SRID),
            }
            for c in plan.cells
        ],
    )
    rows = list(hexes)
    # As three arrays: some tens of thousands of rows, and COPY does not go through row-level security.
    db.execute(
        _ADD_HEXES,
        {
            "plan": plan.id, "h3": [row.h3 for row in rows], "code": [row.code for row in rows],
            "wholly": [row.wholly for row in rows],
        },
    )  # fmt: skip


_ADD_HEXES = text("""
    insert into app.cell_hexes (plan_id, h3, cell_code, wholly)
    select :plan, * from unnest(cast(:h3 as bigint[]), cast(:code as text[]), cast(:wholly as boolean[]))
""")


def end_plan(db: Db, plan_id: UUID, at: datetime | None) -> None:
    """Let a published plan end at an instant, or go on; its cells stay for the cases filed in them."""
    db.execute(update(grid_plans).where(grid_plans.c.id == plan_id).values(valid_to=at))


_AT_BY_SQL = text(f"""
    with p as (select id from app.grid_plans
                where subdistrict_code = any(:scope) and status = 'published'
                  and valid_from <= :at and (valid_to is null or valid_to > :at))
    select min(g.code)
      from p join app.cell_hexes x on x.plan_id = p.id and x.h3 = :h3
      join app.grid_cells g on g.plan_id = p.id and g.code = x.cell_code
     where x.wholly or st_covers(g.geom, st_setsrid(st_makepoint(:lon, :lat), {GEOGRAPHIC_SRID}))
""")  # noqa: S608  a number from geo.crs


def cell_at_by_sql(db: Db, actor: Actor, h3: int, point: LonLat, at: datetime) -> str | None:
    """The owner of a point by hex cover and exact polygon, answered by the database alone."""
    values = {
        "scope": list(actor.subdistricts), "at": at, "h3": h3, "lon": point.lon, "lat": point.lat,
    }  # fmt: skip
    return db.execute(_AT_BY_SQL, values).scalar()


def cells_with_load(db: Db, actor: Actor, at: datetime, plan_id: UUID | None) -> list[RowMapping]:
    """Cells of a plan (the one in force when no id is given), with worker and open cases."""
    # Workers and cases are gathered once, not asked for per cell: row-level security would be, too.
    query = text("""
        with workers as (
            select distinct on (w.cell_code) w.cell_code, p.name
              from app.cell_workers w join app.people p on p.id = w.person_id
             where w.subdistrict_code = any(:scope) and w.duty = 'worker'
               and w.valid_from <= :at and (w.valid_to is null or w.valid_to > :at)
             order by w.cell_code, w.id),
        loads as (
            select c.cell_code, count(*) as open_cases from app.cases c
             where c.subdistrict_code = any(:scope)
               and c.state not in ('closed', 'rejected', 'merged', 'voided')
             group by c.cell_code)
        select g.code, g.name, g.kind, g.community_code, m.name as community_name, g.households, g.area_m2,
               st_asgeojson(g.geom, 7, 0) as geometry, g.plan_id,
               workers.name as worker_name, coalesce(loads.open_cases, 0) as open_cases
          from app.grid_cells g
          join app.grid_plans q on q.id = g.plan_id
          join app.communities m on m.code = g.community_code
          left join workers on workers.cell_code = g.code
          left join loads on loads.cell_code = g.code
         where q.subdistrict_code = any(:scope)
           and case when cast(:plan as uuid) is not null then q.id = :plan
                    else q.status = 'published' and q.valid_from <= :at
                         and (q.valid_to is null or q.valid_to > :at) end
         order by g.code
    """)
    values = {"scope": list(actor.subdistricts), "at": at, "plan": plan_id}
    return [r._mapping for r in db.execute(query, values)]


def add_subdistrict(db: Db, row: Mapping[str, Any], outline: shapely.MultiPolygon) -> None:
    """Insert a subdistrict; column names as in the table."""
    db.execute(insert(subdistricts).values(**row, outline=from_shape(outline, srid=GEOGRAPHIC_SRID)))


def add_communities(db: Db, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert communities; ``outline`` is a shapely MultiPolygon."""
    values = [{**r, "outline": from_shape(r["outline"], srid=GEOGRAPHIC_SRID)} for r in rows]
    db.execute(insert(communities), values)


def area_classes(db: Db, subdistrict_code: str) -> dict[str, tuple[str, str]]:
    """Name and area class of the communities of a subdistrict by code."""
    c = communities.c
    query = select(c.code, c.name, c.area_class).where(c.subdistrict_code == subdistrict_code)
    return {r.code: (r.name, r.area_class) for r in db.execute(query.order_by(c.code))}


def set_area_class(db: Db, community_code: str, area_class: str) -> None:
    """Say which limits hold in a community, for what is reported from now on."""
    db.execute(update(communities).where(communities.c.code == community_code).values(area_class=area_class))


def add_base_features(db: Db, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert features of the base layers (blocks, roads, buildings); ``geom`` is a shapely geometry."""
    values = [{**r, "geom": from_shape(r["geom"], srid=GEOGRAPHIC_SRID)} for r in rows]
    if values:
        db.execute(insert(base_features), values)


def extent(db: Db, subdistrict_code: str, at: datetime) -> RowMapping | None:
    """Bounds of the outline that counts at an instant, and what must be said about it."""
    query = text("""
        select s.code, s.name, s.outline_note, st_xmin(o.outline) as w, st_ymin(o.outline) as "s",
               st_xmax(o.outline) as e, st_ymax(o.outline) as n,
               coalesce((select bool_or(p.synthetic) from app.grid_plans p
                          where p.subdistrict_code = s.code), false) as synthetic
          from app.subdistricts s
         cross join lateral (
               select coalesce(
                   (select b.outline from app.boundary_changes c
                      join app.boundary_outlines b on b.change_id = c.id
                     where c.subdistrict_code = s.code and b.code = s.code and c.valid_from <= :at
                     order by c.valid_from desc limit 1), s.outline) as outline) o
         where s.code = :code
    """)
    found = db.execute(query, {"code": subdistrict_code, "at": at}).first()
    return found._mapping if found else None
