"""Patrols 巡查: plans, the plan of the day, signing on and off, positions, notes, coverage, attendance."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response
from pydantic import Field

from api.answers import Json
from api.deps import OneTransaction, SteppedUp
from api.models import GEOJSON, Day, Degrees, Instant, Model, Version, problems
from api.told_beside import CellOfDay, CellToday, CoverageRulesOut, PointRefused, ShiftTold, TargetOut
from gridmgmt.domain.atplace import AtPlace
from gridmgmt.domain.coverage import CoverageRules
from gridmgmt.domain.patrol import MOST_INTERVAL, MOST_TARGETS, TargetKind, Unit
from gridmgmt.domain.patrolshift import Given, NoteKind, Told
from gridmgmt.domain.purposes import Purpose
from gridmgmt.errors import InvalidInput
from gridmgmt.geo.crs import Datum, lonlat
from gridmgmt.services import patrol_plans, patrol_views, patrolling
from gridmgmt.services.patrol_plans import GivenTarget, SetPlan
from gridmgmt.settings import Settings

router = APIRouter(tags=["patrols"])

CellCode = Annotated[str, Field(pattern=r"^[0-9]{15}$")]
_GEO = "application/geo+json"


class TargetIn(Model):
    """A checkpoint (Point) or road segment (LineString), and how often it is to be visited."""

    id: UUID
    kind: TargetKind
    name: Annotated[str, Field(min_length=1, max_length=80)]
    amount: Annotated[int, Field(strict=True, ge=1, le=MOST_INTERVAL)]
    unit: Unit = Unit.DAYS
    geometry: Annotated[dict[str, Any], Field(max_length=4)]


class PlanIn(Model):
    """A cell's plan; ``version`` is that of the plan it replaces, 0 for none. No targets end the patrols."""

    id: UUID
    version: Annotated[int, Field(strict=True, ge=0, le=2**31 - 2)]
    targets: Annotated[list[TargetIn], Field(max_length=MOST_TARGETS)]


class PlanOut(Model):
    """A cell's plan in force."""

    id: UUID
    cell_code: str
    version: Version
    synthetic: bool
    targets: list[TargetOut]


class PlanList(Model):
    """Plans of the cells that the asker may see."""

    items: list[PlanOut]


class TodayOut(Model):
    """What is due today in one's own cells, the open shift, and what counts as being there."""

    day: date
    shift_id: UUID | None
    cells: list[CellToday]
    rules: CoverageRulesOut


class ToldIn(Model):
    """A moment by the phone's clock, and what that clock says now."""

    at: Instant
    sent_at: Instant


class SignOnIn(ToldIn):
    """A shift; without cells all of one's own."""

    id: UUID
    cells: Annotated[list[CellCode], Field(max_length=100, default_factory=list)]


class ShiftOut(Model):
    """A shift by the server's clock."""

    id: UUID
    on_at: datetime
    off_at: datetime | None
    cell_codes: list[str]


class PointIn(Model):
    """A position; ``no`` counts up within the shift."""

    no: Annotated[int, Field(strict=True, ge=0, le=2**31 - 1)]
    at: Instant
    lon: Degrees
    lat: Degrees
    accuracy_m: Annotated[float, Field(strict=True, ge=0, le=1e6, allow_inf_nan=False)] | None = None


class TrackIn(Model):
    """Positions of a shift in the datum of the phone's receiver; ``sent_at`` is what its clock says now."""

    sent_at: Instant
    datum: Datum
    points: Annotated[list[PointIn], Field(max_length=patrolling.MOST_POINTS)]


class TrackOut(Model):
    """How many are new, how many were stored before, and which are refused, with the reason."""

    stored: int
    known: int
    refused: list[PointRefused]


class PositionOfNote(Model):
    """Where the phone was at the tap; the distance to the target is kept, this is not."""

    lon: Degrees
    lat: Degrees
    accuracy_m: Annotated[float, Field(strict=True, ge=0, le=1e6, allow_inf_nan=False)] | None = None


class NoteIn(ToldIn):
    """That nothing was found at a target, or a finding with the report that it became."""

    id: UUID
    kind: NoteKind
    target_id: UUID | None = None
    report_id: UUID | None = None
    position: PositionOfNote | None = None


