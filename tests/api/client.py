"""The real server in a thread, on a socket of its own, and people who ask it things.

A real server rather than a stand-in: bodies arrive in pieces, streams stay open, several people ask at
once. The clock is the tests' own and only moves when a test moves it.
"""

import hashlib
import io
import itertools
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from PIL import Image
from pwdlib.hashers.argon2 import Argon2Hasher
from shapely.geometry import shape
from sqlalchemy import Engine, make_url, text

from api.app import create_app
from gridmgmt.adapters.keyfiles import make_kek_file
from gridmgmt.adapters.passwords import Passwords
from gridmgmt.cli.console import configure_logging
from gridmgmt.demo.photos import DrawnPhoto
from gridmgmt.domain.onsite import ON_SITE
from gridmgmt.settings import Settings
from gridmgmt.storage.db import make_engine
from gridmgmt.storage.postmaster import SUPERUSER
from gridmgmt.storage.rights.walls import Login
from tests.builders_cases import NOW
from tests.builders_street import ROADSIDE_TRADE, inner_point, make_uuid7

_numbers = itertools.count(1_000_000)


def make_photo() -> DrawnPhoto:
    """A tiny JPEG, another one each time."""
    buffer, number = io.BytesIO(), next(_numbers)
    colour = (number >> 16 & 255, number >> 8 & 255, number & 255)
    Image.new("RGB", (16, 8), colour).save(buffer, "JPEG", comment=str(number).encode())
    return DrawnPhoto(buffer.getvalue(), hashlib.sha256(buffer.getvalue()).hexdigest())


class Clock:
    """The server's time; it stands still."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at


class CountedPasswords(Passwords):
    """Hashes at the least cost there is, and counts how often."""

    def __init__(self) -> None:
        super().__init__(Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1))
        self.hashed = 0

    def _limited(self, work: Callable[[], Any]) -> Any:
        self.hashed += 1
        return super()._limited(work)


class Server:
    """An application that is being served; ``client`` speaks to it as nobody in particular."""

    def __init__(self, app: FastAPI, clock: Clock, socket: Path) -> None:
        self.app, self.clock, self.socket = app, clock, socket
        self._clients: list[httpx.Client] = []
        self.client = self.connect()
        self._people: dict[str, Person] = {}
        self._listed: list[dict[str, Any]] | None = None
        url = make_url(app.state.parts.settings.require_database_url())
        self.engine: Engine = make_engine(
            url.set(username=SUPERUSER).render_as_string(hide_password=False), pool_size=2
        )
        """Connections of the database's superuser, for looking behind the server's back."""

    def connect(self, **headers: str) -> httpx.Client:
        """A client with its own connections and cookies."""
        made = httpx.Client(
            transport=httpx.HTTPTransport(uds=str(self.socket), limits=httpx.Limits(max_connections=40)),
            base_url="http://street.test",
            headers=headers,
            timeout=20.0,
        )
        self._clients.append(made)
        return made

    def people(self) -> list[dict[str, Any]]:
        """The demo's people."""
        if self._listed is None:
            self._listed = self.client.get("/api/v1/demo").json()["people"]
        return self._listed

    def person(self, login: str) -> "Person":
        """Somebody who is signed in."""
        if login not in self._people:
            facts = next(p for p in self.people() if p["login"] == login)
            answer = self.client.post("/api/v1/demo/sign-in", json={"person_id": facts["id"]})
            assert answer.status_code == 200, answer.text
            token = answer.cookies["gridmgmt_session"]
            self.client.cookies.clear()
            self._people[login] = Person(self, facts, token)
        return self._people[login]

    def forget(self) -> None:
        """Whoever is asked for next signs in anew."""
        for person in self._people.values():
            person.http.close()
        self._people.clear()

    def close(self) -> None:
        """Close every client."""
        for one in self._clients:
            one.close()
        self.engine.dispose()


