"""The inventory of personal data (``personal_data.toml``): every column, its class, mask and seal."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gridmgmt.domain.personal import Field

FILE = Path(__file__).with_name("personal_data.toml")
NEVER = "never"
"""The mask of what no answer carries."""


@dataclass(frozen=True, slots=True)
class DataClass:
    """A class of personal data: what it is, how long it is kept, how it ends."""

    code: str
    name: str
    what: str
    kept: str
    ends: str


@dataclass(frozen=True, slots=True)
class PersonalColumn:
    """A column with personal data. ``mask`` is a Field, :data:`NEVER`, or empty: an id, shown as it is."""

    table: str
    column: str
    data_class: str
    mask: Field | str
    sealed: str
    note: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """What the file says."""

    classes: dict[str, DataClass]
    personal: tuple[PersonalColumn, ...]
    others: frozenset[tuple[str, str]]


@cache
def inventory() -> Inventory:
    """The file, read once.

    Raises
    ------
    KeyError, ValueError
        A class, a mask or a seal that there is not.
    """
    content = tomllib.loads(FILE.read_text(encoding="utf-8"))
    classes = {code: DataClass(code, **facts) for code, facts in content["classes"].items()}
    personal, others = [], set()
    for table, columns in content["tables"].items():
        others |= {(table, name) for name in columns.pop("none", ())}
        personal += [_column(table, name, facts, classes) for name, facts in columns.items()]
    return Inventory(classes, tuple(personal), frozenset(others))


def _column(table: str, name: str, facts: dict[str, str], classes: dict[str, DataClass]) -> PersonalColumn:
    mask, sealed = facts.get("mask", ""), facts.get("sealed", "")
    if sealed not in {"", "key ring", "subject key", "hash", "keyed hash"}:
        raise ValueError(f"{table}.{name} is sealed by {sealed}")
    return PersonalColumn(
        table=table,
        column=name,
        data_class=classes[facts["class"]].code,
        mask=Field(mask) if mask not in {"", NEVER} else mask,
        sealed=sealed,
        note=facts.get("note", ""),
    )
