"""Open deadlines follow the rules by themselves: whoever runs the clocks notices that they are stale.

A street's deadlines are as of a *basis*: a digest of limits, classes and calendar, and the number of the
formula that computes them (:data:`.deadlines.FORMULA`). Where the basis is another one now, after an
import, a new holiday or an upgrade, its open cases are computed anew, a batch in a transaction, and how far
that has come is kept; a worker that dies is followed by another. A change meanwhile begins again.
"""

from dataclasses import replace
from datetime import datetime
from uuid import UUID, uuid5

import structlog

from gridmgmt.domain.deadlines import FORMULA
from gridmgmt.domain.org import system_actor
from gridmgmt.services.reclocking import Order, recompute_batch
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import catalogue, clock_standings
from gridmgmt.storage.clock_standings import ClockStanding
from gridmgmt.storage.db import Db, acting_as
from gridmgmt.storage.rights.walls import Acting

log = structlog.get_logger(__name__)

BATCH = 500
WHY = "limits, classes, calendar or formula changed; noticed by the worker"
_RUNS = UUID("6a0f2d5c-3c0e-5a43-8f44-b2c6e7a7f1d0")


def follow_rules(db: Db, now: datetime, books: RuleBooks, code: str, *, size: int = BATCH) -> bool:
    """Compute the next open cases of a street anew if its rules have changed; whether there is more to do.

    Parameters
    ----------
    db : as the platform itself.
    """
    # Read before the digest: whatever changes in between is noticed the next time.
    revision = catalogue.revision(db)
    standing = clock_standings.lock(db, code)
    if standing is None or (standing.revision == revision and standing.wanted is None):
        return False
    with acting_as(db, Acting.rules(code)):
        basis = f"{FORMULA} {clock_standings.digest(db, code)}"
    if standing.wanted is None and standing.basis == basis:
        clock_standings.keep(db, replace(standing, revision=revision))
        return False
    if standing.wanted != basis:
        log.info("deadlines_stale", subdistrict=code)
        since = standing.since or now
        standing = replace(standing, wanted=basis, since=since, last_case=None, failed=0)
    standing = _one_batch(db, now, books, standing, size)
    if standing.last_case is None:
        standing = replace(standing, basis=basis, revision=revision, wanted=None, since=None, done_at=now)
        log.info("deadlines_fresh", subdistrict=code, failed=standing.failed)
    clock_standings.keep(db, standing)
    return standing.wanted is not None


def _one_batch(db: Db, now: datetime, books: RuleBooks, standing: ClockStanding, size: int) -> ClockStanding:
    code = standing.subdistrict_code
    order = Order(uuid5(_RUNS, f"{code} {standing.wanted} {standing.since}"), system_actor(code), WHY)
    batch = recompute_batch(db, now, books.current(db, code), order, standing.last_case, size=size)
    for number, error in batch.failed:
        log.warning("deadline_not_computed", case=number, code=error.code)
    return replace(standing, last_case=batch.last, failed=standing.failed + len(batch.failed))
