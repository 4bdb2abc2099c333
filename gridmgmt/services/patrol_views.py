"""What is seen of patrols: coverage and attendance by the desk, the way itself by its worker alone.

A director may see one shift's positions for a named purpose, with a reason and on record.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import shapely
from orjson import loads

from gridmgmt.domain.coverage import CoverageRules, HexCoverage, Verdict, counts, hexes_together, together
from gridmgmt.domain.org import Actor
from gridmgmt.domain.patrol import PatrolPlan
from gridmgmt.domain.patrolshift import LONGEST_SHIFT, Shift
from gridmgmt.domain.patrolshift import attendance as attendance_of
from gridmgmt.domain.permissions import Permission, require, require_anywhere
from gridmgmt.domain.personal import Field, short_text, show
from gridmgmt.domain.purposes import Purpose, check_track_reveal
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.errors import InvalidInput, NotFound
from gridmgmt.geo import hexes
from gridmgmt.services.patrol_plans import readable_cells, sees_own_only
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import audit, patrols, retention, tracks
from gridmgmt.storage.db import Db
from gridmgmt.storage.patrols import StoredShift
from gridmgmt.storage.retention import RetentionClass

_MOST_SHIFTS = 500
Collection = dict[str, Any]


def own_track(db: Db, actor: Actor, rules: CoverageRules, shift_id: UUID) -> Collection:
    """The worker's own positions of a shift, what they covered, and how long what is kept.

    Raises
    ------
    NotFound
        No such shift of the actor.
    """
    require(actor, Permission.PATROL_WALK, subdistrict_of(actor))
    stored = patrols.load_shift(db, shift_id, actor)
    if stored.shift.person_id != actor.id:
        raise NotFound("No such shift.", kind="shift")
    return _track(db, actor, rules, stored)


def revealed_track(
    db: Db, actor: Actor, now: datetime, rules: CoverageRules, shift_id: UUID, purpose: Purpose, note: str
) -> Collection:
    """Somebody's positions of one shift, for a purpose and on record.

    Raises
    ------
    NotAllowed, NotFound
        Without the permission; no such shift in scope.
    BeyondPurpose, MissingFact
        A purpose that coverage is enough for; no reason.
    """
    require_anywhere(actor, Permission.TRACK_REVEAL)
    stored = patrols.load_shift(db, shift_id, actor)
    code = stored.shift.subdistrict_code
    require(actor, Permission.TRACK_REVEAL, code)
    check_track_reveal(purpose, note)
    facts = {"purpose": str(purpose), "note": short_text(note), "person_id": str(stored.shift.person_id)}
    audit.append(db, [done(actor, now, "track:reveal", "shift", str(shift_id), code, **facts)])
    return _track(db, actor, rules, stored)


def _track(db: Db, actor: Actor, rules: CoverageRules, stored: StoredShift) -> Collection:
    shift = stored.shift
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [one.given.lon, one.given.lat]},
            "properties": {
                "no": one.given.no,
                "at": one.at,
                "accuracy_m": one.given.accuracy_m,
                "counts": counts(one.fix, rules),
            },
        }
        for one in tracks.of_shift(db, shift)
    ]
    days = retention.keep_days(db, RetentionClass.TRACK)
    visits = patrols.visits_of(db, actor, [shift.id])
    return {
        "type": "FeatureCollection",
        "features": features,
        "shift": shift_told(stored),
        "targets": {str(verdict): sum(v["verdict"] == verdict for v in visits) for verdict in Verdict},
        "kept": {
            "positions_days": days,
            "positions_until": shift.ends_by + timedelta(days=days),
            "positions_erased_at": stored.track_erased_at,
            "coverage": "as long as the record of the shift",
            "seen_by": "you; the director for a named purpose, on record",
        },
    }


def shift_told(stored: StoredShift) -> dict[str, Any]:
    """A shift as it is answered, with both clocks."""
    shift = stored.shift
    return {
        "id": shift.id,
        "person_id": shift.person_id,
        "cell_codes": list(shift.cell_codes),
        "on_at": shift.on_at,
        "phone_on_at": stored.phone_on_at,
        "received_on_at": shift.received_on_at,
        "off_at": shift.off_at,
        "phone_off_at": stored.phone_off_at,
        "received_off_at": stored.received_off_at,
        "lapsed": shift.lapsed,
        "points": stored.points,
        "points_counted": stored.points_counted,
        "unseen_s": stored.unseen_s,
    }


def shifts_on(db: Db, actor: Actor, now: datetime, books: RuleBooks, day: date) -> dict[str, Any]:
    """Shifts that began on a local day, and attendance by person: one's own cells, or all for the desk."""
    code = subdistrict_of(actor)
    require(actor, Permission.PATROL_READ, code)
    book = books.current(db, code)
    since, until = _bounds(book, day)
    found = [
        s
        for s in patrols.shifts_between(db, actor, since, until, limit=_MOST_SHIFTS)
        if _may_see(actor, book, s.shift, now)
    ]
    figures = attendance_of([(s.shift, timedelta(seconds=s.unseen_s)) for s in found], now)
    name = {f.person_id: show(actor, Field.STAFF_NAME, book.people.get(f.person_id, "")) for f in figures}
    return {
        "day": day,
        "items": [shift_told(s) for s in found],
        "attendance": [
            asdict(f)
            | {
                "name": name[f.person_id],
                "on_duty": int(f.on_duty.total_seconds()),
                "unseen": int(f.unseen.total_seconds()),
            }
            for f in figures
        ],
    }


