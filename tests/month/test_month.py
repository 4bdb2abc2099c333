"""A month of the whole loop: each verb occurs, and the event log alone rebuilds all figures of the boards."""

from dataclasses import dataclass
from datetime import datetime

import pytest

from gridmgmt.demo.month import lives, run
from gridmgmt.demo.month.office import Office
from gridmgmt.demo.month.plan import FATES
from gridmgmt.domain.jointcall import CallAction
from gridmgmt.domain.org import Role
from gridmgmt.domain.scoreboard import Scoreboard, differences
from gridmgmt.domain.workflow import Action
from gridmgmt.services import scoreboards
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.rights.walls import Login
from tests.month.playing import engine_for, instants, make_plan, outcome

SIX_VERBS = {
    "日常巡查": ["patrol"],
    "信息采集": ["report", "patrol finding"],
    "源头发现": ["confirm", "approve_self_handling"],
    "分层处置": ["dispatch", "submit_result", "rule"],
    "联动联治": ["call issue", "call report"],
    "监督考核": ["supervision order", "supervision reply", "call assess", "acknowledge"],
}
"""Article 22, with what stands for each."""


@dataclass(frozen=True)
class Month:
    """A month as it was played: what was done, what the boards showed on the way, what the log says later."""

    url: str
    done: dict[str, int]
    shown: dict[datetime, Scoreboard]
    later: dict[datetime, Scoreboard]


@pytest.fixture(scope="module")
def month(clone, demo_template: str, street_books: RuleBooks) -> Month:
    url, plan, shown, later = str(clone(demo_template)), make_plan(), {}, {}

    def look() -> None:
        who = office.desk(Role.SHIFT_LEADER)
        with office.acting(who) as db:
            shown[office.now] = scoreboards.as_shown(db, who, office.now, office.books)
            if len(shown) == len(looks):
                for at in shown:
                    later[at] = scoreboards.from_the_log(db, who, office.now, office.books, at=at)

    looks = instants(plan, 8)
    with engine_for(url, Login.APP) as app, engine_for(url, Login.WORKER) as worker:
        office = Office(app, street_books, plan)
        assert not office.has_cases()
        chores = run.in_process(worker, books=street_books)
        done = run.play(office, chores, look=look, looks=looks)
    return Month(url, done, shown, later)


def test_every_action_of_the_table_occurs(month: Month) -> None:
    assert [a for a in Action if not month.done.get(a)] == []
    assert [a for a in CallAction if not month.done.get(f"call {a}")] == []


def test_the_six_verbs_of_article_22_occur(month: Month) -> None:
    missing = {verb: [n for n in names if not month.done.get(n)] for verb, names in SIX_VERBS.items()}
    assert {verb: names for verb, names in missing.items() if names} == {}
    assert month.done["deputy acts"] > 0
    assert month.done["tell revisit"] > 0


def test_the_log_alone_rebuilds_every_figure_of_the_boards(month: Month) -> None:
    assert len(month.shown) == 8
    for at, shown in month.shown.items():
        assert differences(shown, month.later[at]) == {}, at


def test_the_figures_that_agree_are_not_empty(month: Month) -> None:
    seen = {name.rsplit(" ", 1)[-1] for board in month.shown.values() for name in board.figures()}
    assert {"open", "overdue", "closed", "handled_in_time", "reworked", "returns"} <= seen
    assert {"green", "yellow", "red"} <= {n for b in month.shown.values() for n in b.lights if b.lights[n]}
    last = month.shown[max(month.shown)]
    assert len(last.units) >= 5
    assert len(last.cells) == 20
    assert 0 < (last.street.rates()["handling_in_time"] or 0) < 1


def test_an_event_that_is_lost_is_seen_in_the_figures(month: Month) -> None:
    board = month.later[max(month.later)]
    assert differences(board, month.later[min(month.later)])


def test_every_fate_has_a_life_and_each_life_a_fate() -> None:
    assert set(FATES) == set(lives.BY_NAME)


def test_people_hear_of_what_concerns_them(month: Month) -> None:
    told = outcome(month.url)
    assert told["ladder steps"].total() > 20
    assert told["notifications"].total() > 200
