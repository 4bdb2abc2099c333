"""The audit log: every change, every refusal, every look at personal data.

Rows are only ever added; a trigger refuses UPDATE, DELETE and TRUNCATE (migration 0001).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select

from gridmgmt.domain.org import Actor
from gridmgmt.errors import GridError
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import audit_log


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line. ``outcome`` is ``done`` or ``refused``; a refusal carries code, article and rule."""

    at: datetime
    actor_id: UUID | None
    subdistrict_code: str | None
    action: str
    object_kind: str
    object_id: str
    outcome: str
    facts: Mapping[str, Any]
    code: str | None = None
    article: str | None = None
    rule: str | None = None
    request_id: str | None = None


def refusal(
    actor: Actor | None,
    now: datetime,
    error: GridError,
    *,
    action: str,
    object_kind: str,
    object_id: str,
    request_id: str | None,
) -> AuditEntry:
    """The audit line of a refused attempt; carries the error's code and article, never its input."""
    return AuditEntry(
        at=now,
        actor_id=actor.id if actor else None,
        subdistrict_code=min(actor.subdistricts, default=None) if actor else None,
        action=action,
        object_kind=object_kind,
        object_id=object_id,
        outcome="refused",
        facts={},
        code=error.code,
        article=error.article,
        rule=error.rule,
        request_id=request_id,
    )


def row(entry: AuditEntry) -> dict[str, Any]:
    """The column values of an entry, for a statement that writes several tables at once."""
    return {name: getattr(entry, name) for name in AuditEntry.__slots__}


def append(db: Db, entries: Sequence[AuditEntry]) -> None:
    """Add lines. One that names no request gets that of the transaction, if it has one."""
    named = [row(e) for e in entries if e.request_id is not None]
    unnamed = [
        {name: value for name, value in row(e).items() if name != "request_id"}
        for e in entries
        if e.request_id is None
    ]
    for rows in (named, unnamed):
        if rows:
            # Inline: whoever writes here may not read what he wrote, not even its number.
            db.execute(insert(audit_log).inline(), rows)


def entries_about(db: Db, object_kind: str, object_id: str, actor: Actor) -> list[AuditEntry]:
    """The lines about one object inside the actor's subdistricts, oldest first."""
    names = AuditEntry.__slots__
    query = (
        select(*(audit_log.c[n] for n in names))
        .where(audit_log.c.object_kind == object_kind, audit_log.c.object_id == object_id)
        .where(audit_log.c.subdistrict_code.in_(actor.subdistricts))
        .order_by(audit_log.c.id)
    )
    return [AuditEntry(**r._mapping) for r in db.execute(query)]
