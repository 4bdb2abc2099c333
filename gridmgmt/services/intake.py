"""Intake: a report comes in, its cell and unit are found, a case begins.

The order of steps is the whole content of :func:`submit_report`: look, refuse or recognise, decide,
write. It makes two round trips to the database, whatever happens to the report.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain import case as case_rules
from gridmgmt.domain.case import Case, Decision
from gridmgmt.domain.codes import CaseNumber
from gridmgmt.domain.duty import DutyVerdict
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.grid import GridCell
from gridmgmt.domain.org import Actor, UnitKind, system_actor
from gridmgmt.domain.pattern import CategoryKey
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.domain.report import (
    RECENT,
    DuplicateCandidate,
    Report,
    Source,
    automatic_policy,
    check_report,
    report_digest,
    suggest_duplicates,
)
from gridmgmt.domain.routing import Routing, route
from gridmgmt.domain.rulebook import IndexedPlan, RuleBook
from gridmgmt.domain.taxonomy import AutoPolicy, Category
from gridmgmt.domain.workflow import Action, State
from gridmgmt.errors import ContentDiffers, MissingFact, NotFound
from gridmgmt.geo import hexes, measure
from gridmgmt.geo.crs import Datum, LonLat, lonlat
from gridmgmt.services.reading import routing_facts, subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import cases
from gridmgmt.storage.cases import BeforeIntake, Intake
from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class SubmitReport:
    """A report as it arrived; nothing of it has been checked."""

    id: UUID
    category: str
    description: str
    source: Source
    lon: float
    lat: float
    datum: Datum
    accuracy_m: float | None
    observed_at: datetime
    photos: tuple[str, ...]
    self_handled: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told; ``replayed`` when he was told it before."""

    body: Mapping[str, Any]
    replayed: bool


def submit_report(
    db: Db, actor: Actor, now: datetime, books: RuleBooks, command: SubmitReport, request_id: str
) -> Answer:
    """Take in a report.

    The report's id is the sender's; the same id with the same content is answered as the first time.

    Raises
    ------
    NotAllowed
        The actor may not report.
    ContentDiffers
        The id is taken by another report.
    InvalidGeometry, OutsideArea, PlanNotInForce
        The position is no position, lies in no cell, or no plan is in force.
    UnknownCategory, ImplausibleTime, MissingFact, InvalidInput
        As ``domain.report.check_report``; a photo that was not uploaded first is a missing fact.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.REPORT_SUBMIT, code)
    position = lonlat(command.lon, command.lat)
    drawable = None if command.datum.is_offset else position
    before = _look(db, command, code, drawable, now)
    book = books.at_revision(db, code, before.revision)
    category = book.catalogue.find(command.category, book.day_of(now))
    report = _report(command, actor, code, category.key, position, now)
    digest = bytes.fromhex(report_digest(report))
    if before.stored_content is not None:
        return _replay(before, digest)
    check_report(report, category, now)
    _require_uploaded(command.photos, before.photos_known)
    plan, cell = book.locate(position, command.datum, now)
    verdict = book.duty(category, now)
    routing = route(report, verdict, cell, book.rules, book.units, book.roster, now)
    decisions = _decide(report, category, cell, plan, verdict, routing, book, before.case_sequence, actor)
    body = _answer(report, category, cell, verdict, routing, book, decisions[-1].case, before)
    submitted = done(actor, now, "report:submit", "report", str(report.id), code)
    intake = Intake(
        report=_report_row(report, digest, body),
        photos=command.photos,
        decisions=decisions,
        place=drawable,
        h3=hexes.hex_of(drawable) if drawable else None,
        routing=routing.as_facts(),
        duty=duty_facts(verdict),
        entries=[replace(submitted, request_id=request_id)],
    )
    if cases.store_intake(db, intake):
        return Answer(body, replayed=False)
    # Somebody stored this id between our look and our write: the sender's own second tap, or a
    # stranger's id. The look that follows sees it.
    return _replay(_look(db, command, code, drawable, now), digest)


def _look(db: Db, command: SubmitReport, code: str, place: LonLat | None, now: datetime) -> BeforeIntake:
    return cases.look_before_intake(db, command.id, code, command.photos, place, since=now - 2 * RECENT)


def answered_report(db: Db, actor: Actor, report_id: UUID) -> Mapping[str, Any]:
    """What the sender was told.

    Raises
    ------
    NotFound
        No such report in the actor's scope.
    """
    require(actor, Permission.CASE_READ, subdistrict_of(actor))
    body = cases.stored_report(db, report_id, actor)
    if body is None:
        raise NotFound("No such report.", kind="report")
    return body


def _report(
    command: SubmitReport, actor: Actor, code: str, category: CategoryKey, position: LonLat, now: datetime
) -> Report:
    return Report(
        id=command.id,
        subdistrict_code=code,
        reporter_id=actor.id,
        source=command.source,
        category=category,
        description=command.description,
        position=position,
        datum=command.datum,
        observed_at=command.observed_at,
        received_at=now,
        accuracy_m=command.accuracy_m,
        photo_hashes=command.photos,
        self_handled=command.self_handled,
    )


def _replay(before: BeforeIntake, digest: bytes) -> Answer:
    if before.stored_content == digest and before.stored_answer is not None:
        return Answer(before.stored_answer, replayed=True)
    raise ContentDiffers(
        "A report with this id is stored already, with other content; the stored one stays.",
        rule="R14a",
    )


def _require_uploaded(photos: tuple[str, ...], known: frozenset[str]) -> None:
    unknown = [digest for digest in photos if digest not in known]
    if unknown:
        raise MissingFact(
            "Upload the photos first, then send the report.",
            article="22-1",
            rule="R22a",
            missing=["photos"],
            photos=unknown,
        )


def _decide(  # noqa: PLR0913  everything that a case begins with
    report: Report,
    category: Category,
    cell: GridCell,
    plan: IndexedPlan,
    verdict: DutyVerdict,
    routing: Routing,
    book: RuleBook,
    sequence: int,
    actor: Actor,
) -> list[Decision]:
    """The first history lines: the report, and what the class's policy lets happen by itself."""
    now = report.received_at
    clocks = book.clocks(category, now)
    number = CaseNumber.of(book.subdistrict.district_code, book.day_of(now), sequence)
    state = State.SELF_HANDLED if report.self_handled else State.REPORTED
    case = Case(
        id=report.id,
        number=str(number),
        report_id=report.id,
        subdistrict_code=report.subdistrict_code,
        community_code=cell.community_code,
        cell_code=cell.code,
        plan_id=plan.plan.id,
        category=str(category.key),
        source=str(report.source),
        state=state,
        reported_by=actor.id,
        reported_at=now,
        needs_confirmation=report.source.is_public,
        needs_feedback=report.source.is_public,
    )
    facts = {"photos": list(report.photo_hashes), "rule_id": routing.rule_id, "duty": str(verdict.standing)}
    decisions = [case_rules.open_case(case, clocks=clocks, facts=facts)]
    policy = automatic_policy(report, category)
    system = system_actor(case.subdistrict_code)
    for step, action, automatic in (
        (AutoPolicy.ACCEPT, Action.ACCEPT, True),
        (AutoPolicy.FILE, Action.FILE, not verdict.waits_for_approval),
        (AutoPolicy.DISPATCH, Action.DISPATCH, routing.unit_code is not None),
    ):
        if not (policy.reaches(step) and automatic):
            break
        given = _dispatch_facts(routing, book) if action is Action.DISPATCH else {"policy": str(policy)}
        decisions.append(
            case_rules.advance(decisions[-1].case, action, system, now, clocks=clocks, facts=given)
        )
    if routing.unit_code is None:
        decisions[-1] = _with_unrouted(decisions[-1], routing, now)
    return decisions


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
    facts = {"number": decision.case.number, "queue_reason": str(routing.queue_reason)}
    event = Event(EventKind.CASE_UNROUTED, decision.case.subdistrict_code, now, decision.case.id, facts)
    return replace(decision, events=(*decision.events, event))


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


