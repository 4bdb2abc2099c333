"""What is fuzzed: the whole application on TCP with a database of its own, and a counter in front of it.

The counter is ours and not the fuzzer's, so that a request counts when it arrived and a fault counts whoever
caused it. It also keeps people signed in: a caller says whose part it plays (``Authorization: Bearer
as-demo-acceptor``), and whoever the fuzzer signs out is signed in again for the next request.
"""

import asyncio
import secrets
import socket
import threading
import uuid
from collections import Counter
from collections.abc import Iterator, MutableMapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from starlette.requests import ClientDisconnect

from api.app import create_app
from api.deps import token_hash
from gridmgmt.cli.console import configure_logging
from gridmgmt.domain.org import Role
from gridmgmt.domain.sessionrules import SessionKind
from gridmgmt.storage import people, sessions
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights import walls
from tests.api.client import make_settings
from tests.builders_cases import STREET
from tests.builders_street import make_session

PLAYS = b"Bearer as-"
NOBODY = "nobody"
# Every role that somebody can have; NOBODY is not signed in.
CAST = {
    "grid_worker": "demo-worker-001",
    "acceptor": "demo-acceptor",
    "shift_leader": "demo-shift",
    "dispatcher": "demo-dispatcher",
    "handler": "demo-unit-hzd-01",
    "supervisor": "demo-supervisor",
    "director": "demo-director",
    "district_officer": "demo-district",
    "planner": "demo-planner",
    "administrator": "demo-admin",
    "security_administrator": "demo-security",
    "auditor": "demo-auditor",
    # No person: it signs assertions, and here gets its session straight away.
    "peer": "fuzz-peer",
}


class Target:
    """The application behind the counter.

    ``statuses`` counts answers; ``faults`` holds method, address and status of each 5xx.
    """

    def __init__(self, app: Any, owner_url: str) -> None:
        self.app = app
        self._owner_url = owner_url
        self.base_url = ""
        self.statuses: Counter[int] = Counter()
        self.faults: list[str] = []
        self._tokens: dict[bytes, bytes] = {}
        self._people: dict[str, str] = {}

    @property
    def requests(self) -> int:
        """How many were answered."""
        return self.statuses.total()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        plays = next(
            (v[len(PLAYS) :] for k, v in scope["headers"] if k == b"authorization" and v.startswith(PLAYS)),
            None,
        )
        if plays is not None:
            token = await self._token(plays)
            rest = [(k, v) for k, v in scope["headers"] if k != b"authorization"]
            scope["headers"] = [*rest, (b"authorization", b"Bearer " + token)]

        async def counted(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                status = message["status"]
                self.statuses[status] += 1
                if status >= 500:
                    query = scope["query_string"].decode("latin-1")
                    self.faults.append(f"{scope['method']} {scope['path']}?{query} {status}")
                if plays is not None and (status == 401 or scope["method"] == "DELETE"):
                    self._tokens.pop(plays, None)
            elif scope["path"].endswith("/stream") and message.get("more_body"):
                # An open stream has no end; its beginning is enough to be judged.
                await send({**message, "more_body": False})
                raise ClientDisconnect
            await send(message)

        await self.app(scope, receive, counted)

    async def _token(self, login: bytes) -> bytes:
        if login not in self._tokens and login == CAST["peer"].encode():
            self._tokens[login] = await asyncio.to_thread(self._peers_session)
        if login not in self._tokens:
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://fuzz") as client:
                if not self._people:
                    listed = (await client.get("/api/v1/demo")).json()["people"]
                    self._people = {p["login"]: p["id"] for p in listed}
                body = {"person_id": self._people[login.decode()]}
                answer = await client.post("/api/v1/demo/sign-in", json=body)
                self._tokens[login] = answer.cookies.get("gridmgmt_session", "none").encode()
        return self._tokens[login]

    def _peers_session(self) -> bytes:
        token, peer_id = secrets.token_urlsafe(32), uuid.uuid5(uuid.NAMESPACE_URL, CAST["peer"])
        row = {"id": peer_id, "login": CAST["peer"], "name": "对接系统（合成）", "unit_code": None,
               "active": True, "synthetic": True}  # fmt: skip
        role = {"person_id": peer_id, "role": Role.PEER, "subdistrict_code": STREET}
        # The application itself may add nobody: who owns the database does.
        owner = make_engine(self._owner_url, pool_size=1)
        with transaction(owner, walls.NOBODY) as db:
            if people.person_named(db, CAST["peer"]) is None:
                people.add_people(db, [row], [role], [])
            opened = make_session(token_hash(token), peer_id, kind=SessionKind.PEER)
            sessions.open_session(db, opened, self.app.state.parts.clock())
        owner.dispose()
        return token.encode()


@contextmanager
def target(url: str, directory: Path, **settings: Any) -> Iterator[Target]:
    """Serve a database's application until the block ends."""
    configure_logging("critical")
    made = Target(create_app(make_settings(url, directory, **settings)), url)
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        made.base_url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            made, log_level="critical", access_log=False, timeout_graceful_shutdown=1, lifespan="off"
        )
        server = uvicorn.Server(config)
        listening = threading.Event()
        startup = server.startup

        async def started(sockets: list[Any] | None = None) -> None:
            await startup(sockets)
            listening.set()

        server.startup = started  # type: ignore[method-assign]
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        assert listening.wait(20), "the server did not start"
        try:
            yield made
        finally:
            server.should_exit = True
            thread.join(20)
            made.app.state.door.close()
            made.app.state.parts.engine.dispose()
