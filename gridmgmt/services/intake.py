"""Intake: reports come in, their cells and units are found, cases begin.

The order of steps is the whole content of :func:`submit_reports`: look, refuse or recognise, decide,
write. It makes two round trips to the database, however many reports there are and whatever happens
to each. Several reports at once are what a busy server takes in by one commit (api/door.py); each
has an outcome of its own, and a refused one leaves no trace in the others.
"""

import hmac
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from gridmgmt.domain.duplicates import LONGEST
from gridmgmt.domain.org import Actor
from gridmgmt.domain.patrolshift import Told, server_time
from gridmgmt.domain.pattern import CategoryKey
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.domain.personal import Confidence
from gridmgmt.domain.report import Report, Source, check_report, report_digest
from gridmgmt.domain.routing import Known, route
from gridmgmt.errors import ContentDiffers, GridError, InvalidInput, NotFound
from gridmgmt.geo.crs import Datum, LonLat, lonlat
from gridmgmt.services.opening import Located, open_case
from gridmgmt.services.peers import check_source
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.services.uploaded import require_uploaded
from gridmgmt.storage import cases, confidences, rosters
from gridmgmt.storage.cases import Asked, BeforeIntake, Intake
from gridmgmt.storage.db import Db
from gridmgmt.storage.nearby import Nearby, near_each_other


@dataclass(frozen=True, slots=True)
class SubmitReport:
    """A report as it arrived; nothing of it has been checked.

    ``confidence`` is what it confides, sealed by ``services.confidences.confided``; None when nothing.
    ``sent_at`` is what the sender's clock said as he sent it; None when he did not say.
    """

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
    confidence: Confidence | None = None
    sent_at: datetime | None = None
    recordings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the sender is told; ``replayed`` when he was told it before."""

    body: Mapping[str, Any]
    replayed: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """A report with whoever sends it."""

    actor: Actor
    command: SubmitReport
    request_id: str


Outcome = Answer | GridError
_T = TypeVar("_T")


def submit_report(
    db: Db, actor: Actor, now: datetime, books: RuleBooks, command: SubmitReport, request_id: str
) -> Answer:
    """Take in one report.

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
    (outcome,) = submit_reports(db, now, books, [Submission(actor, command, request_id)])
    if isinstance(outcome, GridError):
        raise outcome
    return outcome


def submit_reports(db: Db, now: datetime, books: RuleBooks, given: Sequence[Submission]) -> list[Outcome]:
    """Take in several reports, each as :func:`submit_report` would.

    Returns
    -------
    The outcome of each in the order given; a refusal is returned, not raised, and nothing of that
    report is written. Of two with one id only the first is looked at: the second is the sender's own
    second tap, and is recognised as such after the first was stored.
    """
    outcomes: dict[int, Outcome] = {}
    first_with = {s.command.id: i for i, s in reversed(list(enumerate(given)))}
    asked = _each(sorted(first_with.values()), outcomes, lambda i: _asked(given[i]))
    seen = dict(zip(asked, cases.look_before_intake(db, list(asked.values()), _since(now)), strict=True))
    made: dict[int, Answer | Intake] = {}
    for i, before in seen.items():
        fuller = _with_group(before, asked[i], made.values())
        try:
            made[i] = _made(db, given[i], asked[i], fuller, books, now)
        except GridError as refusal:
            outcomes[i] = refusal
    new = {i: m for i, m in made.items() if isinstance(m, Intake)}
    written = cases.store_intake(db, list(new.values()))
    _keep_confidences(db, (m for m in new.values() if m.report["id"] in written), now)
    # Stored by somebody else between our look and our write; the look that follows sees it.
    beaten = {i: m for i, m in new.items() if m.report["id"] not in written}
    again = cases.look_before_intake(db, [asked[i] for i in beaten], _since(now))
    replays = dict(zip(beaten, again, strict=True))
    made |= _each(beaten, outcomes, lambda i: _replay(replays[i], beaten[i].report["content_sha256"]))
    for i, one in made.items():
        if i not in outcomes:
            outcomes[i] = Answer(one.report["answer"], replayed=False) if isinstance(one, Intake) else one
    for i in range(len(given)):
        if i not in outcomes:
            (outcomes[i],) = submit_reports(db, now, books, [given[i]])
    return [outcomes[i] for i in range(len(given))]


def _keep_confidences(db: Db, stored: Iterable[Intake], now: datetime) -> None:
    given = [
        (one.report["id"], one.report["subdistrict_code"], one.confidence) for one in stored if one.confidence
    ]
    # Most reports confide nothing, and make no round trip for it.
    if given:
        confidences.keep(db, given, now)


