"""The linter of routing rules: what is wrong with rules that can be read but do not make sense together.

Looked for, on the day asked about and on every later day on which some rule begins or ends:

* ``unreachable``: a rule that never decides, because earlier ones take all it would;
* ``never_holds``: no report at all fulfils its condition; ``dead_value``: one of its values fits nothing;
* ``conflict``: two rules with the same condition, whatever its words, and different targets;
* ``uncovered``: area × class pairs on the duty list that no rule takes (a rule may send to the queue);
* ``target_unknown``, ``target_closed``, ``target_not_allowed``: a rule that decides and sends to a unit
  that does not exist, is closed, or may not lead by the duty list;
* ``dates_out_of_order``, ``expired``: a rule that ends before it begins, or ended already.

Nothing is guessed: rules are asked about all :func:`gridmgmt.domain.ruleworld.samples`. Errors keep a set
from being published; warnings do not. Not judged: whether a unit is the *right* one.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from gridmgmt.domain.pattern import CategoryPattern
from gridmgmt.domain.routing import Outcome, target_of
from gridmgmt.domain.rows import in_force
from gridmgmt.domain.rules import Rule, RuleSet
from gridmgmt.domain.ruleworld import Sample, World, samples

_SHOWN = 8


class Fault(StrEnum):
    """What a finding is about; stable, for programs that read it."""

    UNREACHABLE = "unreachable"
    NEVER_HOLDS = "never_holds"
    DEAD_VALUE = "dead_value"
    CONFLICT = "conflict"
    UNCOVERED = "uncovered"
    TARGET_UNKNOWN = "target_unknown"
    TARGET_CLOSED = "target_closed"
    TARGET_NOT_ALLOWED = "target_not_allowed"
    DATES_OUT_OF_ORDER = "dates_out_of_order"
    EXPIRED = "expired"

    @property
    def is_error(self) -> bool:
        """Whether a set with it must not be published."""
        return self not in {Fault.DEAD_VALUE, Fault.EXPIRED}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong. ``path`` is a rule or the place in it; ``on`` the first day it holds."""

    fault: Fault
    path: str
    text: str
    on: date
    about: tuple[str, ...] = ()
    """Other rules, classes or places concerned."""

    def as_facts(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "fault": str(self.fault),
            "error": self.fault.is_error,
            "path": self.path,
            "text": self.text,
            "on": self.on.isoformat(),
            "about": list(self.about),
        }


def lint(rules: RuleSet, on: date, world_of: Callable[[date], World]) -> list[Finding]:
    """Everything wrong with a set of rules, errors first, each told once.

    Parameters
    ----------
    on : the day from which the rules are to be used; what was before is not looked at.
    world_of : classes with verdicts, cells and units of a day.

    Raises
    ------
    InvalidInput
        The rules tell too many kinds of reports apart to be checked.
    """
    found = list(_dates(rules, on))
    wrong = {f.path for f in found}
    sound = [r for r in rules.rules if f"rule {r.id}" not in wrong]
    ends = {d for r in sound for d in (r.valid_from, r.valid_to) if d is not None and d > on}
    decides: set[str] = set()
    holds: set[str] = set()
    seen: dict[str, date] = {}
    shadows: dict[str, list[str]] = {}
    values = _Values()
    for day in sorted({on, *ends}):
        active = [r for r in sound if in_force(r, day)]
        world = world_of(day)
        looked = _Looked(active, samples(active, world), world)
        found += looked.conflicts()
        found += looked.uncovered()
        found += looked.targets()
        decides |= looked.deciding()
        holds |= looked.holding()
        values.note(active, world)
        for rule in active:
            seen.setdefault(rule.id, day)
            if rule.id not in decides:
                shadows.setdefault(rule.id, looked.before(rule))
    in_conflict = {name for f in found if f.fault is Fault.CONFLICT for name in f.about}
    for rule in sound:
        if rule.id not in seen or rule.id in decides or rule.id in in_conflict:
            continue
        found.append(_never(rule, seen[rule.id], shadows[rule.id] if rule.id in holds else None))
    found += values.dead(rule for rule in sound if rule.id in holds)
    return sorted(_once(found), key=lambda f: (not f.fault.is_error, f.path, f.fault, f.on))


def _once(found: Iterable[Finding]) -> Iterator[Finding]:
    """The first of findings that differ in nothing but their day."""
    kept: set[tuple[Fault, str, tuple[str, ...]]] = set()
    for finding in found:
        name = (finding.fault, finding.path, finding.about)
        if name not in kept:
            kept.add(name)
            yield finding


def _dates(rules: RuleSet, on: date) -> Iterator[Finding]:
    for rule in rules.rules:
        if rule.valid_to is None:
            continue
        path = f"rule {rule.id}"
        if rule.valid_to <= rule.valid_from:
            text = f"It ends on {rule.valid_to} and begins on {rule.valid_from}."
            yield Finding(Fault.DATES_OUT_OF_ORDER, path, text, on)
        elif rule.valid_to <= on:
            yield Finding(Fault.EXPIRED, path, f"It ended on {rule.valid_to}.", on)


def _never(rule: Rule, day: date, shadows: list[str] | None) -> Finding:
    path = f"rule {rule.id}"
    if shadows is None:
        return Finding(Fault.NEVER_HOLDS, path, "No report fulfils its condition.", day)
    text = f"Earlier rules take all that it would: {', '.join(shadows[:_SHOWN])}."
    return Finding(Fault.UNREACHABLE, path, text, day, tuple(shadows))


