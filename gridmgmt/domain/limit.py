"""Limits as data: for the responsible unit, for parts of its work, for the desks.

Every limit is local configuration (the tables that were found contradict each other, DOMAIN §4.3), so each
row says where it comes from, and those for the unit say from when they hold. How one is chosen is the
business of :class:`.taxonomy.Catalogue`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from gridmgmt.domain.pattern import CategoryPattern
from gridmgmt.domain.rows import Faults, Raw, Row
from gridmgmt.domain.windows import Window
from gridmgmt.domain.workflow import State
from gridmgmt.domain.worktime import LimitUnit

GENERAL = "general"
EMERGENCY = "emergency"
SIGN_FOR = Window.SIGN_FOR


@dataclass(frozen=True, slots=True)
class Limit:
    """A length of time on one of the clocks of :mod:`.worktime`."""

    amount: int
    unit: LimitUnit


@dataclass(frozen=True, slots=True)
class HandlingLimit:
    """How long the responsible unit has 处置时限; empty area class or condition means any."""

    pattern: CategoryPattern
    limit: Limit
    source: str
    valid_from: date
    valid_to: date | None = None
    area_class: str = ""
    condition: str = ""


@dataclass(frozen=True, slots=True)
class StageLimit:
    """How long one desk has; ``state`` is a state of the workflow or a :class:`.Window`.

    ``urgency`` is ``general``, ``emergency`` for emergency classes, or the code of a filing condition.
    """

    state: str
    limit: Limit
    source: str
    urgency: str = GENERAL


@dataclass(frozen=True, slots=True)
class HandlingMilestone:
    """A part of the work with a limit of its own, counted from the dispatch; ``no`` gives the order.

    The last one of a class is the whole work: its limit is the handling limit.
    """

    pattern: CategoryPattern
    no: int
    code: str
    name: str
    limit: Limit
    source: str
    valid_from: date
    valid_to: date | None = None
    name_en: str = ""


def _limit(row: Row) -> Limit:
    return Limit(row.whole("amount", least=1), row.one_of("unit", LimitUnit))


def parse_limits(rows: Iterable[Raw]) -> list[HandlingLimit]:
    """Handling limits from the rows of ``handling_limits.csv``.

    Raises
    ------
    InvalidInput
        Every fault with its row; also two rows for the same classes, area and condition at one time.
    """
    faults = Faults("handling_limits")

    def build(row: Row) -> HandlingLimit:
        valid_from, valid_to = row.period()
        return HandlingLimit(
            pattern=CategoryPattern.parse(row.text("category")),
            limit=_limit(row),
            source=row.text("source"),
            valid_from=valid_from,
            valid_to=valid_to,
            area_class=row.text("area_class", needed=False),
            condition=row.text("condition", needed=False),
        )

    items = faults.collect(rows, build)
    faults.refuse_overlaps(items, lambda row: (row.pattern, row.area_class, row.condition), "category")
    faults.raise_if_any()
    return [item for _, item in items]


def parse_stage_limits(rows: Iterable[Raw]) -> list[StageLimit]:
    """Limits of the desks from the rows of ``stage_limits.csv``; raises InvalidInput with every fault."""
    faults = Faults("stage_limits")
    states = {*State, *Window}

    def build(row: Row) -> StageLimit:
        state, urgency = row.text("state"), row.text("urgency", needed=False) or GENERAL
        if state not in states:
            row.refuse("state", f"{state!r} is no state of the workflow and no window")
        return StageLimit(state, _limit(row), row.text("source"), urgency)

    items = faults.collect(rows, build)
    seen = set()
    for number, item in items:
        if (item.state, item.urgency) in seen:
            faults.add(number, "state", f"a second limit for {item.state} and {item.urgency}")
        seen.add((item.state, item.urgency))
    faults.raise_if_any()
    return [item for _, item in items]


def parse_milestones(rows: Iterable[Raw]) -> list[HandlingMilestone]:
    """Milestones from the rows of ``handling_milestones.csv``.

    Raises
    ------
    InvalidInput
        Every fault with its row; also two rows of the same classes with one number or code at one time.
    """
    faults = Faults("handling_milestones")

    def build(row: Row) -> HandlingMilestone:
        valid_from, valid_to = row.period()
        return HandlingMilestone(
            pattern=CategoryPattern.parse(row.text("category")),
            no=row.whole("no", least=1),
            code=row.text("code"),
            name=row.text("name"),
            limit=_limit(row),
            source=row.text("source"),
            valid_from=valid_from,
            valid_to=valid_to,
            name_en=row.text("name_en", needed=False),
        )

    items = faults.collect(rows, build)
    faults.refuse_overlaps(items, lambda row: (row.pattern, row.no), "no")
    faults.refuse_overlaps(items, lambda row: (row.pattern, row.code), "code")
    faults.raise_if_any()
    return [item for _, item in items]
