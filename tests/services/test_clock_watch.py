"""Open deadlines follow a change of the rules by themselves, in batches, once; whoever watches sees it."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from gridmgmt.domain import deadlines
from gridmgmt.services import clock_watch, health
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import health as figures
from gridmgmt.storage import reclockings
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_street import SORTING, Street
from tests.services.test_reclocking import close_office, late_report


@pytest.fixture
def street(db: Db, books: RuleBooks) -> Street:
    return Street(db, books)


def follow(street: Street, *, size: int = 500) -> int:
    """Let the worker look until there is nothing to do; how many transactions had something."""
    steps = 0
    while clock_watch.follow_rules(street.db, NOW, street.books, street.code, size=size):
        steps += 1
    return steps


def standing(street: Street) -> dict:
    query = text("select * from app.clock_standings where subdistrict_code = :code")
    return dict(street.db.execute(query, {"code": street.code}).one()._mapping)


def recomputations(street: Street) -> int:
    return street.db.execute(text("select count(*) from app.case_reclockings")).scalar_one()


def test_a_new_holiday_moves_open_deadlines_without_anybodys_command(street: Street) -> None:
    case = late_report(street)
    follow(street)
    assert recomputations(street) == 0, "nothing had changed"
    close_office(street)
    follow(street)
    assert case.due_at is not None
    assert street.case(case.id).due_at == case.due_at + timedelta(days=1)
    (record,) = reclockings.of_case(street.db, case.id)
    assert record.why == clock_watch.WHY


def test_it_is_done_once_and_what_concerns_no_deadline_does_not_start_it(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    late_report(street)
    close_office(street)
    follow(street)
    batches = []
    real = clock_watch.recompute_batch
    monkeypatch.setattr(clock_watch, "recompute_batch", lambda *a, **k: (batches.append(1), real(*a, **k))[1])
    follow(street)
    street.db.execute(text("update app.cell_workers set on_leave = on_leave"))
    before = standing(street)
    follow(street)
    after = standing(street)
    assert batches == []
    assert (after["revision"] > before["revision"], after["basis"]) == (True, before["basis"])


@pytest.mark.parametrize("table", ["handling_limits", "stage_limits"])
def test_another_limit_moves_the_open_deadlines_that_it_is_for(street: Street, table: str) -> None:
    handled, at_a_desk = late_report(street), street.report(category=SORTING)
    follow(street)
    street.db.execute(text(f"update app.{table} set amount = amount + 1"))
    follow(street)
    moved = [street.case(c.id).stage_due_at != c.stage_due_at for c in (handled, at_a_desk)]
    assert moved == ([True, False] if table == "handling_limits" else [False, True])


def test_an_upgrade_with_another_formula_computes_open_deadlines_anew(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = late_report(street)
    follow(street)
    # As if the formula of the version before had come to another hour.
    street.db.execute(text("update app.cases set due_at = due_at + interval '1 hour'"))
    follow(street)
    assert street.case(case.id).due_at != case.due_at
    monkeypatch.setattr(clock_watch, "FORMULA", deadlines.FORMULA + 1)
    street.db.execute(text("update app.rulebook_revision set revision = revision + 1"))
    follow(street)
    assert street.case(case.id).due_at == case.due_at


def test_a_run_that_was_broken_off_goes_on_where_it_was(street: Street) -> None:
    cases = [late_report(street) for _ in range(5)]
    follow(street)
    close_office(street)
    assert clock_watch.follow_rules(street.db, NOW, street.books, street.code, size=2)
    half = recomputations(street)
    assert 0 < half < len(cases)
    # Another process, which has loaded nothing yet.
    other = Street(street.db, RuleBooks())
    follow(other, size=2)
    assert recomputations(street) == len(cases)
    runs = street.db.execute(text("select count(distinct run_id) from app.case_reclockings")).scalar_one()
    assert runs == 1


def test_a_change_in_the_middle_begins_again_with_the_new_rules(street: Street) -> None:
    cases = [late_report(street) for _ in range(3)]
    follow(street)
    close_office(street)
    clock_watch.follow_rules(street.db, NOW, street.books, street.code, size=1)
    street.db.execute(text("update app.handling_limits set amount = amount * 3"))
    follow(street, size=2)
    due = {street.case(case.id).due_at for case in cases}
    assert len(due) == 1
    assert due != {cases[0].due_at}


def test_stale_deadlines_that_nobody_computes_are_seen(street: Street) -> None:
    late_report(street)
    late_report(street)
    follow(street)
    close_office(street)
    clock_watch.follow_rules(street.db, NOW, street.books, street.code, size=1)

    def clocks(after: timedelta) -> health.Check:
        look = figures.look(street.db, NOW + after)
        return {c.name: c for c in health._of_database(look, health.Limits())}["clocks"]

    assert clocks(timedelta(minutes=9)).standing is health.Standing.OK
    late = clocks(timedelta(minutes=11))
    assert (late.standing, late.vital, late.seen["stale_s"]) == (health.Standing.FAILING, False, 660.0)
    follow(street)
    assert clocks(timedelta(days=9)).standing is health.Standing.OK


def test_a_case_that_cannot_be_computed_is_counted_and_holds_up_no_other(street: Street) -> None:
    broken, case = late_report(street), late_report(street)
    follow(street)
    street.db.execute(text("update app.cases set category = 'none:matter:1' where id = :i"), {"i": broken.id})
    close_office(street)
    follow(street)
    assert standing(street)["failed"] == 1
    assert case.due_at is not None
    assert street.case(case.id).due_at == case.due_at + timedelta(days=1)
    look = figures.look(street.db, NOW)
    told = {c.name: c for c in health._of_database(look, health.Limits())}
    assert told["clocks"].seen["not_computed"] == 1