class _Looked:
    """One day's rules with their answers to every sample."""

    def __init__(self, rules: Sequence[Rule], asked: Sequence[Sample], world: World) -> None:
        self.rules, self.samples, self.world = rules, asked, world
        self.truth = {
            r.id: frozenset(i for i, s in enumerate(asked) if r.condition(s.facts) is None) for r in rules
        }
        self.first: dict[int, Rule] = {}
        for rule in rules:
            for i in self.truth[rule.id]:
                self.first.setdefault(i, rule)

    def deciding(self) -> set[str]:
        return {rule.id for rule in self.first.values()}

    def holding(self) -> set[str]:
        return {name for name, held in self.truth.items() if held}

    def before(self, rule: Rule) -> list[str]:
        """Rules that take what this one would, in order."""
        taken = {self.first[i].id for i in self.truth[rule.id]}
        return [r.id for r in self.rules if r.id in taken and r.id != rule.id]

    def conflicts(self) -> Iterator[Finding]:
        same: dict[frozenset[int], list[Rule]] = {}
        for rule in self.rules:
            if self.truth[rule.id]:
                same.setdefault(self.truth[rule.id], []).append(rule)
        for group in same.values():
            first = group[0]
            for other in group[1:]:
                if other.target != first.target:
                    text = (
                        f"It has the condition of rule {first.id} and sends to {other.target},"
                        f" not to {first.target}."
                    )
                    about = (first.id, other.id)
                    yield Finding(Fault.CONFLICT, f"rule {other.id}", text, self.world.on, about)

    def uncovered(self) -> Iterator[Finding]:
        """A finding for each class with the places where no rule takes it, at least at some hour or so."""
        missing: dict[str, dict[str, None]] = {}
        taken: set[tuple[str, str]] = set()
        for i, sample in enumerate(self.samples):
            for key in (str(category.key) for category in sample.classes):
                if i in self.first:
                    taken.add((key, sample.place.name))
                else:
                    missing.setdefault(key, {})[sample.place.name] = None
        for key, places in sorted(missing.items()):
            sometimes = any((key, name) in taken for name in places)
            how = " at some hours, words or channels" if sometimes else ""
            where = "; ".join(list(places)[:_SHOWN])
            yield Finding(
                Fault.UNCOVERED, f"class {key}", f"No rule takes it{how} in {where}.", self.world.on,
                tuple(places),
            )  # fmt: skip

    def targets(self) -> Iterator[Finding]:
        bad: dict[tuple[str, Outcome, str], set[str]] = {}
        for i, rule in self.first.items():
            sample = self.samples[i]
            facts = sample.facts
            # Whose part it is nobody can say before; that it has an owner is asked by the test part_owner.
            if rule.to_owner:
                continue
            _, outcome, _ = target_of(rule, sample.verdict, facts, self.world.units)
            if outcome in _FAULT_OF:
                unit = rule.unit_code or facts.community_code or ""
                bad.setdefault((rule.id, outcome, unit), set()).update(str(c.key) for c in sample.classes)
        for (name, outcome, unit), classes in sorted(bad.items()):
            shown = ", ".join(sorted(classes)[:_SHOWN])
            text = f"It sends to {unit}, which {_WORDS[outcome]}: {shown}."
            about = tuple(sorted(classes)) if outcome is Outcome.TARGET_NOT_ALLOWED else (unit,)
            yield Finding(_FAULT_OF[outcome], f"rule {name}", text, self.world.on, about)


_FAULT_OF = {
    Outcome.TARGET_UNKNOWN: Fault.TARGET_UNKNOWN,
    Outcome.TARGET_INACTIVE: Fault.TARGET_CLOSED,
    Outcome.TARGET_NOT_ALLOWED: Fault.TARGET_NOT_ALLOWED,
}
_WORDS = {
    Outcome.TARGET_UNKNOWN: "does not exist; concerned are",
    Outcome.TARGET_INACTIVE: "is closed; concerned are",
    Outcome.TARGET_NOT_ALLOWED: "may not lead by the duty list",
}


class _Values:
    """Values of tests of class and place that fit nothing on any day looked at."""

    def __init__(self) -> None:
        self._days: dict[str, date] = {}
        self._alive: set[tuple[str, str]] = set()

    def note(self, rules: Sequence[Rule], world: World) -> None:
        codes = {c.code for c in world.cells}
        homes = {c.community_code for c in world.cells}
        known = {
            "cell": codes,
            "community": homes,
            "part_owner": {u.code for u in world.units.values() if u.active},
            "duty_item": {v.item.no for _, v in world.classes if v.item},
        }
        for rule in rules:
            self._days.setdefault(rule.id, world.on)
            for leaf in rule.condition.tests:
                for value in leaf.values:
                    if leaf.name == "category":
                        alive = _fits_a_class(value, world)
                    else:
                        alive = leaf.name not in known or value in known[leaf.name]
                    if alive:
                        self._alive.add((leaf.path, value))

    def dead(self, rules: Iterable[Rule]) -> Iterator[Finding]:
        for rule in rules:
            for leaf in rule.condition.tests:
                for value in leaf.values:
                    if rule.id in self._days and (leaf.path, value) not in self._alive:
                        yield Finding(
                            Fault.DEAD_VALUE, f"rule {rule.id}", f"Its {leaf.name} {value!r} fits nothing.",
                            self._days[rule.id], (leaf.name, value),
                        )  # fmt: skip


def _fits_a_class(value: str, world: World) -> bool:
    pattern = CategoryPattern.parse(value)
    return any(pattern.matches(category.key) for category, _ in world.classes)
