"""ASGI middleware in front of everything: request id, limits, same-origin writes, headers, the last net.

Written against ASGI itself, because a limit has to act before the body is in memory. What nobody else
caught is caught here and not by Starlette's own outermost net, so that its answer has the headers too.
Whatever hangs behind (a network that swallows what it is given), every asker is answered within
:data:`DEADLINE_S`; whether his request was carried out is then unknown, which is why every write can be
sent again under the same id.
"""

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

import orjson
import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import seen
from api.entry import SAFE_METHODS, UPLOADS, Entry, as_error
from api.strict_json import fault_of
from api.turns import Turns
from gridmgmt.errors import GridError
from gridmgmt.observe import metrics

log = structlog.get_logger(__name__)

# Serves a request, or hands it on to the application behind.
Door = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]

_REQUEST_ID = re.compile(rb"^[A-Za-z0-9_-]{8,64}$")

DEADLINE_S = 25.0
"""Seconds until an answer begins; a stream may then go on for as long as it likes."""
_RETRY_AFTER_S = 5
_MOST_URL_BYTES = 8 * 2**10
_MOST_HEADER_BYTES = 32 * 2**10
_JSON = re.compile(rb"^application/([a-z0-9.!#$&^_-]+\+)?json\s*(;|$)", re.IGNORECASE)

# Called with the request's scope and the refusal, before it is answered: the audit log hears of it.
OnRefusal = Callable[[Scope, GridError], Awaitable[None]]


class _BodyTooLarge(Exception):
    pass


class Guard:
    """Wraps the application.

    Parameters
    ----------
    max_body_bytes : limit of any body but a photo.
    max_photo_bytes : limit of the body of ``/api/v1/photos/...`` and of a piece of ``/api/v1/uploads/...``.
    entry : what a request must be like, and what every answer carries.
    on_refusal : hears of every refusal of this file before it is answered.
    doors : by method and path, what is served without the application's full way; see ``api/door.py``.
    log_requests : write a line for every answer; those of ours that failed have one in any case.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        max_photo_bytes: int,
        entry: Entry,
        on_refusal: OnRefusal,
        doors: Mapping[tuple[str, str], Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]]
        | None = None,
        log_requests: bool = False,
    ) -> None:
        self._log_requests = log_requests
        self._app = app
        self._doors = {key: partial(door, app) for key, door in (doors or {}).items()}
        self._max_body = max_body_bytes
        self._max_photo = max_photo_bytes
        self._entry = entry
        self._on_refusal = on_refusal
        self._turns = Turns()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _REQUEST_ID.match(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        began, status = time.perf_counter(), 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                made = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
                message["headers"] = self._entry.headers_of(scope["path"], made)
            await send(message)

        refusing = _Refusing(partial(self._on_refusal, scope), send_with_headers, request_id)
        try:
            await self._serve(scope, headers, receive, send_with_headers, refusing)
        finally:
            seen.note(scope, status, time.perf_counter() - began, log_it=self._log_requests)

    async def _serve(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send, refusing: "_Refusing"
    ) -> None:
        if fault := _fault_of_head(scope, headers) or self._entry.fault_of(scope, headers):
            await refusing(*fault)
            return
        limit = self._max_photo if scope["path"].startswith(UPLOADS) else self._max_body
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            await refusing.too_large(limit)
            return
        with self._turns.taken(scope["path"], self._entry.token_of(scope)) as my_turn:
            if not my_turn:
                await refusing(*_TOO_MANY, retry_after_s=1)
                return
            await self._run_within(limit, scope, receive, send, refusing)

    async def _run_within(
        self, limit: int, scope: Scope, receive: Receive, send: Send, refusing: "_Refusing"
    ) -> None:
        exchange = _Exchange(limit, scope, receive, send, refusing)
        app = self._doors.get((scope["method"], scope["path"]), self._app)
        async with exchange.answered_in_time():
            try:
                await _strictly(app, scope, exchange.receive, exchange.send, refusing)
            except ClientDisconnect:
                log.info("client_disconnected", route=seen.template_of(scope), request_id=refusing.request_id)
            except Exception as failure:
                if exchange.started:
                    raise
                await exchange.fail(failure)


class _Exchange:
    """One request and its answer: how much was read, whether the answer has begun."""

    def __init__(self, limit: int, scope: Scope, receive: Receive, send: Send, refusing: "_Refusing") -> None:
        self.started = False
        self._limit, self._scope, self._request_id = limit, scope, refusing.request_id
        self._refusing = refusing
        self._receive, self._send = receive, send
        self._seen, self._late = 0, False
        self._alarm: asyncio.TimerHandle | None = None
        self._answering: list[asyncio.Future[None]] = []

    async def receive(self) -> Message:
        """A piece of the body, as long as it stays within its limit."""
        message = await self._receive()
        # A phone with a poor signal may take minutes over a photo; the time is ours to keep once it is here.
        self._arm()
        self._seen += len(message.get("body", b""))
        if self._seen > self._limit:
            raise _BodyTooLarge
        return message

    async def send(self, message: Message) -> None:
        """A piece of the answer."""
        # Whoever reads the body may turn the interruption into an answer of his own; ours counts.
        if self._seen > self._limit and not self.started:
            raise _BodyTooLarge
        if self._late:
            return
        self.started = True
        await self._send(message)

    async def fail(self, failure: Exception) -> None:
        """Answer what nobody else answered."""
        if self._seen > self._limit:
            await self._refusing.by(self.send_ours).too_large(self._limit)
            return
        log.error(
            "unexpected_error",
            route=seen.template_of(self._scope),
            request_id=self._request_id,
            exc_info=failure,
        )
        detail = "Something went wrong here; nothing of this request was stored."
        await _refuse(self.send_ours, 500, "internal_error", detail, self._request_id)

    async def send_ours(self, message: Message) -> None:
        """A piece of an answer of this file's; nothing once the deadline has answered."""
        if not self._late:
            await self._send(message)

    @asynccontextmanager
    async def answered_in_time(self) -> AsyncIterator[None]:
        """However long the block takes, an answer begins a deadline after the last piece of the request."""
        self._arm()
        try:
            yield
        finally:
            if self._alarm is not None:
                self._alarm.cancel()
            await asyncio.gather(*self._answering)

    def _arm(self) -> None:
        """Set the alarm anew."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_later(DEADLINE_S, self._ring)

    def _ring(self) -> None:
        self._answering.append(asyncio.ensure_future(self._answer_late()))

    async def _answer_late(self) -> None:
        if self.started:
            return
        self._late = True
        log.error("no_answer_in_time", route=seen.template_of(self._scope), request_id=self._request_id)
        await _refuse(self._send, *_LATE, self._request_id, retry_after_s=_RETRY_AFTER_S)


_TOO_MANY = (429, "too_many_requests", "So much of this kind is under way for you already; wait a moment.")
_LATE = (503, "unavailable", "No answer came in time; whether this was stored is not known. Send it again.")


def _fault_of_head(scope: Scope, headers: Mapping[bytes, bytes]) -> tuple[int, str, str] | None:
    """Status, code and text of what is wrong with a request before its body is looked at."""
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > _MOST_URL_BYTES:
        return 414, "too_large", f"The address has over {_MOST_URL_BYTES} bytes."
    if sum(len(name) + len(value) for name, value in scope["headers"]) > _MOST_HEADER_BYTES:
        return 431, "too_large", f"The headers have over {_MOST_HEADER_BYTES} bytes."
    if "\x00" in scope["path"] or b"%00" in scope["query_string"]:
        return 422, "invalid_input", "The address holds the character NUL."
    # Nothing that is sent here gains by packing, and what is packed may unpack to any size.
    if headers.get(b"content-encoding", b"identity").strip().lower() not in (b"identity", b""):
        return 415, "unsupported_media_type", "Send the body as it is, without a content encoding."
    return None


async def _strictly(app: ASGIApp, scope: Scope, receive: Receive, send: Send, refusing: "_Refusing") -> None:
    """Hand a request on, a JSON body only when it is one that every parser reads alike."""
    kinds = [value for name, value in scope["headers"] if name == b"content-type"]
    if scope["method"] in SAFE_METHODS or not any(_JSON.match(kind) for kind in kinds):
        await app(scope, receive, send)
        return
    content = await whole_body(receive)
    if fault := fault_of(content):
        await refusing.by(send)(422, "invalid_input", fault, errors=[_as_body_fault(fault)])
        return
    await app(scope, replay(content, receive), send)


def _as_body_fault(fault: str) -> dict[str, object]:
    return {"where": ["body"], "message": fault, "kind": "json_invalid"}


async def whole_body(receive: Receive) -> bytes:
    """All of a request's body; whoever calls sees to it that it is bounded."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


