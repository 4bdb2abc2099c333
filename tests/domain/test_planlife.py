"""A plan's life, written down a second time: who may do what in which status, and what is refused how."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from gridmgmt.domain.grid import PlanStatus
from gridmgmt.domain.org import Role
from gridmgmt.domain.planlife import (
    LIFE,
    MOVES_OF_STATUS,
    PLAN_ACTION_NAMES_ZH,
    PLAN_STATUS_NAMES_ZH,
    PlanAction,
    PlanHead,
    legal_plan_actions,
    require_ahead,
    require_move,
    require_undoable,
)
from gridmgmt.errors import GridError, IllegalAction, MissingFact, NotAllowed, NotReady, OwnRequest
from tests.builders_cases import ELSEWHERE, NOW, STREET, make_actor

HOUR = timedelta(hours=1)
DRAWER = UUID(int=77)
FACTS = {"opinion": "同意", "reason": "边界有误"}

LEGAL = {
    "draft": {"check": "checked", "withdraw": "withdrawn"},
    "checked": {"review": "reviewed", "reject": "rejected", "withdraw": "withdrawn"},
    "reviewed": {"publish": "published", "withdraw": "withdrawn"},
    "published": {"undo": "reviewed"},
    "rejected": {},
    "withdrawn": {},
}
MAY = {
    "planner": {"check", "withdraw", "publish", "undo"},
    "director": {"publish", "undo"},
    "district_officer": {"review", "reject"},
}


def make_head(status: str = "draft", **over: object) -> PlanHead:
    facts = {"id": UUID(int=5), "subdistrict_code": STREET, "version": 2, "status": PlanStatus(status)}
    return PlanHead(**{**facts, "valid_from": NOW + HOUR, "drawn_by": DRAWER, **over})  # type: ignore[arg-type]


def test_the_table_is_the_one_written_here() -> None:
    found = {str(s): {} for s in PlanStatus}
    for (status, action), move in LIFE.items():
        found[str(status)][str(action)] = str(move.target)
    assert found == LEGAL


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("status", list(PlanStatus))
@pytest.mark.parametrize("action", [a for a in PlanAction if a is not PlanAction.DRAW])
def test_each_role_may_what_is_written_here_and_nothing_else(
    role: Role, status: PlanStatus, action: PlanAction
) -> None:
    head, actor = make_head(status), make_actor(role)
    may = str(action) in MAY.get(str(role), set())
    legal = str(action) in LEGAL[str(status)]
    if may and legal:
        assert str(require_move(head, action, actor, FACTS).target) == LEGAL[str(status)][str(action)]
        return
    with pytest.raises(GridError) as refused:
        require_move(head, action, actor, FACTS)
    assert refused.value.article
    assert refused.value.rule


def test_a_refusal_names_article_rule_and_what_would_be_legal() -> None:
    with pytest.raises(IllegalAction) as refused:
        require_move(make_head("draft"), PlanAction.PUBLISH, make_actor(Role.PLANNER), {})
    assert (refused.value.article, refused.value.rule) == ("21-1", "R21a")
    assert refused.value.facts["legal"] == ["check", "withdraw"]


def test_a_draft_cannot_reach_force_without_check_and_review() -> None:
    reached, steps = {PlanStatus.DRAFT: [[PlanStatus.DRAFT]]}, [[PlanStatus.DRAFT]]
    while steps:
        path = steps.pop()
        for before, after in MOVES_OF_STATUS:
            if before is path[-1] and after not in path:
                steps.append([*path, after])
                reached.setdefault(after, []).append([*path, after])
    for path in reached[PlanStatus.PUBLISHED]:
        assert PlanStatus.CHECKED in path
        assert PlanStatus.REVIEWED in path
    assert set(reached) == set(PlanStatus)


@pytest.mark.parametrize("missing", ["", "  ", None])
def test_a_review_needs_an_opinion_and_a_rejection_a_reason(missing: object) -> None:
    district = make_actor(Role.DISTRICT_OFFICER)
    for action, name in ((PlanAction.REVIEW, "opinion"), (PlanAction.REJECT, "reason")):
        with pytest.raises(MissingFact) as refused:
            require_move(make_head("checked"), action, district, {name: missing})
        assert refused.value.facts["missing"] == [name]


def test_whoever_drew_a_plan_does_not_review_it_nor_through_a_deputy() -> None:
    both = frozenset({Role.PLANNER, Role.DISTRICT_OFFICER})
    for over in ({"id": DRAWER}, {"on_behalf_of": DRAWER}):
        reviewer = replace(make_actor(), roles=both, **over)
        with pytest.raises(OwnRequest):
            require_move(make_head("checked"), PlanAction.REVIEW, reviewer, FACTS)
    assert require_move(make_head("checked"), PlanAction.REVIEW, replace(make_actor(), roles=both), FACTS)


def test_outside_his_scope_nobody_is_told_the_status() -> None:
    with pytest.raises(NotAllowed) as refused:
        require_move(
            make_head("draft"),
            PlanAction.PUBLISH,
            make_actor(Role.PLANNER, subdistricts=frozenset({ELSEWHERE})),
            FACTS,
        )
    assert refused.value.facts["in_scope"] is False


def test_a_plan_takes_effect_in_the_future() -> None:
    require_ahead(NOW + timedelta.resolution, NOW)
    for late in (NOW, NOW - HOUR):
        with pytest.raises(NotReady) as refused:
            require_ahead(late, NOW)
        assert refused.value.facts["guard"] == "effective_later"


def test_a_publication_is_undone_until_the_instant_it_takes_effect() -> None:
    head = make_head("published")
    require_undoable(head, head.valid_from - timedelta.resolution, handed_over=0, later=None)
    for now, handed_over, later, guard in (
        (head.valid_from, 0, None, "before_effect"),
        (head.valid_from - HOUR, 3, None, "before_effect"),
        (head.valid_from - HOUR, 0, 3, "last_published"),
    ):
        with pytest.raises(NotReady) as refused:
            require_undoable(head, now, handed_over=handed_over, later=later)
        assert (refused.value.facts["guard"], refused.value.article) == (guard, "21-1")


def test_everything_has_a_chinese_name() -> None:
    assert set(PLAN_ACTION_NAMES_ZH) == set(PlanAction)
    assert set(PLAN_STATUS_NAMES_ZH) == set(PlanStatus)
    assert legal_plan_actions(PlanStatus.REJECTED) == ()
