"""Notifications: what people were told, each in his own inbox; and the reader of the outbox behind them."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, text

from gridmgmt.domain.channel import Channel
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.presence import Because, StaffPerson
from gridmgmt.domain.recipients import About
from gridmgmt.domain.workflow import State
from gridmgmt.errors import NotFound
from gridmgmt.storage import outbox
from gridmgmt.storage.db import Db
from gridmgmt.storage.outbox import OutboxRow
from gridmgmt.storage.retention import HELD, Erased

_INBOX = "inbox"


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing that one person is told. ``step`` is limit, round and rung, for those of the ladder."""

    id: UUID
    subdistrict_code: str
    person_id: UUID
    kind: str
    case_id: UUID | None
    at: datetime
    facts: Mapping[str, Any]
    because: Because
    instead_of: UUID | None = None
    absence: str | None = None
    step: tuple[str, int, int] | None = None
    read_at: datetime | None = None
    acknowledged_at: datetime | None = None


_CURSOR = text("""
    select delivery_no from app.outbox_cursors where name = :name for update skip locked
""")
_MOVE_ON = text("update app.outbox_cursors set delivery_no = :no where name = :name")


def claim_events(db: Db, *, limit: int = 500) -> list[OutboxRow]:
    """Delivered events that nobody was told of yet, in order; none while another worker tells.

    The place is moved on in the same transaction, so that each event is told of once.
    """
    after = db.execute(_CURSOR, {"name": _INBOX}).scalar()
    if after is None:
        return []
    rows = outbox.delivered_after(db, after, None, limit=limit)
    if rows:
        db.execute(_MOVE_ON, {"name": _INBOX, "no": rows[-1].delivery_no})
    return rows


_ABOUT = text("""
    select id, cell_code, community_code, state, unit_code, worker_id, reported_by
      from app.cases where id = any(:ids)
""")
_ASKED_BY = text("select id, asked_by from app.case_requests where id = any(:ids)")
_STAFF = text("""
    select p.id, p.unit_code, array_agg(r.role) as roles
      from app.people p join app.person_roles r on r.person_id = p.id
     where r.subdistrict_code = :code and p.active group by p.id
""")


def about(db: Db, case_ids: Iterable[UUID]) -> dict[UUID, About]:
    """Of some cases, what decides whom they concern."""
    found = db.execute(_ABOUT, {"ids": list(case_ids)})
    return {
        r.id: About(r.cell_code, r.community_code, State(r.state), r.unit_code, r.worker_id, r.reported_by)
        for r in found
    }


