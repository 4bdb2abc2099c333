"""The same thing seen again 同一问题: his photos join the case, and no second report is made."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from api.answers import Json
from api.deps import OneTransaction
from api.models import Instant, Model, Sha256, problems
from api.routes.reports import PositionIn
from api.told_beside import SightingOfCase
from gridmgmt.services import seeing_again

router = APIRouter(tags=["sightings"])


class SightingIn(Model):
    """What somebody saw of an open case; ``id`` is the phone's own and makes sending twice harmless.

    ``sent_at`` is what the phone's clock says at this moment, each time it is sent: where that is off by more
    than a minute, ``observed_at`` is put right by the difference. Of the position the distance to the case is
    kept, and not the position itself.
    """

    id: UUID
    position: PositionIn
    observed_at: Instant
    words: Annotated[str, Field(max_length=500)] = ""
    photos: Annotated[list[Sha256], Field(min_length=1, max_length=9)]
    recordings: Annotated[list[Sha256], Field(max_length=3, default_factory=list)]
    sent_at: Instant | None = None


class SightingOut(SightingOfCase):
    """The stored sighting; ``case_id`` is the master's where the case was merged."""

    case_number: str


@router.post(
    "/cases/{case_id}/sightings", status_code=201, response_model=SightingOut, responses=problems(404, 409)
)
def see_again(case_id: UUID, body: SightingIn, work: OneTransaction) -> Response:
    """Add photos to an open case instead of reporting the same thing a second time."""
    at = body.position
    command = seeing_again.SeeAgain(
        body.id, case_id, at.lon, at.lat, at.datum, at.accuracy_m, body.observed_at, body.words,
        tuple(body.photos), tuple(body.recordings), body.sent_at,
    )  # fmt: skip
    with work.begin() as w:
        seen = seeing_again.see_again(w.db, w.actor, w.now, command)
    headers = {"Idempotent-Replay": "true"} if seen.replayed else {}
    facts = seeing_again.facts_of(seen.sighting) | {"case_number": seen.number}
    return Json(facts, status_code=201, headers=headers)
