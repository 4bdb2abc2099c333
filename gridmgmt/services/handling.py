"""Moves of a case, one by one: lock, check, decide, write.

There is one function for all of them, because the workflow table is the one place that knows what
each needs. What a move needs from outside the case (a unit that may take it, photos that were
uploaded, a master that exists) is looked up here and handed to the domain as facts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

from gridmgmt.domain import case as case_rules
from gridmgmt.domain import onsite
from gridmgmt.domain.case import Case
from gridmgmt.domain.clocks import Clocks
from gridmgmt.domain.deadlines import condition_after
from gridmgmt.domain.duty import check_dispatch
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.facts import is_empty
from gridmgmt.domain.org import Actor, Unit, UnitKind
from gridmgmt.domain.permissions import Axis, Permission, require_anywhere
from gridmgmt.domain.personal import without_numbers
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.domain.taxonomy import Category
from gridmgmt.domain.telling import Feedback, Kind
from gridmgmt.domain.workflow import Action, State
from gridmgmt.errors import ContentDiffers, InvalidInput, MissingFact, NotReady, OffDutyList
from gridmgmt.services.records import done
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.services.storable import require_storable
from gridmgmt.storage import (
    beside,
    cases,
    commands,
    evidence,
    feedbacks,
    outbox,
    photos,
    places,
    precedents,
    rosters,
)
from gridmgmt.storage.commands import DoneBefore
from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class Act:
    """A move as a client sends it; the client made ``command_id``, and saw ``version``."""

    command_id: UUID
    case_id: UUID
    action: Action
    version: int
    facts: Mapping[str, Any]


def act(db: Db, actor: Actor, now: datetime, books: RuleBooks, command: Act) -> Case:
    """Move a case; the same command again changes nothing and answers with the case as it is.

    Raises
    ------
    NotFound
        Not in the actor's scope.
    StaleVersion, NotAllowed, DutiesNotSeparated, IllegalAction, MissingFact, NotReady
        As ``domain.case.advance``.
    ContentDiffers
        The command's id belongs to another command, which was done.
    OffDutyList
        Filing or dispatching what the duty list does not give (R07b, R07c).
    InvalidInput
        Facts that cannot be stored, or that name what does not exist.
    """
    require_storable(dict(command.facts), "facts")
    require_anywhere(actor, Permission.CASE_READ)
    # The record is for good; a number in it would be as well. Contacts have a place of their own.
    command = replace(command, facts=without_numbers(dict(command.facts)))
    _lock_master_too(db, actor, command)
    case = cases.load(db, command.case_id, actor, lock=True)
    before = commands.done_by_command(db, command.command_id)
    if before is not None:
        _require_same_command(before, actor, command)
        return case
    case_rules.require_version(case, command.version)
    command = replace(command, facts=_measured(db, case, command))
    standing = beside.look(db, case.id)
    case_rules.check(case, command.action, actor, command.facts, beside=standing)
    book = books.current(db, case.subdistrict_code)
    facts = _looked_up(db, actor, case, command, book, now)
    decision = case_rules.advance(
        case, command.action, actor, now,
        clocks=clocks_of(book, case, now, command.action, facts), facts=facts,
        expected_version=command.version, beside=standing,
    )  # fmt: skip
    entry = done(
        actor, now, f"case:{command.action}", "case", str(case.id), case.subdistrict_code,
        version=decision.case.version, state=str(decision.case.state),
    )  # fmt: skip
    cases.save(db, decision, [entry], command_id=command.command_id)
    evidence.link_to_case(db, case.subdistrict_code, case.id, facts.get("photos") or [])
    if command.action is Action.RULE:
        precedents.add(db, decision.case, str(facts["document_no"]), actor.id, now)
    if command.action is Action.MERGE and not is_empty(facts.get("feedback")):
        feedbacks.add(db, _told_at_merge(case, command, actor, now, str(facts["feedback"])))
    if decision.case.state is State.CLOSED:
        outbox.append(db, answers_to_reporters(db, decision.case, now))
    return decision.case


def _measured(db: Db, case: Case, command: Act) -> Mapping[str, Any]:
    """The facts, with the distance in place of the position: that is all of it that is kept."""
    sent = onsite.read_place(command.action, command.facts)
    if sent is None:
        return command.facts
    found = None if sent.unavailable else places.distance_to(db, case.id, sent.lon, sent.lat)
    distance_m, exact = found or (None, False)
    return {**command.facts, "place": onsite.measured(sent, distance_m, exact=exact)}


def answers_to_reporters(db: Db, case: Case, now: datetime) -> list[Event]:
    """What tells everybody whose report was merged into a case that it ended: no reporter is lost."""
    return [
        Event(
            EventKind.REPORTER_TOLD, case.subdistrict_code, now, merged["id"],
            {"number": merged["number"], "master_id": str(case.id), "master_number": case.number,
             "reporter_id": str(merged["reported_by"]), "state": str(case.state)},
        )
        for merged in feedbacks.merged(db, case.id)
    ]  # fmt: skip


def _told_at_merge(case: Case, command: Act, actor: Actor, now: datetime, words: str) -> Feedback:
    """What whoever reported was told as his report was merged; it is the command's own record."""
    channel = str(command.facts.get("channel") or "with_merge")
    return Feedback(
        command.command_id, case.id, case.subdistrict_code, Kind.OUTCOME, reached=True, channel=channel,
        words=words, satisfied=None, told_by=actor.id, told_at=now,
    )  # fmt: skip


