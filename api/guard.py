"""ASGI middleware in front of everything: request id, body limits, same-origin writes, headers, the last net.

Written against ASGI itself, because a limit has to act before the body is in memory. What nobody else
caught is caught here and not by Starlette's own outermost net, so that its answer has the headers too.
"""

import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import orjson
import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger(__name__)

# Serves a request, or hands it on to the application behind.
Door = Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
_REQUEST_ID = re.compile(rb"^[A-Za-z0-9_-]{8,64}$")

# Everything comes from ourselves; the map's workers and canvas images are our own blobs.
_CSP = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
    "worker-src 'self' blob:; connect-src 'self'; object-src 'none'; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
_HEADERS: list[tuple[bytes, bytes]] = [
    (b"content-security-policy", _CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"geolocation=(self), camera=(self), microphone=()"),
]


class _BodyTooLarge(Exception):
    pass


class Guard:
    """Wraps the application.

    Parameters
    ----------
    max_body_bytes : limit of any body but a photo.
    max_photo_bytes : limit of the body of ``PUT /api/v1/photos/...``.
    doors : by method and path, what is served without the application's full way; see ``api/door.py``.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        max_body_bytes: int,
        max_photo_bytes: int,
        doors: Mapping[tuple[str, str], Callable[[ASGIApp, Scope, Receive, Send], Awaitable[None]]]
        | None = None,
    ) -> None:
        self._app = app
        self._doors = {key: partial(door, app) for key, door in (doors or {}).items()}
        self._max_body = max_body_bytes
        self._max_photo = max_photo_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        request_id = given.decode() if _REQUEST_ID.match(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", []),
                    *_HEADERS,
                    (b"x-request-id", request_id.encode()),
                ]
            await send(message)

        if _is_cross_origin_write(scope, headers):
            await _refuse(
                send_with_headers, 403, "not_allowed", "Writes from another origin are refused.", request_id
            )
            return
        limit = self._max_photo if scope["path"].startswith("/api/v1/photos/") else self._max_body
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > limit:
            await _refuse_too_large(send_with_headers, limit, request_id)
            return
        await self._run_within(limit, scope, receive, send_with_headers, request_id)

    async def _run_within(
        self, limit: int, scope: Scope, receive: Receive, send: Send, request_id: str
    ) -> None:
        seen, started = 0, False

        async def counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _BodyTooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            # Whoever reads the body may turn the interruption into an answer of his own; ours counts.
            if seen > limit and not started:
                raise _BodyTooLarge
            started = True
            await send(message)

        app = self._doors.get((scope["method"], scope["path"]), self._app)
        try:
            await app(scope, counted, noted)
        except ClientDisconnect:
            log.info("client_disconnected", path=scope["path"], request_id=request_id)
        except Exception:
            if started:
                raise
            if seen > limit:
                await _refuse_too_large(send, limit, request_id)
                return
            log.exception("unexpected_error", path=scope["path"], request_id=request_id)
            detail = "Something went wrong here; nothing of this request was stored."
            await _refuse(send, 500, "internal_error", detail, request_id)


def _is_cross_origin_write(scope: Scope, headers: dict[bytes, bytes]) -> bool:
    """Sec-Fetch-Site where the browser gives it, else Origin against Host; other clients give neither."""
    if scope["method"] in _SAFE_METHODS:
        return False
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in (b"same-origin", b"none")
    origin = headers.get(b"origin")
    return origin is not None and origin.split(b"://", 1)[-1] != headers.get(b"host")


async def _refuse_too_large(send: Send, limit: int, request_id: str) -> None:
    await _refuse(send, 413, "too_large", "The body is larger than accepted.", request_id, limit_bytes=limit)


async def _refuse(send: Send, status: int, code: str, detail: str, request_id: str, **facts: object) -> None:
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
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"application/problem+json"), (b"connection", b"close")],
        }
    )
    await send({"type": "http.response.body", "body": body})