class NoteOut(Model):
    """A note by the server's clock, and what its position said: whether it was made at its place."""

    id: UUID
    kind: NoteKind
    at: datetime
    at_place: AtPlace
    distance_m: float | None


class ShiftList(Model):
    """Shifts of a day and attendance by person; times in seconds."""

    day: date
    items: list[ShiftTold]
    attendance: list[dict[str, Any]]


class CoverageOfDay(Model):
    """A day's coverage by cell: every cell with a plan or a shift."""

    day: date
    cells: list[CellOfDay]


class RevealIn(Model):
    """What somebody's track is needed for."""

    purpose: Purpose
    note: Annotated[str, Field(max_length=200)]


def rules_of(settings: Settings) -> CoverageRules:
    """What counts as being there in this installation."""
    return CoverageRules(
        reach_m=settings.patrol_reach_m,
        accuracy_m=settings.patrol_accuracy_m,
        gap=timedelta(seconds=settings.patrol_gap_s),
        resolution=settings.patrol_h3_resolution,
    )


@router.get("/patrol-plans", response_model=PlanList, responses=problems())
def list_plans(work: OneTransaction) -> Response:
    """What is to be walked: in one's own cells, for the desk and planners in all."""
    with work.begin(read_only=True) as w:
        items = patrol_plans.plans(w.db, w.actor, w.now, w.rulebooks)
    return Json({"items": items})


@router.put("/patrol-plans/{cell_code}", response_model=PlanOut, responses=problems(404, 409))
def set_plan(
    cell_code: Annotated[str, Path(pattern=r"^[0-9]{15}$")], body: PlanIn, work: OneTransaction
) -> Response:
    """Set a cell's plan: checkpoints and road segments, each with its interval in days or shifts."""
    targets = [GivenTarget(t.id, t.kind, t.name, t.amount, t.unit, t.geometry) for t in body.targets]
    command = SetPlan(body.id, cell_code, body.version, targets)
    with work.begin() as w:
        plan = patrol_plans.set_plan(w.db, w.actor, w.now, w.rulebooks, command)
    return Json(patrol_plans.plan_told(plan))


@router.get("/patrols/today", response_model=TodayOut, responses=problems(409))
def today(work: OneTransaction) -> Response:
    """The plan of the day: which checkpoints and segments are due, longest overdue first."""
    with work.begin(read_only=True) as w:
        body = patrol_plans.today(w.db, w.actor, w.now, w.rulebooks, rules_of(work.parts.settings))
    return Json(body)


@router.post("/patrols", status_code=201, response_model=ShiftOut, responses=problems(409))
def sign_on(body: SignOnIn, work: OneTransaction) -> Response:
    """Sign on 签到. The server's time rules; the phone's is kept beside it."""
    command = patrolling.SignOn(body.id, Told(body.at, body.sent_at), tuple(body.cells))
    with work.begin() as w:
        shift = patrolling.sign_on(w.db, w.actor, w.now, w.rulebooks, rules_of(work.parts.settings), command)
    told = {"id": shift.id, "on_at": shift.on_at, "off_at": shift.off_at, "cell_codes": shift.cell_codes}
    return Json(told, status_code=201)


@router.post("/patrols/{shift_id}/end", response_model=ShiftOut, responses=problems(404, 409))
def sign_off(shift_id: UUID, body: ToldIn, work: OneTransaction) -> Response:
    """Sign off 签退. Positions recorded later are erased; those still on the way are taken."""
    with work.begin() as w:
        stored = patrolling.sign_off(
            w.db, w.actor, w.now, w.rulebooks, rules_of(work.parts.settings), shift_id,
            Told(body.at, body.sent_at),
        )  # fmt: skip
    shift = stored.shift
    return Json(
        {"id": shift.id, "on_at": shift.on_at, "off_at": shift.off_at, "cell_codes": shift.cell_codes}
    )


