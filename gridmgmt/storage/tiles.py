"""Vector tiles (ST_AsMVT) of the plan in force and of the base layers, from our own database.

The same rows make the same bytes, in whatever order they are found. The tile's box is turned into the
storage CRS first, so that the GiST index answers; only what is drawn is turned into Web Mercator, the one
thing Web Mercator is for. Nothing is measured in it.
"""

from sqlalchemy import text

from gridmgmt.domain.org import Actor
from gridmgmt.errors import TooLarge
from gridmgmt.geo.crs import GEOGRAPHIC_SRID
from gridmgmt.storage.db import Db

MAX_ZOOM = 20
MOST_FEATURES = 20_000
MOST_BYTES = 500_000
_WEB_MERCATOR = "(select st_srid(st_tileenvelope(0, 0, 0)))"

_CELLS = """
    select g.geom, g.code, g.name, g.households, g.community_code, g.kind
      from app.grid_cells g join app.grid_plans p on p.id = g.plan_id
     where p.subdistrict_code = any(:scope) and p.status = 'published'
       and p.valid_from <= :now and (p.valid_to is null or p.valid_to > :now) and g.geom && box.geog
"""
_COMMUNITIES = """
    select m.outline as geom, m.code, m.name from app.communities m
     where m.subdistrict_code = any(:scope) and m.outline && box.geog
"""
_BASE = """
    select f.geom, f.id, f.kind, f.name, f.households, f.synthetic from app.base_features f
     where f.subdistrict_code = any(:scope) and f.layer = '{layer}' and f.geom && box.geog
"""
_SOURCES = {
    "cells": _CELLS,
    "communities": _COMMUNITIES,
    "blocks": _BASE.format(layer="blocks"),
    "roads": _BASE.format(layer="roads"),
    "buildings": _BASE.format(layer="buildings"),
}
LAYERS = tuple(_SOURCES)

_TILE = """
    with box as (
        select st_tileenvelope(:z, :x, :y) as merc,
               st_transform(st_tileenvelope(:z, :x, :y, margin => 0.03125), {srid}) as geog),
    drawn as (
        select st_asmvtgeom(st_transform(f.geom, {mercator}), box.merc, 4096, 128, true) as geom,
               {attributes}
          from box, lateral ({source}) f
         order by {key} limit {most})
    select st_asmvt(drawn, '{layer}', 4096, 'geom') as content, count(*) as features
      from drawn where geom is not null
"""
_ATTRIBUTES = {
    "cells": "f.code, f.name, f.households, f.community_code, f.kind",
    "communities": "f.code, f.name",
    "blocks": "f.id, f.kind, f.name",
    "roads": "f.name, f.kind as highway",
    "buildings": "f.id, f.kind, f.name, f.households, f.synthetic",
}
_STATEMENTS = {
    layer: text(
        _TILE.format(
            srid=GEOGRAPHIC_SRID,
            mercator=_WEB_MERCATOR,
            source=source,
            attributes=_ATTRIBUTES[layer],
            key="f.code" if layer in ("cells", "communities") else "f.id",
            layer=layer,
            most=MOST_FEATURES + 1,
        )
    )
    for layer, source in _SOURCES.items()
}


def tile(db: Db, actor: Actor, layer: str, z: int, x: int, y: int, now: object) -> bytes:
    """One layer of one tile as Mapbox vector tile bytes; empty when nothing is in it.

    Parameters
    ----------
    layer : one of :data:`LAYERS`; the caller has checked it, and that 0 ≤ x, y < 2^z.

    Raises
    ------
    TooLarge
        More features or bytes than a tile may have: whoever zooms in gets them in pieces.
    """
    values = {"z": z, "x": x, "y": y, "scope": list(actor.subdistricts), "now": now}
    if layer != "cells":
        values.pop("now")
    found = db.execute(_STATEMENTS[layer], values).one()
    content = bytes(found.content or b"")
    if found.features > MOST_FEATURES or len(content) > MOST_BYTES:
        raise TooLarge("This tile holds too much; zoom in.", limit_bytes=MOST_BYTES)
    return content


_REVISION = text("""
    select (select revision from app.rulebook_revision) as revision,
           (select count(*) filter (where p.valid_from <= :now) + count(*) filter (where p.valid_to <= :now)
              from app.grid_plans p where p.subdistrict_code = any(:scope)) as turns
""")


def revision(db: Db, actor: Actor, now: object) -> str:
    """Changes whenever a plan or base layer does, and when a plan begins or ends; the tiles' ETag."""
    found = db.execute(_REVISION, {"scope": list(actor.subdistricts), "now": now}).one()
    return f"{found.revision}-{found.turns}"
