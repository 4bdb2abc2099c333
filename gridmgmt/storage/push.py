"""Push subscriptions: which browsers of a person are woken when something waits for him.

A row hangs on a session: when that is ended, by whomever, a trigger of the schema takes the row away in the
same transaction. A row outlives neither the session's last day nor the browser's own end of it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from gridmgmt.storage.db import Db

MOST_DEVICES = 5
"""Of one person; the oldest goes."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A browser of a person."""

    endpoint: str
    p256dh: bytes
    auth: bytes
    language: str

    @property
    def sha256(self) -> bytes:
        """How it is named where the address itself must not stand."""
        return hashlib.sha256(self.endpoint.encode()).digest()


_PUT = text("""
    insert into app.push_subscriptions
           (person_id, endpoint_sha256, session_id, endpoint, p256dh, auth, language, created_at, expires_at)
    select :person, :sha256, s.id, :endpoint, :p256dh, :auth, :language, :now, max(s.expires_at)
      from app.sessions s
     where s.id = :session and s.person_id = :person and s.revoked_at is null and s.expires_at > :now
     group by s.id
    on conflict (person_id, endpoint_sha256) do update
       set session_id = excluded.session_id, p256dh = excluded.p256dh, auth = excluded.auth,
           language = excluded.language, created_at = excluded.created_at, expires_at = excluded.expires_at
""")
_TRIM = text("""
    delete from app.push_subscriptions p using (
        select endpoint_sha256 from app.push_subscriptions where person_id = :person
         order by created_at desc, endpoint_sha256 offset :most) as old
     where p.person_id = :person and p.endpoint_sha256 = old.endpoint_sha256
""")
_REMOVE = text("""
    delete from app.push_subscriptions where person_id = :person and endpoint_sha256 = any(:sha256)
""")
_LIVE = text("""
    select endpoint, p256dh, auth, language from app.push_subscriptions
     where person_id = :person and expires_at > :now order by created_at, endpoint_sha256
""")
_OVER = text("delete from app.push_subscriptions where expires_at <= :now")


def put(db: Db, person_id: UUID, session_id: UUID, given: Subscription, now: datetime) -> bool:
    """Store a browser of a person for as long as his session; whether there is such a session."""
    values = {
        "person": person_id,
        "session": session_id,
        "sha256": given.sha256,
        "endpoint": given.endpoint,
        "p256dh": given.p256dh,
        "auth": given.auth,
        "language": given.language,
        "now": now,
    }
    stored = db.execute(_PUT, values).rowcount > 0
    db.execute(_TRIM, {"person": person_id, "most": MOST_DEVICES})
    return stored


def remove(db: Db, person_id: UUID, endpoints_sha256: Sequence[bytes]) -> int:
    """Forget browsers of a person; how many there were."""
    return db.execute(_REMOVE, {"person": person_id, "sha256": list(endpoints_sha256)}).rowcount


def live(db: Db, person_id: UUID, now: datetime) -> list[Subscription]:
    """The browsers of a person that are to be woken."""
    found = db.execute(_LIVE, {"person": person_id, "now": now})
    return [Subscription(r.endpoint, bytes(r.p256dh), bytes(r.auth), r.language) for r in found]


def erase_over(db: Db, now: datetime) -> int:
    """Erase those whose session's last day has passed."""
    return db.execute(_OVER, {"now": now}).rowcount
