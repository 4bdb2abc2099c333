"""What a what-if replay reads: cases by hexagon and time, and households by place.

A planner sees no case's exact place and nothing that people wrote (``rights/matrix.toml``): a hexagon of some
10 m is what these queries ask for, whoever asks.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import text

from gridmgmt.domain.org import Actor
from gridmgmt.storage.db import Db

_CASES = text("""
    select c.number, c.category, c.reported_at, c.due_at, c.cell_code, c.plan_id, c.h3,
           c.state not in ('closed', 'voided') as open
      from app.cases c
     where c.subdistrict_code = :street and c.subdistrict_code = any(:scope)
       and c.state not in ('rejected', 'merged') and c.reported_at >= :since and c.reported_at < :until
     order by c.reported_at, c.number limit :most
""")
_HOUSEHOLDS = text("""
    select households, st_x(p) as lon, st_y(p) as lat
      from (select households, st_pointonsurface(geom) as p from app.base_features
             where subdistrict_code = :street and subdistrict_code = any(:scope)
               and layer = 'buildings' and households > 0) b
""")


def past_cases(
    db: Db, actor: Actor, subdistrict_code: str, since: datetime, until: datetime, *, most: int
) -> list[dict[str, Any]]:
    """Cases that were reported in [since, until), the oldest first; rejected and merged ones are no work."""
    values = {
        "street": subdistrict_code, "scope": list(actor.subdistricts), "since": since, "until": until,
        "most": most,
    }  # fmt: skip
    return [dict(r._mapping) for r in db.execute(_CASES, values)]


def households(db: Db, actor: Actor, subdistrict_code: str) -> list[tuple[int, float, float]]:
    """(households, lon, lat) of every building where people live."""
    values = {"street": subdistrict_code, "scope": list(actor.subdistricts)}
    return [(r.households, r.lon, r.lat) for r in db.execute(_HOUSEHOLDS, values)]
