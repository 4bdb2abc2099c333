"""The duty list 职责清单: what the subdistrict may be asked to do, and who leads if not it.

Article 7: the district government makes the list and publishes it; what departments of city and
district have to do themselves must not be passed to the subdistrict; outside the list the
subdistrict does nothing without an approval of city or district. Article 45 makes passing it on an
offence. So every class that crosses the loop gets a verdict:

* **lead** 主责: the subdistrict handles it.
* **assist** 配合: a department leads, the subdistrict assists.
* **withdrawn** 部门落实/上级收回: a department handles it; a street lead is refused (R07b).
* **approved extra**: not on the list, but an approval in force covers it (R07c, article 36-4).
* **off list**: none of these; the case waits for an approval or a ruling, in nobody's queue (R07c).
* **not judged**: the day lies before the regulation took effect (R48).

A list that is not published, or not in force on the day, gives no duty at all. Versions are
immutable; which version holds is a matter of dates. Not done here: drafting and approving a list.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from gridmgmt.domain.org import Unit, UnitKind
from gridmgmt.domain.pattern import CategoryPattern, PatternTable
from gridmgmt.domain.rows import Faults, Raw, Row
from gridmgmt.domain.taxonomy import Category
from gridmgmt.errors import OffDutyList

REGULATION_IN_FORCE_ON = date(2020, 11, 1)
"""Article 48."""

STREET_KINDS = frozenset({UnitKind.SUBDISTRICT_OFFICE, UnitKind.COMMUNITY})
"""Units that are the street's own; an outpost 派出机构 is its department's, wherever it sits."""


class DutyDomain(StrEnum):
    """The fields of duty of article 6, in its order."""

    PUBLIC_SERVICE = "public_service"
    """6-1(1) 公共服务"""
    URBAN_MANAGEMENT = "urban_management"
    """6-1(2) 城市管理"""
    PUBLIC_SAFETY = "public_safety"
    """6-1(3) 平安建设"""
    CO_GOVERNANCE = "co_governance"
    """6-1(4) 动员共治"""
    SELF_GOVERNANCE = "self_governance"
    """6-1(5) 社区自治指导"""
    NATIONAL_DEFENCE = "national_defence"
    """6-1(6) 国防教育、兵役"""
    OTHER_STATUTORY = "other_statutory"
    """6-1(7) 法律、法规规定的其他职责"""
    ASSIGNED = "assigned"
    """6-2 市和区人民政府确定的职责"""


class DutyRole(StrEnum):
    """The subdistrict's part in an item."""

    LEAD = "lead"
    ASSIST = "assist"
    WITHDRAWN = "withdrawn"


class DutyStanding(StrEnum):
    """What the verdict says; stored with the case and asked by routing rules."""

    LEAD = "lead"
    ASSIST = "assist"
    WITHDRAWN = "withdrawn"
    APPROVED_EXTRA = "approved_extra"
    OFF_LIST = "off_list"
    NOT_JUDGED = "not_judged"


_MAY_LEAD = frozenset({DutyStanding.LEAD, DutyStanding.APPROVED_EXTRA, DutyStanding.NOT_JUDGED})


@dataclass(frozen=True, slots=True)
class DutyItem:
    """One item of a list; ``lead_unit_kind`` and ``lead_unit_code`` name who leads, as far as fixed."""

    no: str
    name: str
    domain: DutyDomain
    legal_basis: str
    duty_role: DutyRole
    patterns: tuple[CategoryPattern, ...]
    lead_unit_kind: UnitKind | None = None
    lead_unit_code: str | None = None


@dataclass(frozen=True, slots=True)
class DutyList:
    """One published version of a district's list; ``effective_to`` is the first day after it."""

    district_code: str
    version: str
    effective_from: date
    effective_to: date | None
    published_on: date | None
    items: tuple[DutyItem, ...]
    _table: PatternTable[DutyItem] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        entries = [(pattern, item) for item in self.items for pattern in item.patterns]
        object.__setattr__(self, "_table", PatternTable(entries))

    def in_force(self, on: date) -> bool:
        """Whether the list binds on that day: effective, and published by then (R07a)."""
        return (
            self.published_on is not None
            and self.published_on <= on
            and self.effective_from <= on
            and (self.effective_to is None or on < self.effective_to)
        )

    def item_for(self, category: Category) -> DutyItem | None:
        """The item with the narrowest pattern for the class."""
        return self._table.best(category.key)


@dataclass(frozen=True, slots=True)
class ApprovedExtra:
    """An approval to take on what the list does not hold (articles 7-2 and 36-4).

    Article 7 says city *or* district, article 36 city *and* district: who approved is stated, not
    assumed. ``expires_on`` is the first day it no longer holds; an approval without end is none.
    """

    approval_no: str
    approving_body: str
    patterns: tuple[CategoryPattern, ...]
    approved_on: date
    expires_on: date

    def covers(self, category: Category, on: date) -> bool:
        """Whether it holds on that day for that class."""
        return self.approved_on <= on < self.expires_on and any(
            pattern.matches(category.key) for pattern in self.patterns
        )


@dataclass(frozen=True, slots=True)
class DutyVerdict:
    """The answer for one class on one day.

    ``allowed`` tells whether the subdistrict may lead. ``article`` and ``rule`` are what a refusal
    rests on, ``reason`` says it in one English sentence.
    """

    standing: DutyStanding
    reason: str
    article: str
    rule: str
    item: DutyItem | None = None
    approval: ApprovedExtra | None = None

    @property
    def allowed(self) -> bool:
        """Whether a unit of the street may be the responsible one."""
        return self.standing in _MAY_LEAD

    @property
    def waits_for_approval(self) -> bool:
        """Whether the case may enter nobody's queue yet."""
        return self.standing is DutyStanding.OFF_LIST