def _lock_master_too(db: Db, actor: Actor, command: Act) -> None:
    """A merge and the closing of its master wait for each other, in one order."""
    if command.action is not Action.MERGE:
        return
    try:
        master_id = UUID(str(command.facts.get("master_id")))
    except ValueError:
        return
    feedbacks.lock_together(db, sorted({command.case_id, master_id}), actor)


def _require_same_command(before: DoneBefore, actor: Actor, command: Act) -> None:
    """Sent again it is the same command; another one under its id is not taken for it."""
    # The stored facts are those given, and what was looked up beside them; of a position only the distance.
    given = {name: value for name, value in command.facts.items() if name != "place"}
    same_facts = all(name in before.facts and before.facts[name] == v for name, v in given.items())
    same = (before.case_id, before.actor_id, before.action) == (command.case_id, actor.id, command.action)
    if not (same and same_facts):
        raise ContentDiffers("This id belongs to another command, which was done.", rule="R22a")


def clocks_of(
    book: RuleBook,
    case: Case,
    now: datetime,
    action: Action | None = None,
    facts: Mapping[str, Any] = MappingProxyType({}),
) -> Clocks:
    """The clocks of a case by the class as it was when the case was reported, for a step taken now."""
    category = book.catalogue.find(case.category, book.day_of(case.reported_at))
    condition = condition_after(str(action), facts, case.filing_condition)
    return book.clocks(category, now, area_class=case.area_class, condition=condition)


def require_photos(db: Db, subdistrict_code: str, facts: Mapping[str, Any]) -> None:
    """Refuse facts that refer to photos which were not uploaded.

    Raises
    ------
    InvalidInput
        ``photos`` is not a list of digests.
    MissingFact
        Some were not uploaded; ``facts["photos"]`` lists them.
    """
    digests = facts.get("photos")
    if digests is None:
        return
    if not isinstance(digests, list) or not all(isinstance(d, str) for d in digests):
        raise InvalidInput("The photos of an action are a list of SHA-256 digests.", field="photos")
    unknown = sorted(set(digests) - photos.known(db, subdistrict_code, digests))
    if unknown:
        raise MissingFact(
            "Upload the photos first, then act.", article="22-1", rule="R22a",
            missing=["photos"], photos=unknown,
        )  # fmt: skip


