"""What stands beside a case and may hold it up, in one round trip."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import RowMapping, text

from gridmgmt.domain.beside import Beside
from gridmgmt.domain.permissions import Axis
from gridmgmt.storage.db import Db

_LOOK = """
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
"""

# Most cases have none of these: one question here instead of one question for each.
_THERE = """,
           array(select 'requests' where exists (select from app.case_requests where case_id = :id)
                 union all
                 select 'recomputed' where exists (select from app.case_reclockings where case_id = :id)
                 union all
                 select 'orders' where exists (select from app.supervision_orders where case_id = :id)
                 union all
                 select 'calls' where exists (select from calls)
                 union all
                 select 'merged' where exists (select from merged)
                 union all
                 select 'feedback' where exists (select from app.feedbacks f where f.case_id = :id
                                                     or f.case_id in (select id from merged))
                 union all
                 select 'sightings' where exists (select from app.case_sightings where case_id = :id)
                 union all
                 select 'links' where exists (select from app.follow_ups
                                               where case_id = :id or earlier_id = :id)) as there
"""
_LOOK_ALONE, _SURVEY = text(_LOOK), text(_LOOK + _THERE)


@dataclass(frozen=True, slots=True)
class Survey:
    """What holds a case up, and what else there is beside it.

    ``there``: some of ``requests``, ``recomputed``, ``orders``, ``calls``, ``merged``, ``feedback``,
    ``sightings``, ``links``.
    """

    standing: Beside
    there: frozenset[str]


def look(db: Db, case_id: UUID) -> Beside:
    """Open joint calls, people still to be told, and hands lent there, of a case loaded within scope."""
    return _standing(db.execute(_LOOK_ALONE, {"id": case_id}).one()._mapping)


def survey(db: Db, case_id: UUID) -> Survey:
    """As :func:`look`, and which kinds of rows a page has to ask for."""
    found = db.execute(_SURVEY, {"id": case_id}).one()._mapping
    return Survey(_standing(found), frozenset(found["there"]))


def _standing(found: RowMapping) -> Beside:
    hands = {UUID(person): Axis(axis) for person, axis in found["hands"].items()}
    return Beside(open_calls=tuple(found["open_calls"]), untold=tuple(found["untold"]), hands=hands)
