"""Everything a decision about one subdistrict rests on, at one revision.

A rulebook is immutable: storage builds it, services hold it while the database's revision stays the
same. It knows several plans and duty lists, because the one that counts depends on the day asked
about, not on the day of asking.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from gridmgmt.domain.cellindex import CellIndex
from gridmgmt.domain.clocks import Clocks, MilestoneLimit
from gridmgmt.domain.duty import ApprovedExtra, DutyList, DutyVerdict, check_duty
from gridmgmt.domain.grid import GridCell, GridPlan
from gridmgmt.domain.limit import EMERGENCY, SIGN_FOR
from gridmgmt.domain.org import Community, Subdistrict, Unit
from gridmgmt.domain.pattern import CategoryKey
from gridmgmt.domain.precedent import Precedents
from gridmgmt.domain.roster import Roster
from gridmgmt.domain.rules import DatedRules, RuleSet, rules_in_use
from gridmgmt.domain.taxonomy import Catalogue, Category
from gridmgmt.domain.worktime import WorkCalendar
from gridmgmt.errors import OutsideArea, PlanNotInForce, UnknownCategory
from gridmgmt.geo.crs import Datum, LonLat

_MOST_CLOCKS = 50_000
"""Clocks are kept by class, day, area and condition; asking for all of them must not fill the memory."""


@dataclass(frozen=True, slots=True)
class IndexedPlan:
    """A published plan with its index; ``cells`` by code."""

    plan: GridPlan
    index: CellIndex
    cells: Mapping[str, GridCell]


@dataclass(frozen=True, slots=True)
class RuleBook:
    """One subdistrict's rules and places.

    ``plans`` are the published ones in order of their start, ``rule_sets`` in the order published;
    ``people`` are names by id, for texts.
    """

    revision: int
    subdistrict: Subdistrict
    communities: Mapping[str, Community]
    plans: tuple[IndexedPlan, ...]
    catalogue: Catalogue
    duty_lists: tuple[DutyList, ...]
    approvals: tuple[ApprovedExtra, ...]
    rule_sets: tuple[DatedRules, ...]
    units: Mapping[str, Unit]
    roster: Roster
    calendar: WorkCalendar
    people: Mapping[UUID, str]
    precedents: Precedents = field(default_factory=Precedents)
    calendar_id: str = ""
    _clocks: dict[tuple[CategoryKey, date, date, str, str], Clocks] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def timezone(self) -> ZoneInfo:
        """The zone that days are counted in."""
        return ZoneInfo(self.calendar.timezone)

    @property
    def rules(self) -> RuleSet:
        """The rules published last, whether in use yet or not; decisions ask :meth:`rules_at`."""
        return self.rule_sets[-1].rules

    def rules_at(self, at: datetime) -> RuleSet:
        """The routing rules in use at an instant."""
        return rules_in_use(self.rule_sets, at)

    def day_of(self, at: datetime) -> date:
        """The local day of an instant."""
        return at.astimezone(self.timezone).date()

    def plan_or_none(self, at: datetime) -> IndexedPlan | None:
        """The plan in force at an instant."""
        return next((p for p in self.plans if p.plan.in_force(at)), None)

    def plan_at(self, at: datetime) -> IndexedPlan:
        """The plan in force at an instant.

        Raises
        ------
        PlanNotInForce
            None was; the one before has ended or the first has not begun.
        """
        found = self.plan_or_none(at)
        if found is None:
            raise PlanNotInForce(
                "No grid plan is in force at that time.",
                article="21-1",
                rule="R21a",
                at=at.isoformat(),
            )
        return found

    def locate(self, position: LonLat, datum: Datum, at: datetime) -> tuple[IndexedPlan, GridCell]:
        """The plan and the one cell that own a point at an instant.

        Parameters
        ----------
        position : in ``datum``; a GCJ-02 or BD-09 point is matched against the cells carried forward
            into that datum, never converted back.

        Raises
        ------
        PlanNotInForce
            No plan at that time.
        OutsideArea
            No cell touches the point.
        """
        indexed = self.plan_at(at)
        code = indexed.index.in_datum(datum).code_at(position)
        if code is None:
            raise OutsideArea(
                f"The point lies outside {self.subdistrict.name}.",
                article="21-1",
                rule="R21a",
                subdistrict=self.subdistrict.name,
            )
        return indexed, indexed.cells[code]

    def category_or_none(self, name: str, at: datetime) -> Category | None:
        """The class of that name on the day of an instant."""
        try:
            return self.catalogue.find(name, self.day_of(at))
        except UnknownCategory:
            return None

    def duty(self, category: Category, at: datetime) -> DutyVerdict:
        """The duty list's verdict on a class, on the day of an instant."""
        on = self.day_of(at)
        in_force = next((listed for listed in self.duty_lists if listed.in_force(on)), None)
        return check_duty(in_force, category, on, self.approvals)

    def clocks(
        self, category: Category, at: datetime, *, area_class: str = "", condition: str = ""
    ) -> Clocks:
        """What deadlines of a case of that class are computed with.

        Parameters
        ----------
        at : the limit that holds on this day applies; a case is dispatched then.
        area_class, condition : 区域类别 and 立案条件 of the case; empty takes the rows for any.

        Raises
        ------
        MissingFact
            No handling limit applies.
        """
        on = self.day_of(at)
        key = (category.key, category.valid_from, on, area_class, condition)
        held = self._clocks.get(key)
        if held is None:
            held = self._clocks_on(category, on, area_class, condition)
            if len(self._clocks) < _MOST_CLOCKS:
                self._clocks[key] = held
        return held

    def _clocks_on(self, category: Category, on: date, area_class: str, condition: str) -> Clocks:
        row = self.catalogue.limit_for(category, on, area_class, condition)
        urgencies = tuple(u for u in (condition, EMERGENCY if category.emergency else "") if u)
        sign_for = self.catalogue.stage_limit_for(SIGN_FOR, *urgencies)
        return Clocks(
            calendar=self.calendar,
            stage_limits=self.catalogue.desk_limits(*urgencies),
            handling_limit=row.limit,
            sign_for=sign_for.limit if sign_for else None,
            milestones=tuple(
                MilestoneLimit(m.code, m.limit) for m in self.catalogue.milestones_for(category, on)[:-1]
            ),
            source=row.source,
            windows=self.catalogue.windows,
        )
