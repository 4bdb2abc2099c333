"""The catalogue of classes 部件/事项 and what hangs on a class: conditions, limits, policy.

Standards replace each other (GB/T 47678.5-2026 took over from GB/T 30428.2-2013 on 2026-07-01) and
every limit is local configuration: the tables that were found contradict each other (DOMAIN §4.3).
So the catalogue is dated data. Each row says from when it holds and where it comes from, and no class
or limit is named in code. Periods are half-open: ``valid_to`` is the first day the row no longer holds.

A limit is chosen by class, area class 区域类别 and filing condition 立案条件: the narrowest pattern
first, then a row for the very area, then one for the very condition; rows that leave them empty are
the fallback. The row chosen keeps its source, so that a deadline can be explained.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from gridmgmt.domain.limit import (
    GENERAL,
    HandlingLimit,
    HandlingMilestone,
    Limit,
    StageLimit,
    parse_limits,
    parse_stage_limits,
)
from gridmgmt.domain.pattern import CategoryKey, CategoryKind, CategoryPattern, PatternTable
from gridmgmt.domain.rows import Faults, Raw, Row, in_force
from gridmgmt.domain.windows import Window
from gridmgmt.domain.workflow import State
from gridmgmt.errors import InvalidInput, MissingFact, UnknownCategory

__all__ = [
    "AutoPolicy",
    "Catalogue",
    "Category",
    "CategoryKey",
    "CategoryKind",
    "ClosingCondition",
    "FilingCondition",
    "HandlingLimit",
    "HandlingMilestone",
    "Limit",
    "StageLimit",
    "check_limits",
    "parse_categories",
    "parse_closing_conditions",
    "parse_filing_conditions",
    "parse_limits",
    "parse_stage_limits",
]


class AutoPolicy(StrEnum):
    """How far a report of a class moves by itself; each step includes those before it."""

    NONE = "none"
    ACCEPT = "accept"
    FILE = "file"
    DISPATCH = "dispatch"

    def reaches(self, step: "AutoPolicy") -> bool:
        """Whether the policy goes at least as far as ``step``."""
        return _POLICY_RANK[self] >= _POLICY_RANK[step]


_POLICY_RANK: Mapping[AutoPolicy, int] = MappingProxyType({p: i for i, p in enumerate(AutoPolicy)})


@dataclass(frozen=True, slots=True)
class Category:
    """One class 小类 of one standard.

    ``minor`` 轻微 allows a grid worker to handle it on the spot; ``evidence_required`` asks a patrol
    report for a photo; ``emergency`` 紧急 puts it before everything else.
    """

    standard_ref: str
    kind: CategoryKind
    code: str
    name: str
    major_code: str
    major_name: str
    valid_from: date
    valid_to: date | None = None
    name_en: str = ""
    major_name_en: str = ""
    minor: bool = False
    evidence_required: bool = True
    emergency: bool = False
    auto_policy: AutoPolicy = AutoPolicy.NONE
    source: str = ""
    key: CategoryKey = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", CategoryKey(self.standard_ref, self.kind, self.code))

    def valid_on(self, on: date) -> bool:
        """Whether the class is in use on that day."""
        return in_force(self, on)


@dataclass(frozen=True, slots=True)
class FilingCondition:
    """When a report of these classes becomes a case 立案条件; ``code`` is what a limit refers to."""

    pattern: CategoryPattern
    code: str
    text: str
    source: str


@dataclass(frozen=True, slots=True)
class ClosingCondition:
    """What must be so before a case of these classes closes 结案条件."""

    pattern: CategoryPattern
    text: str
    source: str


class Catalogue:
    """Every class with its conditions and limits; built once, then only read.

    Parameters
    ----------
    categories : classes, possibly several dated rows of one key.
    limits, stage_limits, filing_conditions, closing_conditions, milestones : what hangs on them.
    """

    def __init__(
        self,
        categories: Iterable[Category],
        limits: Iterable[HandlingLimit] = (),
        stage_limits: Iterable[StageLimit] = (),
        filing_conditions: Iterable[FilingCondition] = (),
        closing_conditions: Iterable[ClosingCondition] = (),
        milestones: Iterable[HandlingMilestone] = (),
    ) -> None:
        self.categories = tuple(categories)
        self._by_name: dict[str, list[Category]] = {}
        for category in self.categories:
            for name in (str(category.key), f"{category.kind}:{category.code}", category.code):
                self._by_name.setdefault(name, []).append(category)
        ordered = sorted(limits, key=lambda row: (row.area_class != "", row.condition != ""), reverse=True)
        self._limits = PatternTable((row.pattern, row) for row in ordered)
        self.area_classes = frozenset(row.area_class for row in ordered if row.area_class)
        self._filing = PatternTable((row.pattern, row) for row in filing_conditions)
        self._closing = PatternTable((row.pattern, row) for row in closing_conditions)
        self._milestones = PatternTable((row.pattern, row) for row in milestones)
        self._stages = {(row.state, row.urgency): row for row in stage_limits}
        self._desks: dict[tuple[str, ...], Mapping[State, Limit]] = {}
        self.windows: Mapping[Window, Limit] = MappingProxyType(
            {w: row.limit for w in Window if (row := self._stages.get((w, GENERAL)))}
        )

    def find(self, name: CategoryKey | str, on: date) -> Category:
        """The class of that name that is in use on that day.

        Parameters
        ----------
        name : a key, its text ``standard:kind:code``, or short ``kind:code`` or ``code`` where only
            one class in use answers to it.

        Raises
        ------
        UnknownCategory
            None is in use then (``facts["known"]`` tells whether on another day), or several answer
            to the short name (``facts["candidates"]``).
        """
        text = name if isinstance(name, str) else str(name)
        known = self._by_name.get(text, ())
        found = [category for category in known if category.valid_on(on)]
        if len(found) == 1:
            return found[0]
        if found:
            raise UnknownCategory(
                f"{text[:60]!r} names {len(found)} classes; give standard:kind:code.",
                category=text[:60],
                on=on.isoformat(),
                candidates=[str(category.key) for category in found],
            )
        raise UnknownCategory(
            f"There is no class {text[:60]!r} in the catalogue on {on.isoformat()}.",
            category=text[:60],
            on=on.isoformat(),
            known=bool(known),
        )

    def in_use(self, on: date) -> list[Category]:
        """Every class in use on that day, in the catalogue's order."""
        return [category for category in self.categories if category.valid_on(on)]

    def limit_for(
        self, category: Category, on: date, area_class: str = "", condition: str = ""
    ) -> HandlingLimit:
        """The handling limit that applies, with its source.

        Raises
        ------
        MissingFact
            No row applies, not even a general one.
        """
        for row in self._limits.matching(category.key):
            if row.area_class in {"", area_class} and row.condition in {"", condition} and in_force(row, on):
                return row
        raise MissingFact(
            f"No handling limit applies to {category.key} on {on.isoformat()}.",
            article="22-2",
            rule="R22b",
            missing=["handling_limit"],
            category=str(category.key),
        )

    def stage_limit_for(self, state: str, *urgencies: str) -> StageLimit | None:
        """The desk's limit for the first of these urgencies that has one, else the general one, else None."""
        rows = (self._stages.get((state, urgency)) for urgency in (*urgencies, GENERAL))
        return next((row for row in rows if row is not None), None)

    def desk_limits(self, *urgencies: str) -> Mapping[State, Limit]:
        """The limits of all desks, each by :meth:`stage_limit_for`."""
        held = self._desks.get(urgencies)
        if held is None:
            desks = {State(s) for s, _ in self._stages if s in set(State)}
            found = {state: self.stage_limit_for(state, *urgencies) for state in desks}
            held = MappingProxyType({state: row.limit for state, row in found.items() if row is not None})
            self._desks[urgencies] = held
        return held

    def milestones_for(self, category: Category, on: date) -> tuple[HandlingMilestone, ...]:
        """The parts of the work on that day, in order, by the narrowest pattern that has any; often none."""
        rows = [row for row in self._milestones.matching(category.key) if in_force(row, on)]
        return tuple(sorted((r for r in rows if r.pattern == rows[0].pattern), key=lambda r: r.no))

    def filing_conditions_for(self, category: Category) -> tuple[FilingCondition, ...]:
        """The filing conditions of the class, narrowest first."""
        return self._filing.matching(category.key)

    def closing_condition_for(self, category: Category) -> ClosingCondition | None:
        """The narrowest closing condition of the class."""
        return self._closing.best(category.key)


