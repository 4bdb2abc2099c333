"""Changes of a subdistrict's boundary, entered by the district when the city has approved them (R05)."""

from datetime import datetime
from typing import Any

from gridmgmt.domain.boundary import BoundaryChange, frame_around, require_change
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.errors import ContentDiffers, NotFound
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.services.storable import require_storable
from gridmgmt.storage import audit, boundaries
from gridmgmt.storage.db import Db


def enter_change(db: Db, actor: Actor, now: datetime, change: BoundaryChange) -> BoundaryChange:
    """Enter an approved change; the same one again is answered as the first time.

    From ``valid_from`` on the new outline counts: a plan that begins then has to fill it.

    Raises
    ------
    NotAllowed, MissingFact, InvalidCode, InvalidInput, InvalidGeometry, NotReady
        As ``domain.boundary.require_change``.
    NotFound
        No such subdistrict, or a community that it does not have.
    ContentDiffers
        The id belongs to another change.
    """
    require(actor, Permission.BOUNDARY_CHANGE, change.subdistrict_code)
    require_storable({"note": change.note, "proposal_no": change.proposal_no}, "change")
    before = boundaries.stored(db, change.id, actor)
    if before is not None:
        if before != change:
            raise ContentDiffers("This id belongs to another change of boundary.", rule="R05")
        return before
    known = boundaries.outlines_at(db, change.subdistrict_code, now)
    strangers = sorted(change.outlines.keys() - known.keys())
    if change.subdistrict_code not in known or strangers:
        raise NotFound("No such subdistrict or community.", kind="community", codes=strangers)
    newest = boundaries.newest_change(db, change.subdistrict_code)
    require_change(change, actor, now, frame=frame_around(known), newest=newest)
    boundaries.add(db, change, actor.id, now)
    entry = done(
        actor, now, "boundary:change", "boundary", str(change.id), change.subdistrict_code,
        approval_no=change.approval_no, proposal_no=change.proposal_no,
        approved_on=change.approved_on.isoformat(), valid_from=change.valid_from.isoformat(),
        codes=sorted(change.outlines),
    )  # fmt: skip
    audit.append(db, [entry])
    return change


def listed(db: Db, actor: Actor) -> list[dict[str, Any]]:
    """Changes of the actor's subdistricts, the newest first."""
    require(actor, Permission.PLAN_READ, subdistrict_of(actor))
    return [dict(row) for row in boundaries.listed(db, actor)]
