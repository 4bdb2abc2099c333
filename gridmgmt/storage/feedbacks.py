"""Who was told what, and what a case follows: feedback, revisits, merged reports, follow-ups."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.domain.org import Actor
from gridmgmt.domain.telling import Feedback, Kind
from gridmgmt.errors import ContentDiffers
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import cases, feedbacks, follow_ups

_NAMES = tuple(Feedback.__slots__)

# Everything that was merged into a case, into what was merged into it, and so on. A merge never makes a
# ring: a merged case takes no other and moves no more.
_MERGED = """
    with recursive merged as (
        select id, number, state, needs_feedback, reported_by, reported_at from app.cases
         where merged_into = :id
        union
        select c.id, c.number, c.state, c.needs_feedback, c.reported_by, c.reported_at
          from app.cases c join merged m on c.merged_into = m.id)
"""
_MERGED_ROWS = text(
    _MERGED + """
    select m.id, m.number, m.needs_feedback, m.reported_by, m.reported_at,
           exists (select from app.feedbacks f where f.case_id = m.id and f.kind = 'outcome') as told
      from merged m order by m.reported_at, m.id
""")  # fmt: skip  # noqa: S608  fixed fragments
_MASTER = text("""
    with recursive up as (
        select id, state, merged_into from app.cases where id = :id
        union
        select c.id, c.state, c.merged_into from app.cases c join up on c.id = up.merged_into)
    select id from up where merged_into is null
""")


def lock_together(db: Db, case_ids: Sequence[UUID], actor: Actor) -> None:
    """Lock several cases in the order of their ids, so that two who need both never wait in a ring.

    Those that are out of the actor's scope, or that he may not move, are passed over: loading says so.
    """
    query = select(cases.c.id).where(
        cases.c.id.in_(case_ids), cases.c.subdistrict_code.in_(actor.subdistricts)
    )
    db.execute(query.order_by(cases.c.id).with_for_update())


def merged(db: Db, case_id: UUID) -> list[dict[str, Any]]:
    """What was merged into a case that was loaded within scope, oldest first, and whether it was told."""
    return [dict(r._mapping) for r in db.execute(_MERGED_ROWS, {"id": case_id})]


def master_of(db: Db, case_id: UUID) -> UUID:
    """The case that a report ended up in: itself where it was not merged."""
    found: UUID | None = db.execute(_MASTER, {"id": case_id}).scalar()
    return found or case_id


def add(db: Db, given: Feedback) -> Feedback:
    """Store a telling; the same one again is answered with what is stored.

    Raises
    ------
    ContentDiffers
        The id belongs to another one.
    """
    row = insert(feedbacks).values({name: getattr(given, name) for name in _NAMES})
    db.execute(row.on_conflict_do_nothing(index_elements=["id"]))
    found = db.execute(select(*(feedbacks.c[n] for n in _NAMES)).where(feedbacks.c.id == given.id)).first()
    stored = None if found is None else Feedback(**{**found._mapping, "kind": Kind(found.kind)})
    same = [name for name in _NAMES if name != "told_at"]
    if stored is None or any(getattr(stored, n) != getattr(given, n) for n in same):
        raise ContentDiffers("This id belongs to another record of telling.", rule="R14b")
    return stored


def of_case(db: Db, case_id: UUID) -> list[dict[str, Any]]:
    """Who was told about a case that was loaded within scope, and about what was merged into it."""
    query = text(
        _MERGED + """
        select f.id, f.case_id, f.kind, f.reached, f.channel, f.words, f.satisfied, f.told_by, f.told_at
          from app.feedbacks f where f.case_id = :id or f.case_id in (select id from merged)
         order by f.told_at, f.id
    """)  # fmt: skip  # noqa: S608  fixed fragments
    return [dict(r._mapping) for r in db.execute(query, {"id": case_id})]


def add_follow_up(db: Db, row: dict[str, Any]) -> None:
    """Link a new case to the closed one that it follows; column names as in the table."""
    db.execute(insert(follow_ups).values(row).on_conflict_do_nothing(index_elements=["case_id"]))


def links(db: Db, case_id: UUID) -> dict[str, Any]:
    """What a case follows, and what follows it: ids and numbers."""
    query = text("""
        select f.case_id, f.earlier_id, c.number, e.number as earlier_number, f.reason, f.at
          from app.follow_ups f join app.cases c on c.id = f.case_id join app.cases e on e.id = f.earlier_id
         where f.case_id = :id or f.earlier_id = :id order by f.at, f.case_id
    """)
    rows = db.execute(query, {"id": case_id}).all()
    before = next((r for r in rows if r.case_id == case_id), None)
    return {
        "follows": None
        if before is None
        else {"case_id": before.earlier_id, "number": before.earlier_number},
        "followed_by": [{"case_id": r.case_id, "number": r.number} for r in rows if r.earlier_id == case_id],
    }
