"""Routing rules on their way into use (looked through, tried, published), and the queue of the unrouted."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from gridmgmt.domain.dryrun import DryRun, dry_run
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.domain.routing import QueueReason, parse_rules
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.domain.rulelint import Finding, lint
from gridmgmt.domain.rules import RuleSet
from gridmgmt.domain.ruleworld import World
from gridmgmt.domain.workflow import STATE_NAMES_ZH, State
from gridmgmt.errors import InvalidInput
from gridmgmt.services.reading import category_facts, routing_facts, subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import audit, catalogue, routed
from gridmgmt.storage.db import Db, acting_as
from gridmgmt.storage.rights.walls import Acting

MOST_CASES = 50_000
MOST_SHOWN = 1_000
_NOON = time(12)

# Whose desk a case without a unit lies on: the dispatcher's once it is filed, the others' before.
OWNER_OF_QUEUE = {
    State.REPORTED: Role.ACCEPTOR,
    State.ACCEPTED: Role.SHIFT_LEADER,
    State.FILED: Role.DISPATCHER,
}


def lint_rules(book: RuleBook, rules: RuleSet, on: date) -> list[Finding]:
    """What is wrong with a set of rules that is to be used in this subdistrict from that day on.

    Raises
    ------
    PlanNotInForce
        No plan holds on that day: there are no places to ask the rules about.
    InvalidInput
        The rules tell too many kinds of reports apart to be checked.
    """
    at_first = book.plan_at(datetime.combine(on, _NOON, book.timezone))

    def world(day: date) -> World:
        noon = datetime.combine(day, _NOON, book.timezone)
        plan = book.plan_or_none(noon) or at_first
        classes = [(c, book.duty(c, noon)) for c in book.catalogue.in_use(day)]
        return World(day, classes, plan.plan.cells, book.units)

    return lint(rules, on, world)


def publish(
    db: Db,
    actor: Actor,
    now: datetime,
    book: RuleBook,
    document: Mapping[str, Any],
    valid_from: date | None,
) -> list[Finding]:
    """Store a new version, unless the linter finds an error; returns its warnings.

    Parameters
    ----------
    valid_from : the first day it is in use; None means at once.

    Raises
    ------
    InvalidInput
        The document has faults, or the linter found errors; ``facts["faults"]`` lists them.
    Conflict
        This version is published already.
    """
    code = book.subdistrict.code
    require(actor, Permission.CATALOGUE_EDIT, code)
    rules = parse_rules(document)
    if not rules.version:
        raise InvalidInput("The routing rules have no version.", rule="R22c", field="version")
    today = book.day_of(now)
    if valid_from is not None and valid_from < today:
        raise InvalidInput("Rules are in use from today on at the earliest.", rule="R48", field="valid_from")
    found = lint_rules(book, rules, valid_from or today)
    errors = [f for f in found if f.fault.is_error]
    if errors:
        raise InvalidInput(
            f"The routing rules have {len(errors)} error(s); first {errors[0].path}: {errors[0].text}",
            rule="R22c",
            faults=[f.as_facts() for f in errors],
        )
    catalogue.publish_rules(db, code, document, now, valid_from)
    about = {"version": rules.version, "valid_from": str(valid_from or today)}
    audit.append(db, [done(actor, now, "rules:publish", "routing_rule_sets", rules.version, code, **about)])
    return found


def try_rules(
    db: Db,
    book: RuleBook,
    rules: RuleSet,
    period: tuple[datetime, datetime],
    on: date,
    tell: Callable[[int, int], None] = lambda _done, _of: None,
) -> DryRun:
    """Ask a draft about the cases of a period, the newest :data:`MOST_CASES` of them.

    Descriptions are not read, whoever asks: with words of his choice an editor of rules could else find
    out what people wrote.
    """
    code = book.subdistrict.code
    with acting_as(db, Acting.rules(code)):
        past = routed.past_cases(db, code, *period, limit=MOST_CASES)
    return dry_run(past, rules, book, on, lambda done_: tell(done_, len(past)))


def try_for(
    db: Db,
    actor: Actor,
    now: datetime,
    books: RuleBooks,
    document: Mapping[str, Any],
    since: datetime,
    until: datetime | None,
) -> dict[str, Any]:
    """A dry run for whoever may edit the catalogue, with what the linter says of the draft.

    Raises
    ------
    NotAllowed
        The actor does not edit the catalogue.
    InvalidInput
        The document has faults.
    PlanNotInForce
        No plan holds today.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.CATALOGUE_EDIT, code)
    book, rules = books.current(db, code), parse_rules(document)
    today = book.day_of(now)
    found = lint_rules(book, rules, today)
    tried = try_rules(db, book, rules, (since, until or now), today)
    about = {"version": rules.version, "cases": len(tried.compared)}
    audit.append(db, [done(actor, now, "rules:try", "routing_rule_sets", rules.version, code, **about)])
    return tried.as_facts(MOST_SHOWN) | {"findings": [f.as_facts() for f in found]}


def unrouted_queue(db: Db, actor: Actor, now: datetime, books: RuleBooks, *, limit: int) -> dict[str, Any]:
    """What no rule took: why, on whose desk it lies, until when; soonest due first."""
    code = subdistrict_of(actor)
    require(actor, Permission.CASE_READ, code)
    book = books.current(db, code)
    local = now.astimezone(book.timezone)

    def on_duty(role: Role) -> list[dict[str, Any]]:
        people: list[tuple[UUID, str]] = routed.people_at_desk(db, role, code)
        there = [p for p in people if book.roster.absence(p[0], local.date(), local.time()) is None]
        return [{"id": person, "name": name} for person, name in there]

    owners = {state: {"role": role, "on_duty": on_duty(role)} for state, role in OWNER_OF_QUEUE.items()}
    items = [
        {
            "id": r["id"],
            "number": r["number"],
            "state": r["state"],
            "state_name": STATE_NAMES_ZH[State(r["state"])],
            "category": category_facts(r["category"], book, r["reported_at"]),
            "community_code": r["community_code"],
            "cell_code": r["cell_code"],
            "source": r["source"],
            "reported_at": r["reported_at"],
            "due_at": r["stage_due_at"],
            "overdue": r["stage_due_at"] is not None and r["stage_due_at"] < now,
            "queue_reason": r["routing"].get("queue_reason") or QueueReason.NO_RULE,
            "rule_id": r["routing"].get("rule_id"),
            "reason": r["routing"].get("reason", ""),
            "precedent": routing_facts(r["routing"], book).get("precedent"),
            "owner": owners[State(r["state"])],
            "version": r["version"],
        }
        for r in routed.unrouted(db, actor, limit=limit)
    ]
    return {"at": now, "items": items}
