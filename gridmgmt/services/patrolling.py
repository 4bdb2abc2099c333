"""Patrolling 巡查: signing on and off, positions as they come, notes on the way.

After each batch the whole shift is looked at anew: what its positions say is a function of the set of them,
so it makes no difference in what order they came, how often, or whether some came after the sign-off.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.domain.atplace import NOTHING, seen_at
from gridmgmt.domain.coverage import CoverageRules, Trace, counts, hex_coverage, target_coverage
from gridmgmt.domain.grid import GridCell
from gridmgmt.domain.org import Actor
from gridmgmt.domain.patrol import Target
from gridmgmt.domain.patrolshift import (
    Given,
    NoteKind,
    Refused,
    Shift,
    Told,
    in_shift,
    server_time,
    sign_off_at,
    sign_on_at,
    sort_batch,
)
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.domain.rulebook import IndexedPlan
from gridmgmt.errors import ContentDiffers, InvalidInput, NotAllowed, NotFound, NotReady, WrongCrs
from gridmgmt.geo import hexes
from gridmgmt.geo.crs import Datum, LonLat
from gridmgmt.services.patrol_plans import frame_of_plan
from gridmgmt.services.reading import subdistrict_of
from gridmgmt.services.records import done
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import audit, patrols, tracks
from gridmgmt.storage.db import Db
from gridmgmt.storage.patrols import StoredShift

MOST_POINTS = 1_000
"""Of one batch: over two hours at a position each eight seconds."""


@dataclass(frozen=True, slots=True)
class SignOn:
    """A shift as it arrived; ``cells`` empty for all of the actor's own."""

    id: UUID
    told: Told
    cells: Sequence[str] = ()


def sign_on(
    db: Db, actor: Actor, now: datetime, books: RuleBooks, rules: CoverageRules, command: SignOn
) -> Shift:
    """Begin a shift; the same id again is answered as the first time.

    Raises
    ------
    NotAllowed
        Without the permission; a cell that is not the actor's.
    NotReady
        The shift before is still open.
    ImplausibleTime
        It waited too long on the phone.
    ContentDiffers
        The id belongs to another shift.
    """
    code = subdistrict_of(actor)
    require(actor, Permission.PATROL_WALK, code)
    cells = tuple(sorted(set(command.cells or actor.cell_codes)))
    if not set(cells) <= actor.cell_codes:
        raise NotAllowed("This cell is not yours.", article="22-1", rule="R22a", in_scope=True)
    patrols.hold_person(db, actor.id)
    before = patrols.find_shift(db, command.id, actor)
    if before is not None:
        _require_same(
            before, actor, before.phone_on_at == command.told.at and before.shift.cell_codes == cells
        )
        return before.shift
    latest = patrols.latest_shift(db, actor, lock=True)
    at = sign_on_at(command.told, latest.shift if latest else None, now)
    if latest is not None and latest.shift.off_at is None:
        _lapse(db, actor, now, books, rules, latest.shift)
    shift = Shift(command.id, code, actor.id, cells, at, None, now, phone_on_at=command.told.at)
    patrols.add_shift(db, shift, command.told.at)
    audit.append(db, [done(actor, now, "patrol:sign_on", "shift", str(shift.id), code, cells=list(cells))])
    return shift


def _require_same(before: StoredShift, actor: Actor, same: bool) -> None:  # noqa: FBT001  one question
    if before.shift.person_id != actor.id or not same:
        raise ContentDiffers("This shift was told otherwise before.", article="22-1", rule="R22a")


def _lapse(db: Db, actor: Actor, now: datetime, books: RuleBooks, rules: CoverageRules, shift: Shift) -> None:
    """Nobody ended it: it ended by itself, with all that is unknown of it."""
    patrols.end_shift(db, shift.id, {"off_at": shift.ends_by, "lapsed": True})
    look_again(db, actor, now, books, rules, patrols.load_shift(db, shift.id, actor).shift)


