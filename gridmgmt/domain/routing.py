"""Routing: which unit and which worker get a report, by ordered rules that are data.

The first rule whose condition holds decides. Every rule looked at leaves a line in the trace, so
that "why us?" has an answer years later, after the rules have changed. What cannot be decided is
never silence but the manual queue, with its reason:

* the duty list gives the class to nobody yet: no unit, no worker, no queue but the waiting one;
* no rule holds;
* the rule that holds names a unit that is unknown, closed or, by the duty list, not allowed. The
  search then stops: going on to the next rule would hide a mistake in the rules (some product
  skips a broken rule, and the report is simply not routed).

The worker comes from the roster of the cell: an active worker, the deputy while all are on leave,
else the leader; among equals the one with the least open work, then the smaller id (R21b).
The form of rules: :mod:`.rules`. Not done here: learning from rulings; balancing between units.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from gridmgmt.domain.condition import RoutingFacts
from gridmgmt.domain.duty import STREET_KINDS, DutyVerdict
from gridmgmt.domain.org import Unit, UnitKind
from gridmgmt.domain.report import Report
from gridmgmt.domain.rows import Faults, Raw, Row, in_force
from gridmgmt.domain.rules import Rule, RuleSet, check_targets, parse_rules

__all__ = [
    "Outcome",
    "QueueReason",
    "Roster",
    "RosterEntry",
    "RosterRole",
    "RoutableCell",
    "Routing",
    "RuleSet",
    "TraceLine",
    "check_targets",
    "parse_rules",
    "parse_units",
    "route",
]


class RoutableCell(Protocol):
    """What routing needs to know of a cell."""

    @property
    def code(self) -> str:
        """Code of the cell."""

    @property
    def community_code(self) -> str:
        """Twelve digits."""

    @property
    def kind(self) -> str:
        """A value of :class:`gridmgmt.domain.grid.CellKind`."""


class RosterRole(StrEnum):
    """A person's part in a cell: 网格员, 网格长, and who stands in."""

    WORKER = "worker"
    DEPUTY = "deputy"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class RosterEntry:
    """One person in one cell; ``valid_to`` is the first day after the assignment."""

    cell_code: str
    person_id: UUID
    role: RosterRole
    valid_from: date
    valid_to: date | None = None
    on_leave: bool = False
    open_load: int = 0


class Outcome(StrEnum):
    """What became of a rule."""

    MATCHED = "matched"
    NOT_MATCHED = "not_matched"
    NOT_IN_FORCE = "not_in_force"
    TARGET_UNKNOWN = "target_unknown"
    TARGET_INACTIVE = "target_inactive"
    TARGET_NOT_ALLOWED = "target_not_allowed"
    SENT_TO_QUEUE = "sent_to_queue"


class TraceLine(NamedTuple):
    """One rule that was looked at, and why it did or did not decide."""

    rule_id: str
    outcome: Outcome
    why: str


class QueueReason(StrEnum):
    """Why a person has to decide."""

    OFF_DUTY_LIST = "off_duty_list"
    NO_RULE = "no_rule"
    TARGET_UNKNOWN = "target_unknown"
    TARGET_INACTIVE = "target_inactive"
    TARGET_NOT_ALLOWED = "target_not_allowed"
    BY_RULE = "by_rule"


@dataclass(frozen=True, slots=True)
class Routing:
    """The decision with its reasons; ``queue_reason`` is set exactly when there is no unit."""

    unit_code: str | None
    worker_id: UUID | None
    rule_id: str | None
    reason: str
    worker_reason: str
    queue_reason: QueueReason | None
    rules_version: str
    trace: tuple[TraceLine, ...]

    def as_facts(self) -> dict[str, Any]:
        """JSON-ready, for the history of the case."""
        return {
            "unit_code": self.unit_code,
            "worker_id": str(self.worker_id) if self.worker_id else None,
            "rule_id": self.rule_id,
            "reason": self.reason,
            "worker_reason": self.worker_reason,
            "queue_reason": self.queue_reason,
            "rules_version": self.rules_version,
            "trace": [list(line) for line in self.trace],
        }


class Roster:
    """Who works where; built once for a day's entries, then only read."""

    def __init__(self, entries: Iterable[RosterEntry] = ()) -> None:
        self._by_cell: dict[str, list[RosterEntry]] = {}
        for entry in entries:
            self._by_cell.setdefault(entry.cell_code, []).append(entry)

    def people_of(self, cell_code: str, on: date) -> tuple[UUID, ...]:
        """Everybody who is assigned to the cell that day, workers first."""
        entries = [e for e in self._by_cell.get(cell_code, ()) if in_force(e, on)]
        ranks = list(RosterRole)
        return tuple(e.person_id for e in sorted(entries, key=lambda e: (ranks.index(e.role), e.person_id)))

    def choose(self, cell_code: str, on: date) -> tuple[UUID | None, str]:
        """The person who answers for the cell that day, and why it is this one."""
        entries = [e for e in self._by_cell.get(cell_code, ()) if in_force(e, on)]
        if not entries:
            return None, "nobody is assigned to this cell"
        before = ""
        for role in RosterRole:
            of_role = [e for e in entries if e.role is role]
            present = [e for e in of_role if not e.on_leave]
            if present:
                chosen = min(present, key=lambda e: (e.open_load, e.person_id))
                among = f", least open work of {len(present)}" if len(present) > 1 else ""
                return chosen.person_id, f"{role} of the cell{among}{before}"
            before += f"; {role} on leave" if of_role else f"; no {role}"
        return None, f"nobody of the cell is present{before}"


