"""The life of a grid plan as one table: (status, action) → who may, what it needs, where it leads.

Drawn by the street, checked against the hard rules, reviewed by the district, published with the instant
from which it holds (article 21-1; R21a: the street draws, the district reviews). Everything else is read
from :data:`LIFE`: what the API offers, the refusals, and what the database lets a status change into.

A plan never comes back from ``rejected`` and ``withdrawn``: whoever wants another one draws it, under new
codes. Undoing 撤回 a publication leads back to ``reviewed`` and is possible until the plan holds; from that
instant reports were taken and cases handed over under it, and only another plan can follow.

Not here: the geometry (:mod:`.adoption`), the handing over of open cases (:mod:`.handover`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from uuid import UUID

from gridmgmt.domain import permissions
from gridmgmt.domain.facts import is_empty
from gridmgmt.domain.grid import PlanStatus
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission
from gridmgmt.errors import IllegalAction, MissingFact, NotReady, OwnRequest

ARTICLE, RULE = "21-1", "R21a"


class PlanAction(StrEnum):
    """What a person can do to a plan; ``draw`` is the first line of its history."""

    DRAW = "draw"
    CHECK = "check"
    REVIEW = "review"
    REJECT = "reject"
    PUBLISH = "publish"
    UNDO = "undo"
    WITHDRAW = "withdraw"


PLAN_ACTION_NAMES_ZH: Mapping[PlanAction, str] = MappingProxyType(
    {
        PlanAction.DRAW: "起草",
        PlanAction.CHECK: "检查",
        PlanAction.REVIEW: "区级审核通过",
        PlanAction.REJECT: "区级审核不通过",
        PlanAction.PUBLISH: "发布",
        PlanAction.UNDO: "撤回发布",
        PlanAction.WITHDRAW: "撤销方案",
    }
)

PLAN_STATUS_NAMES_ZH: Mapping[PlanStatus, str] = MappingProxyType(
    {
        PlanStatus.DRAFT: "编辑中",
        PlanStatus.CHECKED: "已检查",
        PlanStatus.REVIEWED: "已审核",
        PlanStatus.PUBLISHED: "已发布",
        PlanStatus.REJECTED: "未通过审核",
        PlanStatus.WITHDRAWN: "已撤销",
    }
)


@dataclass(frozen=True, slots=True)
class Move:
    """One row of the table; ``requires`` names facts that must be present and not empty."""

    target: PlanStatus
    permission: Permission
    requires: frozenset[str] = field(default_factory=frozenset)


def _m(target: PlanStatus, permission: Permission, *requires: str) -> Move:
    return Move(target, permission, frozenset(requires))


_S, _A, _P = PlanStatus, PlanAction, Permission

LIFE: Mapping[tuple[PlanStatus, PlanAction], Move] = MappingProxyType(
    {
        (_S.DRAFT, _A.CHECK): _m(_S.CHECKED, _P.PLAN_DRAW),
        (_S.DRAFT, _A.WITHDRAW): _m(_S.WITHDRAWN, _P.PLAN_DRAW, "reason"),
        (_S.CHECKED, _A.REVIEW): _m(_S.REVIEWED, _P.PLAN_REVIEW, "opinion"),
        (_S.CHECKED, _A.REJECT): _m(_S.REJECTED, _P.PLAN_REVIEW, "reason"),
        (_S.CHECKED, _A.WITHDRAW): _m(_S.WITHDRAWN, _P.PLAN_DRAW, "reason"),
        (_S.REVIEWED, _A.PUBLISH): _m(_S.PUBLISHED, _P.PLAN_PUBLISH),
        (_S.REVIEWED, _A.WITHDRAW): _m(_S.WITHDRAWN, _P.PLAN_DRAW, "reason"),
        (_S.PUBLISHED, _A.UNDO): _m(_S.REVIEWED, _P.PLAN_PUBLISH, "reason"),
    }
)

MOVES_OF_STATUS: frozenset[tuple[PlanStatus, PlanStatus]] = frozenset(
    (status, move.target) for (status, _), move in LIFE.items()
)
"""Every change of a status that there is; the database refuses any other."""


@dataclass(frozen=True, slots=True)
class PlanHead:
    """What a decision about a plan's life rests on, without its cells."""

    id: UUID
    subdistrict_code: str
    version: int
    status: PlanStatus
    valid_from: datetime
    drawn_by: UUID | None = None