def sign_off(
    db: Db, actor: Actor, now: datetime, books: RuleBooks, rules: CoverageRules, shift_id: UUID, told: Told
) -> StoredShift:
    """End a shift; again is harmless. What was recorded after it is erased.

    Raises
    ------
    NotFound
        No such shift of the actor.
    ContentDiffers
        It was ended at another time.
    """
    shift = _own(db, actor, shift_id)
    if shift.off_at is not None:
        stored = patrols.load_shift(db, shift_id, actor)
        _require_same(stored, actor, stored.was_ended_at(told.at))
        return stored
    at = sign_off_at(shift, told, now)
    patrols.end_shift(db, shift_id, {"off_at": at, "phone_off_at": told.at, "received_off_at": now})
    dropped = tracks.drop_after(db, shift, at)
    stored = patrols.load_shift(db, shift_id, actor)
    look_again(db, actor, now, books, rules, stored.shift)
    stored = patrols.load_shift(db, shift_id, actor)
    facts = {"points": stored.points, "dropped": dropped}
    code = shift.subdistrict_code
    audit.append(db, [done(actor, now, "patrol:sign_off", "shift", str(shift_id), code, **facts)])
    return stored


def _own(db: Db, actor: Actor, shift_id: UUID) -> Shift:
    """The actor's own shift, locked; another's is not said to exist."""
    require(actor, Permission.PATROL_WALK, subdistrict_of(actor))
    shift = patrols.load_shift(db, shift_id, actor, lock=True).shift
    if shift.person_id != actor.id:
        raise NotFound("No such shift.", kind="shift")
    return shift