def _duplicates(report: Report, before: BeforeIntake) -> list[dict[str, Any]]:
    if report.datum.is_offset:
        return []
    major = report.category.code[:2]
    classes = ((n, CategoryKey.parse(n.category)) for n in before.nearby)
    near = {n.case_id: (n, key) for n, key in classes if key.code[:2] == major}
    distance = {i: measure.distance_lonlat_m(report.position, n.place) for i, (n, _) in near.items()}
    candidates = (
        DuplicateCandidate(i, key, distance[i], n.reported_at) for i, (n, key) in near.items()
    )
    return [
        {
            "case_id": str(found.case_id),
            "number": near[found.case_id][0].number,
            "score": round(found.score, 3),
            "distance_m": round(distance[found.case_id], 1),
        }
        for found in suggest_duplicates(report, candidates)
    ]


def _answer(  # noqa: PLR0913  the answer names everything that was decided
    report: Report,
    category: Category,
    cell: GridCell,
    verdict: DutyVerdict,
    routing: Routing,
    book: RuleBook,
    case: Case,
    before: BeforeIntake,
) -> dict[str, Any]:
    """JSON-ready: this very object is stored, so that a replay gets it letter for letter."""
    community = book.communities.get(cell.community_code)
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
        "duty": duty_facts(verdict),
        "routing": _routing_told(routing, book),
        "due_at": instant(case.due_at),
        "stage_due_at": instant(case.stage_due_at),
        "duplicates": _duplicates(report, before),
    }


def _routing_told(routing: Routing, book: RuleBook) -> dict[str, Any]:
    """The decision and its reason; every rule that was tried stands in the case, not on the phone."""
    facts = routing_facts(routing.as_facts(), book)
    return facts | {"trace": [], "rules_tried": len(facts["trace"])}


def instant(at: datetime | None) -> str | None:
    """ISO 8601 in UTC with Z, as the contract writes times."""
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _report_row(report: Report, digest: bytes, body: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": report.id,
        "subdistrict_code": report.subdistrict_code,
        "reporter_id": report.reporter_id,
        "source": str(report.source),
        "category": str(report.category),
        "description": report.description,
        "lon": report.position.lon,
        "lat": report.position.lat,
        "datum": str(report.datum),
        "accuracy_m": report.accuracy_m,
        "self_handled": report.self_handled,
        "observed_at": report.observed_at,
        "received_at": report.received_at,
        "content_sha256": digest,
        "answer": body,
    }
