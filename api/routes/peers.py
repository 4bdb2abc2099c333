"""Other systems: how they sign in, and how the security administrator lets them in and out."""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Response
from pydantic import Field

from api.answers import Json
from api.deps import OneTransaction, SteppedUp
from api.models import Model, problems
from api.routes.people import Subdistrict
from api.signing import Arrival
from gridmgmt.domain.report import Source
from gridmgmt.services import administering, peers
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import Acting

router = APIRouter(tags=["peers"])


class AssertionIn(Model):
    """A client assertion (RFC 7523): a JWT of type ``client-authentication+jwt``."""

    assertion: Annotated[str, Field(min_length=1, max_length=4096)]


class PeerSession(Model):
    """A bearer token and when it ends."""

    token: str
    expires_at: datetime


class PeerIn(Model):
    """A system that is to hand reports over."""

    client_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{2,62}$")]
    name: Annotated[str, Field(min_length=1, max_length=80)]
    subdistrict_code: Subdistrict
    public_key_pem: Annotated[str, Field(max_length=1000)]
    sources: Annotated[list[Source], Field(min_length=1, max_length=8)]


class PeerOut(Model):
    """A system that hands reports over, or did."""

    id: UUID
    client_id: str
    name: str
    subdistrict_code: str
    algorithm: str
    public_key_pem: str
    sources: list[str]
    created_at: datetime
    revoked_at: datetime | None


class PeerMade(Model):
    """The id of the new peer."""

    id: UUID


@router.post("/peer-sessions", status_code=201, response_model=PeerSession, responses=problems())
def open_session(body: AssertionIn, visit: Arrival) -> Response:
    """A short session for the system that signed this assertion; each assertion is good once."""
    parts = visit.parts
    with visit.refusals_on_record(), transaction(parts.engine, Acting.door()) as db:
        opened = peers.open_session(
            db,
            parts.clock(),
            body.assertion,
            parts.settings.peer_audience,
            visit.visitor.token_sha256,
            parts.settings.session_times,
        )
    return Json({"token": visit.token, "expires_at": opened.expires_at}, status_code=201)


@router.get("/peers", response_model=list[PeerOut], responses=problems())
def list_peers(work: OneTransaction) -> Response:
    """The peers of the administrator's subdistricts (security administrator)."""
    with work.begin(read_only=True) as w:
        found = administering.list_peers(w.db, w.actor)
    return Json(found)


@router.post("/peers", status_code=201, response_model=PeerMade, responses=problems(409))
def add_peer(body: PeerIn, work: SteppedUp) -> Response:
    """Let another system hand reports over, signed with this key (security administrator)."""
    person_id = uuid4()
    with work.begin() as w:
        peer = administering.new_peer(person_id, body.model_dump())
        administering.add_peer(w.db, w.actor, w.now, peer, body.name)
    return Json({"id": person_id}, status_code=201)


@router.delete("/peers/{peer_id}", status_code=204, responses=problems(404))
def revoke_peer(peer_id: UUID, work: SteppedUp) -> Response:
    """Let a system in no more; what it has open ends at once (security administrator)."""
    with work.begin() as w:
        administering.revoke_peer(w.db, w.actor, w.now, peer_id)
    return Response(status_code=204)