def _may_see(actor: Actor, book: RuleBook, shift: Shift, now: datetime) -> bool:
    """His own shift; shifts in the cells that he answers for; the desk all."""
    mine = set(readable_cells(actor, book, now))
    return (
        not sees_own_only(actor) or shift.person_id == actor.id or bool(mine.intersection(shift.cell_codes))
    )


def _bounds(book: RuleBook, day: date) -> tuple[datetime, datetime]:
    try:
        began = datetime.combine(day, time(), book.timezone)
        return began, datetime.combine(day + timedelta(days=1), time(), book.timezone)
    except OverflowError as exc:
        raise InvalidInput("This day lies outside the calendar.", field="day") from exc


def coverage_of_shift(db: Db, actor: Actor, now: datetime, books: RuleBooks, shift_id: UUID) -> Collection:
    """What one shift covered, as GeoJSON: hexagons and targets by verdict.

    Raises
    ------
    NotFound
        No such shift that the actor may see.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.PATROL_READ, code)
    stored = patrols.load_shift(db, shift_id, actor)
    book = books.current(db, code)
    if not _may_see(actor, book, stored.shift, now):
        raise NotFound("No such shift.", kind="shift")
    cells = [
        c for c in stored.shift.cell_codes
        if stored.shift.person_id == actor.id or c in readable_cells(actor, book, now)
    ]  # fmt: skip
    return _coverage(db, actor, [stored], cells, min(stored.shift.ends_by, now))


def coverage_of_cell(
    db: Db, actor: Actor, now: datetime, books: RuleBooks, cell_code: str, day: date
) -> Collection:
    """What all shifts of a local day covered in a cell, as GeoJSON.

    Raises
    ------
    NotFound
        No such cell that the actor may see.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.PATROL_READ, code)
    book = books.current(db, code)
    if cell_code not in readable_cells(actor, book, now):
        raise NotFound("No such cell.", kind="cell")
    since, until = _bounds(book, day)
    found = patrols.shifts_between(db, actor, since, until, cell_code, limit=_MOST_SHIFTS)
    return _coverage(db, actor, found, [cell_code], min(until + LONGEST_SHIFT, now))