def _looked_up(
    db: Db, actor: Actor, case: Case, command: Act, book: RuleBook, now: datetime
) -> Mapping[str, Any]:
    facts = dict(command.facts)
    require_photos(db, case.subdistrict_code, facts)
    match command.action:
        case Action.FILE:
            category = book.catalogue.find(case.category, book.day_of(case.reported_at))
            verdict = book.duty(category, case.reported_at)
            if verdict.waits_for_approval:
                raise OffDutyList(
                    verdict.reason, article=verdict.article, rule=verdict.rule, standing=str(verdict.standing)
                )
            _require_condition(facts.get("condition"), book, category)
        case Action.DISPATCH:
            return facts | _dispatch_target(db, case, facts, book, now)
        case Action.RULE:
            require_active_unit(facts["unit_code"], book)
        case Action.MERGE:
            _require_open_master(db, actor, case, facts)
        case Action.ASK_CONFIRMATION:
            _require_person(facts["worker_id"], book)
    return facts


def _require_condition(code: object, book: RuleBook, category: Category) -> None:
    """A filing condition is stated or left out; one that the class does not have is a slip."""
    known = [condition.code for condition in book.catalogue.filing_conditions_for(category)]
    if code and code not in known:
        raise InvalidInput(
            "This class has no such filing condition.", article="7-1", rule="R22b",
            field="condition", known=known,
        )  # fmt: skip


def _dispatch_target(
    db: Db, case: Case, facts: Mapping[str, Any], book: RuleBook, now: datetime
) -> dict[str, Any]:
    unit = require_active_unit(facts["unit_code"], book)
    category = book.catalogue.find(case.category, book.day_of(case.reported_at))
    check_dispatch(book.duty(category, case.reported_at), unit)
    worker = facts.get("worker_id")
    if worker is not None:
        _require_person(worker, book)
        return {"worker_id": str(worker)}
    local = now.astimezone(book.timezone)
    when = (case.cell_code, local.date(), local.time())
    load = rosters.open_load(db, case.subdistrict_code, book.roster.tied(*when))
    chosen, why, _code = book.roster.choose(*when, load)
    # The grid worker handles what his community is responsible for; other units send their own people.
    if unit.kind is not UnitKind.COMMUNITY:
        chosen = None
    elif chosen is not None and (axis := case.acted.get(chosen, Axis.HANDLING)) is not Axis.HANDLING:
        why = f"{why}, but he acted for {axis} on this case; the unit sends somebody"
        chosen = None
    return {"worker_id": str(chosen) if chosen else None, "worker_reason": why}


def require_active_unit(code: object, book: RuleBook) -> Unit:
    """The active unit of a code.

    Raises
    ------
    InvalidInput
        There is none; ``facts["field"]`` is ``unit_code``.
    """
    unit = book.units.get(str(code))
    if unit is None or not unit.active:
        raise InvalidInput("There is no active unit of this code.", field="unit_code", rule="R22c")
    return unit


def _require_person(person_id: object, book: RuleBook) -> None:
    try:
        known = UUID(str(person_id)) in book.people
    except ValueError:
        known = False
    if not known:
        raise InvalidInput("There is no such person in this subdistrict.", field="worker_id")


def _require_open_master(db: Db, actor: Actor, case: Case, facts: Mapping[str, Any]) -> None:
    try:
        wanted = UUID(str(facts["master_id"]))
    except ValueError as exc:
        raise InvalidInput("The master is named by its case id.", field="master_id") from exc
    master = cases.load(db, wanted, actor)
    if master.state in {State.MERGED, State.REJECTED, State.VOIDED}:
        raise NotReady(
            "A report is merged into a case that is being handled or was closed.",
            rule="R22a", guard="open_master", state=str(master.state),
        )  # fmt: skip
    untold = beside.look(db, case.id).untold
    if master.state is State.CLOSED and (untold or (case.needs_feedback and is_empty(facts.get("feedback")))):
        # Nothing closes after this any more that could remind anybody of the answer.
        raise MissingFact(
            "The case is closed: whoever reported this is told its outcome as it is merged.",
            article="14-2", rule="R14b", action=str(Action.MERGE), missing=["feedback"],
        )  # fmt: skip
