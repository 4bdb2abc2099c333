"""Every function that reads for somebody reads inside his subdistricts: a stranger sees nothing at all."""

import inspect
from dataclasses import replace
from datetime import timedelta

import pytest

from gridmgmt.domain.workflow import Action
from gridmgmt.errors import NotFound
from gridmgmt.geo import hexes
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import audit, board, cases, grids, outbox, requests, tiles
from gridmgmt.storage.board import CaseFilter
from gridmgmt.storage.db import Db
from tests.builders_cases import NOW
from tests.builders_street import ENFORCEMENT, Street, found_small_street, inner_point, stranger

PAST = NOW - timedelta(days=1)


class Filled:
    """A street with one case, one pending request, events and audit lines."""

    def __init__(self, street: Street) -> None:
        self.street, self.db = street, street.db
        cell = street.duty_cells[0]
        self.point = inner_point(cell.polygon)
        self.case = street.report(cell=cell)
        unit = street.handler(ENFORCEMENT)
        street.act(self.case, Action.SIGN_FOR, unit)
        self.request = street.ask(
            self.case, Action.EXTEND, unit, reason="需要配件", amount=1, unit="working_day"
        )
        outbox.mark_delivered(self.db, [row.id for row in outbox.claim(self.db)], NOW)


READINGS = {
    "list_cases": lambda f, a: board.list_cases(f.db, a, CaseFilter(), limit=10),
    "case_row": lambda f, a: board.case_row(f.db, a, f.case.id),
    "counts_by_state": lambda f, a: board.counts_by_state(f.db, a, NOW),
    "totals": lambda f, a: [n for n in board.totals(f.db, a, NOW, PAST).values() if n],
    "running_clocks": lambda f, a: board.running_clocks(f.db, a),
    "counts_by_unit": lambda f, a: board.counts_by_unit(f.db, a, NOW),
    "recent_events": lambda f, a: board.recent_events(f.db, a),
    "heat": lambda f, a: board.heat(f.db, a, 9, since=None, until=None, state=None),
    "stored_report": lambda f, a: cases.stored_report(f.db, f.case.report_id, a),
    "list_plans": lambda f, a: grids.list_plans(f.db, a),
    "cells_in_force": lambda f, a: grids.cells_with_load(f.db, a, NOW, None),
    "cells_of_plan": lambda f, a: grids.cells_with_load(f.db, a, NOW, f.street.plan.plan.id),
    "cell_at": lambda f, a: grids.cell_at_by_sql(f.db, a, hexes.hex_of(f.point), f.point, NOW),
    "entries_about": lambda f, a: audit.entries_about(f.db, "case", str(f.case.id), a),
    "delivered_after": lambda f, a: outbox.delivered_after(f.db, 0, a.subdistricts),
}


@pytest.fixture
def filled(db: Db, books: RuleBooks) -> Filled:
    return Filled(Street(db, books))


@pytest.mark.parametrize("reading", READINGS)
def test_a_person_of_the_street_sees_it_and_a_stranger_does_not(filled: Filled, reading: str) -> None:
    read, reader = READINGS[reading], filled.street.shift_leader
    assert read(filled, reader), "there is something to see"
    assert not read(filled, stranger(reader))


def test_loading_by_id_finds_nothing_for_a_stranger(filled: Filled) -> None:
    reader = filled.street.dispatcher
    assert cases.load(filled.db, filled.case.id, reader).id == filled.case.id
    assert requests.load(filled.db, filled.request.id, reader) == filled.request
    for load, key in ((cases.load, filled.case.id), (requests.load, filled.request.id)):
        with pytest.raises(NotFound):
            load(filled.db, key, stranger(reader))
        with pytest.raises(NotFound):
            load(filled.db, key, stranger(reader), lock=True)


def test_somebody_of_two_streets_sees_both_and_one_of_none_sees_nothing(filled: Filled) -> None:
    plan = found_small_street(filled.db)
    reader = filled.street.shift_leader
    both = replace(reader, subdistricts=reader.subdistricts | {plan.subdistrict_code})
    nowhere = replace(reader, subdistricts=frozenset())
    assert {p["id"] for p in grids.list_plans(filled.db, both)} == {plan.id, filled.street.plan.plan.id}
    for reading, read in READINGS.items():
        assert not read(filled, nowhere), reading


def test_every_function_that_takes_an_actor_is_tried_here() -> None:
    # Loading has a test above, tiles have theirs in test_tiles; a refusal is written, not read.
    tried = {*READINGS, "load", "tile", "revision", "cell_at_by_sql", "cells_with_load", "refusal"}
    for module in (board, cases, grids, requests, audit, tiles):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and "actor" in inspect.signature(function).parameters:
                assert name in tried, f"{module.__name__}.{name}"