def coverage_of_day(db: Db, actor: Actor, now: datetime, books: RuleBooks, day: date) -> dict[str, Any]:
    """What a local day's shifts covered, in figures, of every cell in sight that has a plan or a shift.

    ``targets`` counts by verdict what the cell's plan names; without a shift nobody was there, which is
    ``not_covered`` and never ``unknown``.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.PATROL_READ, code)
    book = books.current(db, code)
    since, until = _bounds(book, day)
    cells = readable_cells(actor, book, now)
    shifts = patrols.shifts_between(db, actor, since, until, limit=_MOST_SHIFTS)
    ids = [s.shift.id for s in shifts]
    found: dict[str, list[HexCoverage]] = {}
    for _, cell, covered in patrols.coverage_of(db, actor, ids):
        found.setdefault(cell, []).append(covered)
    said: dict[UUID, list[Verdict]] = {}
    for visit in patrols.visits_of(db, actor, ids):
        said.setdefault(visit["target_id"], []).append(Verdict(visit["verdict"]))
    plans = {p.cell_code: p for p in patrols.plans_of(db, actor, cells, min(until + LONGEST_SHIFT, now))}
    walked = Counter(cell for s in shifts for cell in s.shift.cell_codes)
    return {
        "day": day,
        "cells": [
            _cell_figures(cell, list(hexes_together(found.get(cell, ())).values()))
            | {"shifts": walked[cell], "targets": _counted(plans.get(cell), said)}
            for cell in cells
            if cell in plans or walked[cell]
        ],
    }


def _counted(plan: PatrolPlan | None, said: Mapping[UUID, Sequence[Verdict]]) -> dict[str, int]:
    verdicts = Counter(together(said.get(target.id, ())) for target in (plan.targets if plan else ()))
    return {str(verdict): verdicts[verdict] for verdict in Verdict}


def _coverage(
    db: Db, actor: Actor, shifts: Sequence[StoredShift], cells: Sequence[str], at: datetime
) -> Collection:
    ids = [s.shift.id for s in shifts]
    by_cell: dict[str, list[Any]] = {cell: [] for cell in cells}
    for _, cell, found in patrols.coverage_of(db, actor, ids):
        if cell in by_cell:
            by_cell[cell].append(found)
    merged = {cell: hexes_together(some) for cell, some in by_cell.items()}
    plans = patrols.plans_of(db, actor, cells, at)
    features = [f for cell, verdicts in merged.items() for f in _hex_features(cell, verdicts)]
    features += _target_features(plans, patrols.visits_of(db, actor, ids), patrols.notes_of(db, actor, ids))
    return {
        "type": "FeatureCollection",
        "features": features,
        "shifts": [str(i) for i in ids],
        "cells": [_cell_figures(cell, list(verdicts.values())) for cell, verdicts in merged.items()],
    }


def _cell_figures(cell: str, verdicts: Sequence[Verdict]) -> dict[str, Any]:
    # No shift, no record: then there is nothing to have a share of.
    total = len(verdicts)
    return {
        "cell_code": cell,
        "hexagons": total,
        "shares": {str(v): round(verdicts.count(v) / total, 4) if total else None for v in Verdict},
    }


def _hex_features(cell: str, verdicts: Mapping[int, Verdict]) -> list[dict[str, Any]]:
    outlines = hexes.hex_polygons(list(verdicts))
    return [
        {
            "type": "Feature",
            "geometry": loads(shapely.to_geojson(outline)),
            "properties": {"what": "hexagon", "h3": f"{h3:x}", "cell_code": cell, "verdict": str(verdict)},
        }
        for (h3, verdict), outline in zip(verdicts.items(), outlines, strict=True)
    ]


def _target_features(
    plans: Sequence[PatrolPlan], visits: Sequence[Mapping[str, Any]], notes: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    by: dict[UUID, list[Mapping[str, Any]]] = {}
    for visit in visits:
        by.setdefault(visit["target_id"], []).append(visit)
    return [
        {
            "type": "Feature",
            "id": str(target.id),
            "geometry": loads(shapely.to_geojson(target.shape)),
            "properties": {
                "what": str(target.kind),
                "name": target.name,
                "cell_code": plan.cell_code,
                "verdict": str(together(Verdict(v["verdict"]) for v in by.get(target.id, ()))),
                # Of the best shift: shares of several shifts do not add up.
                "covered_share": max((v["covered_share"] for v in by.get(target.id, ())), default=0.0),
                "unknown_share": max((v["unknown_share"] for v in by.get(target.id, ())), default=0.0),
                "reached_at": min(
                    (v["reached_at"] for v in by.get(target.id, ()) if v["reached_at"]), default=None
                ),
                "nothing_found": sum(
                    n["target_id"] == target.id and n["kind"] == "nothing_found" for n in notes
                ),
                # Each tap, and whether it was made at the place.
                "noted": [
                    {"at": n["at"], "at_place": n["at_place"], "distance_m": n["distance_m"]}
                    for n in notes
                    if n["target_id"] == target.id and n["kind"] == "nothing_found"
                ],
                "findings": [
                    str(n["report_id"]) for n in notes if n["target_id"] == target.id and n["report_id"]
                ],
            },
        }
        for plan in plans
        for target in plan.targets
    ]
