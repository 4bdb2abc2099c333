"""How far something is from a case: measured on the ellipsoid by PostGIS, never by whoever asks."""

from uuid import UUID

from sqlalchemy import text

from gridmgmt.storage.db import Db

_DISTANCE = text("""
    select c.place is not null as exact,
           st_distance(cast(coalesce(c.place, g.geom) as geography),
                       cast(st_setsrid(st_makepoint(:lon, :lat), st_srid(g.geom)) as geography)) as distance_m
      from app.cases c join app.grid_cells g on g.plan_id = c.plan_id and g.code = c.cell_code
     where c.id = :id
""")


def distance_to(db: Db, case_id: UUID, lon: float, lat: float) -> tuple[float, bool] | None:
    """Metres from a place to a case within the transaction's scope, and whether to its very point.

    A case without a point is as far as its cell. A phone's WGS 84 is taken as CGCS2000 (geo/crs.py).
    """
    found = db.execute(_DISTANCE, {"id": case_id, "lon": lon, "lat": lat}).first()
    return None if found is None else (float(found.distance_m), bool(found.exact))
