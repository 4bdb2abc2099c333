"""Everything that could tell two reports apart for some rules: the reports a linter has to look at.

A set of rules asks only so much. Reports that answer every test of every rule alike are one and the
same to it, so a finite set of *samples* stands for all: the classes in use by how the patterns take
them, the cells of the plan by how the tests of place take them, the words, hours, days and owners that
some test names and one that none does. What holds for the samples holds for every report, exactly.

Words need the most care: a text may hold any of them together, and words lie inside each other. The
sets of tests that a text can fulfil are the unions of what single words fulfil; so the samples are
closed under putting texts behind one another.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from itertools import product
from typing import Any, TypeVar

from gridmgmt.domain.condition import Leaf, RoutingFacts
from gridmgmt.domain.duty import DutyVerdict
from gridmgmt.domain.org import Unit
from gridmgmt.domain.report import Source
from gridmgmt.domain.routing import RoutableCell
from gridmgmt.domain.rules import Rule
from gridmgmt.domain.taxonomy import Category
from gridmgmt.errors import InvalidInput

_T = TypeVar("_T")
# No word of a rule holds it, so that words put side by side make no third one.
_BETWEEN = "\0"
_NOBODY = "—"
_A_DAY = date(2028, 1, 3)
# After so many years every day of the year has fallen on every weekday.
_DAYS = 28 * 366
MOST_SAMPLES = 400_000


@dataclass(frozen=True, slots=True)
class World:
    """What rules meet on one day: classes with the duty list's verdict, cells, units."""

    on: date
    classes: Sequence[tuple[Category, DutyVerdict]]
    cells: Sequence[RoutableCell]
    units: Mapping[str, Unit]


@dataclass(frozen=True, slots=True)
class Place:
    """Cells that no rule tells apart."""

    cells: tuple[RoutableCell, ...]

    @property
    def name(self) -> str:
        """As a finding names it: communities, kinds of cell, how many."""
        communities = sorted({c.community_code for c in self.cells})
        kinds = sorted({c.kind for c in self.cells})
        shown = ", ".join(communities[:3]) + (" …" if len(communities) > 3 else "")
        return f"{len(self.cells)} {'/'.join(kinds)} cell(s) of {shown}"


@dataclass(frozen=True, slots=True)
class Sample:
    """One report standing for all that no rule tells from it."""

    facts: RoutingFacts
    verdict: DutyVerdict
    classes: tuple[Category, ...]
    place: Place = field(repr=False)


def samples(rules: Sequence[Rule], world: World) -> list[Sample]:
    """The reports of a day that some rule might tell apart.

    Classes that the duty list gives to nobody are left out: rules are not asked about them.

    Raises
    ------
    InvalidInput
        So many tests of so many kinds that the samples cannot be looked at one by one.
    """
    leaves = [leaf for rule in rules for leaf in rule.condition.tests]
    base = _plain(world)
    if base is None:
        return []
    parts: Sequence[Sequence[tuple[dict[str, Any], object]]] = (
        _classes(leaves, world, base),
        _places(leaves, world, base),
        _plain_values(leaves, base, "source", "source", list(Source)),
        _texts(leaves, base),
        _plain_values(leaves, base, "time_of_day", "local_time", _times(leaves)),
        _plain_values(leaves, base, ("weekday", "season"), "local_day", _days(leaves)),
        _plain_values(
            leaves, base, "part_owner", "part_owner", [None, _NOBODY, *_named(leaves, "part_owner")]
        ),
    )
    count = 1
    for part in parts:
        count *= len(part)
    if count > MOST_SAMPLES:
        raise InvalidInput(
            f"These rules tell {count} kinds of reports apart; at most {MOST_SAMPLES} can be checked.",
            rule="R22c", samples=count,
        )  # fmt: skip
    return list(_joined(base, parts))


def _joined(base: RoutingFacts, parts: Sequence[Sequence[tuple[dict[str, Any], Any]]]) -> Iterator[Sample]:
    names = RoutingFacts.__slots__
    start = {name: getattr(base, name) for name in names}
    for chosen in product(*parts):
        facts = dict(start)
        for values, _ in chosen:
            facts.update(values)
        classes, verdict = chosen[0][1]
        yield Sample(RoutingFacts(**facts), verdict, classes, chosen[1][1])