def parse_categories(rows: Iterable[Raw]) -> list[Category]:
    """Classes from the rows of a catalogue table such as ``gbt_47678_5_2026.csv``.

    Raises
    ------
    InvalidInput
        Every fault with its row: bad cells, a code outside its major, two rows of one key whose
        periods overlap.
    """
    faults = Faults("categories")
    items = faults.collect(rows, _category)
    faults.refuse_overlaps(items, lambda item: item.key, "code")
    faults.raise_if_any()
    return [item for _, item in items]


def _category(row: Row) -> Category:
    valid_from, valid_to = row.period()
    code, major_code = row.text("code"), row.text("major_code")
    if not code.startswith(major_code):
        row.refuse("code", f"{code!r} does not begin with its major {major_code!r}")
    item = Category(
        standard_ref=row.text("standard_ref"),
        kind=row.one_of("kind", CategoryKind),
        code=code,
        name=row.text("name"),
        name_en=row.text("name_en", needed=False),
        major_code=major_code,
        major_name=row.text("major_name"),
        major_name_en=row.text("major_name_en", needed=False),
        valid_from=valid_from,
        valid_to=valid_to,
        minor=row.flag("minor"),
        evidence_required=row.flag("evidence_required"),
        emergency=row.flag("emergency"),
        auto_policy=row.one_of("auto_policy", AutoPolicy),
        source=row.text("source"),
    )
    if row.sound:
        CategoryKey.parse(str(item.key))
    return item


