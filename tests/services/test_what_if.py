"""A replay on the demo street: what is counted, who may ask, and that a planner's wall is enough to ask."""

from datetime import timedelta

import pytest

from gridmgmt.errors import InvalidInput, NotAllowed, NotFound
from gridmgmt.services import what_if
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.services.what_if import Answer, Question
from gridmgmt.storage.db import Db, act_as
from gridmgmt.storage.rights.walls import Acting
from tests.builders_cases import NOW
from tests.builders_plans import drawn, merged_cell, neighbours, redrawn
from tests.builders_street import REFUSE, Street, elsewhere_street, found_small_street

DAY = timedelta(days=1)


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def ask(street: Street, plan_id, by=None, **over) -> Answer:
    facts = {"since": NOW - 365 * DAY, "until": NOW + DAY}
    question = Question(plan_id, **facts | over)
    return what_if.ask(street.db, by or street.planner, NOW, street.books, question)


def test_cases_and_residents_that_change_cell_are_those_of_the_smaller_neighbour(street: Street) -> None:
    a, b = neighbours(street.plan.plan)
    smaller, larger = sorted((a, b), key=lambda c: c.households or 0)
    for cell, count in ((smaller, 2), (larger, 3), (street.duty_cells[-1], 1)):
        for _ in range(count):
            street.report(cell=cell, category=REFUSE)
    plan = drawn(street, redrawn(street.plan.plan, NOW + DAY))
    act_as(street.db, Acting.of(street.planner))
    answer = ask(street, plan.id)
    totals, new = answer.outcome.totals, merged_cell(plan)
    assert (totals["cases"], totals["open_cases"]) == (6, 6)
    assert totals["open_cases_changing_cell"] == 2
    assert totals["households"] == sum(c.households or 0 for c in plan.cells)
    assert totals["households_changing_cell"] == smaller.households
    row = next(c for c in answer.outcome.cells if c.code == new.code)
    assert (row.heir_of, row.households, row.after.cases) == (larger.code, new.households, 5)
    assert row.households_joined == smaller.households
    facts = what_if.as_facts(answer)
    assert facts["compared_with"] == 1
    moved = [m for m in facts["open_cases"] if m["from_cell"] == smaller.code]
    assert [m["to_cell"] for m in moved] == [new.code] * 2


def test_a_new_cell_without_a_worker_is_replayed_with_its_heirs_and_says_so(street: Street) -> None:
    plan = drawn(street, redrawn(street.plan.plan, NOW + DAY))
    answer = ask(street, plan.id)
    row = next(c for c in answer.outcome.cells if c.code == merged_cell(plan).code)
    assert row.worker == str(street.worker_of(row.heir_of or "").id)
    assert set(answer.assumed_workers) == {row.code}


def test_the_plan_in_force_against_itself_changes_nothing(street: Street) -> None:
    street.report()
    answer = ask(street, street.plan.plan.id)
    assert answer.outcome.moved == ()
    assert answer.outcome.totals["households_changing_cell"] == 0
    assert all(c.before == c.after for c in answer.outcome.cells)


def test_who_draws_reviews_or_publishes_may_ask(street: Street, books: RuleBooks) -> None:
    plan = drawn(street, redrawn(street.plan.plan, NOW + DAY))
    for by in (street.planner, street.district, street.director):
        assert ask(street, plan.id, by)
    for by in (street.shift_leader, street.dispatcher):
        with pytest.raises(NotAllowed):
            ask(street, plan.id, by)
    found_small_street(street.db)
    with pytest.raises(NotFound):
        ask(street, plan.id, elsewhere_street(street.db, books).planner)


def test_a_period_that_holds_nothing_or_too_much_is_refused(street: Street, monkeypatch) -> None:
    plan = drawn(street, redrawn(street.plan.plan, NOW + DAY))
    with pytest.raises(InvalidInput):
        ask(street, plan.id, since=NOW, until=NOW)
    for _ in range(2):
        street.report()
    monkeypatch.setattr(what_if, "MOST_CASES", 1)
    with pytest.raises(InvalidInput):
        ask(street, plan.id)