def replay(content: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives a body again which was read already, and then goes on."""
    waiting = [content]

    async def replayed() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replayed


class _Refusing:
    """Refuses one request: has it audited, then answers.

    Parameters
    ----------
    record : hears of it.
    """

    def __init__(self, record: Callable[[GridError], Awaitable[None]], send: Send, request_id: str) -> None:
        self.request_id = request_id
        self._record, self._send = record, send

    def by(self, send: Send) -> "_Refusing":
        """The same, answered another way."""
        return _Refusing(self._record, send, self.request_id)

    async def __call__(self, status: int, code: str, text: str, **facts: object) -> None:
        """Refuse."""
        await self._record(as_error(code, text))
        await _refuse(self._send, status, code, text, self.request_id, **facts)

    async def too_large(self, limit: int) -> None:
        """Refuse a body over its limit."""
        await self(413, "too_large", "The body is larger than accepted.", limit_bytes=limit)


async def _refuse(send: Send, status: int, code: str, detail: str, request_id: str, **facts: object) -> None:
    metrics.refused(code)
    body = orjson.dumps(
        {
            "type": f"/problems/{code}",
            "title": code.replace("_", " ").capitalize(),
            "status": status,
            "code": code,
            "detail": detail,
            "article": None,
            "rule": None,
            "facts": facts,
            "request_id": request_id,
        }
    )
    head = [(b"content-type", b"application/problem+json"), (b"connection", b"close")]
    if "retry_after_s" in facts:
        head.append((b"retry-after", str(facts["retry_after_s"]).encode()))
    await send({"type": "http.response.start", "status": status, "headers": head})
    await send({"type": "http.response.body", "body": body})