def askers(db: Db, request_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Who made some requests."""
    ids = list(request_ids)
    return {r.id: r.asked_by for r in db.execute(_ASKED_BY, {"ids": ids})} if ids else {}


def staff_of(db: Db, subdistrict_code: str) -> list[StaffPerson]:
    """Everybody active with a post in a street."""
    return [
        StaffPerson(r.id, frozenset(map(Role, r.roles)), r.unit_code)
        for r in db.execute(_STAFF, {"code": subdistrict_code})
    ]


# One statement. Who was told of this before (the id says what and whom) is not told again, nor sent to.
_ADD = text("""
    with n as (
        insert into app.notifications
        select * from jsonb_populate_recordset(null::app.notifications, cast(:rows as jsonb))
        on conflict (id) do nothing
        returning id, subdistrict_code, at, person_id)
    insert into app.deliveries (notification_id, channel, subdistrict_code, state, next_try_at)
    select n.id, c.channel, n.subdistrict_code, 'waiting', n.at
      from n cross join unnest(cast(:channels as text[])) c(channel)
     where c.channel <> 'push'
        or exists (select from app.push_subscriptions s where s.person_id = n.person_id)
""")


def add(db: Db, given: Sequence[Notification], channels: Sequence[Channel]) -> None:
    """Store notifications, each with a delivery for every channel that is in use; push for whom it wakes."""
    if given:
        rows = orjson.dumps([_row(n) for n in given]).decode()
        db.execute(_ADD, {"rows": rows, "channels": [str(c) for c in channels]})


def _row(n: Notification) -> dict[str, Any]:
    clock, number, rung = n.step or (None, None, None)
    return {
        "id": n.id,
        "subdistrict_code": n.subdistrict_code,
        "person_id": n.person_id,
        "kind": n.kind,
        "case_id": n.case_id,
        "at": n.at,
        "facts": dict(n.facts),
        "because": n.because,
        "instead_of": n.instead_of,
        "absence": n.absence,
        "clock": clock,
        "round": number,
        "rung": rung,
    }


def _notification(row: RowMapping) -> Notification:
    step = None if row["rung"] is None else (row["clock"], row["round"], row["rung"])
    return Notification(
        row["id"], row["subdistrict_code"], row["person_id"], row["kind"], row["case_id"], row["at"],
        row["facts"], Because(row["because"]), row["instead_of"], row["absence"], step, row["read_at"],
        row["acknowledged_at"],
    )  # fmt: skip


_LIST = """
    select * from app.notifications
     where person_id = :person {unread} {before} order by at desc, id desc limit :limit
"""


def inbox(
    db: Db, actor: Actor, *, before: tuple[datetime, UUID] | None, unread: bool, limit: int
) -> list[Notification]:
    """A person's own notifications, the newest first; ``before`` goes on after the last one seen."""
    query = text(
        _LIST.format(
            unread="and read_at is null" if unread else "",
            before="and (at, id) < (:at, :id)" if before else "",
        )
    )
    values: dict[str, Any] = {"person": actor.id, "limit": limit}
    if before is not None:
        values |= {"at": before[0], "id": before[1]}
    return [_notification(r._mapping) for r in db.execute(query, values)]


_COUNT = text("""
    select count(*) as unread, count(*) filter (where rung is not null and acknowledged_at is null) as owed
      from app.notifications where person_id = :person and read_at is null
""")


def unread(db: Db, actor: Actor) -> tuple[int, int]:
    """How many a person has not read, and how many of those wait for his acknowledgement."""
    found = db.execute(_COUNT, {"person": actor.id}).one()
    return found.unread, found.owed


_ACKNOWLEDGE = text("""
    update app.notifications set acknowledged_at = :now, read_at = coalesce(read_at, :now)
     where id = :id and person_id = :person and acknowledged_at is null
""")
_ONE = text("select * from app.notifications where id = :id and person_id = :person")


def acknowledge(db: Db, actor: Actor, notification_id: UUID, now: datetime) -> tuple[Notification, bool]:
    """The person's notification, acknowledged; and whether it was not before.

    Raises
    ------
    NotFound
        None of his has this id.
    """
    values = {"id": notification_id, "person": actor.id}
    first = bool(db.execute(_ACKNOWLEDGE, values | {"now": now}).rowcount)
    found = db.execute(_ONE, values).first()
    if found is None:
        raise NotFound("No such notification.", kind="notification")
    return _notification(found._mapping), first


# Of an open case nothing goes, of a held one neither; the columns are all that was kept of it.
_OVER = f"""
    select n.id, n.subdistrict_code, n.person_id, n.kind, n.case_id, n.at, n.facts
      from app.notifications n left join app.cases c on c.id = n.case_id
     where n.at < :before
       and (c.id is null or c.state in ('closed', 'rejected', 'merged', 'voided'))
       and (c.id is null or {{held}} {HELD.format(report="c.report_id")})
"""  # noqa: S608  fixed text
_ERASE = text(f"""
    with over as ({_OVER.format(held="not")} order by n.at, n.id limit :limit),
    gone as (delete from app.deliveries d using over where d.notification_id = over.id)
    delete from app.notifications n using over where n.id = over.id
    returning n.subdistrict_code, n.id,
              concat_ws('|', n.person_id, n.kind, n.case_id, n.at, n.facts) as content
""")  # noqa: S608  fixed text
_HELD_AND_DUE = text(f"""
    select o.subdistrict_code, count(*) as held
      from ({_OVER.format(held="")}) o where o.case_id is not null group by 1
""")  # noqa: S608  fixed text


def erase_due(db: Db, before: datetime, *, limit: int) -> list[Erased]:
    """Erase what people were told before a time, with its deliveries; per subdistrict, and a hash of it."""
    found: dict[str, list[Any]] = {}
    for row in db.execute(_ERASE, {"before": before, "limit": limit}):
        found.setdefault(row.subdistrict_code, []).append(row)
    return [Erased(code, len(rows), _hash(rows)) for code, rows in sorted(found.items())]


def _hash(rows: Iterable[Any]) -> bytes:
    digest = hashlib.sha256()
    for row in sorted(rows, key=lambda r: str(r.id)):
        digest.update(row.id.bytes + hashlib.sha256(row.content.encode()).digest())
    return digest.digest()


def held_and_due(db: Db, before: datetime) -> dict[str, int]:
    """How many would have been erased by now but are about a held case, per subdistrict."""
    return {r.subdistrict_code: r.held for r in db.execute(_HELD_AND_DUE, {"before": before})}


_READ = text("""
    update app.notifications set read_at = :now where person_id = :person and read_at is null and at <= :until
""")


def mark_read(db: Db, actor: Actor, until: datetime, now: datetime) -> int:
    """Mark a person's notifications up to a time as read; how many were not."""
    return db.execute(_READ, {"person": actor.id, "until": until, "now": now}).rowcount
