"""What a report becomes: the case's first history lines, the sender's answer, the rows to store.

Nothing here reads or writes; :mod:`gridmgmt.services.intake` brings what was found and stores what is made.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from gridmgmt.domain import case as case_rules
from gridmgmt.domain.case import Case, Decision
from gridmgmt.domain.codes import CaseNumber
from gridmgmt.domain.duty import DutyVerdict
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.grid import GridCell
from gridmgmt.domain.org import Actor, UnitKind, system_actor
from gridmgmt.domain.personal import Confidence
from gridmgmt.domain.report import Report, automatic_policy
from gridmgmt.domain.routing import QueueReason, Routing
from gridmgmt.domain.rulebook import IndexedPlan, RuleBook
from gridmgmt.domain.taxonomy import AutoPolicy, Category
from gridmgmt.domain.workflow import Action, State
from gridmgmt.geo import hexes
from gridmgmt.services.likely import Said, likely_duplicates
from gridmgmt.services.reading import routing_facts
from gridmgmt.services.records import done
from gridmgmt.storage.audit import AuditEntry
from gridmgmt.storage.cases import BeforeIntake, Intake

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Located:
    """A report with everything that was found about it."""

    report: Report
    digest: bytes
    actor: Actor
    category: Category
    plan: IndexedPlan
    cell: GridCell
    verdict: DutyVerdict
    routing: Routing
    book: RuleBook
    before: BeforeIntake
    confidence: Confidence | None = None


def open_case(found: Located, request_id: str) -> Intake:
    """The rows of a report that is accepted; the answer stands in the report's own."""
    report, drawable = found.report, None if found.report.datum.is_offset else found.report.position
    place = hexes.hex_of(drawable) if drawable else None
    decisions = _decide(found)
    decisions[0] = _with_place(decisions[0], place)
    submitted = done(
        found.actor,
        report.received_at,
        "report:submit",
        "report",
        str(report.id),
        report.subdistrict_code,
    )
    return Intake(
        report=_report_row(found, _answer(found, decisions[-1].case)),
        photos=(*report.photo_hashes, *report.recording_hashes),
        decisions=decisions,
        place=drawable,
        h3=place,
        routing=found.routing.as_facts(),
        duty=duty_facts(found.verdict),
        entries=[replace(e, request_id=request_id) for e in (submitted, *_failed_rule(found))],
        confidence=found.confidence,
    )


def _failed_rule(found: Located) -> list[AuditEntry]:
    """A rule that failed while it was asked is on record, beside the queue that its report waits in."""
    routing, report = found.routing, found.report
    if routing.queue_reason is not QueueReason.RULE_FAILED:
        return []
    log.error("routing_rule_failed", rule_id=routing.rule_id, rules_version=routing.rules_version,
              report_id=str(report.id))  # fmt: skip
    facts = {"rule_id": routing.rule_id, "rules_version": routing.rules_version}
    system = system_actor(report.subdistrict_code)
    return [
        done(
            system, report.received_at, "rule:fail", "report", str(report.id), report.subdistrict_code,
            **facts,
        )
    ]  # fmt: skip


def _decide(found: Located) -> list[Decision]:
    """The first history lines: the report, and what the class's policy lets happen by itself."""
    report, routing, now = found.report, found.routing, found.report.received_at
    clocks = found.book.clocks(found.category, now, area_class=_area_class(found))
    facts = {
        "photos": list(report.photo_hashes),
        "rule_id": routing.rule_id,
        "duty": str(found.verdict.standing),
    }
    decisions = [case_rules.open_case(_new_case(found), clocks=clocks, facts=facts)]
    policy = automatic_policy(report, found.category)
    system = system_actor(report.subdistrict_code)
    for step, action, automatic in (
        (AutoPolicy.ACCEPT, Action.ACCEPT, True),
        (AutoPolicy.FILE, Action.FILE, not found.verdict.waits_for_approval),
        (AutoPolicy.DISPATCH, Action.DISPATCH, routing.unit_code is not None),
    ):
        if not (policy.reaches(step) and automatic):
            break
        given = _dispatch_facts(routing, found.book) if action is Action.DISPATCH else {"policy": str(policy)}
        decisions.append(
            case_rules.advance(decisions[-1].case, action, system, now, clocks=clocks, facts=given)
        )
    if routing.unit_code is None:
        decisions[-1] = _with_unrouted(decisions[-1], routing, now)
    return decisions


def _area_class(found: Located) -> str:
    """The area class 区域类别 of the community that the report's cell belongs to."""
    community = found.book.communities.get(found.cell.community_code)
    return community.area_class if community else ""


