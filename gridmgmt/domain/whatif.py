"""What-if replay: the cases of a past year under another plan, and what the change means for residents.

Both plans are replayed alike, so that what is compared is the plans and not the model. The model is a plain
one and says so in its result:

* a case costs whoever answers for its cell so many minutes of work (``effort_min``); he does one after the
  other, in the order in which they came, in working time (first come, first served);
* a case is *expected overdue* when its turn ends after its limit did, in working time. Cases without a limit
  count as work and never as overdue;
* a cell without a worker is replayed as a worker of its own.

Which new cell goes on with which old one (its heir) is decided by the ground: the same code, else most
households in common, then most area; each old cell has one heir. Residents and open cases change cell when
they end up in another than the heir of theirs.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gridmgmt.errors import InvalidInput

CellWorker = Mapping[str, str]
"""Cell code → whoever answers for it, by any stable name."""


class PastCase(NamedTuple):
    """A case of the past; times in working minutes on one axis, ``due_min`` None without a limit."""

    number: str
    category: str
    arrived_min: float
    due_min: float | None
    open: bool
    before: str | None
    after: str | None


class Ground(NamedTuple):
    """Ground that two cells have in common: one of each plan."""

    before: str
    after: str
    households: int
    area_m2: float


class Load(NamedTuple):
    """What a cell or a worker would have had to do."""

    cases: int = 0
    minutes: float = 0.0
    overdue: int = 0
    longest_wait_min: float = 0.0


@dataclass(frozen=True, slots=True)
class CellOutcome:
    """One cell of the new plan beside the cell that it goes on with."""

    code: str
    heir_of: str | None
    worker: str | None
    households: int
    households_joined: int
    open_cases_joined: int
    before: Load
    after: Load


@dataclass(frozen=True, slots=True)
class WorkerOutcome:
    """One worker under both plans."""

    worker: str
    cells_before: tuple[str, ...]
    cells_after: tuple[str, ...]
    before: Load
    after: Load


class Moved(NamedTuple):
    """A case that another cell or another worker would have had."""

    number: str
    category: str
    open: bool
    from_cell: str | None
    to_cell: str | None
    from_worker: str | None
    to_worker: str | None


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The whole outcome; ``totals`` for a first look."""

    cells: tuple[CellOutcome, ...]
    workers: tuple[WorkerOutcome, ...]
    moved: tuple[Moved, ...]
    totals: Mapping[str, float]


@dataclass(slots=True)
class _Tally:
    cases: int = 0
    minutes: float = 0.0
    overdue: int = 0
    longest: float = 0.0

    def add(self, effort: float, wait: float, *, overdue: bool) -> None:
        self.cases += 1
        self.minutes += effort
        self.overdue += overdue
        self.longest = max(self.longest, wait)

    def load(self) -> Load:
        return Load(self.cases, self.minutes, self.overdue, self.longest)


@dataclass(slots=True)
class _Replayed:
    by_cell: dict[str, _Tally] = field(default_factory=lambda: defaultdict(_Tally))
    by_worker: dict[str, _Tally] = field(default_factory=lambda: defaultdict(_Tally))

    @property
    def overdue(self) -> int:
        return sum(t.overdue for t in self.by_cell.values())


def heirs(grounds: Sequence[Ground]) -> dict[str, str]:
    """For each new cell that goes on with an old one, which: see the module's docstring.

    Examples
    --------
    >>> heirs([Ground("a", "x", 10, 1.0), Ground("a", "y", 30, 1.0), Ground("b", "y", 20, 9.0)])
    {'y': 'a'}
    """
    ordered = sorted(
        grounds, key=lambda g: (g.before != g.after, -g.households, -g.area_m2, g.before, g.after)
    )
    found: dict[str, str] = {}
    taken: set[str] = set()
    for ground in ordered:
        if ground.after not in found and ground.before not in taken:
            found[ground.after] = ground.before
            taken.add(ground.before)
    return found


