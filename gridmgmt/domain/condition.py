"""Conditions of routing rules: a small language written as JSON, checked and compiled once.

::

    condition := {"all": [condition, …]} | {"any": [condition, …]} | {"not": condition} | test | {}
    test      := {"<name>": value}        one of :data:`LANGUAGE`

A test holds if any of its values fits. ``{}`` always holds. What a test asks about and is not known
(a report without a cell, a problem at no part) fits no value. A test has one key: two tests at once
are an ``all``. docs/reference/routing-rules.md is made of :data:`LANGUAGE`.

A compiled condition gives None where it holds, else the words why it does not. The words are made
when the rule is loaded, so that a trace of fifty rules costs nothing. A condition that is wrong is
refused when it is loaded, with the path of every error; there is no rule that is quietly switched
off. A condition also tells its tests one by one (:attr:`Condition.tests`): the linter looks through
them at everything that could tell two reports apart.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum
from types import MappingProxyType

from gridmgmt.domain.codes import CommunityCode, GridCode
from gridmgmt.domain.duty import DutyStanding
from gridmgmt.domain.grid import CellKind
from gridmgmt.domain.pattern import CategoryKey, CategoryPattern, PatternTable
from gridmgmt.domain.report import Source
from gridmgmt.errors import GridError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class RoutingFacts:
    """What rules may ask about; ``local_time`` and ``local_day`` are the city's at the decision.

    ``duty_item`` is the number of the duty list's item, ``part_owner`` the code of the unit that owns
    the part 部件 the report is about (权属单位); None where there is none or nobody knows it.
    """

    category: CategoryKey
    source: Source
    standing: DutyStanding
    text: str
    local_time: time
    local_day: date
    community_code: str | None = None
    cell_code: str | None = None
    cell_kind: str | None = None
    duty_item: str | None = None
    part_owner: str | None = None


Asks = Callable[[RoutingFacts], str | None]
"""None where it holds, else why not."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One test of a condition: its name in :data:`LANGUAGE`, its values, where it stands in the document."""

    name: str
    values: tuple[str, ...]
    path: str
    ask: Asks

    def holds(self, facts: RoutingFacts) -> bool:
        """Whether this test alone holds."""
        return self.ask(facts) is None


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition; call it for the words why it does not hold, None where it does."""

    ask: Asks
    tests: tuple[Leaf, ...] = ()

    def __call__(self, facts: RoutingFacts) -> str | None:
        """Why it does not hold; None where it does."""
        return self.ask(facts)


@dataclass(slots=True)
class Problems:
    """Errors of a rule document with their paths."""

    found: list[dict[str, str]]

    def add(self, path: str, problem: str) -> None:
        """Note one error."""
        self.found.append({"path": path, "fault": problem})


@dataclass(slots=True)
class Reading:
    """A condition while it is read: errors so far, areas that it may name, tests met."""

    problems: Problems
    areas: Mapping[str, frozenset[str]]
    tests: list[Leaf] = field(default_factory=list)

    def wrong(self, path: str, problem: str) -> Asks:
        """Note an error; what is wrong never holds."""
        self.problems.add(path, problem)
        return lambda _facts: "never holds"


@dataclass(frozen=True, slots=True)
class Form:
    """One key of the language, as the reference page tells it and the parser reads it."""

    value: str
    meaning: str
    example: object
    compile: Callable[[object, str, Reading], Asks]
    combines: bool = False


def compile_condition(
    form: object,
    path: str,
    problems: Problems,
    areas: Mapping[str, frozenset[str]] = MappingProxyType({}),
) -> Condition:
    """Check a condition and make a function of it.

    Parameters
    ----------
    form : the parsed JSON.
    path : where it stands, such as ``rules[3].when``.
    problems : errors are added here; a condition with errors compiles to one that never holds.
    areas : codes of communities and cells by name of the area, for the test ``area``.
    """
    reading = Reading(problems, areas)
    return Condition(_compile(form, path, reading), tuple(reading.tests))


def _compile(form: object, path: str, reading: Reading) -> Asks:
    if not isinstance(form, Mapping):
        return reading.wrong(path, "is not an object")
    if not form:
        return _always
    if len(form) > 1:
        return reading.wrong(path, 'has several keys; put them into "all"')
    ((name, value),) = form.items()
    known = LANGUAGE.get(name)
    if known is None:
        return reading.wrong(f"{path}.{name}", f"is not one of {', '.join(LANGUAGE)}")
    ask = known.compile(value, f"{path}.{name}", reading)
    if not known.combines:
        values = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
        reading.tests.append(Leaf(name, tuple(map(str, values)), f"{path}.{name}", ask))
    return ask


def _always(_facts: RoutingFacts) -> None:
    return None


def _brief(form: object) -> str:
    text = json.dumps(form, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:79] + "…"


def _values(value: object, path: str, reading: Reading) -> list[str]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        reading.wrong(path, "is not a list with at least one value")
        return []
    texts = []
    for i, item in enumerate(value):
        if isinstance(item, str) and item:
            texts.append(item)
        else:
            reading.wrong(f"{path}[{i}]", "is not text")
    return texts


def _parts(value: object, path: str, reading: Reading) -> tuple[Asks, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return (reading.wrong(path, "is not a list with at least one condition"),)
    return tuple(_compile(form, f"{path}[{i}]", reading) for i, form in enumerate(value))


def _compile_all(value: object, path: str, reading: Reading) -> Asks:
    parts = _parts(value, path, reading)

    def every(facts: RoutingFacts) -> str | None:
        for part in parts:
            why_not = part(facts)
            if why_not is not None:
                return why_not
        return None

    return every


def _compile_any(value: object, path: str, reading: Reading) -> Asks:
    parts = _parts(value, path, reading)
    words = f"none holds of {_brief(value)}"

    def some(facts: RoutingFacts) -> str | None:
        for part in parts:
            if part(facts) is None:
                return None
        return words

    return some


def _compile_not(value: object, path: str, reading: Reading) -> Asks:
    inner, words = _compile(value, path, reading), f"excluded by {_brief(value)}"
    return lambda facts: words if inner(facts) is None else None


def _compile_category(value: object, path: str, reading: Reading) -> Asks:
    values, patterns = _values(value, path, reading), []
    for i, text in enumerate(values):
        try:
            patterns.append((CategoryPattern.parse(text), True))
        except GridError as error:
            reading.wrong(f"{path}[{i}]", error.message)
    table = PatternTable(patterns)
    words = f"class is not {_brief(values)}"
    return lambda facts: None if table.matching(facts.category) else words


def _compile_members(
    name: str, read: Callable[[RoutingFacts], str | None], fault_of: Callable[[str], str | None]
) -> Callable[[object, str, Reading], Asks]:
    def compile_test(value: object, path: str, reading: Reading) -> Asks:
        values = _values(value, path, reading)
        for i, member in enumerate(values):
            fault = fault_of(member)
            if fault is not None:
                reading.wrong(f"{path}[{i}]", fault)
        members = frozenset(values)
        words = f"{name} is not {_brief(values)}"
        return lambda facts: None if read(facts) in members else words

    return compile_test


def _one_of(choices: Sequence[str] | type[StrEnum]) -> Callable[[str], str | None]:
    known = frozenset(map(str, choices))
    words = ", ".join(map(str, choices))
    return lambda value: None if value in known else f"{value!r} is none of {words}"


def _community_fault(value: str) -> str | None:
    return None if CommunityCode.is_valid(value) else f"{value!r} is not a community code"


def place_fault(value: str) -> str | None:
    """What is wrong with a code of a community or cell; None when nothing is."""
    good = CommunityCode.is_valid(value) or GridCode.is_valid(value)
    return None if good else f"{value!r} is neither a community code nor a cell code"


def _compile_area(value: object, path: str, reading: Reading) -> Asks:
    names = _values(value, path, reading)
    for i, name in enumerate(names):
        if name not in reading.areas:
            reading.wrong(f"{path}[{i}]", f"{name!r} is not one of the document's areas")
    codes = frozenset[str]().union(*(reading.areas.get(name, frozenset()) for name in names))
    words = f"area is not {_brief(names)}"
    return lambda facts: None if facts.community_code in codes or facts.cell_code in codes else words


def _compile_text(value: object, path: str, reading: Reading) -> Asks:
    needles = tuple(_values(value, path, reading))
    words = f"text has none of {_brief(needles)}"
    return lambda facts: None if any(needle in facts.text for needle in needles) else words


def _compile_time(value: object, path: str, reading: Reading) -> Asks:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        return reading.wrong(path, 'is not two times such as ["22:00", "06:00"]')
    try:
        start, end = (time.fromisoformat(text) for text in value)
    except (TypeError, ValueError) as error:
        return reading.wrong(path, f"is not two times: {error}")
    if start == end or start.tzinfo or end.tzinfo:
        return reading.wrong(path, "needs two different times without zone")
    words = f"time of day is not {start:%H:%M}-{end:%H:%M}"
    if start < end:
        return lambda facts: None if start <= facts.local_time < end else words
    return lambda facts: None if facts.local_time >= start or facts.local_time < end else words


def _compile_season(value: object, path: str, reading: Reading) -> Asks:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        return reading.wrong(path, 'is not two days such as ["11-15", "03-16"]')
    try:
        # A leap year, so that the 29th of February is a day.
        start, end = (date.fromisoformat(f"2028-{text}") for text in value)
    except ValueError:
        return reading.wrong(path, 'is not two days such as ["11-15", "03-16"]')
    if start == end:
        return reading.wrong(path, "needs two different days")
    first, after = (start.month, start.day), (end.month, end.day)
    words = f"day is not in {start:%m-%d}..{end:%m-%d}"

    def season(facts: RoutingFacts) -> str | None:
        day = (facts.local_day.month, facts.local_day.day)
        inside = first <= day < after if first < after else day >= first or day < after
        return None if inside else words

    return season


LANGUAGE: Mapping[str, Form] = MappingProxyType(
    {
        "all": Form(
            "list of conditions", "every one of them holds",
            [{"category": ["06010"]}, {"cell_kind": ["dedicated"]}], _compile_all, combines=True,
        ),
        "any": Form(
            "list of conditions", "at least one of them holds",
            [{"source": ["video"]}, {"text_contains": ["火灾"]}], _compile_any, combines=True,
        ),
        "not": Form("condition", "it does not hold", {"cell_kind": ["unit"]}, _compile_not, combines=True),
        "category": Form(
            "patterns of classes",
            "the class 类别 falls under one: `06010` that code, `06*` all that begin so, `matter:01*` and "
            "`GB/T 47678.5-2026:matter:06010` only that kind or standard",
            ["06*", "matter:09006"], _compile_category,
        ),
        "community": Form(
            "community codes, 12 digits", "the cell's community 社区", ["120116005003"],
            _compile_members("community", lambda facts: facts.community_code, _community_fault),
        ),
        "cell": Form(
            "cell codes", "the cell 网格", ["120116005003007"],
            _compile_members("cell", lambda facts: facts.cell_code, lambda _code: None),
        ),
        "cell_kind": Form(
            " · ".join(f"`{kind}`" for kind in CellKind), "the kind of cell", ["dedicated"],
            _compile_members("kind of cell", lambda facts: facts.cell_kind, _one_of(CellKind)),
        ),
        "area": Form(
            "names of areas", "the cell or its community belongs to an area of the document's `areas`",
            ["夜市一带"], _compile_area,
        ),
        "source": Form(
            " · ".join(f"`{source}`" for source in Source), "the channel of the report 来源", ["patrol"],
            _compile_members("source", lambda facts: facts.source, _one_of(Source)),
        ),
        "duty_role": Form(
            " · ".join(f"`{standing}`" for standing in DutyStanding),
            "the class's standing in the duty list 职责清单",
            ["lead", "approved_extra"],
            _compile_members("duty role", lambda facts: facts.standing, _one_of(DutyStanding)),
        ),
        "duty_item": Form(
            "numbers of items", "the item of the duty list that holds the class", ["1", "2"],
            _compile_members("duty item", lambda facts: facts.duty_item, lambda _no: None),
        ),
        "part_owner": Form(
            "codes of units", "the unit that owns the part 部件 the report is about 权属单位", ["PS-WATER"],
            _compile_members("owner of the part", lambda facts: facts.part_owner, lambda _code: None),
        ),
        "text_contains": Form(
            "words", "the description has one of them, letter for letter", ["井盖", "窨井"], _compile_text
        ),
        "time_of_day": Form(
            "two times", "the local time of the decision, end excluded; may pass midnight",
            ["22:00", "06:00"], _compile_time,
        ),
        "weekday": Form(
            " · ".join(f"`{day}`" for day in WEEKDAYS), "the local weekday of the decision", ["sat", "sun"],
            _compile_members(
                "weekday", lambda facts: WEEKDAYS[facts.local_day.weekday()], _one_of(WEEKDAYS)
            ),
        ),
        "season": Form(
            "two days of the year", "the local day, end excluded; may pass New Year", ["11-15", "03-16"],
            _compile_season,
        ),
    }
)  # fmt: skip
"""Every key of the language, in the order of the reference page."""
