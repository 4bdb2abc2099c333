"""The figures of the boards, and the rates of assessment 监督考核 that follow from them.

A :class:`Scoreboard` is made twice: by :func:`scoreboard` from the event log, and by
``services/scoreboards.py`` from the tables that the boards read. They must be equal at any moment, figure by
figure; :func:`differences` says where they are not.

Formulas: DOMAIN §5 (CJ/T 292, GB/T 30428.4 as running products have them). A rate whose denominator is zero
is None and shown as "—": neither nought nor full marks. Counts are facts, never scores: whoever is ranked by
how much he reports invents cases.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from gridmgmt.domain.standing import Standing
from gridmgmt.domain.workcalendar import WorkCalendar
from gridmgmt.domain.workflow import State
from gridmgmt.domain.worktime import Light, light
from gridmgmt.geo import hexes

_WAITS_FOR_A_UNIT = frozenset({State.REPORTED, State.ACCEPTED, State.FILED})


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts of some cases: a unit's, a cell's, a worker's or a street's.

    ``answerable`` 应处置: the unit handed in a result, or its limit ran out while it was running.
    """

    reported: int = 0
    rejected: int = 0
    merged: int = 0
    filed: int = 0
    voided: int = 0
    open: int = 0
    overdue: int = 0
    closed: int = 0
    answerable: int = 0
    handled: int = 0
    handled_in_time: int = 0
    settled: int = 0
    settled_in_time: int = 0
    reworked: int = 0
    reworks: int = 0
    returns: int = 0

    def rates(self) -> Mapping[str, float | None]:
        """Shares between 0 and 1; None where there is nothing to take a share of."""
        return {
            "filing": _share(self.filed, self.reported),
            "accurate_filing": _share(self.filed - self.voided, self.filed),
            "handling": _share(self.handled, self.answerable),
            "handling_in_time": _share(self.handled_in_time, self.answerable),
            "closure": _share(self.settled, self.answerable),
            "closure_in_time": _share(self.settled_in_time, self.answerable),
            "rework": _share(self.reworked, self.answerable),
        }


RATE_NAMES_ZH: Mapping[str, str] = {
    "filing": "立案率",
    "accurate_filing": "准确立案率",
    "handling": "处置率",
    "handling_in_time": "按期处置率",
    "closure": "结案率",
    "closure_in_time": "按期结案率",
    "rework": "返工率",
}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def shown(share: float | None) -> str:
    """A rate as it is printed."""
    return "—" if share is None else f"{share:.1%}"


@dataclass(frozen=True, slots=True)
class Scoreboard:
    """Everything that the boards count at one moment; mappings leave out what has no case."""

    totals: Mapping[str, int]
    states: Mapping[str, int]
    overdue: Mapping[str, int]
    lights: Mapping[str, int]
    street: Tally
    units: Mapping[str, Tally]
    cells: Mapping[str, Tally]
    workers: Mapping[str, Tally]
    hexes: Mapping[str, int]

    def figures(self) -> dict[str, int]:
        """Every figure by a name, those that are nought left out."""
        return {name: count for name, count in self._all() if count}

    def _all(self) -> Iterator[tuple[str, int]]:
        for name in ("totals", "states", "overdue", "lights", "hexes"):
            yield from ((f"{name} {key}", count) for key, count in getattr(self, name).items())
        groups: Mapping[str, Mapping[str, Tally]] = {
            "street": {"": self.street}, "unit": self.units, "cell": self.cells, "worker": self.workers,
        }  # fmt: skip
        for group, tallies in groups.items():
            for key, tally in tallies.items():
                yield from ((f"{group} {key} {f.name}", getattr(tally, f.name)) for f in fields(Tally))


