"""Raw positions of shifts: the worker's own, a director's for a purpose, erased when their period is over."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select, text

from gridmgmt.domain.patrolshift import Admitted, Given, Shift
from gridmgmt.storage.db import Db
from gridmgmt.storage.retention import HELD, Erased
from gridmgmt.storage.tables import track_points


def stored(db: Db, shift: Shift, numbers: Iterable[int]) -> dict[int, Given]:
    """Which of these numbers are taken, and by what was sent."""
    c = track_points.c
    query = select(track_points).where(c.shift_id == shift.id, c.no.in_(list(numbers)))
    return {r.no: Given(r.no, r.phone_at, r.lon, r.lat, r.accuracy_m) for r in db.execute(query)}


def add(db: Db, shift: Shift, admitted: Sequence[Admitted], now: datetime) -> None:
    """Keep positions of a shift."""
    if not admitted:
        return
    rows = [
        {
            "shift_id": shift.id,
            "no": one.given.no,
            "person_id": shift.person_id,
            "at": one.at,
            "phone_at": one.given.at,
            "received_at": now,
            "lon": one.given.lon,
            "lat": one.given.lat,
            "accuracy_m": one.given.accuracy_m,
        }
        for one in admitted
    ]
    db.execute(insert(track_points), rows)


def of_shift(db: Db, shift: Shift) -> list[Admitted]:
    """Every position of a shift in order of time; empty for whoever may not see them."""
    c = track_points.c
    query = select(track_points).where(c.shift_id == shift.id).order_by(c.at, c.no)
    return [Admitted(Given(r.no, r.phone_at, r.lon, r.lat, r.accuracy_m), r.at) for r in db.execute(query)]


def count(db: Db, shift: Shift) -> int:
    """How many positions a shift has."""
    query = select(func.count()).select_from(track_points).where(track_points.c.shift_id == shift.id)
    return int(db.execute(query).scalar_one())


def drop_after(db: Db, shift: Shift, at: datetime) -> int:
    """Erase what was recorded after sign-off; how many."""
    query = delete(track_points).where(track_points.c.shift_id == shift.id, track_points.c.at > at)
    return int(db.execute(query).rowcount)


# A shift that nobody ended is over when it would have lapsed. A hold on a report holds the track on which
# it was found.
_OVER = f"""
    s.track_erased_at is null and coalesce(s.off_at, s.on_at + :longest) < :before
    and exists (select 1 from app.track_points t where t.shift_id = s.id)
    and {{negation}} exists (select 1 from app.patrol_notes n
                    where n.shift_id = s.id and {HELD.format(report="n.report_id")})
"""  # noqa: S608  names of our own
_THIN = text(f"""
    with over as (
        select s.id, s.subdistrict_code from app.patrol_shifts s
         where {_OVER.format(negation="not")}
         order by s.on_at limit :limit for update of s skip locked),
    gone as (
        delete from app.track_points t using over where t.shift_id = over.id
        returning over.subdistrict_code, t.shift_id, t.no, t.at, t.lon, t.lat),
    marked as (
        update app.patrol_shifts s set track_erased_at = :now from over where s.id = over.id)
    select subdistrict_code, count(*) as points,
           sha256(convert_to(string_agg(concat_ws('|', shift_id, no, at, lon, lat), E'\\n'
                                        order by shift_id, no), 'UTF8')) as sha256
      from gone group by subdistrict_code order by subdistrict_code
""")  # noqa: S608  names of our own
_STILL_HELD = text(f"""
    select s.subdistrict_code, count(t.no) as held
      from app.patrol_shifts s join app.track_points t on t.shift_id = s.id
     where {_OVER.format(negation="")} group by 1
""")  # noqa: S608  names of our own


@dataclass(frozen=True, slots=True)
class Bounds:
    """Until when a shift must have ended, and how long one lasts that nobody ended."""

    before: datetime
    longest: timedelta


def thin(db: Db, bounds: Bounds, now: datetime, *, limit: int) -> list[Erased]:
    """Erase the positions of shifts that ended before; what they covered stays. Per subdistrict."""
    values = {"before": bounds.before, "longest": bounds.longest, "now": now, "limit": limit}
    rows = db.execute(_THIN, values)
    return [Erased(r.subdistrict_code, r.points, bytes(r.sha256)) for r in rows]


def held_and_due(db: Db, bounds: Bounds) -> dict[str, int]:
    """How many positions would have been erased by now but are held, per subdistrict."""
    rows = db.execute(_STILL_HELD, {"before": bounds.before, "longest": bounds.longest})
    return {r.subdistrict_code: r.held for r in rows}
