"""The command centre: the state of the loop, heat, the catalogue."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.answers import Json
from api.deps import OneTransaction
from api.models import GEOJSON, Day, Instant, Model, problems
from api.told import (
    BoardCalendar,
    BoardEvent,
    BoardLights,
    BoardPlan,
    BoardState,
    BoardTotals,
    BoardUnit,
    CategoryOut,
    NamedSubdistrict,
    SpokenPhrase,
)
from gridmgmt.domain.workflow import State
from gridmgmt.services import reading, speaking

router = APIRouter(tags=["centre"])


class Board(Model):
    """The state of the loop at one instant."""

    at: datetime
    subdistrict: NamedSubdistrict
    plan: BoardPlan | None
    totals: BoardTotals
    states: list[BoardState]
    lights: BoardLights
    units: list[BoardUnit]
    recent: list[BoardEvent]
    last_event_id: int | None
    calendar: BoardCalendar


class Categories(Model):
    """The classes in use on a day; ``phrases`` describe things of every class."""

    standard_ref: list[str]
    items: list[CategoryOut]
    phrases: list[SpokenPhrase]


@router.get("/board", response_model=Board, responses=problems(429))
def board(work: OneTransaction) -> Response:
    """Counts by state, lights, units and the newest events."""
    with work.begin(read_only=True) as w:
        body = reading.loop_board(w.db, w.actor, w.now, w.rulebooks)
    return Json(body)


@router.get("/heat", response_class=Response, responses={200: GEOJSON, **problems(429)})
def heat(
    work: OneTransaction,
    resolution: Annotated[int, Query(ge=8, le=12)] = 10,
    since: Instant | None = None,
    until: Instant | None = None,
    state: State | None = None,
) -> Response:
    """Cases per H3 hex as GeoJSON. Cases without a point in our datum are counted in ``without_point``."""
    with work.begin(read_only=True) as w:
        body = reading.heat_hexes(w.db, w.actor, resolution, since=since, until=until, state=state)
    return Json(body, media_type="application/geo+json")


@router.get("/categories", response_model=Categories, responses=problems())
def categories(work: OneTransaction, on: Day | None = None) -> Response:
    """The classes 部件/事项 in use on a day (today by default), with other words for them and phrases."""
    with work.begin(read_only=True) as w:
        body = speaking.categories(w.db, w.actor, w.now, w.rulebooks, on)
    return Json(body)
