"""Cases as they were routed: what the queue of the unrouted shows, and what a dry run asks anew.

Neither reads a description; whoever edits rules has no business with what people wrote.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import RowMapping, text

from gridmgmt.domain.dryrun import PastCase
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.report import Source
from gridmgmt.storage.db import Db

_PAST = text("""
    select c.id, c.number, c.category, c.source, c.reported_at, c.community_code, c.cell_code, g.kind,
           c.routing ->> 'unit_code' as unit_code, c.routing ->> 'rule_id' as rule_id,
           c.routing ->> 'queue_reason' as queue_reason
      from app.cases c join app.grid_cells g on g.plan_id = c.plan_id and g.code = c.cell_code
     where c.subdistrict_code = :code and c.reported_at >= :since and c.reported_at < :until
     order by c.reported_at desc, c.id limit :limit
""")


def past_cases(
    db: Db, subdistrict_code: str, since: datetime, until: datetime, *, limit: int
) -> list[PastCase]:
    """Cases reported in a period, newest first, without their descriptions.

    The transaction acts as whoever reads the rules of this subdistrict (``Acting.rules``).
    """
    values = {"code": subdistrict_code, "since": since, "until": until, "limit": limit}
    return [
        PastCase(
            r.id, r.number, r.category, Source(r.source), r.reported_at, r.community_code, r.cell_code,
            r.kind, r.unit_code, r.rule_id, r.queue_reason,
        )
        for r in db.execute(_PAST, values)
    ]  # fmt: skip


_UNROUTED = text("""
    select c.id, c.number, c.state, c.category, c.community_code, c.cell_code, c.source, c.reported_at,
           c.stage_due_at, c.version, c.routing
      from app.cases c
     where c.subdistrict_code = any(:scope) and c.state in ('reported', 'accepted', 'filed')
       and c.unit_code is null and c.routing ->> 'unit_code' is null
     order by c.stage_due_at nulls first, c.reported_at, c.id limit :limit
""")


def unrouted(db: Db, actor: Actor, *, limit: int) -> Sequence[RowMapping]:
    """Cases that no rule took and nobody has dispatched yet, soonest due first."""
    found = db.execute(_UNROUTED, {"scope": list(actor.subdistricts), "limit": limit})
    return [r._mapping for r in found]


_AT_DESK = text("""
    select p.id, p.name from app.people p
     where p.active and exists (select from app.person_roles r
                                 where r.person_id = p.id and r.role = :role and r.subdistrict_code = :code)
     order by p.id
""")


def people_at_desk(db: Db, role: Role, subdistrict_code: str) -> list[tuple[UUID, str]]:
    """Active people with a role in a subdistrict, with their names."""
    return [(r.id, r.name) for r in db.execute(_AT_DESK, {"role": role, "code": subdistrict_code})]
