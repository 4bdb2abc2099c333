"""Deputies 代理: name one, end it, and act as one."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain import deputy
from gridmgmt.domain.deputy import Deputyship
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.org import Actor, Role
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.storage import audit, deputies, outbox
from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class NameDeputy:
    """A deputyship as a client sends it; the client made ``id``."""

    id: UUID
    person_id: UUID
    deputy_id: UUID
    role: Role
    starts_at: datetime
    ends_at: datetime


def name_deputy(db: Db, actor: Actor, now: datetime, command: NameDeputy) -> Deputyship:
    """Name a deputy; the same one again is answered as the first time.

    Raises
    ------
    NotAllowed, InvalidInput
        As ``domain.deputy.name_deputy``.
    ContentDiffers
        The id belongs to another one.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.DEPUTY_NAME, code)
    wanted = Deputyship(
        command.id, code, command.person_id, command.deputy_id, command.role, command.starts_at,
        command.ends_at, actor.id, now,
    )  # fmt: skip
    given = deputy.name_deputy(
        wanted,
        actor,
        deputies.roles_in(db, command.person_id, code),
        deputies.roles_in(db, command.deputy_id, code),
    )
    stored = deputies.add(db, given)
    facts = {"person_id": str(given.person_id), "deputy_id": str(given.deputy_id), "role": str(given.role)}
    outbox.append(db, [Event(EventKind.DEPUTY_NAMED, code, now, None, facts)])
    audit.append(db, [done(actor, now, "deputy:name", "deputyship", str(given.id), code, **facts)])
    return stored


def end(db: Db, actor: Actor, now: datetime, deputyship_id: UUID) -> Deputyship:
    """End a deputyship before its time.

    Raises
    ------
    NotFound, NotAllowed, NotReady
        As ``domain.deputy.end_early``.
    """
    require(actor, Permission.PLAN_READ, subdistrict_of(actor))
    given = deputies.load(db, deputyship_id, actor)
    ended = deputy.end_early(given, actor, now)
    deputies.end(db, ended)
    entry = done(actor, now, "deputy:end", "deputyship", str(ended.id), ended.subdistrict_code)
    audit.append(db, [entry])
    return ended


def listed(db: Db, actor: Actor, now: datetime) -> list[dict[str, Any]]:
    """Deputyships that have not ended, in the actor's subdistricts."""
    require(actor, Permission.PLAN_READ, subdistrict_of(actor))
    return [row | {"in_force": row["starts_at"] <= now} for row in deputies.listed(db, actor, now)]


def standing_in_for(db: Db, actor: Actor, person_id: UUID, now: datetime) -> Actor:
    """The actor in the posts of the person whom he stands in for now.

    Raises
    ------
    NotAllowed
        He stands in for nobody of that id.
    """
    return deputy.stand_in(actor, deputies.stand_ins(db, actor, person_id, now), now)
