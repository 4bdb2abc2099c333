"""Names of classes and patterns over them: what limits, duty items and routing rules point at.

A class is named by (standard, kind, code), because the same five digits stand for a component 部件
and for the matter 管理事项 that something is wrong with it (01001 供水井盖, 01001 供水井盖异常), and
because standards replace each other (GB/T 47678.5-2026 annexes A and C). As text::

    GB/T 47678.5-2026:matter:06010      one class
    06010        06*        *           patterns: any standard, any kind
    matter:01*   LOCAL-TJ:matter:*      narrower ones

The narrowest pattern wins: an exact code before a prefix, a longer prefix before a shorter one, then
a named standard, then a named kind. The same pattern given twice is for its owner to refuse.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Generic, NamedTuple, Self, TypeVar

from gridmgmt.errors import InvalidInput

V = TypeVar("V")


class CategoryKind(StrEnum):
    """Component 部件 or matter 管理事项 (before 2026: 事件)."""

    PART = "part"
    MATTER = "matter"


class CategoryKey(NamedTuple):
    """The name of a class; its text form is what cases and clients keep."""

    standard_ref: str
    kind: CategoryKind
    code: str

    def __str__(self) -> str:
        return f"{self.standard_ref}:{self.kind}:{self.code}"

    @classmethod
    @lru_cache(maxsize=4096)  # every report asks for the classes of the cases near it
    def parse(cls, text: str) -> Self:
        """Read the full text form.

        Raises
        ------
        InvalidInput
            Not ``standard:kind:code``.
        """
        standard_ref, _, rest = text.rpartition(":")[0].rpartition(":")
        kind, code = rest, text.rpartition(":")[2]
        if not standard_ref or kind not in _KINDS or not _CODE.fullmatch(code):
            raise InvalidInput(
                f"{text[:60]!r} is not a class: write standard:kind:code.", value=text[:60], form="key"
            )
        return cls(standard_ref, CategoryKind(kind), code)


_KINDS = frozenset(str(kind) for kind in CategoryKind)
_CODE = re.compile(r"[0-9A-Za-z-]{1,20}", re.ASCII)
_PATTERN = re.compile(
    r"(?:(?:(?P<standard>[^*]+):)?(?P<kind>part|matter):)?(?P<code>[0-9A-Za-z-]{0,20})(?P<star>\*?)", re.ASCII
)


@dataclass(frozen=True, slots=True)
class CategoryPattern:
    """One pattern; ``None`` means any, ``exact`` that ``code`` is the whole code and no prefix."""

    standard_ref: str | None
    kind: CategoryKind | None
    code: str
    exact: bool

    @classmethod
    @lru_cache(maxsize=4096)  # every report asks for the classes of the cases near it
    def parse(cls, text: str) -> Self:
        """Read a pattern.

        Raises
        ------
        InvalidInput
            Not of the form in the module's docstring.

        Examples
        --------
        >>> CategoryPattern.parse("matter:01*").kind
        <CategoryKind.MATTER: 'matter'>
        """
        found = _PATTERN.fullmatch(text)
        if found is None or not (found["code"] or found["star"]):
            raise InvalidInput(
                f"{text[:60]!r} is not a class pattern such as 06010, 06*, matter:01* or *.",
                value=text[:60],
                form="pattern",
            )
        kind = CategoryKind(found["kind"]) if found["kind"] else None
        return cls(found["standard"], kind, found["code"], not found["star"])

    def __str__(self) -> str:
        parts = [p for p in (self.standard_ref, self.kind) if p]
        return ":".join([*parts, self.code + ("" if self.exact else "*")])

    def matches(self, key: CategoryKey) -> bool:
        """Whether the class falls under this pattern."""
        return (
            (key.code == self.code if self.exact else key.code.startswith(self.code))
            and (self.kind is None or self.kind == key.kind)
            and (self.standard_ref is None or self.standard_ref == key.standard_ref)
        )

    @property
    def narrowness(self) -> tuple[bool, int, bool, bool]:
        """Sort key; the greater, the narrower."""
        return (self.exact, len(self.code), self.standard_ref is not None, self.kind is not None)


class PatternTable(Generic[V]):
    """Values filed under patterns, found narrowest first.

    Built once and then only read. What was asked before is answered from memory: the catalogue is
    finite, so the memory is too as long as keys come from the catalogue.
    """

    def __init__(self, entries: Iterable[tuple[CategoryPattern, V]]) -> None:
        # Sorting is stable: among equal patterns the order given decides.
        self._entries = sorted(entries, key=lambda entry: entry[0].narrowness, reverse=True)
        self._seen: dict[CategoryKey, tuple[V, ...]] = {}

    def matching(self, key: CategoryKey) -> tuple[V, ...]:
        """Every value whose pattern covers the class, narrowest first."""
        found = self._seen.get(key)
        if found is None:
            found = tuple(value for pattern, value in self._entries if pattern.matches(key))
            self._seen[key] = found
        return found

    def best(self, key: CategoryKey) -> V | None:
        """The value with the narrowest pattern, or None."""
        found = self.matching(key)
        return found[0] if found else None
