"""A plan on its way, with real hands: whose turn it is, what is refused, what is on record afterwards."""

import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from gridmgmt.domain.grid import PlanStatus
from gridmgmt.domain.planlife import PlanAction
from gridmgmt.errors import (
    ContentDiffers,
    IllegalAction,
    InvalidInput,
    MissingFact,
    NotAllowed,
    NotFound,
    NotReady,
    PlanNotAdoptable,
    PlanNotInForce,
)
from gridmgmt.geo.crs import Datum
from gridmgmt.geo.hexes import hex_of
from gridmgmt.services import gridplans, plan_life
from gridmgmt.services.plan_life import MovePlan
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import grids
from gridmgmt.storage.db import Db, act_as
from gridmgmt.storage.rights.walls import Acting
from tests.builders_cases import NOW, STREET
from tests.builders_plans import assign, drawn, merged_cell, move, neighbours, published, redrawn
from tests.builders_street import Street, elsewhere_street, found_small_street, inner_point

DAY = timedelta(days=1)
TICK = timedelta.resolution


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def test_a_plan_goes_from_the_drawing_board_into_force_by_three_hands(street: Street) -> None:
    plan = drawn(street, redrawn(street.plan.plan, NOW + DAY))
    assert move(street, plan.id, "check").status is PlanStatus.CHECKED
    assert move(street, plan.id, "review", document_no="区网格〔2026〕8号").status is PlanStatus.REVIEWED
    head = move(street, plan.id, "publish", by=street.director, valid_from="2026-12-01T00:00:00+08:00")
    assert (head.status, head.valid_from.isoformat()) == (PlanStatus.PUBLISHED, "2026-12-01T00:00:00+08:00")
    first, second = grids.published_plans(street.db, STREET)
    assert (first.valid_to, second.valid_to) == (second.valid_from, None)
    assert second.valid_from == head.valid_from
    lines = [(e.action, e.actor_id) for e in street.audited("plan", plan.id)]
    assert sorted(lines, key=str) == sorted(
        [
            ("plan:draw", street.planner.id),
            ("plan:check", street.planner.id),
            ("plan:review", street.district.id),
            ("plan:publish", street.director.id),
        ],
        key=str,
    )


def test_the_whole_way_works_behind_the_walls_of_the_database(street: Street) -> None:
    plan = redrawn(street.plan.plan, NOW + DAY)
    people = {"draw": street.planner, "check": street.planner, "review": street.district,
              "publish": street.director, "undo": street.planner, "withdraw": street.planner}  # fmt: skip
    for action, person in people.items():
        act_as(street.db, Acting.of(person))
        if action == "draw":
            drawn(street, plan)
        else:
            move(street, plan.id, action, by=person, reason="日期有误")
    found = plan_life.plan_facts(street.db, street.planner, NOW, plan.id)
    assert [line["action"] for line in found["history"]] == list(people)
    assert (found["status"], found["legal"], found["in_force"]) == (PlanStatus.WITHDRAWN, [], False)


@pytest.mark.parametrize(
    ("action", "login"),
    [
        ("check", "demo-district"), ("review", "demo-planner"), ("review", "demo-director"),
        ("reject", "demo-shift"), ("withdraw", "demo-district"),
    ],
)  # fmt: skip
def test_every_hand_keeps_to_its_own(street: Street, action: str, login: str) -> None:
    plan = drawn(street, redrawn(street.plan.plan, NOW + DAY))
    if action != "check":
        move(street, plan.id, "check")
    with pytest.raises(NotAllowed) as refused:
        move(street, plan.id, action, by=street.person(login), reason="x", opinion="x")
    assert (refused.value.article, refused.value.rule) == ("11", "R11")


def test_an_unreviewed_plan_is_not_published_and_a_rejected_one_is_over(street: Street) -> None:
    plan = drawn(street, redrawn(street.plan.plan, NOW + DAY))
    with pytest.raises(IllegalAction):
        move(street, plan.id, "publish")
    move(street, plan.id, "check")
    with pytest.raises(IllegalAction) as refused:
        move(street, plan.id, "publish")
    assert refused.value.facts["legal"] == ["review", "reject", "withdraw"]
    with pytest.raises(MissingFact):
        move(street, plan.id, "reject")
    assert move(street, plan.id, "reject", reason="切断小区").status is PlanStatus.REJECTED
    with pytest.raises(IllegalAction):
        move(street, plan.id, "review")


def test_a_draft_with_a_gap_is_stored_and_not_checked(street: Street) -> None:
    whole = redrawn(street.plan.plan, NOW + DAY)
    plan = drawn(street, replace(whole, cells=whole.cells[1:]))
    with pytest.raises(PlanNotAdoptable) as refused:
        move(street, plan.id, "check")
    assert refused.value.facts["failed"] == ["seamless"]
    assert (refused.value.article, refused.value.rule) == ("21-1", "R21a")
    assert plan_life.plan_facts(street.db, street.planner, NOW, plan.id)["status"] is PlanStatus.DRAFT


def test_a_code_that_means_other_ground_is_refused_with_its_name(street: Street) -> None:
    plan = street.plan.plan
    a, b = neighbours(plan)
    swapped = tuple(
        replace(c, polygon={a.code: b, b.code: a}[c.code].polygon) if c in (a, b) else c for c in plan.cells
    )
    with pytest.raises(PlanNotAdoptable) as refused:
        drawn(street, replace(plan, id=uuid.uuid4(), version=2, valid_from=NOW + DAY, cells=swapped))
    assert refused.value.facts["failed"] == ["code_never_reused"]
    assert refused.value.facts["defects"] == [a.code, b.code]


