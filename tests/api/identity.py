"""Somebody who really signs in: a password, an authenticator, a browser with cookies."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pyotp

from gridmgmt.adapters import secrets
from gridmgmt.storage import accounts, people
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Server

PASSWORD = "correct horse of Hangzhou road"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
_addresses = itertools.count(1)


def give_link(server: Server, login: str, *, lifetime: timedelta = timedelta(hours=1)) -> str:
    """A one-time link's secret for a person of the demo street, as an administrator would make it."""
    token, now = secrets.new_token(), server.clock()
    with transaction(server.engine, NOBODY) as db:
        person = people.person_named(db, login)
        assert person is not None, login
        accounts.add_link(db, person, secrets.digest(token), None, now, now + lifetime)
    return token


def other_network() -> str:
    """An address in a network of its own, another one each time."""
    number = next(_addresses)
    return f"10.{number >> 8 & 255}.{number & 255}.7"


class Browser:
    """A browser of one person: cookies, an address, and the headers that browsers send by themselves."""

    def __init__(self, server: Server, address: str | None = None) -> None:
        self.server = server
        self.address = address or other_network()
        self.http = server.connect(
            **OWN_PAGE,
            **{"X-Forwarded-For": self.address, "User-Agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/156.0"},
        )

    def post(self, path: str, body: Any = None) -> httpx.Response:
        """POST below /api/v1."""
        return self.http.post(f"/api/v1{path}", json=body)

    def get(self, path: str) -> httpx.Response:
        """GET below /api/v1."""
        return self.http.get(f"/api/v1{path}")

    def delete(self, path: str) -> httpx.Response:
        """DELETE below /api/v1."""
        return self.http.delete(f"/api/v1{path}")

    def put(self, path: str, body: Any) -> httpx.Response:
        """PUT below /api/v1."""
        return self.http.put(f"/api/v1{path}", json=body)

    def password(self, login: str, password: str = PASSWORD) -> httpx.Response:
        """The first step."""
        return self.post("/sign-in", {"login": login, "password": password})


class Owner:
    """Somebody whose account is set up; his authenticator is here."""

    def __init__(self, server: Server, login: str, password: str = PASSWORD) -> None:
        self.server, self.login, self.password = server, login, password
        self.browser = Browser(server)
        self.link = give_link(server, login)
        begun = self.browser.post("/set-up/password", {"link": self.link, "password": password})
        assert begun.status_code == 200, begun.text
        self.secret: str = begun.json()["secret"]
        self.enrolment: dict[str, Any] = begun.json()
        done = self.browser.post("/set-up/code", {"ticket": begun.json()["ticket"], "code": self.code()})
        assert done.status_code == 200, done.text
        self.recovery_codes: list[str] = done.json()["recovery_codes"]
        self.id = UUID(done.json()["me"]["id"])

    def code(self, at: datetime | None = None) -> str:
        """What the authenticator shows."""
        moment = at or self.server.clock()
        return pyotp.TOTP(self.secret).at(int(moment.astimezone(UTC).timestamp()))

    def next_code(self) -> str:
        """Half a minute later, another code."""
        self.server.clock.at += timedelta(seconds=30)
        return self.code()

    def sign_in(self, browser: Browser | None = None) -> Browser:
        """Sign in with both factors, on another browser unless told which."""
        used = browser or Browser(self.server)
        begun = used.password(self.login, self.password)
        assert begun.status_code == 200, begun.text
        done = used.post("/sign-in/code", {"ticket": begun.json()["ticket"], "code": self.next_code()})
        assert done.status_code == 200, done.text
        assert done.json()["next"] == "done"
        return used
