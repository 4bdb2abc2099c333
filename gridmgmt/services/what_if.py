"""Last year's cases through a plan that is not in force: who would have had what (``domain.whatif``)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import numpy as np
import shapely

from gridmgmt.domain.cellindex import CellIndex
from gridmgmt.domain.grid import GridPlan
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Permission, can, require
from gridmgmt.domain.personal import Field, show
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.domain.whatif import Ground, Load, PastCase, WhatIf, heirs, what_if
from gridmgmt.domain.worktime import LimitUnit, elapsed
from gridmgmt.errors import InvalidInput
from gridmgmt.geo import hexes
from gridmgmt.geo.crs import to_metric
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import grids, plans, whatif
from gridmgmt.storage.db import Db

MOST_CASES = 200_000
_MINUTE_S = 60.0
_MAY_ASK = (Permission.PLAN_DRAW, Permission.PLAN_REVIEW, Permission.PLAN_PUBLISH)


@dataclass(frozen=True, slots=True)
class Question:
    """Which plan, which year, and how many minutes of work a case costs: an assumption, not measured."""

    plan_id: UUID
    since: datetime
    until: datetime
    effort_min: float = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """The outcome, with the plan and what was assumed."""

    plan: GridPlan
    before: GridPlan
    outcome: WhatIf
    assumed_workers: Mapping[str, str]
    """New cells to which nobody is assigned yet, and whose worker they were given: that of their heir."""
    names: Mapping[str, str]


def ask(db: Db, actor: Actor, now: datetime, books: RuleBooks, question: Question) -> Answer:
    """Replay the cases of a period under a plan and under the one in force.

    Raises
    ------
    NotFound
        No such plan in the actor's scope.
    NotAllowed
        It is for whoever draws, reviews or publishes plans.
    PlanNotInForce
        There is nothing to compare with.
    InvalidInput
        The period is empty, or holds more cases than are replayed at once.
    """
    head = plans.head(db, question.plan_id, actor)
    if not any(can(actor, p, head.subdistrict_code) for p in _MAY_ASK):
        require(actor, Permission.PLAN_DRAW, head.subdistrict_code)
    if question.until <= question.since:
        raise InvalidInput("The period ends after it begins.", rule="R21a", field="until")
    rows = whatif.past_cases(
        db, actor, head.subdistrict_code, question.since, question.until, most=MOST_CASES + 1
    )
    if len(rows) > MOST_CASES:
        raise InvalidInput("The period holds too many cases.", rule="R21a", limit=MOST_CASES)
    book = books.current(db, head.subdistrict_code)
    old = book.plan_at(now)
    plan = grids.plan_of(db, head.id)
    index = CellIndex.of((c.code, c.polygon) for c in plan.cells)
    grounds = _grounds(old.plan, old.index, plan, index, whatif.households(db, actor, head.subdistrict_code))
    before = _workers(book, old.plan, now)
    after, assumed = _workers_to_come(book, plan, max(now, plan.valid_from), before, heirs(grounds))
    outcome = what_if(
        list(_placed(rows, book, question.since, old.plan, old.index, index)),
        grounds,
        cells_after=[c.code for c in plan.cells],
        workers_before=before,
        workers_after=after,
        effort_min=question.effort_min,
    )
    names = {who: str(show(actor, Field.STAFF_NAME, book.people.get(UUID(who), "")))
             for who in {*before.values(), *after.values()}}  # fmt: skip
    return Answer(plan, old.plan, outcome, assumed, names)


def _workers(book: RuleBook, plan: GridPlan, at: datetime) -> dict[str, str]:
    day = book.day_of(at)
    chosen = {c.code: book.roster.choose(c.code, day).person_id for c in plan.cells}
    return {code: str(person) for code, person in chosen.items() if person is not None}


def _workers_to_come(
    book: RuleBook, plan: GridPlan, at: datetime, before: Mapping[str, str], heir_of: Mapping[str, str]
) -> tuple[dict[str, str], dict[str, str]]:
    """Whoever is assigned by then; where nobody is, whoever has the cell that the new one goes on with."""
    named = _workers(book, plan, at)
    assumed = {
        c.code: before[heir_of[c.code]]
        for c in plan.cells
        if c.code not in named and heir_of.get(c.code) in before
    }
    return assumed | named, assumed


def _owners(index: CellIndex, lons: Sequence[float], lats: Sequence[float]) -> list[str | None]:
    if not lons:
        return []
    return [index.codes[i] if i >= 0 else None for i in index.codes_at(np.array(lons), np.array(lats))]


def _placed(
    rows: Sequence[Mapping[str, Any]], book: RuleBook, since: datetime, old: GridPlan, old_index: CellIndex,
    index: CellIndex,
) -> Iterator[PastCase]:  # fmt: skip
    """Cases with their cells. What is stored is exact; where it does not say, the hexagon's middle does."""
    points = [hexes.hex_centre(r["h3"]) if r["h3"] is not None else None for r in rows]
    known = [i for i, p in enumerate(points) if p is not None]
    lons, lats = [p.lon for p in points if p is not None], [p.lat for p in points if p is not None]
    by_old = dict(zip(known, _owners(old_index, lons, lats), strict=True))
    by_new = dict(zip(known, _owners(index, lons, lats), strict=True))
    kept = set(index.codes) & set(old_index.codes)
    for number, row in enumerate(rows):
        before = row["cell_code"] if row["plan_id"] == old.id else by_old.get(number)
        # The same code is the same ground: the database sees to it.
        after = before if before in kept else by_new.get(number)
        arrived = _worked(book, since, row["reported_at"])
        due = None if row["due_at"] is None else arrived + _worked(book, row["reported_at"], row["due_at"])
        yield PastCase(row["number"], row["category"], arrived, due, row["open"], before, after)


