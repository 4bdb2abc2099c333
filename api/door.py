"""A short way in for the one request that every phone makes: a body that fits, handed straight to its endpoint.

FastAPI's own way (routing through included routers, dependency solving, two exit stacks, a limiter
around the thread) costs more time than everything that happens to a report; decision record 0008
has the figures. A door takes only what it understands completely: whatever is unusual about a request
(another media type, a query, JSON that does not parse, a body that the model refuses) goes on to the
ordinary way with its body replayed. So every refusal of a form is FastAPI's, the endpoint is the same
function, and the door can be left out without any difference but speed.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from api import errors
from api.deps import Work
from gridmgmt.errors import GridError

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Route:
    path: str


class Door(Generic[Body]):
    """Serves one method and path.

    Parameters
    ----------
    path : as the route names itself, and the audit log with it.
    model : what the body must be.
    endpoint : the function that FastAPI serves at the same path.
    threads : where it runs.
    """

    def __init__(
        self,
        path: str,
        model: type[Body],
        endpoint: Callable[[Body, Work], Response],
        threads: ThreadPoolExecutor,
    ) -> None:
        self._route = _Route(path)
        self._model = model
        self._endpoint = endpoint
        self._threads = threads

    async def __call__(self, ordinary: App, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; ``ordinary`` serves it when this door does not."""
        body = await _read(receive)
        parsed = self._parse(scope, body)
        if parsed is None:
            await ordinary(scope, _replay(body, receive), send)
            return
        scope["route"], scope["path_params"] = self._route, {}
        request = Request(scope)
        loop = asyncio.get_running_loop()
        try:
            response = await loop.run_in_executor(self._threads, self._endpoint, parsed, Work(request))
        except GridError as refusal:
            response = errors.refused(request, refusal)
        await response(scope, receive, send)

    def _parse(self, scope: Scope, body: bytes) -> Body | None:
        headers = dict(scope["headers"])
        if headers.get(b"content-type") != b"application/json" or scope["query_string"]:
            return None
        try:
            return self._model.model_validate(json.loads(body))
        except (ValueError, RecursionError, ValidationError):
            return None


async def _read(receive: Receive) -> bytes:
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting = [body]

    async def replayed() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replayed