def parse_filing_conditions(rows: Iterable[Raw]) -> list[FilingCondition]:
    """Filing conditions from their table; raises InvalidInput with every fault."""
    faults = Faults("filing_conditions")
    items = faults.collect(
        rows,
        lambda row: FilingCondition(
            pattern=CategoryPattern.parse(row.text("category")),
            code=row.text("code"),
            text=row.text("text"),
            source=row.text("source"),
        ),
    )
    faults.raise_if_any()
    return [item for _, item in items]


def parse_closing_conditions(rows: Iterable[Raw]) -> list[ClosingCondition]:
    """Closing conditions from their table; raises InvalidInput with every fault."""
    faults = Faults("closing_conditions")
    items = faults.collect(
        rows,
        lambda row: ClosingCondition(
            CategoryPattern.parse(row.text("category")), row.text("text"), row.text("source")
        ),
    )
    faults.raise_if_any()
    return [item for _, item in items]


def check_limits(catalogue: Catalogue, on: date) -> None:
    """Refuse a catalogue in which some class in use has no handling limit, or two that contradict each other.

    The last milestone of a class is its handling limit, so both tables must say the same.

    Raises
    ------
    InvalidInput
        ``facts["without_limit"]`` or ``facts["contradicting"]`` names the classes.
    """
    without, contradicting = [], []
    for category in catalogue.in_use(on):
        try:
            whole = catalogue.limit_for(category, on).limit
        except MissingFact:
            without.append(str(category.key))
            continue
        parts = catalogue.milestones_for(category, on)
        if parts and parts[-1].limit != whole:
            contradicting.append(str(category.key))
    if without:
        raise InvalidInput(
            f"{len(without)} classes have no handling limit on {on.isoformat()}.",
            rule="R22b",
            without_limit=without,
        )
    if contradicting:
        raise InvalidInput(
            f"{len(contradicting)} classes have a last milestone that differs from their handling limit.",
            rule="R22b",
            contradicting=contradicting,
        )
