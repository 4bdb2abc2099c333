"""A month of the whole loop: its event log alone rebuilds every figure of the boards."""

import time
from datetime import datetime

import pytest

from gridmgmt.demo.month import run
from gridmgmt.demo.month.office import Office
from gridmgmt.domain.org import Role
from gridmgmt.domain.scoreboard import Scoreboard, differences
from gridmgmt.services import scoreboards
from gridmgmt.storage.rights.walls import Login
from tests.month.playing import engine_for, instants, make_plan


def test_probe(clone, demo_template):
    url = clone(demo_template)
    plan = make_plan(cases=60)
    app, work = engine_for(url, Login.APP), engine_for(url, Login.WORKER)
    shown = {}

    def look(office):
        who = office.desk(Role.SHIFT_LEADER)
        with office.acting(who) as db:
            shown[office.now] = scoreboards.as_shown(db, who, office.now, office.books)
            log = scoreboards.from_the_log(db, who, office.now, office.books)
            assert differences(shown[office.now], log) == {}

    t = time.perf_counter()
    played = run.play(app, plan, run.in_process(work), look=look, looks=instants(plan, 8))
    print(time.perf_counter() - t, played.done)
    last = shown[max(shown)]
    print({k: v for k, v in last.figures().items() if k.split()[0] in ("totals", "states", "overdue", "street", "lights")})
