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
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, NoReturn
from uuid import UUID

import structlog
from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer
from sqlalchemy import Engine

from api.entry import bearer_in, token_in
from api.refusals import RefusalBudget
from gridmgmt.adapters.basemap import Basemap
from gridmgmt.adapters.evidence.room import EvidenceRoom
from gridmgmt.adapters.keyring import KeyRing
from gridmgmt.adapters.passwords import Passwords
from gridmgmt.adapters.sealedfiles import SealedFiles
from gridmgmt.domain.org import Actor
from gridmgmt.domain.personal import short_text
from gridmgmt.domain.sessionrules import is_fresh
from gridmgmt.domain.throttle import network_of
from gridmgmt.errors import (
    GridError,
    InvalidInput,
    NotSignedIn,
    SenderDiffers,
    StepUpNeeded,
    Unavailable,
)
from gridmgmt.services import standing_in
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.settings import Settings
from gridmgmt.storage import audit, sessions
from gridmgmt.storage.db import Db, act_as, transaction
from gridmgmt.storage.rights.walls import NOBODY, Acting
from gridmgmt.storage.sessions import SignedIn

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the composition root made; one per application."""

    settings: Settings
    engine: Engine
    rulebooks: RuleBooks
    evidence: EvidenceRoom
    keys: KeyRing
    export_files: SealedFiles
    clock: Callable[[], datetime]
    passwords: Passwords
    refusals: RefusalBudget
    basemap: Basemap | None


@dataclass(frozen=True, slots=True)
class Open:
    """An open unit of work: the connection, the actor, the server's time, the session it came by."""

    db: Db
    actor: Actor
    now: datetime
    rulebooks: RuleBooks
    session: SignedIn
    keys: KeyRing

    def require_step_up(self) -> None:
        """Refuse unless the second factor was shown within the last minutes.

        For exports, for revealing what is masked, and for administration: a stolen session alone must not
        be enough for them. Where it holds for a whole endpoint, ask for :data:`SteppedUp` instead.

        Raises
        ------
        StepUpNeeded
            ``POST /api/v1/step-up`` first.
        """
        if not is_fresh(self.session.step_up_at, self.now):
            raise StepUpNeeded(
                "Show the code of your second factor again first.", article="41", rule="R41c", in_scope=True
            )


def token_hash(token: str) -> bytes:
    """How a session token is stored and looked up."""
    return hashlib.sha256(token.encode()).digest()


def require_sender(sent_by: str | None, actor: Actor) -> None:
    """Refuse whom the header Sent-By does not name; without the header anybody sends.

    A phone that several people share keeps what each of them wrote. It names the writer, so that nothing
    is filed under the name of whoever has signed in since, in another tab.

    Raises
    ------
    SenderDiffers
        Somebody is signed in, and it is not the writer.
    """
    if sent_by is not None and sent_by.lower() != str(actor.id):
        raise SenderDiffers("Somebody else is signed in than wrote this.", rule="R14a")


class Work:
    """The unit of work of one request.

    Parameters
    ----------
    fresh : refuse whoever did not show his second factor just now.
    """

    def __init__(self, request: Request, *, fresh: bool = False) -> None:
        self._fresh = fresh
        self.parts: Parts = request.app.state.parts
        self._state = request.state
        self.request_id: str = request.state.request_id
        self.token = token_of(request)
        self.network = network_of_request(request)
        self.by_bearer = bearer_in(request) is not None
        self._stands_in_for = request.headers.get("on-behalf-of")
        self._sent_by = request.headers.get("sent-by")
        self._what = f"{request.method} {request.scope['route'].path}"
        self._object = "/".join(short_text(str(v)) for v in request.path_params.values())

    @contextmanager
    def begin(self, *, read_only: bool = False) -> Iterator[Open]:
        """One transaction of a signed-in person; committed when the block ends.

        Raises
        ------
        NotSignedIn
            No session, or one that has ended.
        SenderDiffers
            Sent-By names somebody else.
        Unavailable
            The database is down; nothing was stored.
        """
        now = self.parts.clock()
        who: SignedIn | None = None
        try:
            with transaction(self.parts.engine, NOBODY, read_only=read_only) as db:
                if self.token is not None:
                    digest = token_hash(self.token)
                    who = sessions.signed_in(db, [digest], now).get(digest)
                if who is None:
                    raise NotSignedIn("Sign in first.")
                require_sender(self._sent_by, who.actor)
                act_as(db, Acting.of(who.actor, self.request_id))
                self._state.actor_id = str(who.actor.id)
                who = self._in_the_post_of(db, who, now)
                opened = Open(db, who.actor, now, self.parts.rulebooks, who, self.parts.keys)
                if self._fresh:
                    opened.require_step_up()
                yield opened
        except Unavailable:
            raise
        except GridError as refusal:
            actor = who.actor if who else None
            record_refusals(
                self.parts,
                now,
                self._what,
                [(actor, refusal, self.request_id)],
                object_id=self._object,
                network=self.network,
            )
            raise
        if self.token is not None and who is not None and who.unseen:
            note_seen(self.parts, [token_hash(self.token)], now)

    def _in_the_post_of(self, db: Db, who: SignedIn, now: datetime) -> SignedIn:
        """As a deputy 代理 when the header On-Behalf-Of names whom he stands in for; else as himself."""
        if self._stands_in_for is None:
            return who
        try:
            person_id = UUID(self._stands_in_for)
        except ValueError:
            raise InvalidInput("On-Behalf-Of names a person by id.", field="On-Behalf-Of") from None
        actor = standing_in.standing_in_for(db, who.actor, person_id, now)
        act_as(db, Acting.of(actor, self.request_id))
        return replace(who, actor=actor)

    def refuse(self, refusal: GridError) -> NoReturn:
        """Raise a refusal that came up outside a transaction, after it is on record as every other."""
        with self.begin():
            raise refusal


