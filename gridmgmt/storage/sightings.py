"""Rows of what was seen again, beside its case."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.domain.sighting import Sighting
from gridmgmt.geo.crs import Datum, LonLat
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import case_sightings


def add(db: Db, given: Sighting) -> Sighting:
    """Keep a sighting; what is stored under its id, which is an earlier one where that was sent before."""
    row = {
        name: getattr(given, name)
        for name in (
            "id", "case_id", "subdistrict_code", "seen_by", "observed_at", "received_at", "datum",
            "accuracy_m", "words",
        )
    }  # fmt: skip
    row |= {"lon": given.position.lon, "lat": given.position.lat}
    row |= {"photos": list(given.photos), "recordings": list(given.recordings)}
    db.execute(insert(case_sightings).values(row).on_conflict_do_nothing(index_elements=["id"]))
    return find(db, given.id) or given


def find(db: Db, sighting_id: UUID) -> Sighting | None:
    """One sighting within the walls of whoever asks."""
    found = db.execute(select(case_sightings).where(case_sightings.c.id == sighting_id)).first()
    return None if found is None else _read(dict(found._mapping))


def of_case(db: Db, case_id: UUID) -> list[Sighting]:
    """Everything that was seen again of a case that was loaded within scope, oldest first."""
    query = (
        select(case_sightings)
        .where(case_sightings.c.case_id == case_id)
        .order_by(case_sightings.c.received_at, case_sightings.c.id)
    )
    return [_read(dict(row._mapping)) for row in db.execute(query)]


def _read(row: dict[str, Any]) -> Sighting:
    position = LonLat(row.pop("lon"), row.pop("lat"))
    return Sighting(
        **row | {
            "position": position, "datum": Datum(row["datum"]), "photos": tuple(row["photos"]),
            "recordings": tuple(row["recordings"]),
        }
    )  # fmt: skip
