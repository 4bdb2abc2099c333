"""Rosters 排班: a street's shifts and leaves, read and replaced as a whole by planner or director."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.domain.personal import Field, show
from gridmgmt.domain.report import content_digest
from gridmgmt.domain.roster import Leave, Shift
from gridmgmt.domain.rostering import Known, Rostering, check_roster
from gridmgmt.errors import StaleVersion
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.storage import audit, rosters
from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class Replaced:
    """What replacing a roster came to: rows that are new and rows that are gone."""

    shifts_new: int
    shifts_gone: int
    leaves_new: int
    leaves_gone: int

    @property
    def changes(self) -> int:
        """Rows that differ."""
        return sum(asdict(self).values())


def known_of(db: Db, subdistrict_code: str) -> Known:
    """What a roster of a street may name."""
    return Known(
        subdistrict_code,
        rosters.people_of(db, subdistrict_code),
        rosters.units_of(db, subdistrict_code),
    )


def replace_roster(db: Db, subdistrict_code: str, given: Rostering) -> Replaced:
    """Let a checked roster take the place of the one before; the same again changes nothing."""
    replaced = compare(rosters.kept(db, subdistrict_code), given)
    if replaced.changes:
        rosters.replace(db, subdistrict_code, given)
    return replaced


def compare(before: Rostering, given: Rostering) -> Replaced:
    """What replacing one roster by another comes to."""
    gone, new = _missing(before, given), _missing(given, before)
    return Replaced(len(new.shifts), len(gone.shifts), len(new.leaves), len(gone.leaves))


def _missing(one: Rostering, other: Rostering) -> Rostering:
    """What of one is not in the other."""
    shifts, leaves = frozenset(other.shifts), frozenset(other.leaves)
    return Rostering(
        tuple(s for s in one.shifts if s not in shifts), tuple(v for v in one.leaves if v not in leaves)
    )


def read(db: Db, actor: Actor) -> dict[str, Any]:
    """The roster of the actor's street, with the version that a change has to name.

    Raises
    ------
    NotAllowed
        Neither planner nor director.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.ROSTER_EDIT, code)
    return _told(db, actor, code, rosters.kept(db, code))


def set_roster(db: Db, actor: Actor, now: datetime, given: Rostering, version: str) -> dict[str, Any]:
    """Replace the roster of the actor's street; the same again is answered as the first time.

    Parameters
    ----------
    version : of the roster that the actor saw.

    Raises
    ------
    NotAllowed
        Neither planner nor director.
    StaleVersion
        Somebody else changed it meanwhile.
    InvalidInput
        ``facts["faults"]`` lists row, column and fault.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.ROSTER_EDIT, code)
    rosters.lock(db, code)
    before = rosters.kept(db, code)
    checked = check_roster(given, known_of(db, code))
    if _version(before) != version and _version(checked) != _version(before):
        raise StaleVersion("The roster has changed since you saw it.", rule="R21b", version=_version(before))
    replaced = replace_roster(db, code, checked)
    audit.append(db, [done(actor, now, "roster:set", "subdistrict", code, code, **asdict(replaced))])
    return _told(db, actor, code, checked)


def _version(given: Rostering) -> str:
    shifts = sorted((_plain(s) for s in given.shifts), key=str)
    leaves = sorted((_plain(v) for v in given.leaves), key=str)
    return content_digest({"shifts": shifts, "leaves": leaves})


def _plain(row: Shift | Leave) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in row.__slots__}
    if isinstance(row, Shift):
        told["weekdays"] = "".join(map(str, sorted(row.weekdays)))
    return {name: None if value is None else str(value) for name, value in told.items()}


def _told(db: Db, actor: Actor, code: str, given: Rostering) -> dict[str, Any]:
    staff = rosters.staff_of(db, code)
    shifts = sorted((_plain(s) for s in given.shifts), key=str)
    leaves = sorted((_plain(v) for v in given.leaves), key=str)
    by_text = {str(one["id"]): one["login"] for one in staff}
    return {
        "subdistrict_code": code,
        "version": _version(given),
        "shifts": [{**s, "login": by_text.get(s["person_id"])} for s in shifts],
        "leaves": [{**v, "login": by_text.get(v["person_id"])} for v in leaves],
        "people": [one | {"name": show(actor, Field.STAFF_NAME, one["name"])} for one in staff],
    }