@router.post("/patrols/{shift_id}/track", response_model=TrackOut, responses=problems(404, 409, 413))
def add_track(shift_id: UUID, body: TrackIn, work: OneTransaction) -> Response:
    """Positions of an own shift, in any order and as often as needed; those outside it are refused."""
    points = [Given(p.no, p.at, p.lon, p.lat, p.accuracy_m) for p in body.points]
    batch = patrolling.Batch(body.sent_at, body.datum, points)
    with work.begin() as w:
        taken = patrolling.add_track(
            w.db, w.actor, w.now, w.rulebooks, rules_of(work.parts.settings), shift_id, batch
        )
    refused = [{"no": no, "reason": str(reason)} for no, reason in sorted(taken.refused.items())]
    return Json({"stored": taken.stored, "known": taken.known, "refused": refused})


@router.get("/patrols/{shift_id}/track", response_class=Response, responses={200: GEOJSON, **problems(404)})
def own_track(shift_id: UUID, work: OneTransaction) -> Response:
    """One's own positions of a shift, what came of them, and what is kept how long."""
    with work.begin(read_only=True) as w:
        body = patrol_views.own_track(w.db, w.actor, rules_of(work.parts.settings), shift_id)
    return Json(body, media_type=_GEO)


@router.post(
    "/patrols/{shift_id}/track/reveal", response_class=Response, responses={200: GEOJSON, **problems(404)}
)
def reveal_track(shift_id: UUID, body: RevealIn, work: SteppedUp) -> Response:
    """Somebody's positions of one shift, for a purpose that coverage is not enough for; on record."""
    with work.begin() as w:
        found = patrol_views.revealed_track(
            w.db, w.actor, w.now, rules_of(work.parts.settings), shift_id, body.purpose, body.note
        )
    return Json(found, media_type=_GEO)


@router.post(
    "/patrols/{shift_id}/notes", status_code=201, response_model=NoteOut, responses=problems(404, 409)
)
def add_note(shift_id: UUID, body: NoteIn, work: OneTransaction) -> Response:
    """One tap: nothing found at a target; or a finding, with the report that was filed."""
    given, rules = body.position, rules_of(work.parts.settings)
    with work.begin() as w:
        note = patrolling.Note(
            body.id, Told(body.at, body.sent_at), body.kind, body.target_id, body.report_id,
            position=lonlat(given.lon, given.lat) if given else None,
            accuracy_m=given.accuracy_m if given else None,
        )  # fmt: skip
        row = patrolling.add_note(w.db, w.actor, w.now, rules, shift_id, note)
    told = ("id", "kind", "at", "at_place", "distance_m")
    return Json({name: row[name] for name in told}, status_code=201)


@router.get("/patrols", response_model=ShiftList, responses=problems())
def list_shifts(work: OneTransaction, day: Day) -> Response:
    """Shifts that began on a day, and attendance: one's own and those in one's cells, for the desk all."""
    with work.begin(read_only=True) as w:
        body = patrol_views.shifts_on(w.db, w.actor, w.now, w.rulebooks, day)
    return Json(body)


@router.get("/patrols/coverage.geojson", response_class=Response, responses={200: GEOJSON, **problems(404)})
def coverage(
    work: OneTransaction,
    shift: UUID | None = None,
    cell: Annotated[str | None, Query(pattern=r"^[0-9]{15}$")] = None,
    day: Day | None = None,
) -> Response:
    """Hexagons and targets, each covered, not covered or unknown: of a shift, or of a cell on a day."""
    with work.begin(read_only=True) as w:
        if shift is not None and cell is None and day is None:
            body = patrol_views.coverage_of_shift(w.db, w.actor, w.now, w.rulebooks, shift)
        elif shift is None and cell is not None and day is not None:
            body = patrol_views.coverage_of_cell(w.db, w.actor, w.now, w.rulebooks, cell, day)
        else:
            raise InvalidInput("Ask for a shift, or for a cell and a day.", parameter="shift")
    return Json(body, media_type=_GEO)


@router.get("/patrols/coverage", response_model=CoverageOfDay, responses=problems())
def coverage_of_day(work: OneTransaction, day: Day) -> Response:
    """Figures of a day by cell: places and hexagons covered, not covered or unknown; no positions."""
    with work.begin(read_only=True) as w:
        body = patrol_views.coverage_of_day(w.db, w.actor, w.now, w.rulebooks, day)
    return Json(body)
