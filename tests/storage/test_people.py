"""Sessions lead to the person with the roles and scope of this very moment."""

import os
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import text

from gridmgmt.domain.org import Role
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import people, sessions
from gridmgmt.storage.db import Db
from tests.builders_cases import ELSEWHERE, NOW, STREET
from tests.builders_street import Street, found_small_street, make_session

HOUR = timedelta(hours=1)


@pytest.fixture
def token(db: Db) -> bytes:
    made = os.urandom(32)
    person = people.person_named(db, "demo-worker-001")
    assert person is not None
    sessions.open_session(db, make_session(made, person), NOW)
    return made


def test_a_session_leads_to_roles_scope_and_cells(db: Db, books: RuleBooks, token: bytes) -> None:
    actor = sessions.actor_of_session(db, token, NOW)
    assert actor is not None
    assert actor.roles == {Role.GRID_WORKER}
    assert actor.subdistricts == {STREET}
    assert actor.cell_codes == {Street(db, books).plan.plan.cells[0].code}


@pytest.mark.parametrize(("after", "signed_in"), [(HOUR - timedelta.resolution, True), (HOUR, False)])
def test_a_session_ends_at_its_hour(db: Db, token: bytes, after: timedelta, *, signed_in: bool) -> None:
    assert (sessions.actor_of_session(db, token, NOW + after) is not None) is signed_in


def test_a_session_that_was_ended_is_over(db: Db, token: bytes) -> None:
    sessions.end_session(db, token, NOW)
    assert sessions.actor_of_session(db, token, NOW) is None


def test_an_unknown_token_leads_to_nobody(db: Db) -> None:
    assert sessions.actor_of_session(db, os.urandom(32), NOW) is None


def test_somebody_who_left_is_signed_out_at_once(db: Db, token: bytes) -> None:
    db.execute(text("update app.people set active = false where login = 'demo-worker-001'"))
    assert sessions.actor_of_session(db, token, NOW) is None
    assert people.person_named(db, "demo-worker-001") is None


def test_a_role_that_was_taken_away_is_gone_from_the_next_request_on(db: Db, token: bytes) -> None:
    person = people.person_named(db, "demo-worker-001")
    db.execute(text("delete from app.person_roles where person_id = :id"), {"id": person})
    actor = sessions.actor_of_session(db, token, NOW)
    assert actor is not None
    assert (actor.roles, actor.subdistricts) == (frozenset(), frozenset())


def test_a_cell_is_the_workers_only_on_the_days_of_his_assignment(db: Db, token: bytes) -> None:
    person = people.person_named(db, "demo-worker-001")
    statement = text("update app.cell_workers set valid_to = :day where person_id = :id")
    db.execute(statement, {"day": NOW.date(), "id": person})
    actor = sessions.actor_of_session(db, token, NOW)
    assert actor is not None
    assert actor.cell_codes == frozenset()


def test_people_are_listed_by_street_and_login(db: Db) -> None:
    found_small_street(db)
    here, there = people.list_people(db, [STREET]), people.list_people(db, [ELSEWHERE])
    assert [p.login for p in there] == [
        "elsewhere-director", "elsewhere-planner", "elsewhere-shift", "elsewhere-worker",
    ]  # fmt: skip
    assert [p.login for p in here] == sorted(p.login for p in here)
    assert not {p.id for p in here} & {p.id for p in there}
    handler = next(p for p in here if p.unit_code == "HZD-01")
    assert handler.unit_name == "综合执法队（示例）"
    assert people.list_people(db, []) == []


def test_only_active_synthetic_people_are_of_the_demo(db: Db) -> None:
    person = people.person_named(db, "demo-worker-001")
    assert person is not None
    assert people.is_synthetic(db, person)
    assert not people.is_synthetic(db, uuid4())
    db.execute(text("update app.people set synthetic = false where id = :id"), {"id": person})
    assert not people.is_synthetic(db, person)


def test_streets_are_known_by_code(db: Db) -> None:
    assert people.subdistrict_codes(db) == [STREET]
    row = people.subdistrict_row(db, STREET)
    assert row is not None
    assert row["name"] == "杭州道街道"
    assert people.subdistrict_row(db, ELSEWHERE) is None
