"""Supervision orders: who urges, who answers, and that no case moves by it."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.supervision import SupervisionOrder, order, reply
from gridmgmt.domain.workflow import State
from gridmgmt.errors import MissingFact, NotAllowed, NotReady
from tests.builders_cases import CASE_ID, ELSEWHERE, HOUR, NOW, OTHER_UNIT, STREET, UNIT, make_actor

MAY_ORDER = {"supervisor", "director", "district_officer"}


def make_order(by: Actor | None = None, **over: Any) -> SupervisionOrder:
    facts: dict[str, Any] = {
        "order_id": UUID(int=800),
        "case_id": CASE_ID,
        "subdistrict_code": STREET,
        "state": State.HANDLING,
        "unit_code": UNIT,
        "opinion": "请两日内办结",
        "actor": by or make_actor(Role.SUPERVISOR),
        "now": NOW,
        "reply_due_at": NOW + HOUR,
    }
    return order(**facts | over)


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.SYSTEM}))
def test_a_supervisor_the_director_and_the_district_urge_and_nobody_else(role: Role) -> None:
    if role in MAY_ORDER:
        assert make_actor(role).id == make_order(make_actor(role)).ordered_by
        return
    with pytest.raises(NotAllowed):
        make_order(make_actor(role))


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.SYSTEM}))
@pytest.mark.parametrize("unit", [UNIT, None])
def test_the_unit_answers_or_the_dispatcher_while_no_unit_has_the_case(role: Role, unit: str | None) -> None:
    who = Role.HANDLER if unit else Role.DISPATCHER
    if role is who:
        answered = reply(make_order(unit_code=unit), make_actor(role), NOW, "已安排")
        assert ("已安排", NOW) == (answered.reply, answered.replied_at)
        return
    with pytest.raises(NotAllowed):
        reply(make_order(unit_code=unit), make_actor(role), NOW, "已安排")


def test_another_unit_and_another_street_do_not_answer() -> None:
    handler = make_actor(Role.HANDLER)
    for actor in (
        replace(handler, unit_code=OTHER_UNIT),
        replace(handler, subdistricts=frozenset({ELSEWHERE})),
    ):
        with pytest.raises(NotAllowed):
            reply(make_order(), actor, NOW, "已安排")


@pytest.mark.parametrize("state", State)
def test_an_open_case_is_urged_and_an_ended_one_is_not(state: State) -> None:
    if not state.is_final:
        assert make_order(state=state)
        return
    with pytest.raises(NotReady) as refused:
        make_order(state=state)
    assert "open_case" == refused.value.facts["guard"]


def test_an_order_is_answered_once_with_words_and_has_words() -> None:
    handler = make_actor(Role.HANDLER)
    with pytest.raises(MissingFact):
        make_order(opinion="　")
    with pytest.raises(MissingFact):
        reply(make_order(), handler, NOW, " ")
    answered = reply(make_order(), handler, NOW, "已安排")
    with pytest.raises(NotReady) as refused:
        reply(answered, handler, NOW, "再次回复")
    assert "answered" == refused.value.facts["guard"]


def test_a_reply_is_in_time_at_the_limit_and_late_after_it_for_ever() -> None:
    given, handler = make_order(), make_actor(Role.HANDLER)
    due = given.reply_due_at
    assert not given.is_late(due)
    assert given.is_late(due + HOUR)
    assert not reply(given, handler, due, "已安排").is_late(due + HOUR)
    assert reply(given, handler, due + HOUR, "已安排").is_late(due + 9 * HOUR)
