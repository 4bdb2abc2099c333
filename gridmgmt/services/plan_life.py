"""A plan's way from the drawing board into force: draw, check, review, publish, undo, withdraw.

One function for every move, because ``domain/planlife.py`` knows what each needs; what a move needs from
outside the plan (outlines as of its beginning, the plans before it) is looked up here. Every move is a line
of the plan's history, an audit line and an event.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import shapely

from gridmgmt.domain.adoption import require_adoptable, require_sound
from gridmgmt.domain.cellindex import CellIndex
from gridmgmt.domain.events import Event, EventKind
from gridmgmt.domain.facts import is_empty
from gridmgmt.domain.grid import GridPlan, PlanStatus
from gridmgmt.domain.org import SYSTEM_ACTOR_ID, Actor
from gridmgmt.domain.permissions import Permission, can, require, require_anywhere
from gridmgmt.domain.personal import without_numbers
from gridmgmt.domain.planlife import (
    LIFE,
    PLAN_ACTION_NAMES_ZH,
    PLAN_STATUS_NAMES_ZH,
    PlanAction,
    PlanHead,
    PlanStep,
    legal_plan_actions,
    require_ahead,
    require_move,
    require_undoable,
)
from gridmgmt.errors import ContentDiffers, InvalidGeometry, InvalidInput, PlanNotAdoptable
from gridmgmt.services.gridplans import put_into_force
from gridmgmt.services.records import done
from gridmgmt.services.storable import require_storable
from gridmgmt.storage import audit, board, boundaries, grids, outbox, plans
from gridmgmt.storage.db import Db

MOST_VERTICES_OF_A_CELL = 2_000
"""Overlays of two jagged polygons cost by the product of their vertices; no real cell needs as many."""


@dataclass(frozen=True, slots=True)
class MovePlan:
    """A move as a client sends it; the client made ``command_id``.

    ``facts`` may hold ``opinion``, ``reason``, ``document_no``, and for publishing ``valid_from``.
    """

    command_id: UUID
    plan_id: UUID
    action: PlanAction
    facts: Mapping[str, Any]


def draw_plan(
    db: Db, actor: Actor, now: datetime, plan: GridPlan, report_card: Mapping[str, Any]
) -> PlanHead:
    """Store a draft; the same one again is answered as the first time.

    Parameters
    ----------
    plan : numbered already (:mod:`gridmgmt.planning.numbering` with ``grids.used_codes``); the client made
        its id. Its version is given here. Gaps and overlaps are a draft's own affair.
    report_card : figures of the plan, kept with it.

    Raises
    ------
    NotAllowed
        Planners draw.
    PlanNotAdoptable
        A cell is in pieces, or a code was issued before and means other ground.
    InvalidInput
        A cell of a community that the subdistrict does not have.
    ContentDiffers
        The id belongs to another plan.
    """
    require(actor, Permission.PLAN_DRAW, plan.subdistrict_code)
    require_storable(dict(report_card), "report_card")
    if grids.is_stored(db, plan.id):
        return _drawn_before(db, actor, plan)
    _require_storable_cells(db, plan)
    version = grids.next_version(db, plan.subdistrict_code)
    plan = replace(plan, version=version, status=PlanStatus.DRAFT, valid_to=None)
    index = CellIndex.of((c.code, c.polygon) for c in plan.cells)
    grids.add_plan(db, plan, index.hex_cover(), report_card)
    head = PlanHead(plan.id, plan.subdistrict_code, version, PlanStatus.DRAFT, plan.valid_from, actor.id)
    _record(db, actor, now, head, PlanAction.DRAW, None, {"cells": len(plan.cells)})
    return head


def _drawn_before(db: Db, actor: Actor, plan: GridPlan) -> PlanHead:
    head = plans.head(db, plan.id, actor)
    before = grids.plan_of(db, plan.id)
    same = ("subdistrict_code", "base_map_version", "synthetic", "zone")
    cells = {c.code: (c.community_code, c.kind, c.name, c.polygon) for c in plan.cells}
    if (
        head.drawn_by != actor.id
        or any(getattr(before, n) != getattr(plan, n) for n in same)
        or {c.code: (c.community_code, c.kind, c.name, c.polygon) for c in before.cells} != cells
    ):
        raise ContentDiffers("This id belongs to another plan.", rule="R21a")
    return head


def _require_storable_cells(db: Db, plan: GridPlan) -> None:
    if not plan.cells:
        raise InvalidInput("A plan has cells.", article="21-1", rule="R21a", field="cells")
    jagged = [c.code for c in plan.cells if shapely.get_num_coordinates(c.polygon) > MOST_VERTICES_OF_A_CELL]
    if jagged:
        raise InvalidGeometry(
            "A cell has too many vertices to be laid over others.",
            article="21-1", rule="R21a", hint="too_many_vertices", limit=MOST_VERTICES_OF_A_CELL,
            codes=jagged[:20],
        )  # fmt: skip
    known = boundaries.outlines_at(db, plan.subdistrict_code, plan.valid_from)
    strangers = sorted({c.community_code for c in plan.cells} - known.keys())
    if strangers:
        raise InvalidInput(
            "Cells of communities that the subdistrict does not have.",
            article="21-1", rule="R21a", field="community_code", codes=strangers[:20],
        )  # fmt: skip
    pieces = [c.code for c in plan.cells if c.polygon.geom_type != "Polygon"]
    if pieces:
        raise PlanNotAdoptable(
            "Cells are in pieces.", article="21-1", rule="R21a", failed=["contiguous"], defects=pieces[:20],
            count=len(pieces),
        )  # fmt: skip
    reused = grids.codes_of_other_ground(db, plan)
    if reused:
        raise PlanNotAdoptable(
            "Codes were issued before and mean other ground: a code is never given twice.",
            article="21-1", rule="R21a", failed=["code_never_reused"], defects=reused[:20], count=len(reused),
        )  # fmt: skip


def move_plan(db: Db, actor: Actor, now: datetime, command: MovePlan) -> PlanHead:
    """Move a plan; the same command again changes nothing and answers with the plan as it is.

    Raises
    ------
    NotFound
        Not in the actor's scope.
    NotAllowed, OwnRequest, IllegalAction, MissingFact, NotReady
        As ``domain.planlife``.
    PlanNotAdoptable
        Checking or publishing: a hard constraint is broken; ``facts["failed"]`` names it.
    ContentDiffers
        The command's id belongs to another command, which was done.
    """
    require_storable(dict(command.facts), "facts")
    require_anywhere(actor, Permission.PLAN_READ)
    facts = without_numbers(dict(command.facts))
    seen = plans.head(db, command.plan_id, actor)
    before = plans.done_by_command(db, command.command_id)
    if before is not None:
        if (before.plan_id, before.actor_id, before.action) != (seen.id, actor.id, command.action) or any(
            before.facts.get(name) != value for name, value in facts.items()
        ):
            raise ContentDiffers("This id belongs to another command, which was done.", rule="R21a")
        return seen
    require_move(seen, command.action, actor, facts)
    # Locked after the question of rights: PostgreSQL would answer it less politely.
    head = plans.head(db, command.plan_id, actor, lock=True)
    move = require_move(head, command.action, actor, facts)
    moved, added = _take(db, actor, now, head, command.action, move.target, facts)
    _record(db, actor, now, moved, command.action, head.status, facts | added, command.command_id)
    return moved


def _take(
    db: Db, actor: Actor, now: datetime, head: PlanHead, action: PlanAction, target: PlanStatus,
    facts: Mapping[str, Any],
) -> tuple[PlanHead, dict[str, Any]]:  # fmt: skip
    match action:
        case PlanAction.CHECK:
            outlines = boundaries.outlines_at(db, head.subdistrict_code, head.valid_from)
            require_sound(grids.plan_of(db, head.id), _ground(outlines, head), outlines)
        case PlanAction.PUBLISH:
            return _publish(db, actor, now, head, facts)
        case PlanAction.UNDO:
            return _undo(db, now, head)
        case _:
            pass
    plans.set_status(db, head.id, target)
    return replace(head, status=target), {}


def _ground(outlines: Mapping[str, Any], head: PlanHead) -> Any:
    return outlines[head.subdistrict_code]


def _publish(
    db: Db, actor: Actor, now: datetime, head: PlanHead, facts: Mapping[str, Any]
) -> tuple[PlanHead, dict[str, Any]]:
    valid_from = _effective_time(facts, head)
    require_ahead(valid_from, now)
    before = grids.published_plans(db, head.subdistrict_code)
    plan = replace(grids.plan_of(db, head.id), valid_from=valid_from)
    outlines = boundaries.outlines_at(db, head.subdistrict_code, valid_from)
    require_adoptable(plan, _ground(outlines, head), outlines, before)
    put_into_force(db, actor, now, plan, before)
    unmanned = plans.cells_without_worker(db, head.id, valid_from)
    added = {"valid_from": valid_from.isoformat(), "cells_without_worker": unmanned[:50]}
    return replace(head, status=PlanStatus.PUBLISHED, valid_from=valid_from), added


def _effective_time(facts: Mapping[str, Any], head: PlanHead) -> datetime:
    given = facts.get("valid_from")
    if is_empty(given):
        return head.valid_from
    try:
        read = datetime.fromisoformat(str(given))
    except ValueError:
        read = None
    if read is None or read.tzinfo is None:
        raise InvalidInput(
            "The effective time is written like 2026-12-01T00:00:00+08:00.",
            article="21-1", rule="R21a", field="valid_from",
        )  # fmt: skip
    return read


def _undo(db: Db, now: datetime, head: PlanHead) -> tuple[PlanHead, dict[str, Any]]:
    handed_over, later = plans.handed_over(db, head.id), plans.published_after(db, head)
    require_undoable(head, now, handed_over=handed_over, later=later)
    earlier = plans.published_before(db, head)
    plans.set_status(db, head.id, PlanStatus.REVIEWED, published_by=None, published_at=None)
    if earlier is not None:
        grids.end_plan(db, earlier, None)
    return replace(head, status=PlanStatus.REVIEWED), {"goes_on": str(earlier) if earlier else None}


def _record(  # noqa: PLR0913  one line in three records
    db: Db, actor: Actor, now: datetime, head: PlanHead, action: PlanAction, was: PlanStatus | None,
    facts: Mapping[str, Any], command_id: UUID | None = None,
) -> None:  # fmt: skip
    seq = len(plans.history(db, head.id)) + 1
    step = PlanStep(head.id, seq, action, was, head.status, actor.id, now, facts, actor.on_behalf_of)
    plans.add_step(db, step, head.subdistrict_code, command_id)
    told = {
        "plan_id": str(head.id),
        "version": head.version,
        "status": str(head.status),
        "move": str(action),
        "valid_from": head.valid_from.isoformat(),
    }
    if action is not PlanAction.DRAW:
        kind = {PlanAction.PUBLISH: EventKind.PLAN_PUBLISHED, PlanAction.UNDO: EventKind.PLAN_UNDONE}.get(
            action, EventKind.PLAN_MOVED
        )
        outbox.append(db, [Event(kind, head.subdistrict_code, now, None, told)])
    entry = done(actor, now, f"plan:{action}", "plan", str(head.id), head.subdistrict_code, **told)
    audit.append(db, [entry])


def plan_facts(db: Db, actor: Actor, now: datetime, plan_id: UUID) -> dict[str, Any]:
    """A plan with its history and what the actor may do to it now.

    Raises
    ------
    NotFound
        No such plan in the actor's scope.
    """
    require_anywhere(actor, Permission.PLAN_READ)
    head = plans.head(db, plan_id, actor)
    row, steps = plans.facts_of(db, plan_id), plans.history(db, plan_id)
    names = board.names_of(db, sorted({s.actor_id for s in steps}))
    return {
        "id": head.id,
        "version": head.version,
        "status": head.status,
        "status_name": PLAN_STATUS_NAMES_ZH[head.status],
        "valid_from": head.valid_from,
        "valid_to": row["valid_to"],
        "in_force": head.status is PlanStatus.PUBLISHED
        and head.valid_from <= now
        and (row["valid_to"] is None or now < row["valid_to"]),
        "base_map_version": row["base_map_version"],
        "synthetic": row["synthetic"],
        "report_card": row["report_card"],
        "handed_over": plans.handed_over(db, plan_id),
        "history": [
            {
                "seq": s.seq,
                "action": s.action,
                "action_name": PLAN_ACTION_NAMES_ZH[s.action],
                "from_status": s.from_status,
                "to_status": s.to_status,
                "actor_id": s.actor_id,
                "actor_name": "系统" if s.actor_id == SYSTEM_ACTOR_ID else names.get(s.actor_id, ""),
                "at": s.at,
                "facts": s.facts,
            }
            for s in steps
        ],
        "legal": [
            {
                "action": action,
                "name": PLAN_ACTION_NAMES_ZH[action],
                "requires": sorted(LIFE[head.status, action].requires),
                "may": can(actor, LIFE[head.status, action].permission, head.subdistrict_code),
            }
            for action in legal_plan_actions(head.status)
        ],
    }
