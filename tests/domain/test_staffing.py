"""Who works where when another plan takes effect: everybody keeps the ground he had."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from shapely.geometry import box

from gridmgmt.domain.grid import CellKind, GridCell
from gridmgmt.domain.roster import RosterEntry, RosterRole
from gridmgmt.domain.rostering import Known
from gridmgmt.domain.staffing import parse_staff, propose_staff
from gridmgmt.errors import InvalidInput

DAY = date(2026, 12, 1)
WANG, LI, ZHAO = (UUID(int=n) for n in (1, 2, 3))
COMMUNITY = "120116005001"


def cell(number: int, west: float, east: float, kind: CellKind = CellKind.DUTY) -> GridCell:
    return GridCell(
        code=f"{COMMUNITY}{number:03}", community_code=COMMUNITY, name="", kind=kind,
        polygon=box(117.0 + west, 39.0, 117.0 + east, 39.01), area_m2=1.0, households=None,
    )  # fmt: skip


def works(
    person: UUID, number: int, role: RosterRole = RosterRole.WORKER, **over: date | None
) -> RosterEntry:
    begun = over.get("valid_from") or DAY - timedelta(days=90)
    return RosterEntry(f"{COMMUNITY}{number:03}", person, role, begun, over.get("valid_to"))


FORMER = [cell(1, 0.0, 0.01), cell(2, 0.01, 0.02)]
ROSTER = [works(WANG, 1), works(ZHAO, 1, RosterRole.LEADER), works(LI, 2)]


def proposed(cells: list[GridCell], roster: list[RosterEntry] = ROSTER) -> dict[str, set[tuple[UUID, str]]]:
    found = propose_staff(cells, FORMER, roster, DAY)
    assert all(e.valid_from == DAY and e.valid_to is None for e in found.entries)
    by_cell: dict[str, set[tuple[UUID, str]]] = {}
    for entry in found.entries:
        by_cell.setdefault(entry.cell_code[-3:], set()).add((entry.person_id, str(entry.role)))
    return by_cell


def test_a_new_cell_gets_all_people_of_the_cell_that_most_of_its_ground_was() -> None:
    assert proposed([cell(11, 0.0, 0.014), cell(12, 0.014, 0.02)]) == {
        "011": {(WANG, "worker"), (ZHAO, "leader")}, "012": {(LI, "worker")},
    }  # fmt: skip


def test_a_cell_that_keeps_its_code_keeps_its_people_and_is_not_proposed() -> None:
    assert proposed([cell(1, 0.0, 0.01), cell(12, 0.01, 0.02)]) == {"012": {(LI, "worker")}}


def test_of_two_former_cells_with_equal_shares_the_smaller_code_is_taken() -> None:
    assert proposed([cell(11, 0.005, 0.015)]) == {"011": {(WANG, "worker"), (ZHAO, "leader")}}


def test_who_has_left_or_is_yet_to_come_is_not_proposed() -> None:
    roster = [works(WANG, 1, valid_to=DAY), works(LI, 1, valid_from=DAY + timedelta(days=1)), works(ZHAO, 1)]
    assert proposed([cell(11, 0.0, 0.01)], roster) == {"011": {(ZHAO, "worker")}}


def test_a_duty_grid_without_a_worker_is_named_and_a_dedicated_one_need_not_have_any() -> None:
    cells = [cell(11, 0.03, 0.04), cell(801, 0.05, 0.06, CellKind.DEDICATED), cell(12, 0.0, 0.01)]
    found = propose_staff(cells, FORMER, [works(ZHAO, 1, RosterRole.LEADER)], DAY)
    assert found.nobody == (f"{COMMUNITY}011", f"{COMMUNITY}012")


KNOWN = Known("120116005", {"wang": WANG}, frozenset())
GOOD = {"cell_code": f"{COMMUNITY}011", "login": "wang", "duty": "worker", "valid_from": "2026-12-01"}


def test_a_table_of_assignments_is_read() -> None:
    (entry,) = parse_staff([GOOD], KNOWN, frozenset({f"{COMMUNITY}011"}))
    assert entry == RosterEntry(f"{COMMUNITY}011", WANG, RosterRole.WORKER, DAY)


@pytest.mark.parametrize(
    ("column", "value"),
    [("cell_code", f"{COMMUNITY}012"), ("login", "li"), ("duty", "boss"), ("valid_from", "tomorrow")],
)
def test_a_fault_is_named_with_row_and_column(column: str, value: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_staff([GOOD | {column: value}], KNOWN, frozenset({f"{COMMUNITY}011"}))
    assert [(f["row"], f["column"]) for f in refused.value.facts["faults"]] == [(2, column)]


def test_one_person_twice_in_a_cell_at_one_time_is_a_fault() -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_staff([GOOD, GOOD | {"duty": "deputy"}], KNOWN, frozenset({f"{COMMUNITY}011"}))
    assert refused.value.facts["faults"][0]["row"] == 3
