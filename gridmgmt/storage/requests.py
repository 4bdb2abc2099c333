"""Requests that wait for an answer, and their answers."""

from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, select, text, update
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.domain.org import Actor
from gridmgmt.domain.request import Request, RequestStatus
from gridmgmt.domain.workflow import Action
from gridmgmt.errors import ContentDiffers, NotAllowed, NotFound
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import case_requests

_NAMES = (
    "id", "case_id", "subdistrict_code", "action", "facts", "asked_by", "asked_at", "status",
    "decided_by", "decided_at", "opinion", "asked_for",
)  # fmt: skip


def _request(row: RowMapping) -> Request:
    values = {name: row[name] for name in _NAMES}
    values["action"] = Action(values["action"])
    values["status"] = RequestStatus(values["status"])
    return Request(**values)


def load(db: Db, request_id: UUID, actor: Actor, *, lock: bool = False) -> Request:
    """One request inside the actor's scope.

    Raises
    ------
    NotFound
        No such request in the actor's subdistricts.
    NotAllowed
        It may be looked at and not be answered.
    """
    query = select(*(case_requests.c[n] for n in _NAMES)).where(
        case_requests.c.id == request_id, case_requests.c.subdistrict_code.in_(actor.subdistricts)
    )
    found = db.execute(query.with_for_update() if lock else query).first()
    if found is None:
        # Row-level security hides from the lock what the actor may see and not change.
        if lock and db.execute(query).first() is not None:
            raise NotAllowed("Your roles answer no request.", article="11", rule="R11", in_scope=True)
        raise NotFound("No such request.", kind="request")
    return _request(found._mapping)


def find(db: Db, request_id: UUID) -> Request | None:
    """The request under an id that a client made, for a replay; None when it is new."""
    query = select(*(case_requests.c[n] for n in _NAMES)).where(case_requests.c.id == request_id)
    found = db.execute(query).first()
    return _request(found._mapping) if found else None


def pending_for(db: Db, case_id: UUID, action: Action) -> bool:
    """Whether the case already has a pending request for this action."""
    query = select(case_requests.c.id).where(
        case_requests.c.case_id == case_id,
        case_requests.c.action == action,
        case_requests.c.status == RequestStatus.PENDING,
    )
    return db.execute(query).first() is not None


def add(db: Db, request: Request) -> None:
    """Store a new request.

    Raises
    ------
    ContentDiffers
        Its id was used for another case at this very moment, or belongs to another subdistrict.
    """
    row = insert(case_requests).values({n: getattr(request, n) for n in _NAMES})
    once = row.on_conflict_do_nothing(index_elements=["id"])
    if db.execute(once.returning(case_requests.c.id)).first() is None:
        raise ContentDiffers("This id belongs to another request.", rule="R22a")


def answer(db: Db, request: Request) -> None:
    """Store the answer of a request that was loaded with a lock."""
    db.execute(
        update(case_requests)
        .where(case_requests.c.id == request.id)
        .values(
            status=request.status,
            decided_by=request.decided_by,
            decided_at=request.decided_at,
            opinion=request.opinion,
        )
    )


def of_case(db: Db, case_id: UUID) -> list[dict[str, Any]]:
    """The requests of a case that was loaded within scope, oldest first."""
    query = text(
        "select id, case_id, action, status, facts, asked_by, asked_for, asked_at, decided_by, decided_at,"
        " opinion"
        " from app.case_requests where case_id = :id order by asked_at, id"
    )
    return [dict(r._mapping) for r in db.execute(query, {"id": case_id})]
