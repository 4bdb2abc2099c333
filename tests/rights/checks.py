"""Trying rights: as a role or wall, in a scope, one verb on one row; what came of it and what should have."""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from gridmgmt.domain.org import Role
from gridmgmt.storage.db import Db, act_as
from gridmgmt.storage.rights.matrix import MANAGE, VERBS, Scope, TableRights
from gridmgmt.storage.rights.walls import Acting, Wall, wall_of
from tests.builders_cases import STREET
from tests.rights.rows import OTHER, SIBLING, Place

SCOPES = ("own", "sibling", "other", "none")
_STREET_OF = {"own": STREET, "sibling": SIBLING, "other": OTHER, "none": STREET}
PASSING = (Wall.RULES, Wall.SETUP, Wall.DOOR, Wall.LOOKOUT, Wall.SEALER)
_STRANGER = uuid.UUID(int=42)
Who = Wall | frozenset[Role]
# Everybody who holds one role; somebody with several, who is behind another wall than with one; with none.
HOLDERS: tuple[frozenset[Role], ...] = (
    *(frozenset({role}) for role in Role),
    frozenset({Role.PLANNER, Role.SUPERVISOR}),
    frozenset(),
)

Places = Mapping[str, Mapping[str, Place]]


@dataclass(frozen=True)
class Trial:
    """One cell of the matrix; ``who`` is a holder of roles or a passing wall."""

    rights: TableRights
    verb: str
    who: Who
    scope: str

    @property
    def name(self) -> str:
        """For messages."""
        who = str(self.who) if isinstance(self.who, Wall) else "+".join(sorted(self.who)) or "no role"
        return f"{who} {self.verb} {self.rights.table} [{self.scope}]"

    def place(self, places: Places) -> Place:
        """The row that is tried on."""
        of_table = places[self.rights.table]
        return of_table[STREET if self.rights.scope is Scope.COMMON else _STREET_OF[self.scope]]

    def acting(self, places: Places) -> Acting:
        """Whom the trial is made as."""
        streets = frozenset[str]() if self.scope == "none" else frozenset({STREET})
        if isinstance(self.who, Wall):
            return Acting(self.who, subdistricts=streets)
        person = None if self.scope == "none" else _STRANGER
        if (
            self.rights.scope is Scope.OWN
            and self.scope != "none"
            and not self.who & self.rights.roles[MANAGE]
        ):
            person = uuid.UUID(str(places[self.rights.table][STREET].person_id))
        return Acting(wall_of(self.who), frozenset(self.who), streets, person)

    @property
    def expected(self) -> bool:
        """What the matrix says."""
        if isinstance(self.who, Wall):
            if self.who not in self.rights.passes[self.verb]:
                return False
            held = {Wall.RULES} if self.rights.scope is Scope.OWN else {Wall.RULES, Wall.SETUP}
            scoped = self.who in held and self.rights.scope is not Scope.COMMON
            unseen = self.rights.scope is Scope.COLLEAGUE and self.verb == "insert"
            return not scoped or self.scope == "own" or unseen
        if not self.who & self.rights.roles[self.verb]:
            return False
        if self.rights.scope is Scope.COMMON or self.scope == "own":
            return True
        # A new person has no role yet, so his row cannot be held to a street.
        return self.rights.scope is Scope.COLLEAGUE and self.verb == "insert"


def trials(rights: TableRights, verbs: tuple[str, ...] = VERBS) -> Iterator[Trial]:
    """Every cell of one table."""
    for verb in verbs:
        for who in (*HOLDERS, *PASSING):
            for scope in SCOPES:
                yield Trial(rights, verb, who, scope)


def outcome(db: Db, trial: Trial, places: Places) -> bool:
    """Whether PostgreSQL let it through; whatever was written is taken back."""
    place, table = trial.place(places), f"app.{trial.rights.table}"
    statement = {
        "select": f"select count(*) from {table} where {place.found_by}",
        "insert": place.one_more,
        "update": f"update {table} set {place.touched} = {place.touched} where {place.found_by}",
        "delete": f"delete from {table} where {place.found_by}",
    }[trial.verb]
    savepoint = db.begin_nested()
    try:
        act_as(db, trial.acting(places))
        done = db.exec_driver_sql(statement.replace("%", "%%"))
        return bool(done.scalar()) if trial.verb == "select" else done.rowcount > 0
    except DBAPIError as refused:
        # Constraints and append-only triggers speak after rights have been asked.
        return getattr(refused.orig, "sqlstate", None) != "42501"
    finally:
        savepoint.rollback()


def wrong(db: Db, rights: TableRights, places: Places, verbs: tuple[str, ...] = VERBS) -> Iterator[str]:
    """Cells of a table where PostgreSQL and the matrix differ."""
    for trial in trials(rights, verbs):
        if outcome(db, trial, places) != trial.expected:
            yield f"{trial.name}: should be {'allowed' if trial.expected else 'refused'}"


def hidden_columns_seen(db: Db, rights: TableRights) -> Iterator[str]:
    """Columns that a wall can read although the matrix does not list them for it."""
    for wall, shown in rights.columns.items():
        query = text("""
            select a.attname from pg_attribute a where a.attrelid = cast(:table as regclass) and a.attnum > 0
               and not a.attisdropped and has_column_privilege(:role, a.attrelid, a.attnum, 'select')
        """)
        seen = db.execute(query, {"table": f"app.{rights.table}", "role": wall.role}).scalars()
        yield from (f"{wall} sees {rights.table}.{name}" for name in sorted(set(seen) - set(shown)))
