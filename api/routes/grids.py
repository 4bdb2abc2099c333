"""Grid plans, their cells, the map's extent and vector tiles."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from api.answers import Json
from api.deps import OneTransaction, Parts
from api.models import GEOJSON, Instant, Model, QueryDegrees, problems
from api.told import NamedSubdistrict
from gridmgmt.adapters.basemap import Layer
from gridmgmt.errors import InvalidInput, NotFound
from gridmgmt.geo.crs import Datum
from gridmgmt.geo.tilegrid import Matrix
from gridmgmt.services import gridplans
from gridmgmt.storage import tiles

router = APIRouter(tags=["grids"])


class PlanOut(Model):
    """A grid plan without its cells; valid from (included) to (excluded)."""

    id: UUID
    version: int
    status: str
    valid_from: datetime
    valid_to: datetime | None
    cells: int
    synthetic: bool
    base_map_version: str
    report_card: dict[str, Any]


class PlanList(Model):
    """Every plan of the subdistrict, newest first."""

    items: list[PlanOut]


class CellAt(Model):
    """The cell that owned a point at a time."""

    code: str
    name: str
    community_code: str
    community_name: str
    plan_id: UUID
    plan_version: int
    plan_valid_from: datetime
    plan_valid_to: datetime | None
    worker: dict[str, Any] | None
    people: list[dict[str, Any]]


class BasemapOut(Model):
    """The base map under our own: how it is cut, how near it goes, what must be written on it."""

    layers: list[Layer]
    matrix: Matrix
    least_zoom: int
    most_zoom: int
    attribution: str
    review_number: str | None


class Extent(Model):
    """Where the map begins, and what must be written on it."""

    bbox: tuple[float, float, float, float]
    centre: tuple[float, float]
    attribution: str
    notes: list[str]
    subdistrict: NamedSubdistrict
    map_review_number: str | None
    basemap: BasemapOut | None


@router.get("/plans", response_model=PlanList, responses=problems())
def list_plans(work: OneTransaction) -> Response:
    """The plans of the actor's subdistrict, newest first."""
    with work.begin(read_only=True) as w:
        items = gridplans.list_plans(w.db, w.actor)
    return Json({"items": items})


@router.get("/cells", response_class=Response, responses={200: GEOJSON, **problems(404, 409, 429)})
def cells(
    work: OneTransaction,
    plan: Annotated[str, Query(pattern=r"^(current|[0-9a-fA-F-]{32,36})$")] = "current",
    on: Instant | None = None,
) -> Response:
    """The cells of a plan as GeoJSON (CGCS2000 lon/lat), with households, worker and open cases."""
    try:
        plan_id = None if plan == "current" else UUID(plan)
    except ValueError as exc:
        raise InvalidInput("A plan is 'current' or an id.", parameter="plan") from exc
    with work.begin(read_only=True) as w:
        body = gridplans.cells_as_geojson(w.db, w.actor, on or w.now, plan_id)
    return Json(body, media_type="application/geo+json")


@router.get("/cells/at", response_model=CellAt, responses=problems(409))
def cell_at(
    work: OneTransaction, lon: QueryDegrees, lat: QueryDegrees, datum: Datum, on: Instant | None = None
) -> Response:
    """The one cell that owns a point: now, or at any past or future time (``on``)."""
    with work.begin(read_only=True) as w:
        body = gridplans.cell_at(w.db, w.actor, w.rulebooks, lon, lat, datum, on or w.now)
    return Json(body)


@router.get("/extent", response_model=Extent, responses=problems())
def extent(work: OneTransaction) -> Response:
    """Bounds, attribution and the notes that must be visible on every map."""
    with work.begin(read_only=True) as w:
        body = gridplans.extent(w.db, w.actor, w.now)
    body["map_review_number"] = work.parts.settings.map_review_number
    body["basemap"] = _basemap_of(work.parts)
    return Json(body)


def _basemap_of(parts: Parts) -> dict[str, Any] | None:
    if parts.basemap is None:
        return None
    settings = parts.settings
    return {
        "layers": list(parts.basemap.layers),
        "matrix": parts.basemap.matrix,
        "least_zoom": settings.basemap_least_zoom,
        "most_zoom": settings.basemap_most_zoom,
        "attribution": settings.basemap_attribution,
        "review_number": settings.basemap_review_number,
    }


@router.get(
    "/tiles/{layer}/{z}/{x}/{y}.mvt",
    response_class=Response,
    responses={
        200: {"content": {"application/vnd.mapbox-vector-tile": {}}},
        204: {"description": "Nothing in this tile"},
        304: {"description": "Unchanged"},
        **problems(404, 413, 429),
    },
)
def tile(
    layer: Annotated[str, Path(max_length=20)],
    z: Annotated[int, Path(ge=0, le=tiles.MAX_ZOOM)],
    x: Annotated[int, Path(ge=0, lt=2**tiles.MAX_ZOOM)],
    y: Annotated[int, Path(ge=0, lt=2**tiles.MAX_ZOOM)],
    request: Request,
    work: OneTransaction,
) -> Response:
    """One layer of one vector tile: cells, communities, blocks, roads, buildings."""
    if layer not in tiles.LAYERS:
        raise NotFound("No such layer.", kind="layer", layers=list(tiles.LAYERS))
    if x >= 2**z or y >= 2**z:
        raise NotFound("No such tile.", kind="tile")
    with work.begin(read_only=True) as w:
        etag = f'"{tiles.revision(w.db, w.actor, w.now)}"'
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"ETag": etag})
        content = gridplans.tile(w.db, w.actor, layer, z, x, y, w.now)
    headers = {"ETag": etag, "Cache-Control": "private, max-age=0, must-revalidate", "Vary": "Cookie"}
    if not content:
        return Response(status_code=204, headers=headers)
    return Response(content, media_type="application/vnd.mapbox-vector-tile", headers=headers)
