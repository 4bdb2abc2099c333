"""Rows of what was seen again, beside its case."""

from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.domain.onsite import Standing
from gridmgmt.domain.sighting import Sighting
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import case_sightings


def add(db: Db, given: Sighting) -> Sighting | None:
    """Keep a sighting; what is stored under its id, which is an earlier one where that was sent before.

    None: the id is taken by one that whoever asks may not see, and nothing was stored.
    """
    row = {
        name: getattr(given, name)
        for name in (
            "id", "case_id", "subdistrict_code", "seen_by", "observed_at", "device_at", "received_at",
            "standing", "distance_m", "accuracy_m", "basis", "words",
        )
    }  # fmt: skip
    row |= {"photos": list(given.photos), "recordings": list(given.recordings)}
    db.execute(insert(case_sightings).values(row).on_conflict_do_nothing(index_elements=["id"]))
    return find(db, given.id)


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
    return Sighting(
        **row | {
            "standing": Standing(row["standing"]), "photos": tuple(row["photos"]),
            "recordings": tuple(row["recordings"]),
        }
    )  # fmt: skip
