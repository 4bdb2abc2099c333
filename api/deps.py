"""What every endpoint asks for: who is asking, what time it is, and one transaction.

``Work`` is a unit of work bound to one request. An endpoint opens it with ``with work.begin() as w``
and leaves the block before it answers, so the commit has happened when the response leaves; an
answer after a failed commit is impossible, because the block raises. (A yield-dependency would give
the same promise with ``scope="function"``, at the price of three more thread hops a request; the
decision record 0003 has the figures.)

A refusal inside the block rolls everything back and is then written to the audit log in a
transaction of its own.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import structlog
from fastapi import Depends, Request
from sqlalchemy import Engine

from gridmgmt.adapters.keyring import KeyRing
from gridmgmt.adapters.photos import PhotoStore
from gridmgmt.domain.org import Actor
from gridmgmt.errors import GridError, NotSignedIn, Unavailable
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.settings import Settings
from gridmgmt.storage import audit, people
from gridmgmt.storage.db import Db, transaction

log = structlog.get_logger(__name__)

COOKIE = "gridmgmt_session"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the composition root made; one per application."""

    settings: Settings
    engine: Engine
    rulebooks: RuleBooks
    photos: PhotoStore
    keys: KeyRing
    clock: Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Open:
    """An open unit of work: the connection, the actor, the server's time."""

    db: Db
    actor: Actor
    now: datetime
    rulebooks: RuleBooks


def token_hash(token: str) -> bytes:
    """How a session token is stored and looked up."""
    return hashlib.sha256(token.encode()).digest()


class Work:
    """The unit of work of one request."""

    def __init__(self, request: Request) -> None:
        self.parts: Parts = request.app.state.parts
        self.request_id: str = request.state.request_id
        self._token = token_of(request)
        self._what = f"{request.method} {request.scope['route'].path}"
        self._object = "/".join(str(v) for v in request.path_params.values())

    @contextmanager
    def begin(self, *, read_only: bool = False) -> Iterator[Open]:
        """One transaction of a signed-in person; committed when the block ends.

        Raises
        ------
        NotSignedIn
            No session, or one that has ended.
        Unavailable
            The database is down; nothing was stored.
        """
        now = self.parts.clock()
        actor: Actor | None = None
        try:
            with transaction(self.parts.engine, read_only=read_only) as db:
                if self._token is not None:
                    actor = people.actor_of_session(db, token_hash(self._token), now)
                if actor is None:
                    raise NotSignedIn("Sign in first.")
                yield Open(db, actor, now, self.parts.rulebooks)
        except Unavailable:
            raise
        except GridError as refusal:
            record_refusals(
                self.parts, now, self._what, [(actor, refusal, self.request_id)], object_id=self._object
            )
            raise


def record_refusals(
    parts: Parts,
    now: datetime,
    action: str,
    refused: Sequence[tuple[Actor | None, GridError, str]],
    *,
    object_id: str = "",
) -> None:
    """Write refusals to the audit log, in a transaction of their own: what they refused was rolled back.

    Parameters
    ----------
    action : method and path of the route.
    refused : who (None: nobody signed in), why, and the request's id.
    """
    if not refused:
        return
    entries = [
        audit.refusal(
            actor,
            now,
            refusal,
            action=action,
            object_kind="request",
            object_id=object_id,
            request_id=request_id,
        )
        for actor, refusal, request_id in refused
    ]
    try:
        with transaction(parts.engine) as db:
            audit.append(db, entries)
    except Unavailable:
        # The refusals still reach the askers; the log lines are what is left of the record.
        for entry in entries:
            log.error(  # noqa: TRY400  an outage is known; its trace tells nothing
                "refusal_not_audited", code=entry.code, request_id=entry.request_id
            )


def token_of(request: Request) -> str | None:
    """The token that a request is judged by: the Authorization header's before the cookie's."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value
    return request.cookies.get(COOKIE)


async def _work(request: Request) -> Work:
    return Work(request)


OneTransaction = Annotated[Work, Depends(_work)]


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


AppParts = Annotated[Parts, Depends(_parts)]