def _worked(book: RuleBook, start: datetime, end: datetime) -> float:
    return elapsed(start, end, LimitUnit.WORKING_HOUR, book.calendar).total_seconds() / _MINUTE_S


def _grounds(
    old: GridPlan, old_index: CellIndex, new: GridPlan, index: CellIndex,
    living: Sequence[tuple[int, float, float]],
) -> list[Ground]:  # fmt: skip
    """What the cells of both plans have in common."""
    lons, lats = [lon for _, lon, _ in living], [lat for _, _, lat in living]
    homes: dict[tuple[str, str], int] = {}
    for (count, _, _), before, after in zip(
        living, _owners(old_index, lons, lats), _owners(index, lons, lats), strict=True
    ):
        if before is not None and after is not None:
            homes[before, after] = homes.get((before, after), 0) + count
    areas = _shared_areas(old, new)
    pairs = sorted(homes.keys() | areas.keys())
    return [Ground(b, a, homes.get((b, a), 0), areas.get((b, a), 0.0)) for b, a in pairs]


def _shared_areas(old: GridPlan, new: GridPlan) -> dict[tuple[str, str], float]:
    kept = {c.code for c in old.cells} & {c.code for c in new.cells}
    found = {(c.code, c.code): c.area_m2 for c in new.cells if c.code in kept}
    before = [c for c in old.cells if c.code not in kept]
    after = [c for c in new.cells if c.code not in kept]
    tree = shapely.STRtree([c.polygon for c in before])
    for cell in after:
        for i in tree.query(cell.polygon, predicate="intersects"):
            shared = to_metric(cell.polygon, new.zone).intersection(to_metric(before[i].polygon, new.zone))
            if shared.area > 1.0:
                found[before[i].code, cell.code] = float(shared.area)
    return found


def as_facts(answer: Answer) -> dict[str, Any]:
    """The answer as JSON: totals, cells, workers, and the open cases that change cell or worker."""
    outcome = answer.outcome

    def person(who: str | None) -> dict[str, Any] | None:
        return None if who is None else {"id": who, "name": answer.names.get(who, "")}

    return {
        "plan_id": answer.plan.id,
        "plan_version": answer.plan.version,
        "compared_with": answer.before.version,
        "totals": dict(outcome.totals),
        "cells": [
            {
                "code": c.code, "heir_of": c.heir_of, "worker": person(c.worker),
                "worker_assumed": c.code in answer.assumed_workers, "households": c.households,
                "households_joined": c.households_joined, "open_cases_joined": c.open_cases_joined,
                "before": _load(c.before), "after": _load(c.after),
            }
            for c in outcome.cells
        ],
        "workers": [
            {
                "worker": person(w.worker), "cells_before": w.cells_before, "cells_after": w.cells_after,
                "before": _load(w.before), "after": _load(w.after),
            }
            for w in outcome.workers
        ],
        "open_cases": [
            {
                "number": m.number, "from_cell": m.from_cell, "to_cell": m.to_cell,
                "from_worker": person(m.from_worker), "to_worker": person(m.to_worker),
            }
            for m in outcome.moved
            if m.open
        ],
    }  # fmt: skip


def _load(load: Load) -> dict[str, float]:
    return load._asdict()
