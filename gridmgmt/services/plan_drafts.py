"""A draft from cells as GeoJSON gives them: numbered by the standard, measured, stored.

Codes are never taken from the sender. A cell that is the same ground as one of the plan in force keeps its
code; every other gets the next free one (:mod:`gridmgmt.planning.numbering`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import shapely
from shapely.geometry.base import BaseGeometry

from gridmgmt.domain.codes import CommunityCode
from gridmgmt.domain.grid import CellKind, GridCell, GridPlan, PlanStatus
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.domain.planlife import PlanHead
from gridmgmt.errors import InvalidInput
from gridmgmt.geo.crs import MetricZone, to_metric
from gridmgmt.geo.edges import cut_edges
from gridmgmt.services.plan_life import draw_plan
from gridmgmt.storage import grids
from gridmgmt.storage.db import Db

MOST_HOUSEHOLDS = 100_000
_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Draft:
    """A plan as its planner sends it; the client made ``id``.

    ``features`` are (properties, polygon) pairs that passed the gate for geometry. Of the properties
    ``community_code`` and ``kind`` are needed, ``name`` and ``households`` are taken.
    """

    id: UUID
    subdistrict_code: str
    features: Sequence[tuple[Mapping[str, Any], BaseGeometry]]
    valid_from: datetime
    base_map_version: str
    synthetic: bool


def draw_from(db: Db, actor: Actor, now: datetime, draft: Draft) -> tuple[PlanHead, GridPlan]:
    """Number the cells and store the draft.

    Raises
    ------
    InvalidInput
        A property is missing or cannot be read; ``facts`` name feature and property.
    Infeasible
        A community has no number left.
    NotAllowed, PlanNotAdoptable, ContentDiffers
        As ``plan_life.draw_plan``.
    """
    require(actor, Permission.PLAN_DRAW, draft.subdistrict_code)
    if not draft.base_map_version.strip():
        raise InvalidInput(
            "A plan names the base map that it was cut on.",
            article="21-1", rule="R21a", field="base_map_version",
        )  # fmt: skip
    read = [_read(number, properties, draft) for number, (properties, _) in enumerate(draft.features)]
    shapes = [_one_piece(shape) for _, shape in draft.features]
    if not shapes:
        raise InvalidInput("A plan has cells.", article="21-1", rule="R21a", field="cells")
    earlier = _in_force(db, draft, now)
    zone = earlier.zone if earlier else _nearest_zone(shapes[0])
    if grids.is_stored(db, draft.id):
        codes = _codes_as_stored(db, draft, read, shapes)
    else:
        codes = _new_codes(db, draft, read, shapes, zone, earlier)
    cells = _cells(read, shapes, codes, zone)
    plan = GridPlan(
        draft.id, draft.subdistrict_code, 1, PlanStatus.DRAFT, draft.valid_from, None, cells,
        draft.base_map_version, draft.synthetic, zone,
    )  # fmt: skip
    return draw_plan(db, actor, now, plan, {}), plan


def _read(number: int, properties: Mapping[str, Any], draft: Draft) -> dict[str, Any]:
    community, kind = properties.get("community_code"), properties.get("kind", "duty")
    households, name = properties.get("households"), properties.get("name") or ""
    wrong = None
    if not (
        isinstance(community, str)
        and CommunityCode.is_valid(community)
        and community.startswith(draft.subdistrict_code)
    ):
        wrong = "community_code"
    elif kind not in set(CellKind):
        wrong = "kind"
    elif households is not None and (
        isinstance(households, bool)
        or not isinstance(households, int)
        or not 0 <= households <= MOST_HOUSEHOLDS
    ):
        wrong = "households"
    elif not isinstance(name, str) or len(name) > _LONGEST_NAME:
        wrong = "name"
    if wrong:
        raise InvalidInput(
            f"Feature {number}: the property {wrong} is missing or cannot be read.",
            article="21-1", rule="R21a", feature=number, field=wrong,
        )  # fmt: skip
    return {"community_code": community, "kind": kind, "households": households, "name": name}


def _one_piece(shape: BaseGeometry) -> Any:
    parts = shapely.get_parts(shape)
    return parts[0] if len(parts) == 1 else shape


def _in_force(db: Db, draft: Draft, now: datetime) -> GridPlan | None:
    at = max(now, draft.valid_from)
    return next((p for p in grids.published_plans(db, draft.subdistrict_code) if p.in_force(at)), None)


def _nearest_zone(shape: Any) -> MetricZone:
    lon = float(shape.centroid.x)
    return min(MetricZone, key=lambda zone: abs(zone.central_meridian_deg - lon))


def _new_codes(
    db: Db, draft: Draft, read: Sequence[Mapping[str, Any]], shapes: Sequence[Any], zone: MetricZone,
    earlier: GridPlan | None,
) -> list[str]:  # fmt: skip
    import geopandas as gpd  # noqa: PLC0415  geopandas takes a second to import

    from gridmgmt.planning.numbering import number_cells  # noqa: PLC0415

    def frame(rows: Sequence[Mapping[str, Any]], polygons: Sequence[Any]) -> Any:
        metric = [to_metric(cut_edges(polygon), zone) for polygon in polygons]
        return gpd.GeoDataFrame([dict(r) for r in rows], geometry=metric, crs=int(zone))

    before = earlier.cells if earlier else ()
    numbered = number_cells(
        frame([{**r, "place": i} for i, r in enumerate(read)], shapes),
        used=grids.used_codes(db, draft.subdistrict_code),
        earlier=frame([{"code": c.code} for c in before], [c.polygon for c in before]) if before else None,
    )
    codes = dict(zip(numbered["place"], numbered["code"], strict=True))
    return [str(codes[i]) for i in range(len(read))]


def _codes_as_stored(
    db: Db, draft: Draft, read: Sequence[Mapping[str, Any]], shapes: Sequence[Any]
) -> list[str]:
    """Sent again, a draft has the codes that it got the first time; other ground makes it another draft."""
    before = {shapely.to_wkb(c.polygon): c.code for c in grids.plan_of(db, draft.id).cells}
    codes = [before.get(shapely.to_wkb(shape), "") for shape in shapes]
    if "" in codes or len(set(codes)) < len(codes):
        return [f"{row['community_code']}{i % 999 + 1:03d}" for i, row in enumerate(read)]
    return codes


def _cells(
    read: Sequence[Mapping[str, Any]], shapes: Sequence[Any], codes: Sequence[str], zone: MetricZone
) -> tuple[GridCell, ...]:
    cells = [
        GridCell(
            code=code,
            community_code=row["community_code"],
            name=row["name"] or f"第{int(code[12:])}网格",
            kind=CellKind(row["kind"]),
            polygon=shape,
            area_m2=float(to_metric(cut_edges(shape), zone).area),
            households=row["households"],
        )
        for row, shape, code in zip(read, shapes, codes, strict=True)
    ]
    return tuple(sorted(cells, key=lambda c: c.code))