@dataclass(frozen=True, slots=True)
class PlanStep:
    """One line of a plan's history."""

    plan_id: UUID
    seq: int
    action: PlanAction
    from_status: PlanStatus | None
    to_status: PlanStatus
    actor_id: UUID
    at: datetime
    facts: Mapping[str, Any]
    on_behalf_of: UUID | None = None


def legal_plan_actions(status: PlanStatus) -> tuple[PlanAction, ...]:
    """Actions that the table knows for this status, in the table's order; none for dead ends."""
    return tuple(action for (s, action) in LIFE if s is status)


def require_move(plan: PlanHead, action: PlanAction, actor: Actor, facts: Mapping[str, Any]) -> Move:
    """The row for this pair, if this actor may do it.

    Raises
    ------
    NotAllowed
        He lacks the permission there.
    IllegalAction
        The status does not permit it; the legal actions are named.
    OwnRequest
        Whoever drew a plan does not review it, nor does his deputy.
    MissingFact
        A fact that the row requires is absent or empty.
    """
    permissions.require(actor, Permission.PLAN_READ, plan.subdistrict_code)
    move = LIFE.get((plan.status, action))
    if move is None:
        raise IllegalAction(
            f"A plan that is {plan.status} cannot take the action {action}.",
            article=ARTICLE,
            rule=RULE,
            state=str(plan.status),
            action=str(action),
            legal=[str(a) for a in legal_plan_actions(plan.status)],
        )
    permissions.require(actor, move.permission, plan.subdistrict_code)
    if move.permission is Permission.PLAN_REVIEW and plan.drawn_by in actor.persons:
        raise OwnRequest(
            "Whoever drew a plan does not review it.", article=ARTICLE, rule=RULE, permission=move.permission
        )
    missing = sorted(name for name in move.requires if is_empty(facts.get(name)))
    if missing:
        raise MissingFact(
            f"The action {action} needs: {', '.join(missing)}.",
            article=ARTICLE,
            rule=RULE,
            action=str(action),
            missing=missing,
        )
    return move


def require_ahead(valid_from: datetime, now: datetime) -> None:
    """Refuse to publish a plan for a time that has begun: what was reported since then has its cell.

    Raises
    ------
    NotReady
        ``facts["guard"]`` is ``effective_later``.
    """
    if valid_from <= now:
        raise NotReady(
            "A plan takes effect in the future: what was reported until now keeps the cell it had.",
            article=ARTICLE,
            rule=RULE,
            guard="effective_later",
            valid_from=valid_from.isoformat(),
            now=now.isoformat(),
        )


def require_undoable(plan: PlanHead, now: datetime, *, handed_over: int, later: int | None) -> None:
    """Refuse to undo a publication that has taken effect, or that another one builds on.

    Parameters
    ----------
    handed_over : open cases that were handed over to it already.
    later : version of a plan that was published to follow it.

    Raises
    ------
    NotReady
        ``facts["guard"]`` is ``before_effect`` or ``last_published``, and the facts say since when and
        how many cases.
    """
    if now >= plan.valid_from or handed_over:
        raise NotReady(
            "The plan has taken effect: reports and cases stand under it. Publish another plan instead.",
            article=ARTICLE,
            rule=RULE,
            guard="before_effect",
            valid_from=plan.valid_from.isoformat(),
            handed_over=handed_over,
        )
    if later is not None:
        raise NotReady(
            "Another plan was published to follow this one; undo that one first.",
            article=ARTICLE,
            rule=RULE,
            guard="last_published",
            version=later,
        )
