"""Who somebody is and may do; the demo's people can be played, nobody real can."""

import os

import pytest
from sqlalchemy import text

from gridmgmt.domain.permissions import Permission
from gridmgmt.domain.sessionrules import SessionTimes
from gridmgmt.errors import NotFound
from gridmgmt.services import sessions
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import people
from gridmgmt.storage import sessions as storage
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW, STREET
from tests.builders_street import ENFORCEMENT, Street


def test_somebody_is_told_his_roles_rights_and_street(db: Db, books: RuleBooks) -> None:
    street = Street(db, books)
    me = sessions.about(db, street.handler(ENFORCEMENT))
    assert me["roles"] == ["handler"]
    assert me["permissions"] == sorted(
        [
            Permission.CASE_READ,
            Permission.BOARD_READ,
            Permission.PLAN_READ,
            Permission.CASE_HANDLE,
            Permission.PERSONAL_REVEAL,
            Permission.EXPORT_ASK,
        ]
    )
    assert me["subdistrict"] == {"code": STREET, "name": "杭州道街道", "district_name": "滨海新区"}
    assert (me["login"], me["unit_code"], me["unit_name"]) == (
        "demo-unit-hzd-01", ENFORCEMENT, "综合执法队（示例）",
    )  # fmt: skip


def test_the_demos_people_are_listed_for_the_page_they_use(db: Db) -> None:
    told = sessions.demo_people(db)
    by_login = {p["login"]: p for p in told["people"]}
    assert told["label"] == "synthetic"
    assert by_login["demo-worker-001"]["for"] == ["field"]
    assert by_login["demo-unit-hzd-01"]["for"] == ["field"]
    assert by_login["demo-shift"]["for"] == ["centre"]
    assert told["defaults"]["centre"] == by_login["demo-shift"]["id"]
    assert told["defaults"]["field"] in {p["id"] for p in told["people"] if "grid_worker" in p["roles"]}


def test_without_the_demo_there_is_nobody_to_play(db: Db) -> None:
    db.execute(text("update app.people set synthetic = false"))
    with pytest.raises(NotFound):
        sessions.demo_people(db)


def test_playing_a_part_opens_an_audited_session(db: Db, books: RuleBooks) -> None:
    person = people.person_named(db, "demo-acceptor")
    assert person is not None
    token = os.urandom(32)
    actor = sessions.open_demo_session(db, person, token, NOW, SessionTimes())
    assert actor.id == person
    assert [a.action for a in Street(db, books).audited("person", person)] == ["session:open_demo"]
    sessions.end(db, actor, NOW, token)
    assert storage.actor_of_session(db, token, NOW) is None
    assert [a.action for a in Street(db, books).audited("person", person)][-1] == "session:end"


@pytest.mark.parametrize("change", ["synthetic = false", "active = false"])
def test_nobody_real_and_nobody_who_left_can_be_played(db: Db, change: str) -> None:
    person = people.person_named(db, "demo-acceptor")
    assert person is not None
    db.execute(text(f"update app.people set {change} where id = :id"), {"id": person})
    with pytest.raises(NotFound):
        sessions.open_demo_session(db, person, os.urandom(32), NOW, SessionTimes())
