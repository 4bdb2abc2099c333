"""A short way in for reports: those that wait at the same moment are stored by one commit.

Every phone makes this request, and at a bad moment all of them at once. The door collects what has
arrived while the commit before was under way and takes it in as a group: one look, one decision
each, one write, one commit, and only then the answers. Alone, a report is a group of one. Decision
record 0008 has the figures and what was given up for them (nothing that a sender could notice).

A door takes only what it understands completely: whatever is unusual about a request (another media
type, a query, JSON that does not parse, a body that the model refuses) goes the ordinary way with
its body replayed, so every refusal of a form is FastAPI's. A group that fails for what one of its
reports holds is taken in one by one, so that none suffers from another's.
"""

import asyncio
import json
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any

import structlog
from pydantic import ValidationError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from api import errors
from api.deps import (
    Parts,
    network_of_request,
    note_seen,
    record_refusals,
    require_sender,
    token_hash,
    token_of,
)
from api.guard import replay, whole_body
from api.routes.reports import ReportIn, command_of, told
from gridmgmt.domain.org import Actor, Role
from gridmgmt.errors import GridError, NotSignedIn, SenderDiffers
from gridmgmt.observe import metrics
from gridmgmt.services import intake
from gridmgmt.services.intake import Answer, Submission
from gridmgmt.storage import sessions
from gridmgmt.storage.db import act_as, may_be_one_rows_fault, transaction
from gridmgmt.storage.rights.walls import NOBODY, Acting

log = structlog.get_logger(__name__)

