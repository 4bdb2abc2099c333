"""Who is signed in, and the demo's people. Sign-in by password and code is ``services/signing_in.py``."""

from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.permissions import permissions_of
from gridmgmt.domain.sessionrules import SessionTimes, kind_for
from gridmgmt.errors import NotFound
from gridmgmt.services.records import done
from gridmgmt.storage import audit, people, sessions
from gridmgmt.storage.db import Db
from gridmgmt.storage.sessions import NewSession

_FIELD_ROLES = {Role.GRID_WORKER, Role.HANDLER}


def about(db: Db, actor: Actor) -> dict[str, Any]:
    """The signed-in person, his scope and what he may do."""
    known = {p.id: p for p in people.list_people(db, sorted(actor.subdistricts))}
    me = known.get(actor.id)
    street = people.subdistrict_row(db, min(actor.subdistricts)) if actor.subdistricts else None
    return {
        "id": actor.id,
        "name": actor.name,
        "login": me.login if me else "",
        "roles": sorted(actor.roles),
        "permissions": sorted(permissions_of(actor)),
        "subdistrict": None
        if street is None
        else {"code": street["code"], "name": street["name"], "district_name": street["district_name"]},
        "unit_code": actor.unit_code,
        "unit_name": me.unit_name if me else None,
        "cell_codes": sorted(actor.cell_codes),
    }


def end(db: Db, actor: Actor, now: datetime, token_sha256: bytes) -> None:
    """End a session at once."""
    sessions.end_session(db, token_sha256, now)
    code = min(actor.subdistricts, default="")
    audit.append(db, [done(actor, now, "session:end", "person", str(actor.id), code)])


def demo_people(db: Db) -> dict[str, Any]:
    """Every synthetic person, and whose part each page begins with.

    Raises
    ------
    NotFound
        The demo has not been loaded.
    """
    shown = [p for p in people.list_people(db, people.subdistrict_codes(db)) if p.synthetic]
    if not shown:
        raise NotFound("The demo is not loaded; run gridmgmt demo load.", kind="demo")
    centre = next(p for p in shown if Role.SHIFT_LEADER in p.roles)
    # A worker of one cell rather than a leader of several.
    field = next(p for p in shown if Role.GRID_WORKER in p.roles and len(p.cell_codes) == 1)
    return {
        "demo": True,
        "label": "synthetic",
        "people": [
            {
                "id": p.id,
                "login": p.login,
                "name": p.name,
                "roles": p.roles,
                "unit_code": p.unit_code,
                "unit_name": p.unit_name,
                "cell_codes": p.cell_codes,
                "for": ["field"] if _FIELD_ROLES.intersection(p.roles) else ["centre"],
            }
            for p in shown
        ],
        "defaults": {"centre": centre.id, "field": field.id},
    }


def open_demo_session(
    db: Db, person_id: UUID, token_sha256: bytes, now: datetime, times: SessionTimes
) -> Actor:
    """A session of a synthetic person, of the kind that his roles have.

    Raises
    ------
    NotFound
        Not a synthetic person: nobody real is ever signed in this way.
    """
    if not people.is_synthetic(db, person_id):
        raise NotFound("No such person in the demo.", kind="person")
    kind = kind_for(people.roles_of(db, person_id))
    sessions.open_session(db, NewSession(token_sha256, person_id, kind, times.of(kind)), now)
    actor = sessions.actor_of_session(db, token_sha256, now)
    if actor is None:
        raise NotFound("No such person in the demo.", kind="person")
    code = min(actor.subdistricts, default="")
    audit.append(db, [done(actor, now, "session:open_demo", "person", str(actor.id), code)])
    return actor
