"""Typed reading of table rows: every fault is gathered with its row and column and reported once.

Catalogues, limits, duty lists and units come as rows of text (CSV). Whoever mends a table wants all
its faults in one go, so a reading that fails notes the fault, returns a placeholder and marks the
row; a marked row yields nothing. Files are opened elsewhere; row 1 is the header, data start at 2.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Protocol, TypeVar

from gridmgmt.errors import GridError, InvalidInput

Raw = Mapping[str, str]
T = TypeVar("T")
P = TypeVar("P", bound="Dated")
E = TypeVar("E", bound=StrEnum)

_YES = frozenset({"1", "true", "yes"})
_NO = frozenset({"0", "false", "no", ""})


class Dated(Protocol):
    """Anything that holds for a half-open period: ``valid_to`` is the first day it no longer does."""

    @property
    def valid_from(self) -> date:
        """The first day."""

    @property
    def valid_to(self) -> date | None:
        """The first day after it; None while it has no end."""


def in_force(item: Dated, on: date) -> bool:
    """Whether the item holds on that day."""
    return item.valid_from <= on and (item.valid_to is None or on < item.valid_to)


@dataclass(slots=True)
class Faults:
    """The faults of one table so far."""

    table: str
    found: list[dict[str, object]] = field(default_factory=list)

    def add(self, row: int, column: str, fault: str) -> None:
        """Note one fault; ``row`` counts from 1 for the header."""
        self.found.append({"row": row, "column": column, "fault": fault})

    def collect(self, rows: Iterable[Raw], build: Callable[["Row"], T]) -> list[tuple[int, T]]:
        """Build an item from every sound row, with its row number."""
        items: list[tuple[int, T]] = []
        for number, raw in enumerate(rows, start=2):
            row = Row(raw, number, self)
            try:
                item = build(row)
            except GridError as error:
                if row.sound:
                    row.refuse("", error.message)
                continue
            if row.sound:
                items.append((number, item))
        return items

    def refuse_overlaps(
        self, items: Iterable[tuple[int, P]], name_of: Callable[[P], Hashable], column: str
    ) -> None:
        """Note every row whose name is already in use in an overlapping period.

        Which of two rows in force holds must never depend on their order in a file.
        """
        seen: dict[Hashable, list[tuple[int, P]]] = {}
        for number, item in items:
            for earlier, other in seen.setdefault(name_of(item), []):
                if (other.valid_to is None or item.valid_from < other.valid_to) and (
                    item.valid_to is None or other.valid_from < item.valid_to
                ):
                    self.add(number, column, f"says the same as row {earlier} for an overlapping period")
            seen[name_of(item)].append((number, item))

    def raise_if_any(self) -> None:
        """Report everything at once.

        Raises
        ------
        InvalidInput
            ``facts["faults"]`` lists row, column and fault.
        """
        if not self.found:
            return
        first = self.found[0]
        raise InvalidInput(
            f"The table {self.table} has {len(self.found)} fault(s); "
            f"first in row {first['row']}, column {first['column']!r}: {first['fault']}.",
            table=self.table,
            faults=self.found,
        )


@dataclass(slots=True)
class Row:
    """One row being read."""

    raw: Raw
    number: int
    faults: Faults
    sound: bool = True

    def __post_init__(self) -> None:
        # csv.DictReader files surplus cells under None: a comma too many has shifted the columns.
        if any(column is None for column in self.raw):
            self.refuse("", "more cells than the header has columns")

    def refuse(self, column: str, fault: str) -> None:
        """Note a fault of this row."""
        self.sound = False
        self.faults.add(self.number, column, fault)

    def text(self, column: str, *, needed: bool = True) -> str:
        """The cell without surrounding blanks; empty only if not ``needed``."""
        value = (self.raw.get(column) or "").strip()
        if needed and not value:
            self.refuse(column, "is empty")
        return value

    def many(self, column: str, *, needed: bool = True) -> tuple[str, ...]:
        """The values of a cell that separates them with semicolons."""
        return tuple(v for v in (v.strip() for v in self.text(column, needed=needed).split(";")) if v)

    def flag(self, column: str) -> bool:
        """1/true/yes or 0/false/no/empty."""
        value = self.text(column, needed=False).lower()
        if value not in _YES | _NO:
            self.refuse(column, f"{value!r} is neither 1 nor 0")
        return value in _YES

    def whole(self, column: str, *, least: int = 0) -> int:
        """A whole number, at least ``least``."""
        value = self.text(column)
        if not value:
            return least
        if not (value.isascii() and value.isdigit()) or int(value) < least:
            self.refuse(column, f"{value!r} is not a whole number of at least {least}")
            return least
        return int(value)

    def day(self, column: str) -> date:
        """A date in ISO 8601, such as 2026-07-01."""
        return self._day(column, self.text(column)) or date.min

    def day_or_none(self, column: str) -> date | None:
        """A date, or None where the cell is empty."""
        value = self.text(column, needed=False)
        return self._day(column, value) if value else None

    def one_of(self, column: str, choices: type[E]) -> E:
        """A member of an enumeration by its stored value."""
        value = self.text(column)
        try:
            return choices(value)
        except ValueError:
            if value:
                self.refuse(column, f"{value!r} is none of {', '.join(choices)}")
            return next(iter(choices))

    def one_of_or_none(self, column: str, choices: type[E]) -> E | None:
        """A member of an enumeration, or None where the cell is empty."""
        return self.one_of(column, choices) if self.text(column, needed=False) else None

    def period(self, start: str = "valid_from", end: str = "valid_to") -> tuple[date, date | None]:
        """A half-open period; the end is the first day after it, empty while it has none."""
        valid_from, valid_to = self.day(start), self.day_or_none(end)
        if valid_to is not None and valid_to <= valid_from and self.sound:
            self.refuse(end, "is not after the start")
        return valid_from, valid_to

    def _day(self, column: str, value: str) -> date | None:
        if not value:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.refuse(column, f"{value!r} is not a date like 2026-07-01")
            return None
