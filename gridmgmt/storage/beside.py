"""What stands beside a case and may hold it up, in one round trip."""

from uuid import UUID

from sqlalchemy import text

from gridmgmt.domain.beside import Beside
from gridmgmt.domain.permissions import Axis
from gridmgmt.storage.db import Db

_LOOK = text("""
    with recursive merged as (
        select id, needs_feedback, reported_at from app.cases where merged_into = :id
        union
        select c.id, c.needs_feedback, c.reported_at from app.cases c join merged m on c.merged_into = m.id),
    calls as (select id, hands, closed_at from app.joint_calls where case_id = :id)
    select array(select id from calls where closed_at is null order by id) as open_calls,
           array(select m.id from merged m
                  where m.needs_feedback
                    and not exists (select from app.feedbacks f where f.case_id = m.id and f.kind = 'outcome')
                  order by m.reported_at, m.id) as untold,
           (select coalesce(jsonb_object_agg(h.key, h.value), '{}')
              from calls cross join jsonb_each_text(calls.hands) h) as hands
""")


def look(db: Db, case_id: UUID) -> Beside:
    """Open joint calls, people still to be told, and hands lent there, of a case loaded within scope."""
    found = db.execute(_LOOK, {"id": case_id}).one()
    hands = {UUID(person): Axis(axis) for person, axis in found.hands.items()}
    return Beside(open_calls=tuple(found.open_calls), untold=tuple(found.untold), hands=hands)