def _new_case(found: Located) -> Case:
    report, book = found.report, found.book
    number = CaseNumber.of(
        book.subdistrict.district_code, book.day_of(report.received_at), found.before.case_sequence
    )
    return Case(
        id=report.id,
        number=str(number),
        report_id=report.id,
        subdistrict_code=report.subdistrict_code,
        community_code=found.cell.community_code,
        cell_code=found.cell.code,
        plan_id=found.plan.plan.id,
        category=str(found.category.key),
        source=str(report.source),
        state=State.SELF_HANDLED if report.self_handled else State.REPORTED,
        reported_by=found.actor.id,
        reported_at=report.received_at,
        needs_confirmation=report.source.is_public,
        needs_feedback=report.source.is_public,
        area_class=_area_class(found),
    )


def _dispatch_facts(routing: Routing, book: RuleBook) -> dict[str, Any]:
    worker = _handling_worker(routing.unit_code, routing.worker_id, book)
    return {
        "unit_code": routing.unit_code,
        "worker_id": str(worker) if worker else None,
        "rule_id": routing.rule_id,
        "reason": routing.reason,
    }


def _handling_worker(unit_code: str | None, worker_id: UUID | None, book: RuleBook) -> UUID | None:
    """The grid worker handles what his community is responsible for; other units send their own people."""
    unit = book.units.get(unit_code or "")
    return worker_id if unit is not None and unit.kind is UnitKind.COMMUNITY else None


def _with_unrouted(decision: Decision, routing: Routing, now: datetime) -> Decision:
    """A report that no rule takes is announced, so that somebody looks at the manual queue."""
    facts = {
        "number": decision.case.number,
        "queue_reason": str(routing.queue_reason),
        "rule_id": routing.rule_id,
    }
    event = Event(EventKind.CASE_UNROUTED, decision.case.subdistrict_code, now, decision.case.id, facts)
    return replace(decision, events=(*decision.events, event))


def _with_place(decision: Decision, place: int | None) -> Decision:
    """The log says in which hexagon it was reported, so that it alone draws the heat map."""
    if place is None:
        return decision
    first, *others = decision.events
    return replace(decision, events=(replace(first, facts={**first.facts, "h3": f"{place:x}"}), *others))


def duty_facts(verdict: DutyVerdict) -> dict[str, Any]:
    """The duty list's verdict as it is stored and shown."""
    return {
        "allowed": verdict.allowed,
        "role": str(verdict.standing),
        "item_no": verdict.item.no if verdict.item else None,
        "reason": verdict.reason,
        "article": verdict.article,
        "rule": verdict.rule,
    }


def _answer(found: Located, case: Case) -> dict[str, Any]:
    """JSON-ready: this very object is stored, so that a replay gets it letter for letter."""
    report, category, cell = found.report, found.category, found.cell
    community = found.book.communities.get(cell.community_code)
    return {
        "id": str(report.id),
        "case_id": str(case.id),
        "case_number": case.number,
        "state": str(case.state),
        "cell_code": cell.code,
        "cell_name": cell.name,
        "community_code": cell.community_code,
        "community_name": community.name if community else cell.community_code,
        "subdistrict_code": report.subdistrict_code,
        "category": {"key": str(category.key), "code": category.code, "name": category.name},
        "received_at": instant(report.received_at),
        "observed_at": instant(report.observed_at),
        "duty": duty_facts(found.verdict),
        "routing": _routing_told(found.routing, found.book),
        "due_at": instant(case.due_at),
        "stage_due_at": instant(case.stage_due_at),
        "duplicates": likely_duplicates(Said.of(report), found.before.nearby),
    }


def _routing_told(routing: Routing, book: RuleBook) -> dict[str, Any]:
    """The decision and its reason; every rule that was tried stands in the case, not on the phone."""
    facts = routing_facts(routing.as_facts(), book)
    return facts | {"trace": [], "rules_tried": len(facts["trace"])}


def instant(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with Z, as the contract writes times."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _report_row(found: Located, body: dict[str, Any]) -> dict[str, Any]:
    report, sealed = found.report, found.confidence.description if found.confidence else None
    return {
        "id": report.id,
        "subdistrict_code": report.subdistrict_code,
        "reporter_id": report.reporter_id,
        "source": str(report.source),
        "category": str(report.category),
        "description": report.description if sealed is None else "",
        "description_sealed": sealed,
        "lon": report.position.lon,
        "lat": report.position.lat,
        "datum": str(report.datum),
        "accuracy_m": report.accuracy_m,
        "self_handled": report.self_handled,
        "observed_at": report.observed_at,
        "device_at": report.device_at,
        "received_at": report.received_at,
        "content_sha256": found.digest,
        "answer": body,
    }
