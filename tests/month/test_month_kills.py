"""A stretch of the month with workers that are killed by signal 9: nothing that counts is different."""

from pathlib import Path

from gridmgmt.services.rulebooks import RuleBooks
from tests.month.killed import Letterbox, played
from tests.month.playing import make_plan, outcome, unlike

KILLS = 6


def test_a_month_whose_workers_are_killed_comes_to_the_same(
    clone, demo_template: str, street_books: RuleBooks, tmp_path: Path
) -> None:
    plan = make_plan(cases=24, days=6)
    quiet, hurt = str(clone(demo_template)), str(clone(demo_template))
    played(quiet, plan, street_books, tmp_path / "quiet", kills=0)
    killing = played(hurt, plan, street_books, tmp_path / "hurt", kills=KILLS)
    assert killing.killed.total() == KILLS
    one, other = outcome(quiet), outcome(hurt)
    assert unlike(one, other) == {}
    assert one["ladder steps"].total() > 5
    received, sent = (Letterbox(tmp_path / n).received() for n in ("hurt", "quiet"))
    assert len(set(received)) == len(set(sent)) == one["deliveries"].total()
    assert len(sent) == len(set(sent)), "without kills nothing is sent twice"
