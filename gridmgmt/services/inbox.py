"""A person's inbox: what he was told, what he has not read, and his acknowledgement 签阅."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain.channel import message
from gridmgmt.domain.events import EVENT_NAMES_ZH, EventKind
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, require_anywhere
from gridmgmt.services.records import done
from gridmgmt.storage import audit, board, cases, ladders, notifications
from gridmgmt.storage.audit import AuditEntry
from gridmgmt.storage.db import Db
from gridmgmt.storage.notifications import Notification


def read(
    db: Db, actor: Actor, *, before: tuple[datetime, UUID] | None, unread: bool, limit: int
) -> dict[str, Any]:
    """The newest of a person's own notifications with his counts; whoever he is, he sees his own alone."""
    found = notifications.inbox(db, actor, before=before, unread=unread, limit=limit)
    count, owed = notifications.unread(db, actor)
    names = board.names_of(db, [n.instead_of for n in found if n.instead_of])
    return {"items": [_shown(n, names) for n in found], "unread": count, "owed": owed}


def acknowledge(db: Db, actor: Actor, now: datetime, notification_id: UUID) -> dict[str, Any]:
    """Acknowledge one of one's own notifications; again, it is answered as the first time.

    For a rung of the ladder the whole rung counts as acknowledged, and is not passed on.

    Raises
    ------
    NotFound
        None of his has this id.
    """
    given, first = notifications.acknowledge(db, actor, notification_id, now)
    if first:
        audit.append(db, [_acknowledged(db, actor, now, given)])
    return _shown(given, board.names_of(db, [given.instead_of] if given.instead_of else []))


def _acknowledged(db: Db, actor: Actor, now: datetime, given: Notification) -> AuditEntry:
    code = given.subdistrict_code
    if given.step is None or given.case_id is None:
        return done(actor, now, "inbox:acknowledge", "notification", str(given.id), code)
    ladders.acknowledge(db, (given.case_id, *given.step), actor.id, now)
    clock, number, rung = given.step
    return done(
        actor, now, "ladder:acknowledge", "case", str(given.case_id), code,
        clock=clock, round=number, rung=rung,
    )  # fmt: skip


def ladder_of(db: Db, actor: Actor, case_id: UUID) -> list[dict[str, Any]]:
    """The rungs that a case of the actor's subdistricts has passed, in their order.

    Raises
    ------
    NotFound, NotAllowed
        The case is out of scope, or cases are not the actor's to read.
    """
    require_anywhere(actor, Permission.CASE_READ)
    steps = ladders.steps_of(db, cases.load(db, case_id, actor).id)
    names = board.names_of(db, [s["acknowledged_by"] for s in steps if s["acknowledged_by"]])
    return [s | {"acknowledged_by_name": names.get(s["acknowledged_by"])} for s in steps]


def mark_read(db: Db, actor: Actor, now: datetime, until: datetime) -> dict[str, int]:
    """Mark everything up to a time as read; what is left."""
    marked = notifications.mark_read(db, actor, until, now)
    code = min(actor.subdistricts, default="")
    audit.append(db, [done(actor, now, "inbox:read", "person", str(actor.id), code, marked=marked)])
    count, owed = notifications.unread(db, actor)
    return {"unread": count, "owed": owed}


def _shown(n: Notification, names: Mapping[UUID, str]) -> dict[str, Any]:
    percent = n.facts.get("percent")
    return {
        "id": n.id,
        "kind": n.kind,
        "kind_name": EVENT_NAMES_ZH[EventKind(n.kind)] if n.kind in set(EventKind) else n.kind,
        "text": message(n.id, n.person_id, n.kind, n.facts, percent).text,
        "case_id": n.case_id,
        "at": n.at,
        "facts": dict(n.facts),
        "because": n.because,
        "instead_of": n.instead_of,
        "instead_of_name": names.get(n.instead_of) if n.instead_of else None,
        "absence": n.absence,
        "rung": n.step[2] if n.step else None,
        "read_at": n.read_at,
        "acknowledged_at": n.acknowledged_at,
    }
