"""Who works in the cells of a plan: proposed from the plan before, taken in from a table."""

from collections.abc import Iterable
from uuid import UUID

from gridmgmt.domain.org import system_actor
from gridmgmt.domain.rows import Raw
from gridmgmt.domain.staffing import Proposed, parse_staff, propose_staff
from gridmgmt.errors import NotFound
from gridmgmt.services.rostering import known_of
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import grids, rosters
from gridmgmt.storage.db import Db


def proposed_for(db: Db, subdistrict_code: str, plan_id: UUID) -> Proposed:
    """The people for the cells of a plan, taken from the plan that it follows.

    Raises
    ------
    NotFound
        The street has no such plan.
    """
    if plan_id not in {row["id"] for row in grids.list_plans(db, system_actor(subdistrict_code))}:
        raise NotFound("No such plan.", kind="plan")
    plan = grids.plan_of(db, plan_id)
    before = [
        p for p in grids.published_plans(db, subdistrict_code)
        if p.id != plan.id and p.valid_from < plan.valid_from
    ]  # fmt: skip
    former = before[-1].cells if before else ()
    on = RuleBooks().current(db, subdistrict_code).day_of(plan.valid_from)
    return propose_staff(plan.cells, former, rosters.entries_of(db, subdistrict_code), on)


def assign(db: Db, subdistrict_code: str, rows: Iterable[Raw]) -> tuple[int, int]:
    """Take a table of assignments in; how many rows it has, and how many of them are new.

    Raises
    ------
    InvalidInput
        ``facts["faults"]`` lists row, column and fault; nothing is stored.
    """
    rosters.lock(db, subdistrict_code)
    codes = frozenset(grids.used_codes(db, subdistrict_code))
    given = parse_staff(rows, known_of(db, subdistrict_code), codes)
    return len(given), rosters.add_entries(db, subdistrict_code, given)