def _each(which: Iterable[int], outcomes: dict[int, Outcome], work: Callable[[int], _T]) -> dict[int, _T]:
    """The result of each; where it is a refusal, that is the outcome."""
    results = {}
    for i in which:
        try:
            results[i] = work(i)
        except GridError as refusal:
            outcomes[i] = refusal
    return results


def _with_group(before: BeforeIntake, asked: Asked, made: Iterable[Answer | Intake]) -> BeforeIntake:
    """What was there before, and what this very group brought: ten people report one burst pipe."""
    fellows = [
        Nearby(case.id, case.number, case.category, one.place, case.reported_at, one.report["description"])
        for one in made
        if isinstance(one, Intake) and one.place and asked.place and near_each_other(one.place, asked.place)
        for case in [one.decisions[-1].case]
        if case.subdistrict_code == asked.subdistrict_code
    ]
    return replace(before, nearby=(*fellows, *before.nearby))


def _since(now: datetime) -> datetime:
    return now - LONGEST


def _asked(given: Submission) -> Asked:
    """What to look for; a sender who may not report, or a position that is none, is not looked for."""
    command, code = given.command, subdistrict_of(given.actor)
    require(given.actor, Permission.REPORT_SUBMIT, code)
    position = lonlat(command.lon, command.lat)
    return Asked(
        command.id,
        code,
        (*command.photos, *command.recordings),
        None if command.datum.is_offset else position,
    )


def _made(
    db: Db, given: Submission, asked: Asked, before: BeforeIntake, books: RuleBooks, now: datetime
) -> Answer | Intake:
    """The rows of a new report, or the answer that it got before."""
    command, actor = given.command, given.actor
    check_source(db, actor, command.source)
    position = lonlat(command.lon, command.lat)
    book = books.at_revision(db, asked.subdistrict_code, before.revision)
    category = book.catalogue.find(command.category, book.day_of(now))
    report = _report(command, actor, asked.subdistrict_code, category.key, position, now)
    digest = _digest(report, command.confidence)
    if before.stored_content is not None:
        return _replay(before, digest)
    check_report(report, category, now)
    _require_contact_welcome(command)
    require_uploaded(
        command.photos, command.recordings,
        photos_known=before.photos_known, recordings_known=before.recordings_known,
    )  # fmt: skip
    plan, cell = book.locate(position, command.datum, now)
    verdict = book.duty(category, now)
    rules = book.rules_at(now)
    local = now.astimezone(rules.zone)
    tied = book.roster.tied(cell.code, local.date(), local.time())
    known = Known(rosters.open_load(db, asked.subdistrict_code, tied), book.precedents)
    routing = route(report, verdict, cell, rules, book.units, book.roster, now, known)
    found = Located(
        report, digest, actor, category, plan, cell, verdict, routing, book, before, command.confidence
    )
    return open_case(found, given.request_id)


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
    told = command.observed_at
    at = told if command.sent_at is None else server_time(Told(told, command.sent_at), now)
    return Report(
        id=command.id,
        subdistrict_code=code,
        reporter_id=actor.id,
        source=command.source,
        category=category,
        description=command.description,
        position=position,
        datum=command.datum,
        observed_at=at,
        device_at=None if at == told else told,
        received_at=now,
        accuracy_m=command.accuracy_m,
        photo_hashes=command.photos,
        self_handled=command.self_handled,
        recording_hashes=command.recordings,
    )


def _digest(report: Report, confidence: Confidence | None) -> bytes:
    """What the report's content is recognised by.

    Where the report confides something it is keyed: whoever has the table cannot try all numbers on it.
    """
    digest = bytes.fromhex(report_digest(report))
    return hmac.digest(confidence.pepper, digest, "sha256") if confidence else digest


def _require_contact_welcome(command: SubmitReport) -> None:
    """Nobody's name and number are kept where nobody from outside reported: no more than needed."""
    if command.confidence and command.confidence.has_contact and not command.source.is_public:
        raise InvalidInput(
            "Only a report from outside names somebody to ask or tell.", rule="R41c", field="contact"
        )


def _replay(before: BeforeIntake, digest: bytes) -> Answer:
    if before.stored_content == digest and before.stored_answer is not None:
        return Answer(before.stored_answer, replayed=True)
    raise ContentDiffers(
        "A report with this id is stored already, with other content; the stored one stays.",
        rule="R14a",
    )