def route(
    report: Report,
    verdict: DutyVerdict,
    cell: RoutableCell | None,
    rules: RuleSet,
    units: Mapping[str, Unit],
    roster: Roster,
    now: datetime,
) -> Routing:
    """Decide unit and worker.

    Parameters
    ----------
    verdict : of the duty list on that day.
    cell : the cell that owns the point; None for a report without place.
    units : every unit by code, closed ones too.
    now : aware; decides which rules are in force and the time of day.
    """
    local = now.astimezone(rules.zone)
    on = local.date()
    if verdict.waits_for_approval:
        return _queued(QueueReason.OFF_DUTY_LIST, verdict.reason, (None, "waits for an approval"), rules)
    facts = RoutingFacts(
        category=report.category,
        source=report.source,
        standing=verdict.standing,
        text=report.description,
        local_time=local.time(),
        community_code=cell.community_code if cell else None,
        cell_code=cell.code if cell else None,
        cell_kind=cell.kind if cell else None,
    )
    worker = roster.choose(cell.code, on) if cell else (None, "the report has no cell")
    trace: list[TraceLine] = []
    for rule in rules.rules:
        if not in_force(rule, on):
            trace.append(TraceLine(rule.id, Outcome.NOT_IN_FORCE, _OUT_OF_FORCE))
            continue
        why_not = rule.condition(facts)
        if why_not is not None:
            trace.append(TraceLine(rule.id, Outcome.NOT_MATCHED, why_not))
            continue
        unit_code, outcome, why = _target(rule, verdict, cell, units)
        trace.append(TraceLine(rule.id, outcome, why))
        queue_reason = _QUEUE_OF.get(outcome)
        return Routing(
            unit_code, worker[0], rule.id, why, worker[1], queue_reason, rules.version, tuple(trace)
        )
    return _queued(QueueReason.NO_RULE, "No rule holds for this report.", worker, rules, trace)


def _queued(
    why: QueueReason,
    reason: str,
    worker: tuple[UUID | None, str],
    rules: RuleSet,
    trace: Iterable[TraceLine] = (),
) -> Routing:
    """A routing without unit: somebody at the desk decides."""
    return Routing(None, worker[0], None, reason, worker[1], why, rules.version, tuple(trace))


_OUT_OF_FORCE = "not in force on that day"
_QUEUE_OF = {
    Outcome.TARGET_UNKNOWN: QueueReason.TARGET_UNKNOWN,
    Outcome.TARGET_INACTIVE: QueueReason.TARGET_INACTIVE,
    Outcome.TARGET_NOT_ALLOWED: QueueReason.TARGET_NOT_ALLOWED,
    Outcome.SENT_TO_QUEUE: QueueReason.BY_RULE,
}


def _target(
    rule: Rule, verdict: DutyVerdict, cell: RoutableCell | None, units: Mapping[str, Unit]
) -> tuple[str | None, Outcome, str]:
    if rule.to_queue:
        return None, Outcome.SENT_TO_QUEUE, rule.reason
    code = rule.unit_code
    if rule.to_community:
        code = cell.community_code if cell else None
    unit = units.get(code) if code else None
    if unit is None or (rule.to_community and unit.kind is not UnitKind.COMMUNITY):
        return None, Outcome.TARGET_UNKNOWN, f"Rule {rule.id} names a unit {code!r} that does not exist."
    if not unit.active:
        return None, Outcome.TARGET_INACTIVE, f"Rule {rule.id} names {unit.name}, which is closed."
    if unit.kind in STREET_KINDS and not verdict.allowed:
        return None, Outcome.TARGET_NOT_ALLOWED, f"Rule {rule.id} names {unit.name}. {verdict.reason}"
    return unit.code, Outcome.MATCHED, rule.reason


def parse_units(rows: Iterable[Raw]) -> dict[str, Unit]:
    """Units by code from a table such as ``units_demo.csv``.

    Raises
    ------
    InvalidInput
        Every fault with its row; also a code twice, or a parent that is not in the table.
    """
    faults = Faults("units")

    def build(row: Row) -> Unit:
        return Unit(
            code=row.text("code"),
            name=row.text("name"),
            kind=row.one_of("kind", UnitKind),
            subdistrict_code=row.text("subdistrict_code", needed=False) or None,
            parent_code=row.text("parent_code", needed=False) or None,
            active=row.flag("active"),
        )

    items = faults.collect(rows, build)
    units: dict[str, Unit] = {}
    for number, unit in items:
        if unit.code in units:
            faults.add(number, "code", f"{unit.code!r} stands twice")
        units[unit.code] = unit
    for number, unit in items:
        if unit.parent_code is not None and unit.parent_code not in units:
            faults.add(number, "parent_code", f"there is no unit {unit.parent_code!r}")
    faults.raise_if_any()
    return units
