"""Dry run: who would have got the cases of the past under other rules 试运行. Pure; nothing is moved.

Each past case is asked anew, with the duty list of its own day and the hour it came in, as if the draft had
been in force then. What is compared is the routing, before anybody sent a case back or elsewhere.

Descriptions of reports are not business of whoever edits rules, so they may be missing here. A case whose
answer some word could change is then counted as such (``text_rules`` names the rules), not guessed at.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain.condition import RoutingFacts
from gridmgmt.domain.pattern import CategoryKey
from gridmgmt.domain.report import Source
from gridmgmt.domain.routing import QueueReason, by_rules
from gridmgmt.domain.rows import in_force
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.domain.rules import Rule, RuleSet

_UNKNOWN_TEXT = ""


@dataclass(frozen=True, slots=True)
class PastCase:
    """A case as it was routed; ``text`` is None where it may not be read or is gone."""

    id: UUID
    number: str
    category: str
    source: Source
    at: datetime
    community_code: str
    cell_code: str
    cell_kind: str
    unit_code: str | None
    rule_id: str | None
    queue_reason: str | None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """One case before and after."""

    case: PastCase
    unit_code: str | None
    rule_id: str | None
    queue_reason: str | None
    text_rules: tuple[str, ...] = ()

    @property
    def differs(self) -> bool:
        """Whether somebody else would get it; going to the queue for another reason is no difference."""
        return self.unit_code != self.case.unit_code

    def as_facts(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "case_id": str(self.case.id),
            "number": self.case.number,
            "category": self.case.category,
            "cell_code": self.case.cell_code,
            "reported_at": self.case.at.isoformat(),
            "unit_before": self.case.unit_code,
            "rule_before": self.case.rule_id,
            "unit_after": self.unit_code,
            "rule_after": self.rule_id,
            "queue_reason_after": self.queue_reason,
            "text_rules": list(self.text_rules),
        }


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a draft would change."""

    version: str
    compared: tuple[Compared, ...]

    @property
    def differing(self) -> tuple[Compared, ...]:
        """Cases that somebody else would get."""
        return tuple(one for one in self.compared if one.differs)

    @property
    def by_unit(self) -> list[tuple[str, int, int]]:
        """(unit, before, after) of every unit, the queue being an empty code; most changed first."""
        before = Counter(one.case.unit_code or "" for one in self.compared)
        after = Counter(one.unit_code or "" for one in self.compared)
        rows = [(unit, before[unit], after[unit]) for unit in before | after]
        return sorted(rows, key=lambda row: (-abs(row[2] - row[1]), row[0]))

    def as_facts(self, most: int) -> dict[str, Any]:
        """JSON-ready, with at most so many differing cases."""
        differing = self.differing
        return {
            "version": self.version,
            "cases": len(self.compared),
            "differing": len(differing),
            "depending_on_text": sum(bool(one.text_rules) for one in self.compared),
            "units": [{"unit_code": u or None, "before": b, "after": a} for u, b, a in self.by_unit],
            "items": [one.as_facts() for one in differing[:most]],
            "truncated": len(differing) > most,
        }


def dry_run(
    cases: Iterable[PastCase],
    draft: RuleSet,
    book: RuleBook,
    on: date,
    tell: Callable[[int], None] = lambda _done: None,
) -> DryRun:
    """Ask the draft about cases of the past.

    Parameters
    ----------
    on : rules of the draft in force on that day are asked, whatever the day of a case.
    tell : called with the number of cases done.
    """
    always = tuple(replace(r, valid_from=date.min, valid_to=None) for r in draft.rules if in_force(r, on))
    rules = replace(draft, rules=always)
    found = []
    for done, case in enumerate(cases, start=1):
        found.append(_ask(case, rules, book))
        tell(done)
    return DryRun(draft.version, tuple(found))


def _ask(case: PastCase, rules: RuleSet, book: RuleBook) -> Compared:
    category = book.category_or_none(case.category, case.at)
    if category is None:
        return Compared(case, None, None, "unknown_category")
    verdict = book.duty(category, case.at)
    if verdict.waits_for_approval:
        return Compared(case, None, None, QueueReason.OFF_DUTY_LIST)
    local = case.at.astimezone(rules.zone)
    facts = RoutingFacts(
        category=CategoryKey.parse(case.category),
        source=case.source,
        standing=verdict.standing,
        text=_UNKNOWN_TEXT if case.text is None else case.text,
        local_time=local.time(),
        local_day=local.date(),
        community_code=case.community_code,
        cell_code=case.cell_code,
        cell_kind=case.cell_kind,
        duty_item=verdict.item.no if verdict.item else None,
    )
    routing = by_rules(facts, verdict, rules, book.units)
    tried = {line.rule_id for line in routing.trace}
    words = () if case.text is not None else _changed_by_words(facts, rules, tried)
    return Compared(case, routing.unit_code, routing.rule_id, routing.queue_reason, words)


def _changed_by_words(facts: RoutingFacts, rules: RuleSet, tried: set[str]) -> tuple[str, ...]:
    """Rules up to the one that decided whose answer some word of theirs would change."""
    return tuple(rule.id for rule in rules.rules if rule.id in tried and _asks_for_words(rule, facts))


def _asks_for_words(rule: Rule, facts: RoutingFacts) -> bool:
    words = {w for leaf in rule.condition.tests if leaf.name == "text_contains" for w in leaf.values}
    if not words:
        return False
    together = " ".join(sorted(words))
    without = rule.condition(facts) is None
    return any((rule.condition(replace(facts, text=t)) is None) is not without for t in (*words, together))