def test_a_draft_and_a_move_sent_twice_are_done_once(street: Street) -> None:
    plan = drawn(street, redrawn(street.plan.plan, NOW + DAY))
    drawn(street, plan)
    with pytest.raises(ContentDiffers):
        drawn(street, replace(plan, cells=plan.cells[1:]))
    command = MovePlan(uuid.uuid4(), plan.id, PlanAction.CHECK, {})
    for _ in range(2):
        assert plan_life.move_plan(street.db, street.planner, NOW, command).status is PlanStatus.CHECKED
    with pytest.raises(ContentDiffers):
        plan_life.move_plan(street.db, street.planner, NOW, replace(command, action=PlanAction.WITHDRAW))
    assert len(plan_life.plan_facts(street.db, street.planner, NOW, plan.id)["history"]) == 2


def test_a_plan_takes_effect_in_the_future(street: Street) -> None:
    plan = drawn(street, redrawn(street.plan.plan, NOW + DAY))
    for action in ("check", "review"):
        move(street, plan.id, action)
    with pytest.raises(NotReady) as refused:
        move(street, plan.id, "publish", valid_from=NOW.isoformat())
    assert refused.value.facts["guard"] == "effective_later"
    with pytest.raises(InvalidInput):
        move(street, plan.id, "publish", valid_from="2026-12-01")


def test_the_answer_to_publishing_names_cells_without_a_worker(street: Street) -> None:
    plan = published(street, redrawn(street.plan.plan, NOW + DAY))
    history = plan_life.plan_facts(street.db, street.planner, NOW, plan.id)["history"]
    assert history[-1]["facts"]["cells_without_worker"] == [merged_cell(plan).code]


def test_owners_change_at_the_instant_of_the_switch_and_not_before(street: Street, books: RuleBooks) -> None:
    switch = NOW + DAY
    before = street.plan.plan
    plan = published(street, redrawn(before, switch))
    new, old = merged_cell(plan), neighbours(before)[0]
    worker = street.worker_of(before.cells[-1].code)
    assign(street.db, new.code, worker.id, switch.date())
    place = inner_point(old.polygon)

    def owner(at):
        return gridplans.cell_at(street.db, street.planner, books, place.lon, place.lat, Datum.CGCS2000, at)

    last, first = owner(switch - TICK), owner(switch)
    assert (last["code"], last["plan_version"], last["plan_valid_to"]) == (old.code, 1, switch)
    assert (first["code"], first["plan_version"], first["plan_valid_to"]) == (new.code, 2, None)
    assert owner(switch + 400 * DAY)["code"] == new.code
    assert last["worker"]["id"] == street.worker_of(old.code).id
    assert [(p["id"], p["duty"]) for p in first["people"]] == [(worker.id, "worker")]
    with pytest.raises(PlanNotInForce):
        owner(before.valid_from - TICK)
    sql = [
        grids.cell_at_by_sql(street.db, street.planner, hex_of(place), place, at)
        for at in (switch - TICK, switch)
    ]
    assert sql == [old.code, new.code]


def test_a_publication_is_undone_and_the_plan_before_goes_on(street: Street) -> None:
    plan = published(street, redrawn(street.plan.plan, NOW + DAY))
    late = street.later(hours=24)
    late.now -= TICK
    assert move(late, plan.id, "undo", reason="日期有误").status is PlanStatus.REVIEWED
    (only,) = grids.published_plans(street.db, STREET)
    assert (only.version, only.valid_to) == (1, None)
    again = move(late, plan.id, "publish", valid_from=(NOW + 3 * DAY).isoformat())
    assert again.status is PlanStatus.PUBLISHED


def test_from_the_instant_it_takes_effect_it_is_not_undone(street: Street) -> None:
    plan = published(street, redrawn(street.plan.plan, NOW + DAY))
    with pytest.raises(NotReady) as refused:
        move(street.later(days=1), plan.id, "undo", reason="日期有误")
    assert refused.value.facts["guard"] == "before_effect"
    assert refused.value.facts["valid_from"] == (NOW + DAY).isoformat()
    assert "Publish another plan" in refused.value.message


def test_plans_that_follow_each_other_are_undone_from_the_last(street: Street) -> None:
    second = published(street, redrawn(street.plan.plan, NOW + DAY))
    third = redrawn(street.plan.plan, NOW + 2 * DAY, version=3, skip=1)
    published(street, third)
    with pytest.raises(NotReady) as refused:
        move(street, second.id, "undo", reason="日期有误")
    assert (refused.value.facts["guard"], refused.value.facts["version"]) == ("last_published", 3)
    for plan in (third, second):
        move(street, plan.id, "undo", reason="日期有误")


def test_a_plan_of_another_street_is_not_found(street: Street, books: RuleBooks) -> None:
    found_small_street(street.db)
    other = elsewhere_street(street.db, books)
    plan = drawn(street, redrawn(street.plan.plan, NOW + DAY))
    with pytest.raises(NotFound):
        move(street, plan.id, "check", by=other.planner)
    with pytest.raises(NotFound):
        plan_life.plan_facts(street.db, other.planner, NOW, plan.id)


def test_cells_of_communities_that_are_not_there_are_refused(street: Street) -> None:
    plan = redrawn(street.plan.plan, NOW + DAY)
    odd = replace(plan.cells[0], code=f"{STREET}999001", community_code=f"{STREET}999")
    with pytest.raises(InvalidInput) as refused:
        drawn(street, replace(plan, cells=(odd, *plan.cells[1:])))
    assert refused.value.facts["codes"] == [f"{STREET}999"]
