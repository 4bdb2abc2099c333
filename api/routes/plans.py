"""The life of grid plans: drafts, their moves, what-if replays; approved changes of a boundary."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import orjson
import shapely
from fastapi import APIRouter, Query, Response
from pydantic import Field

from api.answers import Json
from api.deps import OneTransaction, SteppedUp
from api.models import Day, Facts, Instant, Model, YesNo, problems
from gridmgmt.domain.boundary import BoundaryChange
from gridmgmt.domain.planlife import PlanAction, PlanHead
from gridmgmt.geo.gate import Kind, parse_cells, parse_geometry
from gridmgmt.services import boundary_changes, plan_drafts, plan_life, what_if
from gridmgmt.services.reading import subdistrict_of

router = APIRouter(tags=["plans"])
_Collection = Annotated[dict[str, Any], Field(max_length=8)]


class DraftIn(Model):
    """A draft: cells as a GeoJSON FeatureCollection; codes are given by the platform.

    Properties are ``community_code`` and ``kind``, and as known ``name`` and ``households``. Larger plans
    than a body may have go by ``gridmgmt plan draft``.
    """

    id: UUID
    cells: _Collection
    valid_from: Instant
    base_map_version: Annotated[str, Field(min_length=1, max_length=200)]
    synthetic: YesNo


class PlanHeadOut(Model):
    """Where a plan stands."""

    id: UUID
    version: int
    status: str
    valid_from: datetime


class PlanMoveIn(Model):
    """A move of a plan. ``facts``: opinion, reason, document_no; to publish, ``valid_from``."""

    command_id: UUID
    action: PlanAction
    facts: Facts


class PlanDetail(Model):
    """A plan with its history and what the asker may do to it."""

    id: UUID
    version: int
    status: str
    status_name: str
    valid_from: datetime
    valid_to: datetime | None
    in_force: bool
    base_map_version: str
    synthetic: bool
    report_card: dict[str, Any]
    handed_over: int
    history: list[dict[str, Any]]
    legal: list[dict[str, Any]]


class WhatIfOut(Model):
    """A year of cases under a plan, beside the plan in force."""

    plan_id: UUID
    plan_version: int
    compared_with: int
    totals: dict[str, float]
    cells: list[dict[str, Any]]
    workers: list[dict[str, Any]]
    open_cases: list[dict[str, Any]]


class BoundaryIn(Model):
    """An approved change of the boundary; ``outlines`` are MultiPolygons by code (nine or twelve digits)."""

    id: UUID
    approval_no: Annotated[str, Field(max_length=60)]
    proposal_no: Annotated[str, Field(max_length=60)]
    approved_on: Day
    valid_from: Instant
    outlines: Annotated[dict[str, _Collection], Field(min_length=1, max_length=60)]
    note: Annotated[str, Field(max_length=500)] = ""


class BoundaryOut(Model):
    """An approved change as it is stored."""

    id: UUID
    approval_no: str
    valid_from: datetime
    codes: list[str]


class BoundaryList(Model):
    """Approved changes, the newest first."""

    items: list[dict[str, Any]]


@router.post("/plans", status_code=201, responses=problems(404, 409))
def draw(body: DraftIn, work: OneTransaction) -> PlanHeadOut:
    """Store a draft; the same one again is answered as the first time."""
    features = parse_cells(orjson.dumps(body.cells))
    with work.begin() as w:
        draft = plan_drafts.Draft(
            body.id, subdistrict_of(w.actor), features, body.valid_from, body.base_map_version,
            body.synthetic,
        )  # fmt: skip
        head, _ = plan_drafts.draw_from(w.db, w.actor, w.now, draft)
    return _head(head)


@router.get("/plans/{plan_id}", response_model=PlanDetail, responses=problems(404))
def detail(plan_id: UUID, work: OneTransaction) -> Response:
    """A plan's history, and what may be done to it."""
    with work.begin(read_only=True) as w:
        body = plan_life.plan_facts(w.db, w.actor, w.now, plan_id)
    return Json(body)


@router.post("/plans/{plan_id}/actions", responses=problems(404, 409))
def move(plan_id: UUID, body: PlanMoveIn, work: OneTransaction) -> PlanHeadOut:
    """Check, review, reject, publish, undo or withdraw a plan."""
    command = plan_life.MovePlan(body.command_id, plan_id, body.action, body.facts)
    with work.begin() as w:
        head = plan_life.move_plan(w.db, w.actor, w.now, command)
    return _head(head)


@router.get("/what-if/{plan_id}", response_model=WhatIfOut, responses=problems(404, 409, 429))
def replay(
    plan_id: UUID,
    work: OneTransaction,
    since: Instant,
    until: Instant,
    effort_min: Annotated[float, Query(gt=0, le=10_000, allow_inf_nan=False)] = 60.0,
) -> Response:
    """The cases of a period through this plan and through the one in force, side by side."""
    with work.begin(read_only=True) as w:
        question = what_if.Question(plan_id, since, until, effort_min)
        body = what_if.as_facts(what_if.ask(w.db, w.actor, w.now, w.rulebooks, question))
    return Json(body)


@router.get("/boundary-changes", response_model=BoundaryList, responses=problems())
def listed(work: OneTransaction) -> Response:
    """Approved changes of the boundary, the newest first."""
    with work.begin(read_only=True) as w:
        items = boundary_changes.listed(w.db, w.actor)
    return Json({"items": items})


@router.post("/boundary-changes", status_code=201, responses=problems(404, 409))
def enter(body: BoundaryIn, work: SteppedUp) -> BoundaryOut:
    """Enter a change of the boundary that the city approved (article 5-2)."""
    outlines = {code: _outline(given) for code, given in body.outlines.items()}
    with work.begin() as w:
        change = BoundaryChange(
            body.id, subdistrict_of(w.actor), body.approval_no, body.proposal_no, body.approved_on,
            body.valid_from, outlines, body.note,
        )  # fmt: skip
        stored = boundary_changes.enter_change(w.db, w.actor, w.now, change)
    return BoundaryOut(
        id=stored.id, approval_no=stored.approval_no, valid_from=stored.valid_from,
        codes=sorted(stored.outlines),
    )  # fmt: skip


def _outline(given: dict[str, Any]) -> shapely.MultiPolygon:
    shape = parse_geometry(orjson.dumps(given), Kind.BOUNDARY)
    return shapely.MultiPolygon(list(shapely.get_parts(shape)))


def _head(head: PlanHead) -> PlanHeadOut:
    return PlanHeadOut(id=head.id, version=head.version, status=head.status, valid_from=head.valid_from)
