"""Deputies 代理: who stands in for whom. The header ``On-Behalf-Of`` with a person's id acts as one."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from api.answers import Json
from api.deps import OneTransaction, SteppedUp
from api.models import Instant, Model, problems
from api.told_beside import ListedDeputy
from gridmgmt.domain.org import Role
from gridmgmt.services import standing_in

router = APIRouter(tags=["deputies"])


class DeputyIn(Model):
    """A deputyship: from ``starts_at`` until before ``ends_at``, in one role."""

    id: UUID
    person_id: UUID
    deputy_id: UUID
    role: Role
    starts_at: Instant
    ends_at: Instant


class DeputyOut(Model):
    """A deputyship as it is stored."""

    id: UUID
    subdistrict_code: str
    person_id: UUID
    deputy_id: UUID
    role: Role
    starts_at: datetime
    ends_at: datetime
    granted_by: UUID
    granted_at: datetime


class DeputyList(Model):
    """Deputyships that have not ended."""

    items: list[ListedDeputy]


@router.get("/deputies", response_model=DeputyList, responses=problems())
def listed(work: OneTransaction) -> Response:
    """Deputyships that hold now or will, in the person's subdistricts."""
    with work.begin(read_only=True) as w:
        items = standing_in.listed(w.db, w.actor, w.now)
    return Json({"items": items})


@router.post("/deputies", status_code=201, responses=problems(404, 409))
def name_deputy(body: DeputyIn, work: SteppedUp) -> DeputyOut:
    """Name a deputy: the director's (article 9)."""
    command = standing_in.NameDeputy(
        body.id, body.person_id, body.deputy_id, body.role, body.starts_at, body.ends_at
    )
    with work.begin() as w:
        stored = standing_in.name_deputy(w.db, w.actor, w.now, command)
    return _out(stored)


@router.post("/deputies/{deputyship_id}/end", responses=problems(404, 409))
def end(deputyship_id: UUID, work: OneTransaction) -> DeputyOut:
    """End a deputyship now: the director, or the person who came back."""
    with work.begin() as w:
        ended = standing_in.end(w.db, w.actor, w.now, deputyship_id)
    return _out(ended)


def _out(given: Any) -> DeputyOut:
    return DeputyOut(**{name: getattr(given, name) for name in DeputyOut.model_fields})
