"""Sessions: opened, looked up at the start of every request, seen, replaced, ended.

A session's ``id`` stays when its token is replaced (after a second factor was shown again), so that whoever
ends it ends every token that it ever had. Only hashes of tokens are stored.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, text, update

from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.sessionrules import ROTATION_GRACE, SEEN_EVERY, SessionKind, SessionLimits
from gridmgmt.storage.db import Db, hot_json
from gridmgmt.storage.tables import devices, sessions

# One round trip at the start of every request; the session table is the only way in. The function runs as
# the owner, for nobody is anybody yet (storage/rights/functions.sql).
_WHO_IS_SIGNED_IN = """
    select app.signed_in(cast(%s as bytea[]), cast(%s as timestamptz), cast(%s as interval))
"""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The person behind a live session, and of the session what a request may need.

    ``unseen`` says that its last use was not written down for a minute; ``step_up_at`` is when its owner
    last showed his second factor again.
    """

    actor: Actor
    session_id: UUID
    step_up_at: datetime | None
    unseen: bool


def signed_in(db: Db, tokens_sha256: Iterable[bytes], now: datetime) -> dict[bytes, SignedIn]:
    """Whoever is behind live sessions, with roles and scope as they are now; the others are absent."""
    tokens = ",".join({f'"\\\\x{token.hex()}"' for token in tokens_sha256})
    asked = (f"{{{tokens}}}", now.isoformat(), f"{SEEN_EVERY.total_seconds():.0f} seconds")
    found = hot_json(db, _WHO_IS_SIGNED_IN, asked) or {}
    return {bytes.fromhex(token): _signed_in(facts) for token, facts in found.items()}


def _signed_in(facts: Mapping[str, Any]) -> SignedIn:
    step_up = facts["step_up"]
    return SignedIn(
        actor=Actor(
            id=UUID(facts["id"]),
            name=facts["name"],
            roles=frozenset(map(Role, facts["roles"] or ())),
            subdistricts=frozenset(facts["subdistricts"] or ()),
            unit_code=facts["unit"],
            cell_codes=frozenset(facts["cells"] or ()),
        ),
        session_id=UUID(facts["session"]),
        step_up_at=datetime.fromisoformat(step_up) if step_up else None,
        unseen=facts["unseen"],
    )


def actors_of_sessions(db: Db, tokens_sha256: Iterable[bytes], now: datetime) -> dict[bytes, Actor]:
    """The people behind live sessions; the others are absent."""
    return {token: who.actor for token, who in signed_in(db, tokens_sha256, now).items()}


def actor_of_session(db: Db, token_sha256: bytes, now: datetime) -> Actor | None:
    """The person behind a live session; None when there is none."""
    return actors_of_sessions(db, [token_sha256], now).get(token_sha256)


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session to open; ``step_up_at`` when its owner has just shown his second factor."""

    token_sha256: bytes
    person_id: UUID
    kind: SessionKind
    limits: SessionLimits
    device_id: UUID | None = None
    step_up_at: datetime | None = None


def open_session(db: Db, session: NewSession, now: datetime) -> None:
    """Store a session; only the hash of its token is kept."""
    db.execute(
        insert(sessions).values(
            token_sha256=session.token_sha256,
            person_id=session.person_id,
            device_id=session.device_id,
            kind=session.kind,
            idle_s=int(session.limits.idle.total_seconds()),
            created_at=now,
            seen_at=now,
            idle_at=now + session.limits.idle,
            expires_at=now + session.limits.absolute,
            step_up_at=session.step_up_at,
        )
    )


def note_seen(db: Db, tokens_sha256: Sequence[bytes], now: datetime) -> None:
    """Write down that these sessions are in use; at most once a minute each.

    A row that somebody else is just writing is passed over: he writes the same.
    """
    statement = text("""
        update app.sessions s set seen_at = :now, idle_at = :now + make_interval(secs => s.idle_s)
          from (select token_sha256 from app.sessions
                 where token_sha256 = any(:tokens) and seen_at <= :before and revoked_at is null
                   for update skip locked) as unseen
         where s.token_sha256 = unseen.token_sha256
    """)
    db.execute(statement, {"now": now, "tokens": list(tokens_sha256), "before": now - SEEN_EVERY})


def replace_token(db: Db, old_sha256: bytes, new_sha256: bytes, now: datetime, step_up_at: datetime) -> None:
    """Give a session another token, with the second factor shown at ``step_up_at``.

    The old token keeps working for a few seconds, without the second factor, for what is under way.
    """
    statement = text("""
        insert into app.sessions (token_sha256, id, person_id, device_id, kind, idle_s, created_at, seen_at,
                                  idle_at, expires_at, step_up_at)
        select :new, id, person_id, device_id, kind, idle_s, created_at, :now,
               :now + make_interval(secs => idle_s), expires_at, :step_up
          from app.sessions where token_sha256 = :old
    """)
    db.execute(statement, {"new": new_sha256, "old": old_sha256, "now": now, "step_up": step_up_at})
    c = sessions.c
    db.execute(
        update(sessions)
        .where(c.token_sha256 == old_sha256)
        .values(expires_at=now + ROTATION_GRACE, step_up_at=None)
    )


def end_session(db: Db, token_sha256: bytes, now: datetime) -> None:
    """End the session of this token at once, whatever other tokens it has."""
    c = sessions.c
    its_id = select(c.id).where(c.token_sha256 == token_sha256).scalar_subquery()
    db.execute(update(sessions).where(c.id == its_id, c.revoked_at.is_(None)).values(revoked_at=now))


def end_sessions_of(db: Db, person_id: UUID, now: datetime, *, but: UUID | None = None) -> int:
    """End every session of a person at once, except the one with the id ``but``; how many tokens died."""
    c = sessions.c
    ended = update(sessions).where(c.person_id == person_id, c.revoked_at.is_(None)).values(revoked_at=now)
    if but is not None:
        ended = ended.where(c.id != but)
    return db.execute(ended).rowcount


def end_sessions_on(db: Db, device_id: UUID, now: datetime) -> None:
    """End every session on a device at once."""
    c = sessions.c
    db.execute(
        update(sessions).where(c.device_id == device_id, c.revoked_at.is_(None)).values(revoked_at=now)
    )


def live_sessions(db: Db, person_id: UUID, now: datetime) -> list[RowMapping]:
    """A person's live sessions, the last used first: id, kind, device, label, times."""
    c = sessions.c
    query = (
        select(
            c.id, c.kind, c.device_id, devices.c.label, c.created_at, c.seen_at, c.expires_at
        )
        .join(devices, devices.c.id == c.device_id, isouter=True)
        .where(c.person_id == person_id, c.revoked_at.is_(None), c.idle_at > now)
        .where(c.expires_at > now + timedelta(seconds=0))
        .order_by(c.seen_at.desc())
    )  # fmt: skip
    return list({row.id: row._mapping for row in reversed(list(db.execute(query)))}.values())[::-1]