class Person:
    """Somebody signed in with a bearer token."""

    def __init__(self, server: Server, facts: Mapping[str, Any], token: str) -> None:
        self.server, self.token = server, token
        self.id, self.cells = facts["id"], facts["cell_codes"]
        self.http = server.connect(Authorization=f"Bearer {token}")

    def step_up(self) -> "Person":
        """Count as having shown the second factor just now."""
        digest = hashlib.sha256(self.token.encode()).digest()
        with self.server.engine.begin() as db:
            db.execute(
                text("update app.sessions set step_up_at = :at where token_sha256 = :token"),
                {"at": self.server.clock.at, "token": digest},
            )
        return self

    def get(self, path: str, **params: Any) -> httpx.Response:
        """GET below /api/v1."""
        return self.http.get(f"/api/v1{path}", params=params)

    def post(self, path: str, body: object, **headers: str) -> httpx.Response:
        """POST below /api/v1."""
        return self.http.post(f"/api/v1{path}", json=body, headers=headers)

    def put_photo(self, photo: DrawnPhoto, media_type: str = "image/jpeg") -> httpx.Response:
        """Upload a photo."""
        headers = {"Content-Type": media_type}
        return self.http.put(f"/api/v1/photos/{photo.sha256}", content=photo.content, headers=headers)

    def photo(self) -> str:
        """A stored photo's digest, another one each time."""
        made = make_photo()
        assert self.put_photo(made).status_code == 201
        return made.sha256

    def draft(self, **over: Any) -> dict[str, Any]:
        """A report as a phone sends it, from inside this worker's first cell."""
        body: dict[str, Any] = {
            "id": str(make_uuid7(next(_numbers))),
            "category": ROADSIDE_TRADE,
            "description": "占道经营",
            "position": {**self.place, "datum": "wgs84", "accuracy_m": 8.0},
            "observed_at": (self.server.clock.at - timedelta(minutes=10)).isoformat(),
            "photos": None,
        }
        body |= over
        if body["photos"] is None:
            body["photos"] = [self.photo()]
        return body

    @cached_property
    def place(self) -> dict[str, float]:
        """A position inside this worker's first cell; inside the first of all for others."""
        cells = self.get("/cells").json()["features"]
        mine = next(f for f in cells if f["properties"]["code"] in self.cells or not self.cells)
        point = inner_point(shape(mine["geometry"]))
        return {"lon": point.lon, "lat": point.lat}

    def report(self, **over: Any) -> dict[str, Any]:
        """File a report; its case in full."""
        answer = self.post("/reports", self.draft(**over))
        assert answer.status_code == 201, answer.text
        return self.get(f"/cases/{answer.json()['case_id']}").json()

    def act(self, case: Mapping[str, Any], action: str, **facts: Any) -> httpx.Response:
        """Try to move a case; a word about the place is said from there."""
        if action in ON_SITE and "place_reason" not in facts:
            facts.setdefault("place", {**case["label_position"], "accuracy_m": 8.0})
        body = {"command_id": str(uuid.uuid4()), "action": action, "version": case["version"], "facts": facts}
        return self.post(f"/cases/{case['id']}/actions", body)

    def moved(self, case: Mapping[str, Any], action: str, **facts: Any) -> dict[str, Any]:
        """Move a case; it as it is then."""
        answer = self.act(case, action, **facts)
        assert answer.status_code == 200, answer.text
        moved: dict[str, Any] = answer.json()
        return moved

    def ask(self, case: Mapping[str, Any], action: str, **facts: Any) -> httpx.Response:
        """Ask for an action that needs a yes."""
        body = {"id": str(uuid.uuid4()), "action": action, "version": case["version"], "facts": facts}
        return self.post(f"/cases/{case['id']}/requests", body)


def make_settings(url: str, directory: Path, **over: Any) -> Settings:
    """Settings of a demo that keeps everything below a directory."""
    web = directory / "web"
    (web / "assets").mkdir(parents=True, exist_ok=True)
    (web / "centre.html").write_text("<!doctype html><title>centre</title>", encoding="utf-8")
    (web / "field.html").write_text("<!doctype html><title>field</title>", encoding="utf-8")
    (web / "account.html").write_text("<!doctype html><title>account</title>", encoding="utf-8")
    (web / "field-sw.js").write_text("self.addEventListener", encoding="utf-8")
    (web / "field.webmanifest").write_text('{"start_url": "/field"}', encoding="utf-8")
    (web / "assets" / "a.js").write_text("export {}", encoding="utf-8")
    # As an installation logs in: with a role that owns nothing and may become its walls.
    given = make_url(url).set(username=Login.APP).render_as_string(hide_password=False)
    values = {"environment": "demo", "database_url": given, "home": directory, "web_dir": web} | over
    if values["environment"] == "production":
        values["key_file"] = directory / "kek.json"
        make_kek_file(directory / "kek.json")
    return Settings(**values)


@contextmanager
def served(settings: Settings, directory: Path, **parts: Any) -> Iterator[Server]:
    """Serve an application until the block ends."""
    configure_logging("error")
    clock = Clock()
    parts.setdefault("passwords", CountedPasswords())
    app = create_app(settings, clock=clock, **parts)
    socket = directory / f"{uuid.uuid4().hex[:8]}.sock"
    config = uvicorn.Config(
        app, uds=str(socket), log_level="critical", access_log=False, timeout_graceful_shutdown=1
    )
    listening = _Listening(config)
    thread = threading.Thread(target=listening.run, daemon=True)
    thread.start()
    assert listening.ready.wait(20), "the server did not start"
    server = Server(app, clock, socket)
    try:
        yield server
    finally:
        server.close()
        listening.should_exit = True
        thread.join(20)


class _Listening(uvicorn.Server):
    """Says when it listens, so that nobody has to look again and again."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[Any] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()
