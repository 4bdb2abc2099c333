"""Deliveries to channels outside: claimed for a while, tried, noted; dead ones wait for somebody.

Whoever claims commits before he sends, so that no transaction is open while a stranger's server is slow.
A claim is a lease: it moves the next try past the time that sending may take. A worker that dies meanwhile
leaves the delivery to another, which may send it twice; the receiver knows it by its id.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from gridmgmt.domain.channel import LEASE, Channel, Message, is_over, message, pause_after
from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that was claimed; ``tries`` are those that failed before."""

    channel: Channel
    tries: int
    message: Message


_CLAIM = text("""
    with due as (
        select notification_id, channel from app.deliveries
         where state = 'waiting' and next_try_at <= :now and channel = any(:channels)
         order by next_try_at limit :limit for update skip locked),
    taken as (
        update app.deliveries d set next_try_at = :until
          from due where (d.notification_id, d.channel) = (due.notification_id, due.channel)
        returning d.notification_id, d.channel, d.tries)
    select t.notification_id, t.channel, t.tries, n.person_id, n.kind, n.facts, s.percent
      from taken t join app.notifications n on n.id = t.notification_id
      left join app.ladder_steps s
        on (s.case_id, s.clock, s.round, s.rung) = (n.case_id, n.clock, n.round, n.rung)
     order by n.at, t.notification_id, t.channel
""")


def claim(db: Db, channels: Sequence[Channel], now: datetime, *, limit: int) -> list[Due]:
    """Deliveries whose time has come, in order; nobody else gets them for the length of a lease."""
    values = {"now": now, "until": now + LEASE, "channels": [str(c) for c in channels], "limit": limit}
    return [
        Due(Channel(r.channel), r.tries, message(r.notification_id, r.person_id, r.kind, r.facts, r.percent))
        for r in db.execute(_CLAIM, values)
    ]


_SENT = text("""
    update app.deliveries set state = 'sent', sent_at = :now, tries = tries + 1, last_error = null
     where notification_id = :id and channel = :channel and state = 'waiting'
""")
_FAILED = text("""
    update app.deliveries set tries = :tries, last_error = :error, next_try_at = :next, state = :state
     where notification_id = :id and channel = :channel and state = 'waiting'
""")


def note_sent(db: Db, due: Due, now: datetime) -> None:
    """The receiver has it."""
    db.execute(_SENT, {"id": due.message.id, "channel": due.channel, "now": now})


def note_failed(db: Db, due: Due, error: str, now: datetime) -> bool:
    """A try failed: when the next one is, or whether it is given up, which is returned."""
    tries = due.tries + 1
    over = is_over(tries)
    values = {
        "id": due.message.id,
        "channel": due.channel,
        "tries": tries,
        "error": error,
        "next": now + pause_after(due.message.id, due.channel, tries),
        "state": "dead" if over else "waiting",
    }
    db.execute(_FAILED, values)
    return over


_LIST = text("""
    select d.notification_id, d.channel, d.subdistrict_code, d.state, d.tries, d.next_try_at, d.last_error,
           n.kind, n.facts ->> 'number' as number, n.at
      from app.deliveries d join app.notifications n on n.id = d.notification_id
     where d.state = :state order by n.at, d.notification_id, d.channel limit :limit
""")
_RETRY = text("""
    update app.deliveries set state = 'waiting', tries = 0, next_try_at = :now
     where state = 'dead' and (:everything or notification_id = any(:ids))
""")


def listed(db: Db, state: str, *, limit: int = 200) -> list[dict[str, Any]]:
    """Deliveries in a state, the oldest first, of the subdistricts that the transaction acts for."""
    return [dict(r._mapping) for r in db.execute(_LIST, {"state": state, "limit": limit})]


def retry(db: Db, ids: Iterable[UUID] | None, now: datetime) -> int:
    """Let dead deliveries go again from their first try, these or all; how many there were."""
    wanted = list(ids or ())
    return db.execute(_RETRY, {"everything": ids is None, "ids": wanted, "now": now}).rowcount
