"""A short, seeded part of ``make fuzz`` and ``make races``: what nobody should send is refused, no fault."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest
from sqlalchemy.engine import make_url

from gridmgmt.domain.org import Role
from tests.builders_attack import PROBES, probe
from tests.fuzz.described import run_as
from tests.fuzz.grown import grow
from tests.fuzz.races import race
from tests.fuzz.target import CAST, Target, target

# Of the operations that take more than an id; the full run asks all, in all roles.
PATHS = (
    "/api/v1/reports", "/api/v1/cells/at", "/api/v1/tiles/{layer}/{z}/{x}/{y}.mvt",
    "/api/v1/uploads", "/api/v1/peer-sessions",
)  # fmt: skip


@pytest.fixture(scope="module")
def fuzzed(own_demo_url: str, tmp_path_factory) -> Iterator[Target]:
    with target(own_demo_url, tmp_path_factory.mktemp("fuzz")) as served:
        yield served


@pytest.fixture(scope="module")
def dsn(own_demo_url: str) -> str:
    return make_url(own_demo_url).set(drivername="postgresql").render_as_string(hide_password=False)


def test_a_report_sent_several_times_at_once_has_one_effect(fuzzed: Target, dsn: str) -> None:
    raced = race(fuzzed, dsn, ids=120, seed=11)
    assert raced.wrong == []
    assert raced.changed > 3
    assert raced.sent > 2 * raced.ids
    assert set(raced.statuses) == {201, 409}


def test_whatever_is_grown_by_hand_is_answered_by_no_fault(fuzzed: Target) -> None:
    grown = grow(fuzzed, requests=500, seed=12)
    assert grown.wrong == []
    assert fuzzed.faults == []
    assert grown.sent >= 500
    assert len(grown.statuses) > 5, "it is refused for many reasons, and some of it is taken"


def test_every_role_is_played() -> None:
    assert set(CAST) == {str(role) for role in Role} - {Role.SYSTEM}


def test_a_peer_plays_itself_and_may_report_alone(fuzzed: Target) -> None:
    peer = {"Authorization": f"Bearer as-{CAST['peer']}"}
    with httpx.Client(base_url=f"{fuzzed.base_url}/api/v1", headers=peer, trust_env=False) as asking:
        assert asking.get("/cases").status_code == 403
        assert asking.post("/reports", json={}).status_code == 422


def test_the_document_keeps_its_word(fuzzed: Target, tmp_path: Path) -> None:
    judged = run_as(fuzzed, "acceptor", examples=2, seed=13, directory=tmp_path, only=PATHS)
    assert judged.failures == ()
    assert judged.requests > 30
    assert fuzzed.faults == []


def test_no_probe_of_geometry_reaches_the_database(fuzzed: Target, monkeypatch) -> None:
    seen: list[bytes] = []
    execute = psycopg.Cursor.execute

    def overheard(cursor, query, params=None, **more):
        seen.append(repr(params).encode())
        return execute(cursor, query, params, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", overheard)
    with httpx.Client(base_url=fuzzed.base_url, trust_env=False, timeout=30) as client:
        headers = {"Authorization": "Bearer as-demo-acceptor", "Content-Type": "application/json"}
        for name in PROBES:
            content = probe(name)
            answer = client.post("/api/v1/reports", content=content, headers=headers)
            assert answer.status_code in {413, 422}, name
    everything = b"".join(seen)
    for word in (b"Polygon", b"LineString", b"coordinates", b"CURVE"):
        assert word not in everything