def differences(ours: Scoreboard, theirs: Scoreboard) -> dict[str, tuple[int, int]]:
    """Figures that two boards do not agree on, with both values."""
    one, other = ours.figures(), theirs.figures()
    return {
        name: (one.get(name, 0), other.get(name, 0))
        for name in sorted(one.keys() | other.keys())
        if one.get(name, 0) != other.get(name, 0)
    }


def scoreboard(
    cases: Iterable[Standing],
    now: datetime,
    today_began_at: datetime,
    calendar: WorkCalendar,
    resolution: int,
) -> Scoreboard:
    """The board at one moment, from nothing but where the cases stand.

    Parameters
    ----------
    today_began_at : midnight of the street's own time.
    calendar : lights count working time; a rule, and so no part of the log.
    resolution : of the heat map, 9 to 12.
    """
    held = list(cases)
    return Scoreboard(
        totals=_totals(held, now, today_began_at),
        states=Counter(str(c.state) for c in held),
        overdue=Counter(str(c.state) for c in held if c.is_overdue(now)),
        lights=Counter(str(_light(c, c.due_at, now, calendar)) for c in held if c.due_at and _runs(c)),
        street=_tally(held, now),
        units=_by(held, "unit_code", now),
        cells=_by(held, "cell_code", now),
        workers=_by(held, "worker_id", now),
        hexes=Counter(f"{hexes.parent(c.h3, resolution):x}" for c in held if c.h3 is not None),
    )


def _totals(held: list[Standing], now: datetime, today_began_at: datetime) -> dict[str, int]:
    return {
        "reported_today": sum(c.reported_at >= today_began_at for c in held),
        "closed_today": sum(c.closed_at is not None and c.closed_at >= today_began_at for c in held),
        "open": sum(c.is_open for c in held),
        "closed": sum(c.state is State.CLOSED for c in held),
        "overdue": sum(c.is_overdue(now) for c in held),
        "unrouted": sum(c.unrouted and c.state in _WAITS_FOR_A_UNIT for c in held),
    }


def _runs(case: Standing) -> bool:
    return case.is_open and case.started_at is not None and case.paused_at is None


def _light(case: Standing, due_at: datetime, now: datetime, calendar: WorkCalendar) -> Light | None:
    if case.started_at is None or case.limit_unit is None:
        return None
    return light(case.started_at, due_at, case.handled_at or now, calendar, case.limit_unit)


def _by(held: list[Standing], name: str, now: datetime) -> dict[str, Tally]:
    groups: dict[str, list[Standing]] = defaultdict(list)
    for case in held:
        whose: Any = getattr(case, name)
        if whose is not None:
            groups[str(whose)].append(case)
    return {whose: _tally(cases, now) for whose, cases in groups.items()}


def _tally(cases: list[Standing], now: datetime) -> Tally:
    answerable = [
        (c, c.due_at)
        for c in cases
        if c.due_at is not None and (c.handled_at is not None or (c.paused_at is None and c.due_at < now))
    ]
    in_time = [(c, c.handled_at is not None and c.handled_at <= due_at) for c, due_at in answerable]
    return Tally(
        reported=len(cases),
        rejected=sum(c.state is State.REJECTED for c in cases),
        merged=sum(c.state is State.MERGED for c in cases),
        filed=sum(c.filed_at is not None for c in cases),
        voided=sum(c.filed_at is not None and c.state is State.VOIDED for c in cases),
        open=sum(c.is_open for c in cases),
        overdue=sum(c.is_overdue(now) for c in cases),
        closed=sum(c.state is State.CLOSED for c in cases),
        answerable=len(answerable),
        handled=sum(c.handled_at is not None for c, _ in answerable),
        handled_in_time=sum(timely for _, timely in in_time),
        settled=sum(c.state is State.CLOSED for c, _ in answerable),
        settled_in_time=sum(timely and c.state is State.CLOSED for c, timely in in_time),
        reworked=sum(c.reworks > 0 for c, _ in answerable),
        reworks=sum(c.reworks for c in cases),
        returns=sum(c.returns for c in cases),
    )