_NOT_JUDGED = DutyVerdict(
    DutyStanding.NOT_JUDGED, "The regulation was not in force on that day.", "48", "R48"
)
_STANDING_OF = {
    DutyRole.LEAD: (DutyStanding.LEAD, "on the list with the subdistrict in the lead", "R07a"),
    DutyRole.ASSIST: (DutyStanding.ASSIST, "on the list with a department in the lead", "R07a"),
    DutyRole.WITHDRAWN: (DutyStanding.WITHDRAWN, "for departments to carry out themselves", "R07b"),
}


def check_duty(
    duty_list: DutyList | None, category: Category, on: date, approvals: Iterable[ApprovedExtra] = ()
) -> DutyVerdict:
    """Judge one class on one day.

    Parameters
    ----------
    duty_list : the district's list; None, not published or not in force gives no duty.
    approvals : approvals of city or district; looked at only if the list does not hold the class.

    Returns
    -------
    DutyVerdict
        Never an exception: what follows from ``off_list`` is the caller's step (waiting for an
        approval, report to the district, explanation to the person: article 14-3).
    """
    if on < REGULATION_IN_FORCE_ON:
        return _NOT_JUDGED
    in_force = duty_list is not None and duty_list.in_force(on)
    item = duty_list.item_for(category) if duty_list is not None and in_force else None
    if item is not None:
        standing, words, rule = _STANDING_OF[item.duty_role]
        return DutyVerdict(standing, f"Item {item.no} {item.name} is {words}.", "7-1", rule, item)
    for approval in approvals:
        if approval.covers(category, on):
            reason = f"Approved by {approval.approving_body} under {approval.approval_no}."
            return DutyVerdict(DutyStanding.APPROVED_EXTRA, reason, "7-2", "R07c", None, approval)
    reason = (
        "The duty list in force does not hold this class."
        if in_force
        else "No published duty list is in force on that day."
    )
    return DutyVerdict(DutyStanding.OFF_LIST, reason, "7-2", "R07c")


def check_dispatch(verdict: DutyVerdict, unit: Unit) -> None:
    """Refuse to make a unit responsible against the duty list.

    Raises
    ------
    OffDutyList
        The class waits for an approval (R07c), or the unit is the street's own and the street may
        not lead (R07b).
    """
    if verdict.waits_for_approval:
        raise OffDutyList(
            f"{verdict.reason} It waits for an approval of the city or district government.",
            article=verdict.article,
            rule="R07c",
            standing=str(verdict.standing),
        )
    if unit.kind in STREET_KINDS and not verdict.allowed:
        raise OffDutyList(
            f"{verdict.reason} A unit of the street cannot be the responsible one.",
            article=verdict.article,
            rule="R07b",
            standing=str(verdict.standing),
            unit_code=unit.code,
            item_no=verdict.item.no if verdict.item else None,
        )


def parse_duty_lists(rows: Iterable[Raw]) -> list[DutyList]:
    """Duty lists from a table with one row an item; the columns of the list repeat in each row.

    Raises
    ------
    InvalidInput
        Every fault with its row: no legal basis (it could not be published, R07a), an item number
        or a pattern twice in one version, rows of one version that disagree about its dates.
    """
    faults = Faults("duty_list")
    items = faults.collect(rows, _item)
    heads: dict[tuple[str, str], tuple[date, date | None, date | None]] = {}
    held: dict[tuple[str, str], list[DutyItem]] = {}
    seen: set[tuple[tuple[str, str], str]] = set()
    for number, (version, dates, item) in items:
        if heads.setdefault(version, dates) != dates:
            faults.add(number, "effective_from", "the dates differ from other rows of this version")
        for name in (f"item {item.no}", *(f"pattern {pattern}" for pattern in item.patterns)):
            if (version, name) in seen:
                faults.add(number, name.split()[0], f"{name} stands twice in version {version[1]}")
            seen.add((version, name))
        held.setdefault(version, []).append(item)
    faults.raise_if_any()
    return [
        DutyList(district_code, version, *heads[district_code, version], items=tuple(found))
        for (district_code, version), found in held.items()
    ]


def _item(row: Row) -> tuple[tuple[str, str], tuple[date, date | None, date | None], DutyItem]:
    effective_from, effective_to = row.period("effective_from", "effective_to")
    item = DutyItem(
        no=row.text("no"),
        name=row.text("name"),
        domain=row.one_of("domain", DutyDomain),
        legal_basis=row.text("legal_basis"),
        duty_role=row.one_of("duty_role", DutyRole),
        patterns=tuple(CategoryPattern.parse(text) for text in row.many("categories", needed=False)),
        lead_unit_kind=row.one_of_or_none("lead_unit_kind", UnitKind),
        lead_unit_code=row.text("lead_unit_code", needed=False) or None,
    )
    if item.duty_role is not DutyRole.LEAD and item.lead_unit_kind in STREET_KINDS:
        row.refuse("lead_unit_kind", f"the street cannot lead an item whose role is {item.duty_role}")
    version = (row.text("district_code"), row.text("version"))
    return version, (effective_from, effective_to, row.day_or_none("published_on")), item