def what_if(
    cases: Sequence[PastCase],
    grounds: Sequence[Ground],
    *,
    cells_after: Sequence[str],
    workers_before: CellWorker,
    workers_after: CellWorker,
    effort_min: float = 60.0,
) -> WhatIf:
    """Replay cases under two plans.

    Parameters
    ----------
    cases : with the cell that owns each under either plan; None where none does.
    grounds : what the cells of both have in common; households are counted here and nowhere else.
    cells_after : every cell of the new plan.
    effort_min : minutes of work that a case costs, above 0.

    Raises
    ------
    InvalidInput
        An effort that is not above 0.
    """
    if not 0.0 < effort_min < float("inf"):
        raise InvalidInput("A case costs more than nothing.", rule="R21a", field="effort_min")
    in_order = sorted(cases, key=lambda c: (c.arrived_min, c.number))
    before = _replay([(c, c.before) for c in in_order], workers_before, effort_min)
    after = _replay([(c, c.after) for c in in_order], workers_after, effort_min)
    heir_of = heirs(grounds)
    moved = tuple(_moved(c, workers_before, workers_after) for c in in_order)
    changed = tuple(
        m for m in moved if m.from_worker != m.to_worker or _changes_cell(m.from_cell, m.to_cell, heir_of)
    )
    cells = tuple(
        _cell(code, heir_of, grounds, changed, workers_after, before, after) for code in sorted(cells_after)
    )
    return WhatIf(
        cells,
        tuple(_workers(workers_before, workers_after, before, after)),
        changed,
        _totals(in_order, grounds, heir_of, changed, before, after),
    )


def _replay(
    placed: Sequence[tuple[PastCase, str | None]], workers: CellWorker, effort_min: float
) -> _Replayed:
    done = _Replayed()
    free_at: dict[str, float] = {}
    for case, cell in placed:
        if cell is None:
            continue
        who = workers.get(cell, cell)
        starts = max(case.arrived_min, free_at.get(who, case.arrived_min))
        free_at[who] = starts + effort_min
        overdue = case.due_min is not None and free_at[who] > case.due_min
        wait = starts - case.arrived_min
        done.by_cell[cell].add(effort_min, wait, overdue=overdue)
        if cell in workers:
            done.by_worker[who].add(effort_min, wait, overdue=overdue)
    return done


def _changes_cell(before: str | None, after: str | None, heir_of: Mapping[str, str]) -> bool:
    if before is None or after is None:
        return before is not after
    return heir_of.get(after) != before


def _moved(case: PastCase, old: CellWorker, new: CellWorker) -> Moved:
    return Moved(
        case.number, case.category, case.open, case.before, case.after,
        old.get(case.before or ""), new.get(case.after or ""),
    )  # fmt: skip


def _cell(
    code: str, heir_of: Mapping[str, str], grounds: Sequence[Ground], moved: Sequence[Moved],
    workers: CellWorker, before: _Replayed, after: _Replayed,
) -> CellOutcome:  # fmt: skip
    here = [g for g in grounds if g.after == code]
    old = heir_of.get(code)
    empty = _Tally()
    return CellOutcome(
        code,
        old,
        workers.get(code),
        sum(g.households for g in here),
        sum(g.households for g in here if g.before != old),
        sum(m.open for m in moved if m.to_cell == code and m.from_cell != old),
        (before.by_cell.get(old, empty) if old else empty).load(),
        after.by_cell.get(code, empty).load(),
    )


def _workers(
    old: CellWorker, new: CellWorker, before: _Replayed, after: _Replayed
) -> Sequence[WorkerOutcome]:
    def cells_of(workers: CellWorker, who: str) -> tuple[str, ...]:
        return tuple(sorted(cell for cell, name in workers.items() if name == who))

    empty = _Tally()
    return [
        WorkerOutcome(
            who,
            cells_of(old, who),
            cells_of(new, who),
            before.by_worker.get(who, empty).load(),
            after.by_worker.get(who, empty).load(),
        )
        for who in sorted({*old.values(), *new.values()})
    ]


def _totals(
    cases: Sequence[PastCase], grounds: Sequence[Ground], heir_of: Mapping[str, str],
    moved: Sequence[Moved], before: _Replayed, after: _Replayed,
) -> dict[str, float]:  # fmt: skip
    leaving = [m for m in moved if _changes_cell(m.from_cell, m.to_cell, heir_of)]
    return {
        "cases": len(cases),
        "cases_without_limit": sum(c.due_min is None for c in cases),
        "cases_outside_before": sum(c.before is None for c in cases),
        "cases_outside_after": sum(c.after is None for c in cases),
        "cases_changing_cell": len(leaving),
        "cases_changing_worker": sum(m.from_worker != m.to_worker for m in moved),
        "open_cases": sum(c.open for c in cases),
        "open_cases_changing_cell": sum(m.open for m in leaving),
        "households": sum(g.households for g in grounds),
        "households_changing_cell": sum(g.households for g in grounds if heir_of.get(g.after) != g.before),
        "expected_overdue_before": before.overdue,
        "expected_overdue_after": after.overdue,
        "most_minutes_of_a_worker_before": max((t.minutes for t in before.by_worker.values()), default=0.0),
        "most_minutes_of_a_worker_after": max((t.minutes for t in after.by_worker.values()), default=0.0),
    }
