"""A street's roster 排班 as it is handed in: shifts 班次 and leaves 请假, read from rows, checked as a whole.

What is handed in is the whole roster of the street and takes the place of the one before, so that handing it
in twice changes nothing. Every fault is named with its row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from uuid import UUID

from gridmgmt.domain.codes import GridCode
from gridmgmt.domain.roster import Leave, Shift
from gridmgmt.domain.rows import Faults, Raw, Row
from gridmgmt.errors import InvalidCode

MOST_ROWS = 5_000
_FOREVER = date.max


@dataclass(frozen=True, slots=True)
class Known:
    """What a roster may name: people of the street by login, its units, its own code."""

    subdistrict_code: str
    people: Mapping[str, UUID]
    units: frozenset[str]


@dataclass(frozen=True, slots=True)
class Rostering:
    """The whole roster of a street."""

    shifts: tuple[Shift, ...] = ()
    leaves: tuple[Leave, ...] = ()


def parse_roster(shifts: Iterable[Raw], leaves: Iterable[Raw], known: Known) -> Rostering:
    """Read two tables of text.

    Parameters
    ----------
    shifts : login, weekdays (``12345``), starts and ends (``08:30``), valid_from, valid_to, unit_code,
        cell_code.
    leaves : login, valid_from, valid_to (the first day back), deputy (login).

    Raises
    ------
    InvalidInput
        ``facts["faults"]`` lists row, column and fault of one table.
    """
    of_shifts, of_leaves = Faults("shifts"), Faults("leaves")
    read_shifts = of_shifts.collect(shifts, lambda row: _shift(row, known))
    of_shifts.raise_if_any()
    read_leaves = of_leaves.collect(leaves, lambda row: _leave(row, known))
    of_leaves.raise_if_any()
    return _checked(read_shifts, read_leaves, known)


def check_roster(given: Rostering, known: Known) -> Rostering:
    """The same checks for a roster that came in as objects; rows count from 2, as in a file.

    Raises
    ------
    InvalidInput
        As :func:`parse_roster`.
    """
    return _checked(list(enumerate(given.shifts, start=2)), list(enumerate(given.leaves, start=2)), known)


def _checked(shifts: list[tuple[int, Shift]], leaves: list[tuple[int, Leave]], known: Known) -> Rostering:
    people = frozenset(known.people.values())
    faults = Faults("shifts")
    for row, shift in shifts:
        for column, fault in _faults_of_shift(shift, people, known):
            faults.add(row, column, fault)
    seen: dict[Shift, int] = {}
    for row, shift in shifts:
        if shift in seen:
            faults.add(row, "", f"is there already in row {seen[shift]}")
        seen.setdefault(shift, row)
    _refuse_too_many(faults, len(shifts))
    faults.raise_if_any()
    faults = Faults("leaves")
    for row, leave in leaves:
        for column, fault in _faults_of_leave(leave, people):
            faults.add(row, column, fault)
    faults.refuse_overlaps(leaves, lambda leave: leave.person_id, "valid_from")
    _refuse_too_many(faults, len(leaves))
    faults.raise_if_any()
    return Rostering(tuple(s for _, s in shifts), tuple(leave for _, leave in leaves))


def _refuse_too_many(faults: Faults, rows: int) -> None:
    if rows > MOST_ROWS:
        faults.add(MOST_ROWS + 2, "", f"is more than {MOST_ROWS} rows")


def _faults_of_shift(shift: Shift, people: frozenset[UUID], known: Known) -> list[tuple[str, str]]:
    found = []
    if shift.person_id not in people:
        found.append(("person", "is nobody of this street"))
    if not shift.weekdays or not shift.weekdays <= frozenset(range(1, 8)):
        found.append(("weekdays", "are days from 1 (Monday) to 7"))
    if shift.valid_to is not None and shift.valid_to <= shift.valid_from:
        found.append(("valid_to", "is not after the start"))
    if shift.unit_code is not None and shift.unit_code not in known.units:
        found.append(("unit_code", "is no unit of this street"))
    if shift.cell_code is not None and not _is_cell_of(shift.cell_code, known.subdistrict_code):
        found.append(("cell_code", "is no cell of this street"))
    return found


def _faults_of_leave(leave: Leave, people: frozenset[UUID]) -> list[tuple[str, str]]:
    found = []
    if leave.person_id not in people:
        found.append(("person", "is nobody of this street"))
    if leave.valid_to <= leave.valid_from:
        found.append(("valid_to", "is not after the start"))
    if leave.deputy_id is not None and leave.deputy_id not in people:
        found.append(("deputy", "is nobody of this street"))
    if leave.deputy_id == leave.person_id:
        found.append(("deputy", "nobody stands in for himself"))
    return found


def _is_cell_of(code: str, subdistrict_code: str) -> bool:
    try:
        GridCode(code)
    except InvalidCode:
        return False
    return code.startswith(subdistrict_code)


def _shift(row: Row, known: Known) -> Shift:
    valid_from, valid_to = row.period()
    weekdays = row.text("weekdays")
    if weekdays and (not weekdays.isascii() or not weekdays.isdigit() or len(set(weekdays)) < len(weekdays)):
        row.refuse("weekdays", f"{weekdays!r} is not like 12345, Monday being 1")
        weekdays = ""
    return Shift(
        read_person(row, "login", known),
        frozenset(int(day) for day in weekdays),
        _time(row, "starts"),
        _time(row, "ends"),
        valid_from,
        valid_to,
        row.text("unit_code", needed=False) or None,
        row.text("cell_code", needed=False) or None,
    )


def _leave(row: Row, known: Known) -> Leave:
    valid_from, valid_to = row.period()
    if valid_to is None:
        row.refuse("valid_to", "is empty: give the first day back")
    deputy = read_person(row, "deputy", known) if row.text("deputy", needed=False) else None
    return Leave(read_person(row, "login", known), valid_from, valid_to or _FOREVER, deputy)


def read_person(row: Row, column: str, known: Known) -> UUID:
    """The person of a login in a column; a stranger is a fault of the row."""
    login = row.text(column)
    found = known.people.get(login)
    if found is None and login:
        row.refuse(column, f"{login!r} is nobody of this street")
    return found or UUID(int=0)


def _time(row: Row, column: str) -> time:
    value = row.text(column)
    try:
        return time.fromisoformat(value) if value else time()
    except ValueError:
        row.refuse(column, f"{value!r} is not a time like 08:30")
        return time()
