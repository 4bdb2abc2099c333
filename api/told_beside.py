"""What stands beside cases in answers: joint calls, orders, telling, deputies; and patrols (``api.told``)."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from api.models import Model
from api.told import Choice, Refusal
from gridmgmt.domain.jointcall import CallAction, OpinionBasis, Part, Purpose, TaskState
from gridmgmt.domain.onsite import Standing
from gridmgmt.domain.patrol import TargetKind, Unit
from gridmgmt.domain.telling import Kind
from gridmgmt.domain.workflow import State


class Counted(Model):
    """How often a case was reworked, sent back and extended."""

    rework: int
    returns: int
    extensions: int


class Merged(Model):
    """A report that was merged 并案 into the case, and whether its reporter was told."""

    id: UUID
    number: str
    state: State
    needs_feedback: bool
    reported_by: UUID
    reported_at: datetime
    told: bool


class Telling(Model):
    """A record of telling 反馈 or revisiting 回访."""

    id: UUID
    case_id: UUID
    kind: Kind
    reached: bool
    channel: str
    words: str
    satisfied: bool | None
    told_by: UUID
    told_at: datetime


class CaseLink(Model):
    """Another case by number."""

    case_id: UUID
    number: str


class OrderOfCase(Model):
    """A supervision order 督办; ``may_reply`` says whether the reply is this person's to give."""

    id: UUID
    case_id: UUID
    unit_code: str | None
    unit_name: str | None
    opinion: str
    ordered_by: UUID
    ordered_at: datetime
    reply_due_at: datetime
    reply: str | None
    replied_by: UUID | None
    replied_at: datetime | None
    late: bool
    may_reply: bool


class OpinionOut(Model):
    """The street's opinion 考核意见 on how a unit answered."""

    basis: OpinionBasis
    score: int
    text: str
    by: UUID
    at: datetime


class CallOffer(Model):
    """An action on a sub-task: whether this person may do it now, else why not, and what it needs."""

    action: CallAction
    name: str
    may: bool
    refusal: Refusal | None
    requires: list[str]


class CallTask(Model):
    """One unit's share of a joint call."""

    id: UUID
    unit_code: str
    unit_name: str
    part: Part
    what: str
    state: TaskState
    state_name: str
    sign_in_due_at: datetime | None
    arrive_due_at: datetime | None
    due_at: datetime
    signed_in_at: datetime | None
    arrived_at: datetime | None
    ended_at: datetime | None
    ended_by: UUID | None
    words: str | None
    photos: list[str]
    late: list[Literal["sign_in", "arrive", "result"]]
    opinions: list[OpinionOut]
    legal: list[CallOffer]
    may_pack: bool


class JointCallOut(Model):
    """A joint call 吹哨 with its sub-tasks."""

    id: UUID
    case_id: UUID
    purpose: Purpose
    text: str
    issued_by: UUID
    issued_at: datetime
    document_no: str | None
    version: int
    closed_at: datetime | None
    tasks: list[CallTask]


class ListedCall(JointCallOut):
    """A call in a list, with its case's number."""

    number: str


class CallLine(Model):
    """One step of a call."""

    seq: int
    task_id: UUID | None
    action: str
    actor_id: UUID
    on_behalf_of: UUID | None
    at: datetime
    facts: dict[str, Any]


class MeasuredPlace(Model):
    """How far from the case somebody stood, as the server measured it: to its point, or else to its cell."""

    standing: Standing
    distance_m: float | None
    accuracy_m: float | None
    basis: Literal["point", "cell"] | None


class SightingOfCase(Model):
    """The same thing seen again by somebody, with his photos, what he said, and where he stood."""

    id: UUID
    case_id: UUID
    seen_by: UUID
    observed_at: datetime
    received_at: datetime
    place: MeasuredPlace
    words: str
    photos: list[str]
    recordings: list[str]


class BesideOffer(Model):
    """What this person may do beside a case: call, urge, tell, revisit, open the case that follows."""

    action: Literal["issue_call", "order", "tell", "revisit", "follow_up"]
    may: bool
    refusal: Refusal | None
    requires: list[str]
    choices: dict[str, list[Choice]]


class BesideCase(Model):
    """What stands beside a case: merged reports, people told, calls, orders, links, and what may be done."""

    counts: Counted
    merged_into: UUID | None
    merged: list[Merged]
    untold: int
    feedback: list[Telling]
    follows: CaseLink | None
    followed_by: list[CaseLink]
    sightings: list[SightingOfCase]
    calls: list[JointCallOut]
    orders: list[OrderOfCase]
    legal: list[BesideOffer]
    names: dict[str, str]


class OwedOrder(Model):
    """An order without a reply."""

    id: UUID
    case_id: UUID
    number: str
    unit_code: str | None
    opinion: str
    ordered_at: datetime
    reply_due_at: datetime
    late: bool


class ListedDeputy(Model):
    """A deputyship 代理 with names."""

    id: UUID
    person_id: UUID
    person_name: str
    deputy_id: UUID
    deputy_name: str
    role: str
    starts_at: datetime
    ends_at: datetime
    granted_by: UUID
    granted_at: datetime
    in_force: bool


class Every(Model):
    """How often a target is visited."""

    amount: int
    unit: Unit


class TargetOut(Model):
    """A checkpoint or road segment of a plan."""

    id: UUID
    kind: TargetKind
    name: str
    every: Every
    geometry: dict[str, Any]


class TargetToday(TargetOut):
    """A target with whether it is due today; ``overdue`` in the unit of its interval."""

    due: bool
    last_on: date | None
    overdue: int


class CellToday(Model):
    """The targets of one cell, due ones first."""

    cell_code: str
    plan_id: UUID
    synthetic: bool
    targets: list[TargetToday]


class CoverageRulesOut(Model):
    """What counts as being there."""

    reach_m: float
    accuracy_m: float
    gap_s: int
    share: float


class PointRefused(Model):
    """A position that is not kept, and why."""

    no: int
    reason: str


class ShiftTold(Model):
    """A shift with both clocks."""

    id: UUID
    person_id: UUID
    cell_codes: list[str]
    on_at: datetime
    phone_on_at: datetime
    received_on_at: datetime
    off_at: datetime | None
    phone_off_at: datetime | None
    received_off_at: datetime | None
    lapsed: bool
    points: int
    points_counted: int
    unseen_s: int


class VerdictCounts(Model):
    """How many of something are covered, not covered, unknown."""

    covered: int
    not_covered: int
    unknown: int


class VerdictShares(Model):
    """Shares of hexagons by verdict; null where no shift recorded anything."""

    covered: float | None
    not_covered: float | None
    unknown: float | None


class CellOfDay(Model):
    """What is known of a cell's patrols on a day; ``targets`` are the places and ways of its plan."""

    cell_code: str
    shifts: int
    hexagons: int
    shares: VerdictShares
    targets: VerdictCounts
