"""Conditions of routing rules: a small form written as JSON, checked and compiled once.

::

    condition := {"all": [condition, …]} | {"any": [condition, …]} | {"not": condition} | test | {}
    test      := {"category":      ["06*", "matter:09006"]}    patterns of :mod:`.pattern`
               | {"community":     ["120116005003", …]}        community of the cell
               | {"cell":          ["120116005003007", …]}
               | {"cell_kind":     ["duty", "dedicated", …]}
               | {"source":        ["patrol", …]}              channel of the report
               | {"duty_role":     ["lead", "assist", …]}      standing in the duty list
               | {"text_contains": ["井盖", …]}                any of these in the description, as written
               | {"time_of_day":   ["22:00", "06:00"]}         local time, end excluded, may pass midnight

A test holds if any of its values fits. ``{}`` always holds. A report without a cell fits no
``community``, ``cell`` or ``cell_kind``. A test has one key: two tests at once are an ``all``.

A compiled condition is a function from the facts to None where it holds, else to the words why it
does not. The words are made when the rule is loaded, so that a trace of fifty rules costs nothing.
A condition that is wrong is refused when it is loaded, with the path of every error; there is no
rule that is quietly switched off.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from enum import StrEnum

from gridmgmt.domain.codes import CommunityCode
from gridmgmt.domain.duty import DutyStanding
from gridmgmt.domain.grid import CellKind
from gridmgmt.domain.pattern import CategoryKey, CategoryPattern, PatternTable
from gridmgmt.domain.report import Source
from gridmgmt.errors import GridError


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """What rules may ask about; ``local_time`` is the wall clock of the decision in the city."""

    category: CategoryKey
    source: Source
    standing: DutyStanding
    text: str
    local_time: time
    community_code: str | None = None
    cell_code: str | None = None
    cell_kind: str | None = None


Condition = Callable[[RoutingFacts], str | None]
"""None where it holds, else why not."""


@dataclass(slots=True)
class Problems:
    """Errors of a rule document with their paths."""

    found: list[dict[str, str]]

    def add(self, path: str, problem: str) -> None:
        """Note one error."""
        self.found.append({"path": path, "fault": problem})


def compile_condition(form: object, path: str, problems: Problems) -> Condition:
    """Check a condition and make a function of it.

    Parameters
    ----------
    form : the parsed JSON.
    path : where it stands, such as ``rules[3].when``.
    problems : errors are added here; a condition with errors compiles to one that never holds.
    """
    if not isinstance(form, Mapping):
        return _wrong(problems, path, "is not an object")
    if not form:
        return _always
    if len(form) > 1:
        return _wrong(problems, path, 'has several keys; put them into "all"')
    ((name, value),) = form.items()
    compile_form = _FORMS.get(name)
    if compile_form is None:
        return _wrong(problems, f"{path}.{name}", f"is not one of {', '.join(_FORMS)}")
    return compile_form(value, f"{path}.{name}", problems)


def _always(_facts: RoutingFacts) -> None:
    return None


def _wrong(problems: Problems, path: str, problem: str) -> Condition:
    problems.add(path, problem)
    return lambda _facts: "never holds"


def _brief(form: object) -> str:
    text = json.dumps(form, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:79] + "…"


def _values(value: object, path: str, problems: Problems) -> list[str]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        problems.add(path, "is not a list with at least one value")
        return []
    texts = []
    for i, item in enumerate(value):
        if isinstance(item, str) and item:
            texts.append(item)
        else:
            problems.add(f"{path}[{i}]", "is not text")
    return texts


def _parts(value: object, path: str, problems: Problems) -> tuple[Condition, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return (_wrong(problems, path, "is not a list with at least one condition"),)
    return tuple(compile_condition(form, f"{path}[{i}]", problems) for i, form in enumerate(value))


def _compile_all(value: object, path: str, problems: Problems) -> Condition:
    parts = _parts(value, path, problems)

    def every(facts: RoutingFacts) -> str | None:
        for part in parts:
            why_not = part(facts)
            if why_not is not None:
                return why_not
        return None

    return every


def _compile_any(value: object, path: str, problems: Problems) -> Condition:
    parts = _parts(value, path, problems)
    words = f"none holds of {_brief(value)}"

    def some(facts: RoutingFacts) -> str | None:
        for part in parts:
            if part(facts) is None:
                return None
        return words

    return some


def _compile_not(value: object, path: str, problems: Problems) -> Condition:
    inner, words = compile_condition(value, path, problems), f"excluded by {_brief(value)}"
    return lambda facts: words if inner(facts) is None else None


def _compile_category(value: object, path: str, problems: Problems) -> Condition:
    values, patterns = _values(value, path, problems), []
    for i, text in enumerate(values):
        try:
            patterns.append((CategoryPattern.parse(text), True))
        except GridError as error:
            problems.add(f"{path}[{i}]", error.message)
    table = PatternTable(patterns)
    words = f"class is not {_brief(values)}"
    return lambda facts: None if table.matching(facts.category) else words


def _compile_members(
    field: str, read: Callable[[RoutingFacts], str | None], fault_of: Callable[[str], str | None]
) -> Callable[[object, str, Problems], Condition]:
    def compile_test(value: object, path: str, problems: Problems) -> Condition:
        values = _values(value, path, problems)
        for i, member in enumerate(values):
            fault = fault_of(member)
            if fault is not None:
                problems.add(f"{path}[{i}]", fault)
        members = frozenset(values)
        words = f"{field} is not {_brief(values)}"
        return lambda facts: None if read(facts) in members else words

    return compile_test


def _one_of(choices: type[StrEnum]) -> Callable[[str], str | None]:
    known = frozenset(map(str, choices))
    words = ", ".join(map(str, choices))
    return lambda value: None if value in known else f"{value!r} is none of {words}"


def _community_fault(value: str) -> str | None:
    return None if CommunityCode.is_valid(value) else f"{value!r} is not a community code"


def _compile_text(value: object, path: str, problems: Problems) -> Condition:
    needles = tuple(_values(value, path, problems))
    words = f"text has none of {_brief(needles)}"
    return lambda facts: None if any(needle in facts.text for needle in needles) else words


def _compile_time(value: object, path: str, problems: Problems) -> Condition:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        return _wrong(problems, path, 'is not two times such as ["22:00", "06:00"]')
    try:
        start, end = (time.fromisoformat(text) for text in value)
    except (TypeError, ValueError) as error:
        return _wrong(problems, path, f"is not two times: {error}")
    if start == end or start.tzinfo or end.tzinfo:
        return _wrong(problems, path, "needs two different times without zone")
    words = f"time of day is not {start:%H:%M}-{end:%H:%M}"
    if start < end:
        return lambda facts: None if start <= facts.local_time < end else words
    return lambda facts: None if facts.local_time >= start or facts.local_time < end else words


_FORMS: Mapping[str, Callable[[object, str, Problems], Condition]] = {
    "all": _compile_all,
    "any": _compile_any,
    "not": _compile_not,
    "category": _compile_category,
    "community": _compile_members("community", lambda facts: facts.community_code, _community_fault),
    "cell": _compile_members("cell", lambda facts: facts.cell_code, lambda _code: None),
    "cell_kind": _compile_members("kind of cell", lambda facts: facts.cell_kind, _one_of(CellKind)),
    "source": _compile_members("source", lambda facts: facts.source, _one_of(Source)),
    "duty_role": _compile_members("duty role", lambda facts: facts.standing, _one_of(DutyStanding)),
    "text_contains": _compile_text,
    "time_of_day": _compile_time,
}
