"""Routing: which unit and which worker get a report, by ordered rules that are data.

The first rule whose condition holds decides. Every rule looked at leaves a line in the trace, so
that "why us?" has an answer years later, after the rules have changed. What cannot be decided is
never silence but the manual queue, with its reason:

* the duty list gives the class to nobody yet: no unit, no worker, no queue but the waiting one;
* no rule holds;
* the rule that holds names a unit that is unknown, closed or, by the duty list, not allowed. The
  search then stops: going on to the next rule would hide a mistake in the rules (some product
  skips a broken rule, and the report is simply not routed);
* a rule fails while it is asked: the search stops as well, and the rule is named;
* the rules name one unit and a ruling of the district about this very cell another.

The person comes from the roster (:mod:`.roster`), what the district ruled before from
:mod:`.precedent`. The form of rules: :mod:`.rules`. Not done here: balancing between units.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, Protocol
from uuid import UUID

from gridmgmt.domain.condition import RoutingFacts
from gridmgmt.domain.duty import STREET_KINDS, DutyVerdict
from gridmgmt.domain.org import Unit, UnitKind
from gridmgmt.domain.precedent import Precedents, Proposal
from gridmgmt.domain.report import Report
from gridmgmt.domain.roster import NO_LOAD, Choice, Roster, RosterEntry, RosterRole, WorkerCode
from gridmgmt.domain.rows import Faults, Raw, Row, in_force
from gridmgmt.domain.rules import Rule, RuleSet, check_targets, parse_rules

__all__ = [
    "Known",
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


class Outcome(StrEnum):
    """What became of a rule."""

    MATCHED = "matched"
    NOT_MATCHED = "not_matched"
    NOT_IN_FORCE = "not_in_force"
    TARGET_UNKNOWN = "target_unknown"
    TARGET_INACTIVE = "target_inactive"
    TARGET_NOT_ALLOWED = "target_not_allowed"
    SENT_TO_QUEUE = "sent_to_queue"
    FAILED = "failed"
    PROPOSED = "proposed"
    """A ruling of the district; its line has the document's number instead of a rule's id."""
    PROPOSAL_REFUSED = "proposal_refused"


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
    RULE_FAILED = "rule_failed"
    RULING_DIFFERS = "ruling_differs"


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
    worker_code: WorkerCode = WorkerCode.NO_CELL
    proposal: Proposal | None = None

    def as_facts(self) -> dict[str, Any]:
        """JSON-ready, for the history of the case."""
        return {
            "unit_code": self.unit_code,
            "worker_id": str(self.worker_id) if self.worker_id else None,
            "rule_id": self.rule_id,
            "reason": self.reason,
            "worker_reason": self.worker_reason,
            "worker_code": self.worker_code,
            "queue_reason": self.queue_reason,
            "rules_version": self.rules_version,
            "trace": [list(line) for line in self.trace],
            "precedent": self.proposal.as_facts() if self.proposal else None,
        }


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the report and the rules; nothing of it is needed.

    ``load`` are open cases by person, ``part_owner`` the unit that owns the part the report is about.
    """

    load: Mapping[UUID, int] = field(default_factory=lambda: NO_LOAD)
    precedents: Precedents = field(default_factory=Precedents)
    part_owner: str | None = None


_NOTHING = Known()


