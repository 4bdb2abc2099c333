"""Routing rules as data: read, checked and compiled once, with the path of every error.

::

    {"version": "…", "timezone": "Asia/Shanghai",
     "areas": {"夜市一带": ["120116005003007", "120116005004"]},
     "rules": [{"id": "R-010", "order": 10, "reason": "…", "valid_from": "2026-07-01",
                "when": {"category": ["0601*"]},
                "to": {"unit": "…"} | {"community": true} | {"owner": true} | {"queue": true}}]}

Ids and orders are unique, so that "the first rule that holds" has one meaning. A document with any
fault is refused as a whole. Conditions: :mod:`.condition`; what rules do: :mod:`.routing`; whether
they make sense together: :mod:`.rulelint`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gridmgmt.domain.condition import Condition, Problems, compile_condition, place_fault
from gridmgmt.domain.org import Unit
from gridmgmt.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, compiled; exactly one of the targets is set.

    ``unit_code`` names a unit, ``to_community`` means the unit of the cell's community (its code is
    the community's), ``to_owner`` the unit that owns the part, ``to_queue`` sends to the manual queue
    on purpose.
    """

    id: str
    order: int
    reason: str
    condition: Condition
    valid_from: date
    valid_to: date | None = None
    unit_code: str | None = None
    to_community: bool = False
    to_queue: bool = False
    to_owner: bool = False

    @property
    def target(self) -> str:
        """Where it sends to, as the document says it."""
        if self.unit_code is not None:
            return f"unit {self.unit_code}"
        return "community" if self.to_community else "owner" if self.to_owner else "queue"


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in the order they are tried, and the zone that ``time_of_day`` is meant in."""

    version: str
    zone: ZoneInfo
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class DatedRules:
    """A published set and the moment from which it is in use."""

    starts_at: datetime
    rules: RuleSet


def rules_in_use(sets: Sequence[DatedRules], at: datetime) -> RuleSet:
    """The set in use at a moment: the one that started last; of equals the one published last.

    Parameters
    ----------
    sets : in the order published, at least one. Before the first of them started, that one counts.
    """
    started = [(dated.starts_at, i) for i, dated in enumerate(sets) if dated.starts_at <= at]
    if not started:
        return min(sets, key=lambda dated: dated.starts_at).rules
    return sets[max(started)[1]].rules


def parse_rules(document: Mapping[str, Any]) -> RuleSet:
    """Rules from a document such as ``data/catalogue/routing_rules_demo.json``.

    Raises
    ------
    InvalidInput
        ``facts["faults"]`` lists every error with its path.
    """
    problems = Problems([])
    zone = _zone(document.get("timezone"), problems)
    areas = _areas(document.get("areas", {}), problems)
    forms = document.get("rules")
    if not isinstance(forms, Sequence) or isinstance(forms, str):
        problems.add("rules", "is not a list")
        forms = ()
    rules = [rule for i, form in enumerate(forms) if (rule := _rule(form, f"rules[{i}]", problems, areas))]
    seen: dict[str | int, str] = {}
    for rule in rules:
        for name in (rule.id, rule.order):
            if name in seen:
                problems.add(f"rule {rule.id}", f"shares {name!r} with rule {seen[name]}")
            seen.setdefault(name, rule.id)
    if problems.found:
        first = problems.found[0]
        raise InvalidInput(
            f"The routing rules have {len(problems.found)} fault(s); first at {first['path']}: "
            f"{first['fault']}.",
            rule="R22a",
            faults=problems.found,
        )
    return RuleSet(str(document.get("version", "")), zone, tuple(sorted(rules, key=lambda r: r.order)))


def check_targets(rules: RuleSet, units: Mapping[str, Unit]) -> None:
    """Refuse rules that name a unit nobody knows; called when rules are adopted.

    A unit that closes later is met when routing: the report then goes to the manual queue.

    Raises
    ------
    InvalidInput
        ``facts["faults"]`` lists rule and unit.
    """
    unknown = [rule for rule in rules.rules if rule.unit_code is not None and rule.unit_code not in units]
    if unknown:
        raise InvalidInput(
            f"{len(unknown)} routing rule(s) name a unit that does not exist.",
            rule="R22a",
            faults=[{"path": f"rule {r.id}", "fault": f"there is no unit {r.unit_code!r}"} for r in unknown],
        )


def _zone(name: object, problems: Problems) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError):
        problems.add("timezone", f"{name!r} is no time zone")
        return ZoneInfo("UTC")


def _areas(given: object, problems: Problems) -> dict[str, frozenset[str]]:
    if not isinstance(given, Mapping):
        problems.add("areas", "is not an object")
        return {}
    found = {}
    for name, codes in given.items():
        if not isinstance(codes, Sequence) or isinstance(codes, str) or not codes:
            problems.add(f"areas.{name}", "is not a list with at least one code")
            continue
        for i, code in enumerate(codes):
            fault = place_fault(code) if isinstance(code, str) else "is not text"
            if fault is not None:
                problems.add(f"areas.{name}[{i}]", fault)
        found[str(name)] = frozenset(map(str, codes))
    return found


_KEYS = frozenset({"id", "order", "reason", "when", "to", "valid_from", "valid_to"})


def _rule(form: object, path: str, problems: Problems, areas: Mapping[str, frozenset[str]]) -> Rule | None:
    if not isinstance(form, Mapping):
        problems.add(path, "is not an object")
        return None
    before = len(problems.found)
    for key in sorted(set(form) - _KEYS):
        problems.add(f"{path}.{key}", f"is not one of {', '.join(sorted(_KEYS))}")
    for key in ("id", "reason"):
        if not isinstance(form.get(key), str) or not form[key]:
            problems.add(f"{path}.{key}", "is not text")
    if not isinstance(form.get("order"), int):
        problems.add(f"{path}.order", "is not a whole number")
    days = {key: _day(form.get(key), f"{path}.{key}", problems) for key in ("valid_from", "valid_to")}
    if days["valid_from"] is None:
        problems.add(f"{path}.valid_from", "is missing")
    condition = compile_condition(form.get("when"), f"{path}.when", problems, areas)
    target = _parse_target(form.get("to"), f"{path}.to", problems)
    if len(problems.found) > before or days["valid_from"] is None:
        return None
    return Rule(
        id=form["id"],
        order=form["order"],
        reason=form["reason"],
        condition=condition,
        valid_from=days["valid_from"],
        valid_to=days["valid_to"],
        **target,
    )


def _parse_target(form: object, path: str, problems: Problems) -> dict[str, Any]:
    match form:
        case {"unit": str(code), **rest} if code and not rest:
            return {"unit_code": code}
        case {"community": True, **rest} if not rest:
            return {"to_community": True}
        case {"owner": True, **rest} if not rest:
            return {"to_owner": True}
        case {"queue": True, **rest} if not rest:
            return {"to_queue": True}
    problems.add(path, 'is not {"unit": code}, {"community": true}, {"owner": true} or {"queue": true}')
    return {}


def _day(value: object, path: str, problems: Problems) -> date | None:
    if value is None:
        return None
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        problems.add(path, f"{value!r} is not a date like 2026-07-01")
        return None
