"""The base map of the installation's mirror, through this server and no other way (``adapters.basemap``)."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.deps import OneTransaction
from api.models import problems
from gridmgmt.adapters.basemap import Layer
from gridmgmt.errors import NotFound
from gridmgmt.geo.tilegrid import MAX_ZOOM, Address
from gridmgmt.services import basemaps

router = APIRouter(tags=["grids"])

# A browser's own copy; whether it is still good is asked with the ETag then.
_FRESH_S = 86_400


@router.get(
    "/basemap/{layer}/{z}/{x}/{y}",
    response_class=Response,
    responses={
        200: {"content": {"image/png": {}, "image/jpeg": {}, "image/webp": {}}},
        204: {"description": "The mirror has nothing there"},
        304: {"description": "Unchanged"},
        **problems(404, 429),
    },
)
def basemap_tile(
    layer: Layer,
    z: Annotated[int, Path(ge=0, le=MAX_ZOOM)],
    x: Annotated[int, Path(ge=0, lt=2**MAX_ZOOM)],
    y: Annotated[int, Path(ge=0, lt=2**MAX_ZOOM)],
    request: Request,
    work: OneTransaction,
) -> Response:
    """One tile in the mirror's own matrix, around one's subdistrict; ``extent`` says whether there is one."""
    basemap = work.parts.basemap
    tile = Address(z, x, y)
    with work.begin(read_only=True) as w:
        basemaps.require_reader(w.actor)
        if basemap is None or layer not in basemap.layers:
            raise NotFound("No base map is set up.", kind="basemap")
        basemaps.require_tile(w.db, w.actor, w.now, tile, basemap.matrix, work.parts.settings.basemap_zooms)
        now = w.now
    # Outside the transaction: no connection is held while a mirror is waited for.
    found = basemap.tile(layer, tile, now)
    headers = {"Cache-Control": f"private, max-age={_FRESH_S}", "Vary": "Cookie"}
    if found is None:
        return Response(status_code=204, headers=headers)
    headers["ETag"] = f'"{hashlib.sha256(found.content).hexdigest()[:32]}"'
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return Response(found.content, media_type=found.media_type, headers=headers)
