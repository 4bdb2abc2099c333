"""The matrix of rights, read and checked."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from gridmgmt.domain.administrators import NOT_FOR_PEOPLE, THE_THREE
from gridmgmt.domain.org import Role
from gridmgmt.storage.rights.walls import WALLS_OF_PERSONS, Wall, wall_of

VERBS = ("select", "insert", "update", "delete")
MANAGE = "manage"
MATRIX_FILE = Path(__file__).with_name("matrix.toml")


class Scope(StrEnum):
    """Whose rows a table holds; see ``matrix.toml``."""

    SUBDISTRICT = "subdistrict"
    SELF = "self"
    SHARED = "shared"
    COLLEAGUE = "colleague"
    OWN = "own"
    COMMON = "common"


@dataclass(frozen=True, slots=True)
class TableRights:
    """One table's part of the matrix; roles and walls by verb."""

    table: str
    scope: Scope
    roles: Mapping[str, frozenset[Role]]
    passes: Mapping[str, frozenset[Wall]]
    columns: Mapping[Wall, tuple[str, ...]]
    owner: frozenset[str]

    def walls(self, verb: str) -> tuple[Wall, ...]:
        """Walls that need the verb's grant: those of its roles, those of several roles, and passes.

        Somebody with several roles acts behind the wall ``business``, so that wall is granted whatever
        one of its people may be allowed; the policies then ask for the roles themselves.
        """
        found = set(self.passes[verb])
        for role in self.roles[verb]:
            found |= {wall_of(frozenset({role}))} | ({Wall.BUSINESS} if role in _COMBINED else set())
        return tuple(sorted(found))


# Roles that somebody may hold beside another one; the administrators' stand alone.
_COMBINED = frozenset(Role) - THE_THREE - NOT_FOR_PEOPLE


@cache
def read_matrix(path: Path = MATRIX_FILE) -> Mapping[str, TableRights]:
    """The matrix by table.

    Raises
    ------
    ValueError
        A role, wall, verb, scope or group that does not exist: the file is part of the program.
    """
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    groups: Mapping[str, Sequence[str]] = document["groups"]
    return {name: _table(name, given, groups) for name, given in document["tables"].items()}


@cache
def sequences(path: Path = MATRIX_FILE) -> Mapping[str, str]:
    """For each sequence the right (``table:verb``) that whoever draws from it must have."""
    found: Mapping[str, str] = tomllib.loads(path.read_text(encoding="utf-8"))["sequences"]
    return found


def _table(name: str, given: Mapping[str, Any], groups: Mapping[str, Sequence[str]]) -> TableRights:
    unknown = set(given) - {"scope", "pass", "columns", "owner", MANAGE, *VERBS}
    passes = given.get("pass", {})
    if unknown or set(passes) - set(VERBS):
        raise ValueError(f"{name}: unknown words {sorted(unknown | (set(passes) - set(VERBS)))}")
    return TableRights(
        table=name,
        scope=Scope(given["scope"]),
        roles={verb: frozenset(map(Role, _spread(given.get(verb, ()), groups))) for verb in (*VERBS, MANAGE)},
        passes={verb: frozenset(_passing(name, passes.get(verb, ()))) for verb in VERBS},
        columns={Wall(wall): tuple(names) for wall, names in given.get("columns", {}).items()},
        owner=frozenset(given.get("owner", ())),
    )


def _passing(name: str, walls: Sequence[str]) -> list[Wall]:
    found = [Wall(wall) for wall in walls]
    if set(found) & set(WALLS_OF_PERSONS):
        raise ValueError(f"{name}: people have rights by their roles, not by a pass")
    return found


def _spread(names: Sequence[str], groups: Mapping[str, Sequence[str]]) -> list[str]:
    spread: list[str] = []
    for name in names:
        spread += _spread(groups[name[1:]], groups) if name.startswith("@") else [name]
    return spread
