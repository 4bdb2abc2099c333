"""A roster is read as a whole: what it says, and every fault of it with its row."""

from datetime import date, time
from typing import Any
from uuid import UUID

import pytest

from gridmgmt.domain.roster import Leave, Shift
from gridmgmt.domain.rostering import MOST_ROWS, Known, Rostering, check_roster, parse_roster
from gridmgmt.errors import InvalidInput
from tests.builders_cases import STREET

ANN, BO = UUID(int=1), UUID(int=2)
KNOWN = Known(STREET, {"ann": ANN, "bo": BO}, frozenset({"HZD-01"}))
CELL = f"{STREET}001001"
SHIFT = {"login": "ann", "weekdays": "12345", "starts": "08:30", "ends": "17:30", "valid_from": "2026-11-01"}
LEAVE = {"login": "bo", "valid_from": "2026-11-23", "valid_to": "2026-11-25", "deputy": "ann"}


def faults(shifts: list[dict[str, Any]], leaves: list[dict[str, Any]] = ()) -> list[tuple[int, str]]:
    with pytest.raises(InvalidInput) as refused:
        parse_roster(shifts, leaves, KNOWN)
    return [(f["row"], f["column"]) for f in refused.value.facts["faults"]]


def test_two_tables_make_a_roster() -> None:
    night = SHIFT | {"weekdays": "67", "starts": "22:00", "ends": "06:00", "unit_code": "HZD-01"}
    made = parse_roster([SHIFT | {"cell_code": CELL}, night], [LEAVE], KNOWN)
    assert made == Rostering(
        (
            Shift(
                ANN,
                frozenset({1, 2, 3, 4, 5}),
                time(8, 30),
                time(17, 30),
                date(2026, 11, 1),
                None,
                None,
                CELL,
            ),
            Shift(ANN, frozenset({6, 7}), time(22), time(6), date(2026, 11, 1), None, "HZD-01"),
        ),
        (Leave(BO, date(2026, 11, 23), date(2026, 11, 25), ANN),),
    )
    assert check_roster(made, KNOWN) == made
    assert parse_roster([], [], KNOWN) == Rostering()


@pytest.mark.parametrize(
    ("over", "column"),
    [
        ({"login": "nobody"}, "login"),
        ({"login": ""}, "login"),
        ({"weekdays": "18"}, "weekdays"),
        ({"weekdays": "11"}, "weekdays"),
        ({"weekdays": "Mon"}, "weekdays"),
        ({"starts": "8.30"}, "starts"),
        ({"ends": ""}, "ends"),
        ({"valid_from": "1.11.2026"}, "valid_from"),
        ({"valid_to": "2026-11-01"}, "valid_to"),
        ({"unit_code": "HZD-99"}, "unit_code"),
        ({"cell_code": "120116006001001"}, "cell_code"),
        ({"cell_code": "x"}, "cell_code"),
    ],
)
def test_a_faulty_shift_is_named_with_row_and_column(over: dict[str, str], column: str) -> None:
    assert faults([SHIFT, SHIFT | {"weekdays": "6"} | over]) == [(3, column)]


@pytest.mark.parametrize(
    ("over", "column"),
    [
        ({"login": "nobody"}, "login"),
        ({"valid_to": ""}, "valid_to"),
        ({"valid_to": "2026-11-23"}, "valid_to"),
        ({"deputy": "nobody"}, "deputy"),
        ({"deputy": "bo"}, "deputy"),
    ],
)
def test_a_faulty_leave_is_named_with_row_and_column(over: dict[str, str], column: str) -> None:
    assert faults([], [LEAVE | over]) == [(2, column)]


def test_every_fault_is_told_at_once() -> None:
    bad = SHIFT | {"login": "x", "starts": "y"}
    assert faults([bad, SHIFT, bad]) == [(2, "login"), (2, "starts"), (4, "login"), (4, "starts")]


def test_nobody_is_twice_on_one_shift_nor_on_two_leaves_at_once() -> None:
    assert faults([SHIFT, SHIFT]) == [(3, "")]
    later = LEAVE | {"valid_from": "2026-11-24", "valid_to": "2026-11-26"}
    assert faults([], [LEAVE, later]) == [(3, "valid_from")]
    after = LEAVE | {"valid_from": "2026-11-25", "valid_to": "2026-11-26"}
    assert len(parse_roster([], [LEAVE, after], KNOWN).leaves) == 2


def test_a_roster_has_so_many_rows_at_most() -> None:
    many = [SHIFT | {"valid_from": date.fromordinal(730_000 + n).isoformat()} for n in range(MOST_ROWS + 1)]
    assert faults(many) == [(MOST_ROWS + 2, "")]