def route(  # noqa: PLR0913  the parts of a decision, each from another source
    report: Report,
    verdict: DutyVerdict,
    cell: RoutableCell | None,
    rules: RuleSet,
    units: Mapping[str, Unit],
    roster: Roster,
    now: datetime,
    known: Known = _NOTHING,
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
    if verdict.waits_for_approval:
        nobody = Choice(None, "waits for an approval", WorkerCode.WAITS)
        return _decided(rules, nobody, [], reason=verdict.reason, why=QueueReason.OFF_DUTY_LIST)
    worker = Choice(None, "the report has no cell", WorkerCode.NO_CELL)
    proposal = None
    if cell is not None:
        worker = roster.choose(cell.code, local.date(), local.time(), known.load)
        place = (cell.community_code, cell.code)
        proposal = known.precedents.propose(str(report.category), *place, verdict, units)
    facts = RoutingFacts(
        category=report.category,
        source=report.source,
        standing=verdict.standing,
        text=report.description,
        local_time=local.time(),
        local_day=local.date(),
        community_code=cell.community_code if cell else None,
        cell_code=cell.code if cell else None,
        cell_kind=cell.kind if cell else None,
        duty_item=verdict.item.no if verdict.item else None,
        part_owner=known.part_owner,
    )
    return _with_proposal(by_rules(facts, verdict, rules, units, worker), proposal)


NOBODY_ASKED = Choice(None, "nobody was asked for", WorkerCode.NO_CELL)


def by_rules(
    facts: RoutingFacts,
    verdict: DutyVerdict,
    rules: RuleSet,
    units: Mapping[str, Unit],
    worker: Choice = NOBODY_ASKED,
) -> Routing:
    """The decision of the rules alone, for facts that are known already."""
    trace: list[TraceLine] = []
    for rule in rules.rules:
        if not in_force(rule, facts.local_day):
            trace.append(TraceLine(rule.id, Outcome.NOT_IN_FORCE, _OUT_OF_FORCE))
            continue
        try:
            why_not = rule.condition(facts)
        except Exception as error:  # noqa: BLE001  a person sees it, and no later rule hides it
            why = f"Rule {rule.id} failed: {type(error).__name__}."
            trace.append(TraceLine(rule.id, Outcome.FAILED, why))
            return _decided(rules, worker, trace, rule_id=rule.id, reason=why, why=QueueReason.RULE_FAILED)
        if why_not is not None:
            trace.append(TraceLine(rule.id, Outcome.NOT_MATCHED, why_not))
            continue
        unit_code, outcome, why = target_of(rule, verdict, facts, units)
        trace.append(TraceLine(rule.id, outcome, why))
        return _decided(rules, worker, trace, unit_code, rule.id, reason=why, why=_QUEUE_OF.get(outcome))
    reason = "No rule holds for this report."
    return _decided(rules, worker, trace, reason=reason, why=QueueReason.NO_RULE)


def _decided(
    rules: RuleSet,
    worker: Choice,
    trace: Iterable[TraceLine],
    unit_code: str | None = None,
    rule_id: str | None = None,
    *,
    reason: str,
    why: QueueReason | None,
) -> Routing:
    return Routing(
        unit_code,
        worker.person_id,
        rule_id,
        reason,
        worker.reason,
        why,
        rules.version,
        tuple(trace),
        worker.code,
    )


def _with_proposal(routing: Routing, proposal: Proposal | None) -> Routing:
    """What the district ruled before stands in the trace; in its own cell it and the rules must agree."""
    if proposal is None:
        return routing
    outcome = Outcome.PROPOSAL_REFUSED if proposal.refusal else Outcome.PROPOSED
    line = TraceLine(proposal.precedent.document_no, outcome, proposal.why)
    told = replace(routing, proposal=proposal, trace=(*routing.trace, line))
    ruled = proposal.unit_code
    if not (proposal.same_cell and ruled and routing.unit_code and ruled != routing.unit_code):
        return told
    reason = f"Rule {routing.rule_id} names {routing.unit_code}. {proposal.why}"
    return replace(told, unit_code=None, reason=reason, queue_reason=QueueReason.RULING_DIFFERS)


_OUT_OF_FORCE = "not in force on that day"
_QUEUE_OF = {
    Outcome.TARGET_UNKNOWN: QueueReason.TARGET_UNKNOWN,
    Outcome.TARGET_INACTIVE: QueueReason.TARGET_INACTIVE,
    Outcome.TARGET_NOT_ALLOWED: QueueReason.TARGET_NOT_ALLOWED,
    Outcome.SENT_TO_QUEUE: QueueReason.BY_RULE,
}


def target_of(
    rule: Rule, verdict: DutyVerdict, facts: RoutingFacts, units: Mapping[str, Unit]
) -> tuple[str | None, Outcome, str]:
    """The unit that a rule which holds sends to, what became of it, and why."""
    if rule.to_queue:
        return None, Outcome.SENT_TO_QUEUE, rule.reason
    code = rule.unit_code
    if rule.to_community:
        code = facts.community_code
    elif rule.to_owner:
        code = facts.part_owner
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
