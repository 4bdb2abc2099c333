"""May a plan be published? The hard constraints, whoever drew it (article 21-1; R21a).

The partition principles of the unit-grid standards that admit no judgement: 属地管理 (a cell lies
in the community it is numbered under), one piece, 无缝拼接 (the cells fill the subdistrict without
gap or overlap). Before these the order of things: the district reviewed the plan, and it follows
the plans before it in time and number. And before anything is laid over anything else, every cell
has passed the gate for geometry (``gridmgmt.geo.gate``): overlays of unbounded polygons have no end.
Balance and shape are for planners to judge
(``gridmgmt.planning``).
"""

from collections.abc import Callable, Mapping, Sequence

import shapely

from gridmgmt.domain.grid import GridPlan, PlanStatus
from gridmgmt.errors import InvalidGeometry, PlanNotAdoptable
from gridmgmt.geo.crs import to_metric
from gridmgmt.geo.edges import cut_edges
from gridmgmt.geo.gate import Kind, frame_of, require_shape
from gridmgmt.geo.topology import seamless

TOLERANCE_M2 = 0.05
"""Rounding of stored coordinates may leave this much, a seam of 1 cm by 5 m; more is a gap or an overlap.

The database forgives as much (migration 0016)."""


def require_adoptable(
    plan: GridPlan,
    outline: shapely.MultiPolygon,
    communities: Mapping[str, shapely.MultiPolygon],
    published: Sequence[GridPlan],
) -> None:
    """Refuse a plan that must not come into force.

    Parameters
    ----------
    outline : of the subdistrict as of the plan's beginning, CGCS2000 lon/lat.
    communities : outlines by code, CGCS2000 lon/lat.
    published : every published plan of the subdistrict.

    Raises
    ------
    PlanNotAdoptable
        ``facts["failed"]`` names the constraints, ``facts["defects"]`` the first of the faults.
    """
    # One after the other: an unreviewed plan's geometry is nobody's business yet.
    _require(
        ("reviewed", "The district's grid office has not reviewed the plan.", lambda: _unreviewed(plan)),
        (
            "succession",
            "The plan does not follow those published before it.",
            lambda: _out_of_order(plan, published),
        ),
    )
    require_sound(plan, outline, communities)


def require_sound(
    plan: GridPlan, outline: shapely.MultiPolygon, communities: Mapping[str, shapely.MultiPolygon]
) -> None:
    """Refuse a plan whose cells are not what a plan's cells must be, wherever it stands on its way.

    Raises
    ------
    PlanNotAdoptable
        As :func:`require_adoptable`.
    """
    _require(
        (
            "within_limits",
            "Cells are not valid, too large or elsewhere.",
            lambda: _beyond_limits(plan, outline),
        ),
        ("contiguous", "Cells are in pieces.", lambda: _in_pieces(plan)),
        ("within_community", "Cells reach out of their community.", lambda: _outside(plan, communities)),
        (
            "seamless",
            "The cells leave gaps or overlap, or do not fill the subdistrict.",
            lambda: _seams(plan, outline),
        ),
    )


def _require(*checks: tuple[str, str, Callable[[], list[str]]]) -> None:
    for name, message, find in checks:
        if defects := find():
            raise PlanNotAdoptable(
                message, article="21-1", rule="R21a", failed=[name], defects=defects[:20], count=len(defects)
            )


def _unreviewed(plan: GridPlan) -> list[str]:
    return [] if plan.status is PlanStatus.REVIEWED else [f"status {plan.status}"]


def _out_of_order(plan: GridPlan, published: Sequence[GridPlan]) -> list[str]:
    return [
        f"version {earlier.version} from {earlier.valid_from.isoformat()}"
        for earlier in published
        if earlier.valid_from >= plan.valid_from or earlier.version >= plan.version
    ]


def _beyond_limits(plan: GridPlan, outline: shapely.MultiPolygon) -> list[str]:
    found = []
    for code, shape in (("outline", outline), *((c.code, c.polygon) for c in plan.cells)):
        try:
            require_shape(shape, Kind.BOUNDARY, frame_of(outline))
        except InvalidGeometry as fault:
            found.append(f"{code}: {fault.facts['hint']}")
    return found


def _in_pieces(plan: GridPlan) -> list[str]:
    return [c.code for c in plan.cells if shapely.get_num_geometries(c.polygon) != 1]


def _outside(plan: GridPlan, communities: Mapping[str, shapely.MultiPolygon]) -> list[str]:
    homes = {
        code: to_metric(cut_edges(communities[code]), plan.zone)
        for code in {c.community_code for c in plan.cells} & communities.keys()
    }
    return [
        cell.code
        for cell in plan.cells
        if cell.community_code not in homes
        or to_metric(cut_edges(cell.polygon), plan.zone).difference(homes[cell.community_code]).area
        > TOLERANCE_M2
    ]


def _seams(plan: GridPlan, outline: shapely.MultiPolygon) -> list[str]:
    cells = [(c.code, to_metric(cut_edges(c.polygon), plan.zone)) for c in plan.cells]
    whole = to_metric(cut_edges(outline), plan.zone)
    report = seamless(cells, whole, crs=int(plan.zone), tolerance_m2=TOLERANCE_M2)
    return [str(defect) for defect in report.defects]
