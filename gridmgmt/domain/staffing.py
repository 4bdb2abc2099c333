"""Who works in which cell when another plan takes effect: 网格员 and 网格长 keep their ground.

A code means one piece of ground for ever, so the cells of a new plan have new codes wherever they changed,
and nobody under them. What is proposed: the people of the former cell that most of the new one's ground was.
It is a table for a person to change and hand in: who works where is for the street to say (article 21).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import numpy as np
import shapely

from gridmgmt.domain.grid import CellKind, GridCell
from gridmgmt.domain.roster import RosterEntry, RosterRole
from gridmgmt.domain.rostering import Known, read_person
from gridmgmt.domain.rows import Faults, Raw, Row, in_force

MOST_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class Proposed:
    """Assignments for a plan's cells, and the duty grids for which nobody was found."""

    entries: tuple[RosterEntry, ...]
    nobody: tuple[str, ...]


def propose_staff(
    cells: Sequence[GridCell], former: Sequence[GridCell], roster: Iterable[RosterEntry], on: date
) -> Proposed:
    """The people of each cell that has none on a day, taken from the ground it was.

    Parameters
    ----------
    cells, former : of the new plan and of the one before it, in one geographic frame.
    roster : all assignments of the street.
    on : the local day on which the new plan begins.

    Returns
    -------
    Only what has to be added; ``nobody`` are duty grids that no former cell with people lies under.
    """
    standing: dict[str, list[RosterEntry]] = {}
    for entry in roster:
        if in_force(entry, on):
            standing.setdefault(entry.cell_code, []).append(entry)
    heirs = _heirs(cells, former)
    added: list[RosterEntry] = []
    nobody: list[str] = []
    for cell in sorted(cells, key=lambda c: c.code):
        if cell.code in standing:
            continue
        found = standing.get(heirs.get(cell.code, ""), [])
        added += [RosterEntry(cell.code, e.person_id, e.role, on) for e in found]
        if cell.kind is CellKind.DUTY and not any(e.role is RosterRole.WORKER for e in found):
            nobody.append(cell.code)
    return Proposed(tuple(added), tuple(nobody))


def _heirs(cells: Sequence[GridCell], former: Sequence[GridCell]) -> Mapping[str, str]:
    """The former cell that most of each cell's ground was; of two equal ones the smaller code.

    Shares of one cell are compared in degrees: across a cell their scale is the same.
    """
    new = np.array([c.polygon for c in cells], dtype=object)
    old = np.array([c.polygon for c in former], dtype=object)
    if not len(new) or not len(old):
        return {}
    a, b = shapely.STRtree(old).query(new, predicate="intersects")
    shared = shapely.area(shapely.intersection(new[a], old[b]))
    best: dict[str, tuple[float, str]] = {}
    for cell, other, area in zip(a.tolist(), b.tolist(), shared.tolist(), strict=True):
        rank = (-area, former[other].code)
        code = cells[cell].code
        if area > 0 and (code not in best or rank < best[code]):
            best[code] = rank
    return {code: was for code, (_, was) in best.items()}


def parse_staff(rows: Iterable[Raw], known: Known, cells: frozenset[str]) -> tuple[RosterEntry, ...]:
    """Read assignments: cell_code, login, duty (worker, deputy, leader), valid_from, valid_to.

    Parameters
    ----------
    cells : codes that any plan of the street has.

    Raises
    ------
    InvalidInput
        ``facts["faults"]`` lists row, column and fault.
    """
    faults = Faults("staff")
    read = faults.collect(rows, lambda row: _entry(row, known, cells))
    faults.refuse_overlaps(read, lambda e: (e.cell_code, e.person_id), "valid_from")
    if len(read) > MOST_ROWS:
        faults.add(MOST_ROWS + 2, "", f"is more than {MOST_ROWS} rows")
    faults.raise_if_any()
    return tuple(entry for _, entry in read)


def _entry(row: Row, known: Known, cells: frozenset[str]) -> RosterEntry:
    code = row.text("cell_code")
    if code and code not in cells:
        row.refuse("cell_code", f"{code!r} is no cell of this street")
    person: UUID = read_person(row, "login", known)
    return RosterEntry(code, person, row.one_of("duty", RosterRole), *row.period())