@dataclass(frozen=True, slots=True)
class Batch:
    """Positions as they arrived."""

    sent_at: datetime
    datum: Datum
    points: Sequence[Given]


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: how many are new, how many were stored before, which are refused and why."""

    stored: int
    known: int
    refused: Mapping[int, Refused]


def add_track(
    db: Db, actor: Actor, now: datetime, books: RuleBooks, rules: CoverageRules, shift_id: UUID, batch: Batch
) -> Taken:
    """Keep positions of an own shift; the same again changes nothing, in whatever order.

    Raises
    ------
    NotFound
        No such shift of the actor.
    WrongCrs
        Positions of a commercial map's datum, which have no exact place in ours.
    InvalidInput
        More positions than a batch may have.
    """
    if batch.datum.is_offset:
        raise WrongCrs(
            "A track is sent in the datum of the phone's receiver.", rule="R22a", datum=str(batch.datum)
        )
    if len(batch.points) > MOST_POINTS:
        raise InvalidInput(f"At most {MOST_POINTS} positions at once.", rule="R22a", field="points")
    shift = _own(db, actor, shift_id)
    indexed = _plan_of(db, books, shift, now)
    stored = tracks.stored(db, shift, [p.no for p in batch.points])
    found = sort_batch(batch.points, batch.sent_at, shift, stored, frame_of_plan(indexed), now)
    tracks.add(db, shift, found.new, now)
    if found.new:
        look_again(db, actor, now, books, rules, shift)
    return Taken(len(found.new), len(found.known), found.refused)


def _plan_of(db: Db, books: RuleBooks, shift: Shift, now: datetime) -> IndexedPlan:
    book = books.current(db, shift.subdistrict_code)
    return book.plan_or_none(shift.on_at) or book.plan_at(now)


def look_again(
    db: Db, actor: Actor, now: datetime, books: RuleBooks, rules: CoverageRules, shift: Shift
) -> None:
    """Compute anew what a shift's positions say of its cells and targets; the worker's own doing.

    After the positions were erased nothing is computed: what they said stays.
    """
    if shift.track_erased:
        return
    until = min(shift.ends_by, now)
    fixes = [one.fix for one in tracks.of_shift(db, shift)]
    indexed = _plan_of(db, books, shift, now)
    trace = Trace.of(fixes, shift.on_at, until, rules, indexed.plan.zone)
    frames = {cell: found.hexagons for _, cell, found in patrols.coverage_of(db, actor, [shift.id])}
    for code in shift.cell_codes:
        cell = indexed.cells.get(code)
        if cell is not None:
            hexagons = frames.get(code) or _hexagons(cell, rules.resolution)
            patrols.save_coverage(db, shift, code, hex_coverage(trace, hexagons), now)
    plans = patrols.plans_of(db, actor, shift.cell_codes, until)
    visits = [(plan, t, target_coverage(trace, t.shape)) for plan in plans for t in plan.targets]
    patrols.save_visits(db, shift, visits)
    patrols.save_counts(
        db, shift.id, points=len(fixes), counted=sum(counts(f, rules) for f in fixes),
        unseen_s=int(trace.unseen.total_seconds()),
    )  # fmt: skip


def _hexagons(cell: GridCell, resolution: int) -> Iterable[int]:
    inside, border = hexes.cover(cell.polygon, resolution)
    return (*inside, *border)


@dataclass(frozen=True, slots=True)
class Note:
    """What the worker says on the way, as it arrived."""

    id: UUID
    told: Told
    kind: NoteKind
    target_id: UUID | None = None
    report_id: UUID | None = None
    position: LonLat | None = None
    accuracy_m: float | None = None


def add_note(
    db: Db, actor: Actor, now: datetime, rules: CoverageRules, shift_id: UUID, note: Note
) -> Mapping[str, Any]:
    """Note "nothing found" at a target, or a finding with the report that it became; again is harmless.

    Of the position at the tap only the verdict is kept, and how far from the target it was.

    Raises
    ------
    NotFound
        No such shift of the actor, target of its cells or report of the actor.
    NotReady
        It was not while the shift was open.
    InvalidInput
        A finding without a report, or "nothing found" without a target or with a report.
    ContentDiffers
        The id belongs to another note.
    """
    shift = _own(db, actor, shift_id)
    if (note.kind is NoteKind.FINDING) != (note.report_id is not None) or not (
        note.target_id or note.report_id
    ):
        raise InvalidInput(
            "A finding names its report, 'nothing found' its target.",
            article="22-1",
            rule="R22a",
            field="kind",
        )
    row = {
        "id": note.id,
        "shift_id": shift.id,
        "subdistrict_code": shift.subdistrict_code,
        "target_id": note.target_id,
        "kind": str(note.kind),
        "report_id": note.report_id,
        "phone_at": note.told.at,
    }
    before = patrols.find_note(db, note.id, actor)
    if before is not None:
        if any(before[name] != value for name, value in row.items()):
            raise ContentDiffers("This id belongs to another note.", article="22-1", rule="R22a")
        return before
    at = in_shift(shift, server_time(note.told, now), note.told.at)
    _require_on_duty(shift, at)
    target = _known_target(db, actor, shift, note, now)
    seen = seen_at(target.shape, note.position, note.accuracy_m, rules) if target else NOTHING
    row |= {"at": at, "received_at": now, "at_place": str(seen.verdict), "distance_m": seen.distance_m}
    patrols.add_note(db, row)
    facts = {"shift_id": str(shift.id), "kind": str(note.kind), "report_id": str(note.report_id or "")}
    facts["at_place"] = str(seen.verdict)
    audit.append(db, [done(actor, now, "patrol:note", "note", str(note.id), shift.subdistrict_code, **facts)])
    return row


def _require_on_duty(shift: Shift, at: datetime) -> None:
    if not shift.on_at <= at <= shift.ends_by:
        raise NotReady("Sign on first.", article="22-1", rule="R22a", guard="on_duty")


def _known_target(db: Db, actor: Actor, shift: Shift, note: Note, now: datetime) -> Target | None:
    """What a note is about, where it names a target; both that and its report are the actor's."""
    if note.report_id is not None and not patrols.is_report_of(db, note.report_id, actor):
        raise NotFound("You filed no such report.", kind="report")
    if note.target_id is None:
        return None
    plans = patrols.plans_of(db, actor, shift.cell_codes, now)
    found = next((t for plan in plans for t in plan.targets if t.id == note.target_id), None)
    if found is None:
        raise NotFound("No such target in your cells.", kind="target")
    return found
