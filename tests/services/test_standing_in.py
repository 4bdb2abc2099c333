"""Deputies at work: named, standing in with what was handed over, ended, and on record."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from gridmgmt.domain.deputy import Deputyship
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.permissions import Axis
from gridmgmt.domain.workflow import Action, State
from gridmgmt.errors import ContentDiffers, DutiesNotSeparated, InvalidInput, NotAllowed, NotFound, NotReady
from gridmgmt.services import standing_in
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import cases, deputies
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW, STREET
from tests.builders_street import CLEANING, ENFORCEMENT, SORTING, Street, stranger


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def name(street: Street, absent: Actor, deputy: Actor, role: Role, **over: Any) -> Deputyship:
    facts: dict[str, Any] = {
        "id": uuid.uuid4(), "person_id": absent.id, "deputy_id": deputy.id, "role": role,
        "starts_at": NOW, "ends_at": NOW + timedelta(days=7),
    }  # fmt: skip
    by = over.pop("by", street.director)
    return standing_in.name_deputy(street.db, by, street.now, standing_in.NameDeputy(**facts | over))


def stand_in(street: Street, deputy: Actor, absent: Actor) -> Actor:
    return standing_in.standing_in_for(street.db, deputy, absent.id, street.now)


def test_a_deputy_dispatches_in_the_others_post_and_both_have_then_commanded(street: Street) -> None:
    case = street.report(category=SORTING)
    deputy = street.leader_of(case.cell_code)
    with pytest.raises(NotAllowed):
        street.act(case, Action.DISPATCH, deputy, unit_code=CLEANING)
    name(street, street.dispatcher, deputy, Role.DISPATCHER)
    acting = stand_in(street, deputy, street.dispatcher)
    moved = street.act(case, Action.DISPATCH, acting, unit_code=CLEANING)
    assert {p: moved.acted[p] for p in (deputy.id, street.dispatcher.id)} == {
        deputy.id: Axis.COMMAND, street.dispatcher.id: Axis.COMMAND,
    }  # fmt: skip
    step = cases.history(street.db, case.id)[-1]
    assert (step.actor_id, step.on_behalf_of) == (deputy.id, street.dispatcher.id)
    (line,) = [entry for entry in street.audited("case", case.id) if entry.action == "case:dispatch"]
    assert line.facts["on_behalf_of"] == str(street.dispatcher.id)
    street.handled(case)
    with pytest.raises(DutiesNotSeparated):
        street.act(case, Action.PASS_VERIFICATION, deputy, opinion="好")


def test_a_deputy_handles_for_the_others_unit_and_cannot_grant_what_he_asked_for(street: Street) -> None:
    case = street.report()
    unit = street.handler(ENFORCEMENT)
    deputy = street.handler(CLEANING)
    name(street, unit, deputy, Role.HANDLER)
    acting = stand_in(street, deputy, unit)
    assert acting.unit_code == ENFORCEMENT
    street.act(case, Action.SIGN_FOR, acting)
    request = street.ask(case, Action.EXTEND, acting, reason="配件", amount=1, unit="working_hour")
    assert (request.asked_by, request.asked_for) == (deputy.id, unit.id)
    (shown,) = street.requests_of(case)
    assert shown["asked_for"] == unit.id
    for granter in (
        replace(street.director, id=unit.id), replace(street.director, on_behalf_of=unit.id),
    ):  # fmt: skip
        with pytest.raises(DutiesNotSeparated):
            street.answer(request, granter)
    assert street.case(case.id).state is State.HANDLING


@pytest.mark.parametrize("role", ["shift_leader", "dispatcher", "acceptor", "district"])
def test_the_director_alone_names_deputies(street: Street, role: str) -> None:
    with pytest.raises(NotAllowed):
        name(street, street.dispatcher, street.acceptor, Role.DISPATCHER, by=getattr(street, role))


def test_only_a_role_that_is_held_here_by_somebody_who_works_here_is_handed_over(street: Street) -> None:
    with pytest.raises(InvalidInput):
        name(street, street.dispatcher, street.acceptor, Role.SHIFT_LEADER)
    with pytest.raises(InvalidInput):
        name(street, street.dispatcher, street.person("demo-auditor"), Role.DISPATCHER)
    with pytest.raises(InvalidInput):
        name(street, street.dispatcher, replace(street.acceptor, id=uuid.uuid4()), Role.DISPATCHER)


def test_it_holds_in_its_time_only_and_ends_when_somebody_comes_back(street: Street) -> None:
    given = name(
        street, street.dispatcher, street.acceptor, Role.DISPATCHER, starts_at=NOW + timedelta(hours=1)
    )
    with pytest.raises(NotAllowed):
        stand_in(street, street.acceptor, street.dispatcher)
    later = street.later(hours=2)
    assert stand_in(later, street.acceptor, street.dispatcher).roles == {Role.DISPATCHER}
    with pytest.raises(NotAllowed):
        standing_in.end(street.db, street.acceptor, later.now, given.id)
    standing_in.end(street.db, street.dispatcher, later.now, given.id)
    with pytest.raises(NotAllowed):
        stand_in(later, street.acceptor, street.dispatcher)
    with pytest.raises(NotReady):
        standing_in.end(street.db, street.director, later.now, given.id)


def test_nobody_hands_over_a_role_that_he_lost(street: Street) -> None:
    name(street, street.dispatcher, street.acceptor, Role.DISPATCHER)
    statement = text("delete from app.person_roles where person_id = :p and role = 'dispatcher'")
    street.db.execute(statement, {"p": street.dispatcher.id})
    with pytest.raises(NotAllowed):
        stand_in(street, street.acceptor, street.dispatcher)


def test_the_ladder_asks_who_stands_in_now(street: Street) -> None:
    given = name(street, street.dispatcher, street.acceptor, Role.DISPATCHER)
    name(street, street.shift_leader, street.acceptor, Role.SHIFT_LEADER, starts_at=NOW + timedelta(days=1))
    assert deputies.in_force(street.db, [STREET], NOW) == [given]
    assert deputies.in_force(street.db, [STREET], NOW, person_id=street.dispatcher.id) == [given]
    assert deputies.in_force(street.db, [STREET], NOW, person_id=street.director.id) == []
    assert len(deputies.in_force(street.db, [STREET], NOW + timedelta(days=2))) == 2
    assert deputies.in_force(street.db, ["120116006"], NOW) == []


def test_the_list_says_who_for_whom_and_whether_it_holds(street: Street) -> None:
    name(street, street.dispatcher, street.acceptor, Role.DISPATCHER, starts_at=NOW + timedelta(days=1))
    (row,) = standing_in.listed(street.db, street.shift_leader, NOW)
    assert (row["person_name"], row["deputy_name"], row["in_force"]) == (
        street.dispatcher.name, street.acceptor.name, False,
    )  # fmt: skip
    assert standing_in.listed(street.db, street.shift_leader, NOW + timedelta(days=9)) == []


def test_the_same_deputyship_again_is_one_and_another_street_has_none(street: Street) -> None:
    given = uuid.uuid4()
    first = name(street, street.dispatcher, street.acceptor, Role.DISPATCHER, id=given)
    assert name(street, street.dispatcher, street.acceptor, Role.DISPATCHER, id=given) == first
    with pytest.raises(ContentDiffers):
        name(street, street.shift_leader, street.acceptor, Role.SHIFT_LEADER, id=given)
    with pytest.raises(NotFound):
        standing_in.end(street.db, stranger(street.director), NOW, given)
    assert [line.action for line in street.audited("deputyship", given)] == ["deputy:name", "deputy:name"]


def test_whoever_names_a_deputy_past_the_program_leaves_an_image_in_the_log(street: Street) -> None:
    given = name(street, street.dispatcher, street.acceptor, Role.DISPATCHER)
    street.db.execute(text("update app.deputies set role = 'shift_leader' where id = :id"), {"id": given.id})
    query = text("select action from app.audit_log where object_kind = 'deputies' order by id")
    assert list(street.db.execute(query).scalars()) == ["row:insert", "row:update"]
