"""The base map's door: which of a mirror's tiles a person may have."""

from collections.abc import Container
from datetime import datetime

from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.errors import NotFound
from gridmgmt.geo.tilegrid import Address, Box, Matrix, bounds, exists
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.storage import grids
from gridmgmt.storage.db import Db

MARGIN_DEG = 0.05
"""How far around the subdistrict there is a base map, about 5 km: this is no door to the country's map."""


def require_reader(actor: Actor) -> str:
    """The subdistrict whose map the actor may see.

    Raises
    ------
    NotAllowed
        Without the permission to see the map.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.PLAN_READ, code)
    return code


def require_tile(
    db: Db, actor: Actor, now: datetime, tile: Address, matrix: Matrix, zooms: Container[int]
) -> None:
    """Refuse what is no tile of the actor's surroundings.

    Parameters
    ----------
    zooms : those that pages are told of; a nearer one has four times the tiles of the one before it.

    Raises
    ------
    NotAllowed, NotFound
        As :func:`require_reader`; no such tile, or one of elsewhere.
    """
    code = require_reader(actor)
    if tile.z not in zooms or not exists(tile, matrix):
        raise NotFound("No such tile.", kind="tile")
    row = grids.extent(db, code, now)
    around = Box(row["w"], row["s"], row["e"], row["n"]).widened(MARGIN_DEG) if row else None
    if around is None or not bounds(tile, matrix).meets(around):
        raise NotFound("The base map ends around the subdistrict.", kind="tile")
