"""A grid in one piece, for a phone to keep: its map tiles, outline, hexagons and checkpoints.

A pack holds what the map and the patrol need in a cell without a network, and nothing of any person. A
grid worker takes those of his own cells. While its tag stays the same, so does the pack; the tag costs no
drawing, so a phone asks for the list and takes only what may have changed.

A pack is a header as JSON, framed by its length in four bytes (most significant first), and then the tiles
one after the other in the header's order.
"""

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
import shapely

from gridmgmt.domain.coverage import CoverageRules
from gridmgmt.domain.grid import GridCell
from gridmgmt.domain.org import Actor
from gridmgmt.domain.patrol import PatrolPlan
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.errors import NotFound
from gridmgmt.geo import hexes
from gridmgmt.geo.tilegrid import Address, Box, over
from gridmgmt.services.patrol_plans import target_told
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import patrols, tiles
from gridmgmt.storage.db import Db

FORMAT: Final = 1
ZOOMS: Final = range(11, 17)
"""The zooms at which the pages ask for tiles; nearer ones are drawn from the last."""
MARGIN_DEG: Final = 0.002
"""How far around a cell there is a map, about 200 m: whoever stands on its border sees what is beyond."""


@dataclass(frozen=True, slots=True)
class Offered:
    """A pack that the actor may take."""

    cell: GridCell
    plan: PatrolPlan | None
    tag: str

    @property
    def told(self) -> dict[str, Any]:
        """As it is answered in a list."""
        return {
            "cell_code": self.cell.code,
            "name": self.cell.name,
            "tag": self.tag,
            "tiles": len(tiles.LAYERS) * len(addresses_of(self.cell)),
        }


def addresses_of(cell: GridCell) -> list[Address]:
    """The tiles that show a cell and a little around it."""
    return list(over(Box(*cell.polygon.bounds).widened(MARGIN_DEG), ZOOMS))


def offered(db: Db, actor: Actor, now: datetime, books: RuleBooks, rules: CoverageRules) -> list[Offered]:
    """The packs of the actor's own cells that are in the plan in force, by code."""
    code = subdistrict_of(actor)
    require(actor, Permission.PLAN_READ, code)
    indexed = books.current(db, code).plan_or_none(now)
    cells = [indexed.cells[c] for c in sorted(actor.cell_codes) if indexed and c in indexed.cells]
    plans = {p.cell_code: p for p in patrols.plans_of(db, actor, [c.code for c in cells], now)}
    revision = tiles.revision(db, actor, now)
    return [
        Offered(cell, plans.get(cell.code), _tag(cell, plans.get(cell.code), revision, rules))
        for cell in cells
    ]


def _tag(cell: GridCell, plan: PatrolPlan | None, revision: str, rules: CoverageRules) -> str:
    parts = [FORMAT, cell.code, revision, plan.id if plan else None, rules.resolution]
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()[:32]


def one_of(found: Sequence[Offered], cell_code: str) -> Offered:
    """The pack of a cell.

    Raises
    ------
    NotFound
        It is not the actor's.
    """
    one = next((o for o in found if o.cell.code == cell_code), None)
    if one is None:
        raise NotFound("No such pack of yours.", kind="pack")
    return one


def packed(db: Db, actor: Actor, now: datetime, rules: CoverageRules, one: Offered) -> bytes:
    """The pack's bytes."""
    listed: list[tuple[str, int, int, int, int]] = []
    bodies: list[bytes] = []
    for tile in addresses_of(one.cell):
        for layer in tiles.LAYERS:
            content = tiles.tile(db, actor, layer, *tile, now)
            listed.append((layer, *tile, len(content)))
            bodies.append(content)
    header = orjson.dumps(
        {
            "format": FORMAT,
            "cell_code": one.cell.code,
            "name": one.cell.name,
            "outline": orjson.loads(shapely.to_geojson(one.cell.polygon)),
            "resolution": rules.resolution,
            "hexagons": [f"{h:x}" for part in hexes.cover(one.cell.polygon, rules.resolution) for h in part],
            "targets": [target_told(target) for target in (one.plan.targets if one.plan else ())],
            "zooms": [ZOOMS.start, ZOOMS.stop - 1],
            "tiles": listed,
        }
    )
    return b"".join([struct.pack(">I", len(header)), header, *bodies])