def note_seen(parts: Parts, tokens_sha256: Sequence[bytes], now: datetime) -> None:
    """Write down that sessions are in use, in a transaction of its own.

    What a request reads must not need a write, and a refused request is rolled back; so this stands
    beside both. It happens at most once a minute for a session, and a session that could not be written
    only ends a minute earlier.
    """
    with suppress(Unavailable), transaction(parts.engine, Acting.door()) as db:
        sessions.note_seen(db, tokens_sha256, now)


def record_refusals(
    parts: Parts,
    now: datetime,
    action: str,
    refused: Sequence[tuple[Actor | None, GridError, str]],
    *,
    object_id: str = "",
    network: str = "",
) -> None:
    """Write refusals to the audit log, in a transaction of their own: what they refused was rolled back.

    A flood of them is counted instead (``api/refusals.py``).

    Parameters
    ----------
    action : method and path of the route.
    refused : who (None: nobody signed in), why, and the request's id.
    network : where it came from, for those whom nobody knows.
    """
    entries = []
    for actor, refusal, request_id in refused:
        verdict = parts.refusals.admit(str(actor.id) if actor else network)
        if not verdict.write:
            continue
        entry = audit.refusal(
            actor,
            now,
            refusal,
            action=action,
            object_kind="request",
            object_id=object_id,
            request_id=request_id,
        )
        if verdict.passed_over:
            entry = replace(entry, facts={**entry.facts, "passed_over": verdict.passed_over})
        entries.append(entry)
    if not entries:
        return
    try:
        with transaction(parts.engine, Acting.door()) as db:
            audit.append(db, entries)
    except Unavailable:
        # The refusals still reach the askers; the log lines are what is left of the record.
        for entry in entries:
            log.error(  # noqa: TRY400  an outage is known; its trace tells nothing
                "refusal_not_audited", code=entry.code, request_id=entry.request_id
            )


def record_at_the_door(request: Request, refusal: GridError, action: str) -> None:
    """Write down what was refused before any endpoint ran: a body that does not fit, a foreign page."""
    parts: Parts = request.app.state.parts
    now, token, who = parts.clock(), token_of(request), None
    with suppress(Unavailable):
        if token is not None:
            with transaction(parts.engine, NOBODY, read_only=True) as db:
                who = sessions.actor_of_session(db, token_hash(token), now)
    refused = [(who, refusal, request.state.request_id)]
    record_refusals(parts, now, action, refused, network=network_of_request(request))


def network_of_request(request: Request) -> str:
    """The network that a request came from; a proxy in front names it (``uvicorn`` believes ours only)."""
    return network_of(request.client.host if request.client else None)


def token_of(request: Request) -> str | None:
    """The token that a request is judged by: the Authorization header's before the cookie's."""
    parts: Parts = request.app.state.parts
    return token_in(request, parts.settings.session_cookie)


# Only for OpenAPI, which thereby says which routes want a session; who is asking is found in Work.
_TOKEN = HTTPBearer(auto_error=False, scheme_name="token")
_COOKIE = APIKeyCookie(name="__Host-gridmgmt", auto_error=False, scheme_name="cookie")


async def _declared(
    _token: Annotated[Any, Depends(_TOKEN)], _cookie: Annotated[Any, Depends(_COOKIE)]
) -> None:
    pass


_WantsSession = Annotated[None, Depends(_declared)]


async def _work(request: Request, _session: _WantsSession) -> Work:
    return Work(request)


OneTransaction = Annotated[Work, Depends(_work)]


async def _fresh_work(request: Request, _session: _WantsSession) -> Work:
    return Work(request, fresh=True)


# As OneTransaction, for exports and administration: the second factor was shown within five minutes.
SteppedUp = Annotated[Work, Depends(_fresh_work)]


async def _parts(request: Request) -> Parts:
    parts: Parts = request.app.state.parts
    return parts


AppParts = Annotated[Parts, Depends(_parts)]
