"""A stretch of the month with workers that are killed by signal 9: nothing that counts is different."""

from pathlib import Path

from gridmgmt.demo.month import run
from gridmgmt.demo.month.plan import MonthPlan
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.rights.walls import Login
from tests.month.killed import Killing, Letterbox
from tests.month.playing import engine_for, make_plan, outcome, unlike

KILLS = 6


def played(url: str, plan: MonthPlan, books: RuleBooks, box: Path, kills: int) -> Killing:
    killing = Killing(url, Letterbox(box), books, kills, list(run.rounds_of(plan)))
    with engine_for(url, Login.APP) as app:
        run.play(app, plan, killing, books=books)
    return killing


def test_a_month_whose_workers_are_killed_comes_to_the_same(
    clone, demo_template: str, street_books: RuleBooks, tmp_path: Path
) -> None:
    plan = make_plan(cases=30, days=8)
    quiet, hurt = str(clone(demo_template)), str(clone(demo_template))
    played(quiet, plan, street_books, tmp_path / "quiet", 0)
    killing = played(hurt, plan, street_books, tmp_path / "hurt", KILLS)
    assert killing.killed.total() == KILLS
    one, other = outcome(quiet), outcome(hurt)
    assert unlike(one, other) == {}
    assert one["ladder steps"].total() > 5
    received, sent = (Letterbox(tmp_path / n).received() for n in ("hurt", "quiet"))
    assert len(set(received)) == len(set(sent)) == one["deliveries"].total()
    assert len(sent) == len(set(sent)), "without kills nothing is sent twice"
