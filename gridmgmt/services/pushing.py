"""Which browsers of a person are woken: he says so on the device itself, and signing out ends it."""

from datetime import datetime
from uuid import UUID

from gridmgmt.domain.org import Actor
from gridmgmt.errors import NotSignedIn
from gridmgmt.services.records import done
from gridmgmt.storage import audit, push
from gridmgmt.storage.db import Db
from gridmgmt.storage.push import Subscription


def subscribe(db: Db, actor: Actor, now: datetime, session_id: UUID, given: Subscription) -> None:
    """Have this browser woken from now on, until its session ends; again it is the same.

    Raises
    ------
    NotSignedIn
        The session has ended meanwhile.
    """
    if not push.put(db, actor.id, session_id, given, now):
        raise NotSignedIn("Sign in first.")
    code = min(actor.subdistricts, default="")
    audit.append(db, [done(actor, now, "push:subscribe", "person", str(actor.id), code)])


def unsubscribe(db: Db, actor: Actor, now: datetime, endpoint_sha256: bytes) -> None:
    """Leave this browser in peace; where it was already, it is."""
    push.remove(db, actor.id, [endpoint_sha256])
    code = min(actor.subdistricts, default="")
    audit.append(db, [done(actor, now, "push:unsubscribe", "person", str(actor.id), code)])
