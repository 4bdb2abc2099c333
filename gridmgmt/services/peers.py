"""Machine peers sign in: a signed assertion, good once, for a short session that may only report."""

from dataclasses import dataclass
from datetime import datetime

from gridmgmt.adapters import assertions, secrets
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.report import Source
from gridmgmt.domain.sessionrules import SessionKind, SessionTimes
from gridmgmt.errors import NotAllowed, SignInRefused
from gridmgmt.services.records import done
from gridmgmt.storage import audit, sessions, staff
from gridmgmt.storage.db import Db, acting_as
from gridmgmt.storage.rights.walls import Acting
from gridmgmt.storage.sessions import NewSession


@dataclass(frozen=True, slots=True)
class PeerSession:
    """A peer's session and when it ends."""

    actor: Actor
    expires_at: datetime


def open_session(
    db: Db, now: datetime, assertion: str, audience: str, token_sha256: bytes, times: SessionTimes
) -> PeerSession:
    """A session for whoever signed this assertion.

    Raises
    ------
    SignInRefused
        It is not signed by a peer's key, not meant for us, not of now, or was used before.
    """
    client_id = assertions.claimed_client(assertion)
    peer = staff.peer_named(db, client_id)
    if peer is None:
        raise SignInRefused("The assertion is not accepted (signature).", article="41", rule="R41c")
    proof = assertions.verify(
        assertion,
        client_id=client_id,
        algorithm=peer.algorithm,
        public_key_pem=peer.public_key_pem,
        audience=audience,
        now=now,
    )
    if not staff.use_assertion(db, peer.person_id, secrets.digest(proof.jti), proof.expires_at, now):
        raise SignInRefused("The assertion is not accepted (jti).", article="41", rule="R41c")
    limits = times.of(SessionKind.PEER)
    sessions.open_session(db, NewSession(token_sha256, peer.person_id, SessionKind.PEER, limits), now)
    actor = sessions.actor_of_session(db, token_sha256, now)
    if actor is None:
        raise SignInRefused("The assertion is not accepted (signature).", article="41", rule="R41c")
    line = done(actor, now, "session:open_peer", "person", str(actor.id), peer.subdistrict_code)
    audit.append(db, [line])
    return PeerSession(actor, now + limits.absolute)


def check_source(db: Db, actor: Actor, source: Source) -> None:
    """Refuse a peer that reports from a source it was not admitted for; people are no concern here.

    Raises
    ------
    NotAllowed
        With ``facts["source"]``.
    """
    if Role.PEER not in actor.roles:
        return
    with acting_as(db, Acting.door()):
        admitted = staff.sources_of_peer(db, actor.id)
    if source not in admitted:
        raise NotAllowed(
            "This peer does not report from this source.",
            article="41",
            rule="R41c",
            in_scope=True,
            source=str(source),
        )
