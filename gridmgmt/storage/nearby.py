"""Open cases near a new report, as the duplicate score compares them, and how far the look for them goes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.geo.crs import GEOGRAPHIC_SRID, LonLat
from gridmgmt.storage.db import Db, hot_json

# A little more than domain.duplicates.REACH_M (60 m), where the score falls to 0, in degrees of latitude
# and, at 54° N where a degree of longitude is shortest in China, of longitude.
NEARBY_LAT_DEG, NEARBY_LON_DEG = 0.00056, 0.00094


@dataclass(frozen=True, slots=True)
class Nearby:
    """An open case near a new report, as the duplicate score needs it."""

    case_id: UUID
    number: str
    category: str
    place: LonLat
    reported_at: datetime
    description: str = ""
    """Empty where the text is sealed: what somebody confided is compared with nothing."""


def near_each_other(one: LonLat, other: LonLat) -> bool:
    """Whether two places are so near that the look would show one to the other."""
    return abs(one.lon - other.lon) <= NEARBY_LON_DEG and abs(one.lat - other.lat) <= NEARBY_LAT_DEG


def box_around(place: LonLat) -> dict[str, float]:
    """West, south, east and north of the look, by their first letters."""
    return {
        "w": place.lon - NEARBY_LON_DEG,
        "s": place.lat - NEARBY_LAT_DEG,
        "e": place.lon + NEARBY_LON_DEG,
        "n": place.lat + NEARBY_LAT_DEG,
    }


# One value: the cases near the place of a row ``asked`` (subdistrict_code, w, s, e, n), reported after the
# one parameter. "offset 0": place first. The planner otherwise may walk the newest cases of the whole street,
# hoping to meet twenty near ones.
NEARBY_OF_ASKED = f"""
    (select json_agg(json_build_array(n.id, n.number, n.category, st_x(n.place), st_y(n.place), n.reported_at,
                                      (select d.description from app.reports d where d.id = n.report_id)))
       from (select * from (
                 select c.id, c.number, c.category, c.place, c.reported_at, c.report_id
                   from app.cases c
                  where c.place && st_makeenvelope(asked.w, asked.s, asked.e, asked.n, {GEOGRAPHIC_SRID})
                    and c.subdistrict_code = asked.subdistrict_code
                    and c.reported_at > cast(%s as timestamptz)
                    and c.state not in ('closed', 'rejected', 'merged', 'voided')
                 offset 0) near
             order by near.reported_at desc limit 20) n)
"""  # noqa: S608  a number from geo.crs

_LOOK = f"""
    with asked as (select cast(%s as text) as subdistrict_code, cast(%s as float8) as w,
                          cast(%s as float8) as s, cast(%s as float8) as e, cast(%s as float8) as n)
    select cast({NEARBY_OF_ASKED} as text) from asked
"""  # noqa: S608  fixed text


def open_near(db: Db, subdistrict_code: str, place: LonLat, since: datetime) -> tuple[Nearby, ...]:
    """Open cases of a street near a place, the newest twenty reported after ``since``.

    For an actor whose scope the caller has checked; the database's own walls stand behind that.
    """
    box = [repr(float(edge)) for edge in box_around(place).values()]
    return read_nearby(hot_json(db, _LOOK, [subdistrict_code, *box, since.isoformat()]))


def read_nearby(found: Iterable[list[Any]] | None) -> tuple[Nearby, ...]:
    """What :data:`NEARBY_OF_ASKED` answers."""
    return tuple(
        Nearby(UUID(case_id), number, category, LonLat(x, y), datetime.fromisoformat(at), said or "")
        for case_id, number, category, x, y, at, said in found or ()
    )
