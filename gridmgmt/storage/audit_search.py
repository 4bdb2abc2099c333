"""Searching the audit log: newest first, by key, never without the reader's scope."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select, text

from gridmgmt.domain.org import Actor
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import audit_leaves, audit_log


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; None means any. ``since`` is included, ``until`` is not, nor is ``before_id``."""

    since: datetime
    until: datetime
    actor_id: UUID | None = None
    action: str | None = None
    object_kind: str | None = None
    object_id: str | None = None
    outcome: str | None = None
    code: str | None = None
    request_id: str | None = None
    before_id: int | None = None

    def as_facts(self) -> Mapping[str, Any]:
        """What was asked for, without what was not."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name)) is not None}


@dataclass(frozen=True, slots=True)
class Found:
    """One line; ``seq`` is its place under the seal, None while it waits."""

    id: int
    seq: int | None
    at: datetime
    actor_id: UUID | None
    subdistrict_code: str | None
    action: str
    object_kind: str
    object_id: str
    outcome: str
    code: str | None
    article: str | None
    rule: str | None
    request_id: str | None
    facts: Mapping[str, Any]


_EQUAL = ("actor_id", "action", "object_kind", "object_id", "outcome", "code", "request_id")


def lines(db: Db, actor: Actor, wanted: Wanted, *, limit: int) -> list[Found]:
    """Lines of the actor's subdistricts, and changes of tables that all subdistricts share.

    The latter hold no personal data: personal columns are commitments there.
    """
    c = audit_log.c
    names = [f.name for f in fields(Found) if f.name != "seq"]
    shared = and_(c.subdistrict_code.is_(None), c.action.like("row:%"))
    query = (
        select(*(c[n] for n in names), audit_leaves.c.seq)
        .outerjoin(audit_leaves, audit_leaves.c.audit_id == c.id)
        .where(or_(c.subdistrict_code.in_(actor.subdistricts), shared))
        .where(c.at >= wanted.since, c.at < wanted.until)
        .order_by(c.id.desc())
        .limit(limit)
    )
    for name in _EQUAL:
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(c[name] == value)
    if wanted.before_id is not None:
        query = query.where(c.id < wanted.before_id)
    return [Found(**row._mapping) for row in db.execute(query)]


def last_verification(db: Db) -> Mapping[str, Any] | None:
    """Time and outcome of the newest verification that was written down."""
    query = text("""
        select at, facts from app.audit_log
         where object_kind = 'audit_log' and action = 'audit:verify' order by id desc limit 1
    """)
    found = db.execute(query).first()
    return None if found is None else {"at": found.at, **found.facts}