def _plain(world: World) -> RoutingFacts | None:
    listed = [(c, v) for c, v in world.classes if not v.waits_for_approval]
    if not listed or not world.cells:
        return None
    category, verdict = listed[0]
    return RoutingFacts(category.key, Source.PATROL, verdict.standing, "", time(0), _A_DAY)


def _of(leaves: Iterable[Leaf], *names: str) -> list[Leaf]:
    return [leaf for leaf in leaves if leaf.name in names]


def _named(leaves: Iterable[Leaf], name: str) -> list[str]:
    return sorted({value for leaf in _of(leaves, name) for value in leaf.values})


def _grouped(
    items: Iterable[_T], changed: Callable[[_T], dict[str, Any]], leaves: Sequence[Leaf], base: RoutingFacts
) -> dict[tuple[bool, ...], list[_T]]:
    """Items by how the tests take them."""
    start = {name: getattr(base, name) for name in RoutingFacts.__slots__}
    found: dict[tuple[bool, ...], list[_T]] = {}
    for item in items:
        facts = RoutingFacts(**(start | changed(item)))
        found.setdefault(tuple(leaf.holds(facts) for leaf in leaves), []).append(item)
    return found


def _classes(leaves: Sequence[Leaf], world: World, base: RoutingFacts) -> list[tuple[dict[str, Any], object]]:
    listed = [(c, v) for c, v in world.classes if not v.waits_for_approval]

    def asked(item: tuple[Category, DutyVerdict]) -> dict[str, Any]:
        category, verdict = item
        no = verdict.item.no if verdict.item else None
        return {"category": category.key, "standing": verdict.standing, "duty_item": no}

    of_class = _of(leaves, "category", "duty_role", "duty_item")
    halves = [[item for item in listed if item[1].allowed is allowed] for allowed in (True, False)]
    groups = [group for half in halves for group in _grouped(half, asked, of_class, base).values()]
    return [(asked(g[0]), (tuple(c for c, _ in g), g[0][1])) for g in groups]


def _places(leaves: Sequence[Leaf], world: World, base: RoutingFacts) -> list[tuple[dict[str, Any], object]]:
    def asked(cell: RoutableCell) -> dict[str, Any]:
        return {"community_code": cell.community_code, "cell_code": cell.code, "cell_kind": cell.kind}

    of_place = _of(leaves, "community", "cell", "cell_kind", "area")

    # Whether a community has a unit decides where a rule that sends to the community ends.
    def has_unit(cell: RoutableCell) -> bool:
        unit = world.units.get(cell.community_code)
        return unit is not None and unit.active

    halves = [[c for c in world.cells if has_unit(c) is wanted] for wanted in (True, False)]
    groups = [group for half in halves for group in _grouped(half, asked, of_place, base).values()]
    return [(asked(g[0]), Place(tuple(g))) for g in groups]


def _plain_values(
    leaves: Sequence[Leaf], base: RoutingFacts, tests: str | tuple[str, ...], name: str, values: Iterable[Any]
) -> list[tuple[dict[str, Any], object]]:
    names = (tests,) if isinstance(tests, str) else tests
    groups = _grouped(values, lambda value: {name: value}, _of(leaves, *names), base)
    return [({name: group[0]}, None) for group in groups.values()]


def _times(leaves: Sequence[Leaf]) -> list[time]:
    bounds = {time.fromisoformat(v) for v in _named(leaves, "time_of_day")}
    return sorted(bounds | {time(0)})


def _days(leaves: Sequence[Leaf]) -> list[date]:
    if not _of(leaves, "weekday", "season"):
        return [_A_DAY]
    length = _DAYS if _of(leaves, "season") else 7
    return [_A_DAY + timedelta(days=i) for i in range(length)]


def _texts(leaves: Sequence[Leaf], base: RoutingFacts) -> list[tuple[dict[str, Any], object]]:
    of_text = _of(leaves, "text_contains")
    single = _grouped(_named(leaves, "text_contains"), lambda t: {"text": t}, of_text, base)
    found: dict[tuple[bool, ...], str] = {(False,) * len(of_text): ""}
    for signature, words in single.items():
        for other, text in list(found.items()):
            both = tuple(a or b for a, b in zip(signature, other, strict=True))
            found.setdefault(both, text + _BETWEEN + words[0] if text else words[0])
            if len(found) > MOST_SAMPLES:
                break
    return [({"text": text}, None) for text in found.values()]
