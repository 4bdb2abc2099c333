"""The auditor's view: lines of his street in order, heads for others to check, looks that leave lines."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from gridmgmt.adapters.signing import is_signed_by
from gridmgmt.domain.checkpoint import parse_note
from gridmgmt.domain.org import Role
from gridmgmt.domain.permissions import ROLE_PERMISSIONS, Permission
from gridmgmt.services import auditing, seal_check
from gridmgmt.services.sealing import Sealer
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.api.client import Person, Server
from tests.builders_audit import asked, make_sealer, seal_all, write
from tests.builders_cases import ELSEWHERE, NOW, STREET


@pytest.fixture(scope="module")
def superuser(own_demo_url: str) -> Iterator[Engine]:
    engine = make_engine(own_demo_url, pool_size=2)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def sealer(superuser: Engine, directory: Path) -> Sealer:
    made = make_sealer(directory)
    seal_all(superuser, made)
    return made


@pytest.fixture
def auditor(server: Server) -> Person:
    return server.person("demo-auditor")


def found(auditor: Person, **wanted: object) -> list[dict]:
    answer = auditor.get("/audit", **wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_lines_are_found_by_each_of_their_marks(superuser: Engine, auditor: Person) -> None:
    write(superuser, 1, object_id="marked", action="thing:mark", outcome="refused", code="not_allowed")
    write(superuser, 1)
    (line,) = found(auditor, object_kind="thing", object_id="marked")
    for mark in ("actor_id", "action", "object_kind", "object_id", "outcome", "code", "request_id"):
        if line[mark] is not None:
            assert line in found(auditor, **{mark: line[mark]})
            assert line not in found(auditor, **{mark: line[mark], "object_id": "another"})
    assert line["seq"] is None, "not sealed yet"


def test_pages_follow_each_other_without_a_line_missed_or_shown_twice(
    superuser: Engine, auditor: Person
) -> None:
    write(superuser, 7, action="thing:page")
    seen, before = [], None
    while True:
        asked_for = {"action": "thing:page", "limit": 3} | ({"before": before} if before else {})
        page = auditor.get("/audit", **asked_for).json()
        seen += [line["id"] for line in page["items"]]
        before = page["next_before"]
        if before is None:
            break
    assert len(seen) == 7
    assert seen == sorted(set(seen), reverse=True)


def test_time_bounds_are_half_open_and_a_span_has_a_limit(superuser: Engine, auditor: Person) -> None:
    write(superuser, 1, action="thing:time", at=NOW - timedelta(days=2))
    at = (NOW - timedelta(days=2)).isoformat()
    after = (NOW - timedelta(days=2) + timedelta(microseconds=1)).isoformat()
    assert len(found(auditor, action="thing:time", since=at, until=after)) == 1
    assert found(auditor, action="thing:time", since=after) == []
    long_ago = (NOW - timedelta(days=500)).isoformat()
    assert auditor.get("/audit", since=long_ago).status_code == 422
    assert auditor.get("/audit", since=at, until=long_ago).status_code == 422


def test_lines_of_other_streets_do_not_exist(superuser: Engine, auditor: Person) -> None:
    write(superuser, 1, action="thing:elsewhere", subdistrict_code=ELSEWHERE)
    write(superuser, 1, action="thing:elsewhere", subdistrict_code=None)
    assert found(auditor, action="thing:elsewhere") == []


def test_changes_of_what_all_streets_share_are_seen_without_personal_data(
    superuser: Engine, auditor: Person
) -> None:
    with transaction(superuser, NOBODY) as db:
        db.execute(text("update app.stage_limits set amount = amount + 1 where state = 'filed'"))
        db.execute(text("update app.people set name = '改名' where login = 'demo-planner'"))
    span = {"since": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z"}
    changed, *_ = found(auditor, object_kind="stage_limits", action="row:update", **span)
    assert changed["facts"]["new"]["amount"] == changed["facts"]["old"]["amount"] + 1
    (renamed,) = found(auditor, object_kind="people", action="row:update", **span)
    assert "改名" not in str(renamed)


def test_looking_leaves_a_line_that_says_what_was_looked_for(auditor: Person) -> None:
    answer = auditor.get("/audit", object_kind="case", outcome="refused")
    (line,) = found(auditor, request_id=answer.headers["x-request-id"])
    assert (line["action"], line["actor_id"], line["subdistrict_code"]) == (
        "audit:search",
        auditor.id,
        STREET,
    )
    assert line["facts"]["asked"]["object_kind"] == "case"
    assert line["facts"]["found"] == len(answer.json()["items"])


def test_a_head_can_be_checked_by_whoever_has_the_public_key(sealer: Sealer, auditor: Person) -> None:
    answer = auditor.get("/audit/head").json()
    note = parse_note(answer["note"])
    assert is_signed_by(note, sealer.key.public_key)
    assert (answer["size"], answer["root"]) == (note.head.size, note.head.root.hex())
    page = auditor.get("/audit/head.html")
    assert page.headers["content-type"].startswith("text/html")
    assert "<svg" in page.text
    assert str(note.head.size) in page.text


def test_the_status_says_what_waits_and_how_the_last_verification_ended(
    superuser: Engine, sealer: Sealer, auditor: Person
) -> None:
    write(superuser, 3)
    before = auditor.get("/audit/status").json()
    assert before["waiting"] >= 3
    with transaction(superuser, NOBODY) as db:
        report = seal_check.verify(db, asked(sealer), NOW)
    with transaction(superuser, NOBODY) as db:
        auditing.record_verification(db, report, NOW)
    seal_all(superuser, sealer)
    after = auditor.get("/audit/status").json()
    assert after["waiting"] == 0
    assert after["head"]["size"] > before["head"]["size"]
    assert (after["last_verification"]["sound"], after["last_verification"]["first"]) == (True, None)


def test_auditors_audit_and_change_nothing_and_nobody_else_audits() -> None:
    assert ROLE_PERMISSIONS[Role.AUDITOR] <= {Permission.AUDIT_READ, Permission.PHOTO_ORIGINAL}
    assert [r for r in Role if Permission.AUDIT_READ in ROLE_PERMISSIONS[r]] == [Role.AUDITOR]