# As the route calls itself, and the audit log with it.
_ACTION = "POST /reports"
_LARGEST_GROUP = 64
# While one group is being committed, the next is decided on.
_THREADS = 2
_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A report at the door."""

    body: ReportIn
    token: bytes | None
    request_id: str
    network: str
    sent_by: str | None
    state: dict[str, Any]
    loop: asyncio.AbstractEventLoop
    answer: asyncio.Future[Answer]


class ReportDoor:
    """Serves ``POST /api/v1/reports``; threads start with the first report."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._queue: SimpleQueue[_Waiting | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._starting = threading.Lock()

    async def __call__(self, ordinary: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; ``ordinary`` serves it when this door does not."""
        content = await whole_body(receive)
        body = _parsed(scope, content)
        if body is None:
            await ordinary(scope, replay(content, receive), send)
            return
        request = Request(scope)
        scope["state"]["route"] = scope["path"]
        token = token_of(request)
        loop = asyncio.get_running_loop()
        waiting = _Waiting(
            body,
            token_hash(token) if token else None,
            request.state.request_id,
            network_of_request(request),
            request.headers.get("sent-by"),
            scope["state"],
            loop,
            loop.create_future(),
        )
        self._start()
        self._queue.put(waiting)
        try:
            response = told(await waiting.answer)
        except GridError as refusal:
            response = errors.refused(request, refusal)
        await response(scope, receive, send)

    def close(self) -> None:
        """Take in what waits, then stop; a database that hangs is not waited for."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join(_PATIENCE_S)
        self._threads.clear()

    def _start(self) -> None:
        with self._starting:
            self._threads = [thread for thread in self._threads if thread.is_alive()]
            while len(self._threads) < _THREADS:
                thread = threading.Thread(target=self._work, name="intake", daemon=True)
                thread.start()
                self._threads.append(thread)

    def _work(self) -> None:
        while group := self._next_group():
            outcomes: Sequence[Answer | Exception]
            try:
                outcomes = self._take_in_whatever_happens(group)
            except Exception as failure:  # noqa: BLE001  whoever waits is answered, and the thread lives on
                outcomes = [failure] * len(group)
            metrics.group_taken_in(len(group))
            _hand_out(group, outcomes)

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        waiting = self._queue.get()
        try:
            while waiting is not None:
                group.append(waiting)
                if len(group) == _LARGEST_GROUP:
                    return group
                waiting = self._queue.get_nowait()
        except Empty:
            return group
        if group:
            # The sign to stop was for this thread: take in what came before it, then read it again.
            self._queue.put(None)
        return group

    def _take_in_whatever_happens(self, group: Sequence[_Waiting]) -> list[Answer | Exception]:
        try:
            return self._take_in(group)
        except Exception as failure:
            if len(group) == 1 or not may_be_one_rows_fault(failure):
                return [failure] * len(group)
            log.warning("group_taken_in_one_by_one", size=len(group), exc_info=True)
        return [outcome for one in group for outcome in self._take_in_whatever_happens([one])]

    def _take_in(self, group: Sequence[_Waiting]) -> list[Answer | Exception]:
        parts = self._parts
        now = parts.clock()
        outcomes: dict[int, Answer | GridError] = {}
        with transaction(parts.engine, NOBODY) as db:
            people = sessions.signed_in(db, [w.token for w in group if w.token], now)
            signed_in = {i: people[w.token].actor for i, w in enumerate(group) if w.token in people}
            known: dict[int, Actor] = {}
            for i, actor in signed_in.items():
                try:
                    require_sender(group[i].sent_by, actor)
                except SenderDiffers as refusal:
                    outcomes[i] = refusal
                else:
                    known[i] = actor
                    group[i].state["actor_id"] = str(actor.id)
            for alike in _alike(known):
                # Row-level security holds each to the scope of its senders, not to that of the whole group.
                act_as(db, Acting.group(known[i] for i in alike))
                given = [
                    Submission(known[i], command_of(group[i].body, parts.keys), group[i].request_id)
                    for i in alike
                ]
                outcomes |= zip(alike, intake.submit_reports(db, now, parts.rulebooks, given), strict=True)
        if unseen := [token for token, who in people.items() if who.unseen]:
            note_seen(parts, unseen, now)
        results = [outcomes.get(i) or NotSignedIn("Sign in first.") for i in range(len(group))]
        return self._on_record(group, results, signed_in, now)

    def _on_record(
        self,
        group: Sequence[_Waiting],
        results: Sequence[Answer | GridError],
        signed_in: Mapping[int, Actor],
        now: datetime,
    ) -> list[Answer | Exception]:
        """The results, after the refusals among them were audited; what was accepted stays so."""
        try:
            for i, result in enumerate(results):
                if isinstance(result, GridError):
                    refused = [(signed_in.get(i), result, group[i].request_id)]
                    record_refusals(self._parts, now, _ACTION, refused, network=group[i].network)
        except Exception as failure:  # noqa: BLE001  the refused are told; the accepted are committed
            return [failure if isinstance(result, GridError) else result for result in results]
        return list(results)


def _alike(known: Mapping[int, Actor]) -> list[list[int]]:
    """Senders with the same subdistricts and the same roles: one street's grid workers, mostly."""
    kinds: dict[tuple[frozenset[str], frozenset[Role]], list[int]] = {}
    for i, actor in known.items():
        kinds.setdefault((actor.subdistricts, actor.roles), []).append(i)
    return list(kinds.values())


def _hand_out(group: Sequence[_Waiting], outcomes: Sequence[Answer | Exception]) -> None:
    """Wake each event loop once, however many of its requests are answered."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[_Waiting, Answer | Exception]]] = {}
    for waiting, outcome in zip(group, outcomes, strict=True):
        by_loop.setdefault(waiting.loop, []).append((waiting, outcome))
    for loop, answered in by_loop.items():
        with suppress(RuntimeError):  # a loop that is closed: nobody waits there any more
            loop.call_soon_threadsafe(_settle, answered)


def _settle(answered: Sequence[tuple[_Waiting, Answer | Exception]]) -> None:
    for waiting, outcome in answered:
        if waiting.answer.done():
            continue  # nobody waits any more; the report is stored all the same
        if isinstance(outcome, Exception):
            waiting.answer.set_exception(outcome)
        else:
            waiting.answer.set_result(outcome)


def _parsed(scope: Scope, content: bytes) -> ReportIn | None:
    media_types = [value for name, value in scope["headers"] if name == b"content-type"]
    if media_types != [b"application/json"] or scope["query_string"]:
        return None
    try:
        return ReportIn.model_validate(json.loads(content))
    except (ValueError, RecursionError, ValidationError):
        return None
