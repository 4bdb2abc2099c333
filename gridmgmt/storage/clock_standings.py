"""For which rules the open deadlines of a street are computed, and how far computing them anew has come."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import clock_standings


@dataclass(frozen=True, slots=True)
class ClockStanding:
    """The standing of one street.

    ``basis``: what all open deadlines were last computed from; ``wanted``: what they are being computed
    from since ``since``, done up to ``last_case``; ``failed``: how many could not be computed.
    """

    subdistrict_code: str
    basis: str
    revision: int
    wanted: str | None
    since: datetime | None
    last_case: UUID | None
    failed: int
    done_at: datetime | None


_COLUMNS = tuple(clock_standings.c[name] for name in ClockStanding.__slots__)


def lock(db: Db, subdistrict_code: str) -> ClockStanding | None:
    """The standing of a street, to be changed by this transaction; None while another worker is at it."""
    new = insert(clock_standings).values(subdistrict_code=subdistrict_code)
    db.execute(new.on_conflict_do_nothing(index_elements=["subdistrict_code"]).inline())
    query = select(*_COLUMNS).where(clock_standings.c.subdistrict_code == subdistrict_code)
    found = db.execute(query.with_for_update(skip_locked=True)).first()
    return None if found is None else ClockStanding(**found._mapping)


def keep(db: Db, standing: ClockStanding) -> None:
    """Store the standing of a street that was locked."""
    values = {name: getattr(standing, name) for name in ClockStanding.__slots__}
    of_street = clock_standings.c.subdistrict_code == standing.subdistrict_code
    db.execute(update(clock_standings).where(of_street).values(values))


# Every row that a deadline is computed from, but for the case's own: classes with their urgency and area,
# limits, milestones, and the calendar, which keeps a version.
_TABLES = ("categories", "handling_limits", "stage_limits", "handling_milestones", "filing_conditions")
_OF_TABLE = "(select md5(string_agg(t::text, '|' order by t::text)) from app.{} t)"
_DIGEST = text(f"""
    select md5(concat_ws('|', {", ".join(map(_OF_TABLE.format, _TABLES))},
               (select concat_ws(' ', w.id, w.version) from app.work_calendars w
                  join app.subdistricts s on s.calendar_id = w.id where s.code = :code)))
""")  # noqa: S608  names of our own


def digest(db: Db, subdistrict_code: str) -> str:
    """A digest of everything that the deadlines of a street are computed from."""
    return str(db.execute(_DIGEST, {"code": subdistrict_code}).scalar_one())
