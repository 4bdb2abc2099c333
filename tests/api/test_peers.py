"""Other systems hand reports over: by an assertion good once, for a short session that may only report."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.adapters.test_assertions import KEYS, make_assertion, pem
from tests.api.client import Person, Server
from tests.api.identity import Browser, Owner

STREET = "120116005"


@pytest.fixture(scope="module")
def security(server: Server) -> Browser:
    return Owner(server, "demo-security").browser


@pytest.fixture
def peer(server: Server, security: Browser) -> Any:
    """The hotline, admitted for reports of the hotline; its id."""
    with transaction(server.engine, NOBODY) as db:
        db.execute(text("delete from app.peer_assertions"))
        known = db.execute(text("select person_id from app.peers where revoked_at is null")).scalar()
    if known is not None:
        return str(known)
    made = security.post("/peers", asked())
    assert made.status_code == 201, made.text
    return made.json()["id"]


def asked(**over: Any) -> dict[str, Any]:
    return {
        "client_id": "hotline-12345",
        "name": "12345 热线",
        "subdistrict_code": STREET,
        "public_key_pem": pem(KEYS["ES256"]),
        "sources": ["hotline_12345"],
    } | over


def sign_in(server: Server, **claims: Any):
    return server.client.post("/api/v1/peer-sessions", json={"assertion": make_assertion(**claims)})


def test_a_peer_reports_and_does_nothing_else(server: Server, worker: Person, peer: str) -> None:
    token = sign_in(server).json()["token"]
    draft = worker.draft(source="hotline_12345", photos=[])
    with server.connect(Authorization=f"Bearer {token}") as hotline:
        assert hotline.post("/api/v1/reports", json=draft).status_code == 201
        for path in ("/cases", "/board", "/people", "/plans", "/peers"):
            assert hotline.get(f"/api/v1{path}").status_code == 403
        patrol = worker.draft(source="patrol", photos=[])
        refused = hotline.post("/api/v1/reports", json=patrol)
        assert (refused.status_code, refused.json()["facts"]["source"]) == (403, "patrol")
    with transaction(server.engine, NOBODY, read_only=True) as db:
        reporter = db.execute(text("select reporter_id from app.reports where id = :id"), {"id": draft["id"]})
        assert str(reporter.scalar_one()) == peer


def test_an_assertion_is_good_once(server: Server, peer: str) -> None:
    made = make_assertion(jti="good-once-0001")
    first, second = (server.client.post("/api/v1/peer-sessions", json={"assertion": made}) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 401)


def test_a_peers_session_is_short_and_cannot_be_prolonged(server: Server, peer: str) -> None:
    token = sign_in(server).json()["token"]
    with server.connect(Authorization=f"Bearer {token}") as hotline:
        for minutes in range(15):
            server.clock.at += timedelta(minutes=1) if minutes else timedelta(0)
            assert hotline.get("/api/v1/me").status_code == 200
        server.clock.at += timedelta(minutes=1)
        assert hotline.get("/api/v1/me").status_code == 401


@pytest.mark.parametrize("assertion", ["", "x", "a.b.c", "." * 3, "e30.e30.e30", "é", "\u0000", "A" * 5000])
def test_what_is_no_assertion_is_refused_calmly(server: Server, assertion: str) -> None:
    answer = server.client.post("/api/v1/peer-sessions", json={"assertion": assertion})
    assert answer.status_code in {401, 422}


def test_an_unknown_peer_is_answered_like_a_wrong_signature(server: Server, peer: str) -> None:
    unknown = sign_in(server, iss="nobody-knows-it", sub="nobody-knows-it")
    wrong = server.client.post("/api/v1/peer-sessions", json={"assertion": make_assertion()[:-6] + "AAAAAA"})
    for answer in (unknown, wrong):
        assert (answer.status_code, answer.json()["code"]) == (401, "sign_in_refused")
    assert unknown.json()["detail"] == wrong.json()["detail"]


def test_a_revoked_peer_is_out_at_once(server: Server, security: Browser, peer: str) -> None:
    token = sign_in(server).json()["token"]
    assert security.delete(f"/peers/{peer}").status_code == 204
    with server.connect(Authorization=f"Bearer {token}") as hotline:
        assert hotline.get("/api/v1/me").status_code == 401
    assert sign_in(server, jti="after-revoking").status_code == 401
    again = security.post("/peers", asked())
    assert again.status_code == 409, "a client id is never used for another key"


@pytest.mark.parametrize(
    ("over", "status"),
    [
        ({"public_key_pem": "not a key"}, 422),
        ({"sources": ["patrol"]}, 403),
        ({"sources": []}, 422),
        ({"subdistrict_code": "999999999"}, 404),
        ({"client_id": "Has Blanks"}, 422),
    ],
)
def test_a_peer_that_makes_no_sense_is_refused(security: Browser, over: dict[str, Any], status: int) -> None:
    assert security.post("/peers", asked(client_id="another-one") | over).status_code == status
