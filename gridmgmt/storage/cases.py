"""Cases: load, lock, file away. A case row and its new history lines are always written together.

The intake path is two round trips, for any number of reports: :func:`look_before_intake` reads
everything that storage has to say about them, :func:`store_intake` writes reports, cases, history,
outbox and audit in one statement. Later moves lock the row, check the version and append.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from types import MappingProxyType
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import RowMapping, outerjoin, select, text, update
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.domain.case import Case, Decision, Step
from gridmgmt.domain.org import Actor
from gridmgmt.domain.permissions import Axis
from gridmgmt.domain.personal import Confidence
from gridmgmt.domain.workflow import State
from gridmgmt.domain.worktime import LimitUnit
from gridmgmt.errors import ContentDiffers, NotAllowed, NotFound, StaleVersion
from gridmgmt.geo.crs import GEOGRAPHIC_SRID, LonLat
from gridmgmt.storage import audit, outbox
from gridmgmt.storage.db import Db, hot_json
from gridmgmt.storage.milestones import milestone_row, read_milestone
from gridmgmt.storage.nearby import NEARBY_OF_ASKED, Nearby, box_around, read_nearby
from gridmgmt.storage.photos import PHOTO, RECORDING, kind_of
from gridmgmt.storage.tables import case_steps, cases, people

_CASE_FIELDS = tuple(f.name for f in fields(Case))
_CASE_COLUMNS = tuple(cases.c[name] for name in _CASE_FIELDS)
_STEP_COLUMNS = tuple(
    case_steps.c[name]
    for name in (
        "seq", "action", "from_state", "to_state", "actor_id", "at", "facts", "article", "on_behalf_of",
    )
)  # fmt: skip
_STATE_OF: Mapping[str | None, State | None] = MappingProxyType({None: None} | {str(s): s for s in State})


@dataclass(frozen=True, slots=True)
class BeforeIntake:
    """What the database knows before a report is decided on."""

    revision: int
    case_sequence: int
    stored_content: bytes | None
    stored_answer: Mapping[str, Any] | None
    photos_known: frozenset[str]
    recordings_known: frozenset[str]
    nearby: tuple[Nearby, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What storage is asked about a report; ``place`` is None when its datum cannot be drawn in ours.

    ``photos`` are its recordings as well.
    """

    report_id: UUID
    subdistrict_code: str
    photos: Sequence[str]
    place: LonLat | None


_LOOK = f"""
    with asked as (
        select * from json_to_recordset(cast(%s as json)) as x(no int, report_id uuid,
            subdistrict_code text, photos json, w float8, s float8, e float8, n float8))
    select cast(json_build_object(
        'revision', (select revision from app.rulebook_revision),
        'found', (select json_agg(json_build_object(
            'sequence', nextval('app.case_number_seq'),
            'content', encode(r.content_sha256, 'hex'),
            'answer', r.answer,
            'photos', (select json_object_agg(p.sha256, p.media_type) from app.photos p
                        where p.subdistrict_code = asked.subdistrict_code
                          and p.sha256 = any(array(select json_array_elements_text(asked.photos)))),
            'nearby', {NEARBY_OF_ASKED}) order by asked.no)
          from asked
          left join app.reports r
            on r.id = asked.report_id and r.subdistrict_code = asked.subdistrict_code)) as text)
"""  # noqa: S608  fixed text


def look_before_intake(db: Db, asked: Sequence[Asked], since: datetime) -> list[BeforeIntake]:
    """Everything that storage has to say about some reports, in order, in one round trip.

    Parameters
    ----------
    since : cases reported earlier are no duplicates any more.
    """
    if not asked:
        return []
    found = hot_json(db, _LOOK, [_json([_asked_row(i, a) for i, a in enumerate(asked)]), since.isoformat()])
    return [_before(found["revision"], one) for one in found["found"]]


def _asked_row(number: int, asked: Asked) -> dict[str, Any]:
    lon, lat = asked.place or (0.0, 0.0)
    return {
        "no": number,
        "report_id": asked.report_id,
        "subdistrict_code": asked.subdistrict_code,
        "photos": asked.photos,
        **box_around(LonLat(lon, lat)),
    }


def _before(revision: int, found: Mapping[str, Any]) -> BeforeIntake:
    kinds = {sha256: kind_of(media_type) for sha256, media_type in (found["photos"] or {}).items()}
    return BeforeIntake(
        revision=revision,
        case_sequence=found["sequence"],
        stored_content=None if found["content"] is None else bytes.fromhex(found["content"]),
        stored_answer=found["answer"],
        photos_known=frozenset(digest for digest, kind in kinds.items() if kind == PHOTO),
        recordings_known=frozenset(digest for digest, kind in kinds.items() if kind == RECORDING),
        nearby=read_nearby(found["nearby"]),
    )


def stored_report(db: Db, report_id: UUID, actor: Actor) -> Mapping[str, Any] | None:
    """The answer that a stored report got, inside the actor's scope; None when there is none."""
    query = text("select answer from app.reports where id = :id and subdistrict_code = any(:scope)")
    return db.execute(query, {"id": report_id, "scope": list(actor.subdistricts)}).scalar()


# One statement, one round trip, and no row without its report's.
_STORE = """
    with r as (
        insert into app.reports
        select * from jsonb_populate_recordset(null::app.reports, cast(%s as jsonb))
        on conflict (id) do nothing
        returning id),
    p as (
        insert into app.report_photos
        select x.* from jsonb_populate_recordset(null::app.report_photos, cast(%s as jsonb)) x
          join r on r.id = x.report_id),
    c as (
        insert into app.cases
        select x.* from jsonb_populate_recordset(null::app.cases, cast(%s as jsonb)) x
          join r on r.id = x.report_id),
    s as (
        insert into app.case_steps
        select x.* from jsonb_populate_recordset(null::app.case_steps, cast(%s as jsonb)) x
          join r on r.id = x.case_id),
    o as (
        insert into app.outbox (subdistrict_code, kind, case_id, at, facts)
        select x.subdistrict_code, x.kind, x.case_id, x.at, x.facts
          from jsonb_populate_recordset(null::app.outbox, cast(%s as jsonb)) with ordinality x
          join r on r.id = x.case_id
         order by x.ordinality),
    a as (
        insert into app.audit_log (at, actor_id, subdistrict_code, action, object_kind, object_id, outcome,
                                   facts, request_id)
        select x.at, x.actor_id, x.subdistrict_code, x.action, x.object_kind, x.object_id, x.outcome,
               x.facts, x.request_id
          from jsonb_populate_recordset(null::app.audit_log, cast(%s as jsonb)) x
          join r on r.id = cast(x.object_id as uuid))
    select cast(json_agg(id) as text) from r
"""


@dataclass(frozen=True, slots=True)
class Intake:
    """All rows of one accepted report. ``decisions`` in order; the last one holds the case as stored.

    ``photos``, then recordings.
    """

    report: Mapping[str, Any]
    photos: Sequence[str]
    decisions: Sequence[Decision]
    place: LonLat | None
    h3: int | None
    routing: Mapping[str, Any]
    duty: Mapping[str, Any]
    entries: Sequence[audit.AuditEntry]
    confidence: Confidence | None = None
    """What the report confides; ``storage.confidences`` keeps it."""


def store_intake(db: Db, intakes: Sequence[Intake]) -> frozenset[UUID]:
    """Write reports, photos' links, cases, history, outbox and audit in one statement.

    Returns the ids that were written. Of a report whose id was stored by somebody else in the
    meantime (two taps at once) nothing is written: the caller reads and answers with what is there.
    """
    if not intakes:
        return frozenset()
    # In order of their ids, so that two groups that share some wait for each other and never in a ring.
    intakes = sorted(intakes, key=lambda i: str(i.report["id"]))
    rows = (
        [i.report for i in intakes],
        [_photo_row(i.report, n, sha256) for i in intakes for n, sha256 in enumerate(i.photos)],
        [_case_row(i) for i in intakes],
        [_step_row(d) for i in intakes for d in i.decisions],
        [outbox.row(e) for i in intakes for d in i.decisions for e in d.events],
        [audit.row(e) for i in intakes for e in i.entries],
    )
    return frozenset(map(UUID, hot_json(db, _STORE, [_json(r) for r in rows]) or ()))


def _photo_row(report: Mapping[str, Any], position: int, sha256: str) -> dict[str, Any]:
    code = report["subdistrict_code"]
    return {"report_id": report["id"], "position": position, "subdistrict_code": code, "sha256": sha256}


def _case_row(intake: Intake) -> dict[str, Any]:
    decision = intake.decisions[-1]
    return _case_values(decision.case) | {
        "updated_at": decision.step.at,
        "routing": intake.routing,
        "duty": intake.duty,
        "h3": intake.h3,
        "place": _ewkt(intake.place) if intake.place else None,
    }


def _ewkt(place: LonLat) -> str:
    # repr gives the shortest text that reads back as the same number: nothing is rounded.
    return f"SRID={GEOGRAPHIC_SRID};POINT({place.lon!r} {place.lat!r})"


def _json(value: Any) -> str:
    return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    return dict(value) if isinstance(value, Mapping) else str(value)


def _case_values(case: Case) -> dict[str, Any]:
    values = {name: getattr(case, name) for name in _CASE_FIELDS}
    values["acted"] = {str(k): str(v) for k, v in case.acted.items()}
    values["milestones"] = [milestone_row(m) for m in case.milestones]
    return values


def _step_row(decision: Decision) -> dict[str, Any]:
    step = decision.step
    return {
        "case_id": step.case_id,
        "subdistrict_code": decision.case.subdistrict_code,
        "seq": step.seq,
        "action": step.action,
        "from_state": step.from_state,
        "to_state": step.to_state,
        "actor_id": step.actor_id,
        "at": step.at,
        "facts": dict(step.facts),
        "article": step.article,
        "on_behalf_of": step.on_behalf_of,
    }


def case_from(row: RowMapping) -> Case:
    """The case in a row that has its columns under ``case_`` and their names, as ``board.case_row`` does."""
    return _case(row, "case_")


def _case(row: RowMapping, prefix: str = "") -> Case:
    values = {name: row[prefix + name] for name in _CASE_FIELDS}
    values["state"] = State(values["state"])
    values["limit_unit"] = LimitUnit(values["limit_unit"]) if values["limit_unit"] else None
    values["milestones"] = tuple(map(read_milestone, values["milestones"]))
    values["acted"] = MappingProxyType({UUID(k): Axis(v) for k, v in values["acted"].items()})
    return Case(**values)


def load(db: Db, case_id: UUID, actor: Actor, *, lock: bool = False) -> Case:
    """The case, inside the actor's scope; with ``lock`` nobody else moves it before the commit.

    Raises
    ------
    NotFound
        No such case in the actor's subdistricts; whether it exists elsewhere is not said.
    NotAllowed
        It may be looked at and not be moved.
    """
    query = select(*_CASE_COLUMNS).where(
        cases.c.id == case_id, cases.c.subdistrict_code.in_(actor.subdistricts)
    )
    found = db.execute(query.with_for_update() if lock else query).first()
    if found is None:
        # Row-level security hides from the lock what the actor may see and not change.
        if lock and db.execute(query).first() is not None:
            raise NotAllowed("Your roles move no case.", article="11", rule="R11", in_scope=True)
        raise NotFound("No such case.", kind="case")
    return _case(found._mapping)


def of_ids(db: Db, case_ids: Sequence[UUID]) -> list[Case]:
    """Some cases, for the platform itself: row-level security alone says which."""
    query = select(*_CASE_COLUMNS).where(cases.c.id.in_(case_ids))
    return [_case(r._mapping) for r in db.execute(query)]


def save(
    db: Db, decision: Decision, entries: Sequence[audit.AuditEntry], *, command_id: UUID | None = None
) -> None:
    """Write what ``advance`` decided: the case as it is now, the history line, outbox and audit.

    Raises
    ------
    StaleVersion
        The stored version is not the one that the decision built on.
    ContentDiffers
        The command's id was used for another case at this very moment.
    """
    case = decision.case
    changed = db.execute(
        update(cases)
        .where(cases.c.id == case.id, cases.c.version == case.version - 1)
        .values(**_case_values(case), updated_at=decision.step.at)
    )
    if changed.rowcount != 1:
        raise StaleVersion("The case has moved on.", rule="R22a", expected=case.version - 1)
    row = insert(case_steps).values(**_step_row(decision), command_id=command_id)
    once = row.on_conflict_do_nothing(index_elements=["command_id"])
    if db.execute(once.returning(case_steps.c.seq)).first() is None:
        raise ContentDiffers("This id belongs to another command, which was done.", rule="R22a")
    outbox.append(db, decision.events)
    audit.append(db, entries)


def set_routing(db: Db, case_id: UUID, routing: Mapping[str, Any]) -> None:
    """Keep the newest routing decision beside the case; earlier ones stay in the history's facts."""
    db.execute(update(cases).where(cases.c.id == case_id).values(routing=dict(routing)))


def history(db: Db, case_id: UUID) -> list[Step]:
    """The lines of a case that was loaded within scope, first to last."""
    return history_with_names(db, case_id)[0]


def history_with_names(db: Db, case_id: UUID) -> tuple[list[Step], dict[UUID, str]]:
    """As :func:`history`, and the names of those who acted."""
    names = outerjoin(case_steps, people, people.c.id == case_steps.c.actor_id)
    query = select(*_STEP_COLUMNS, people.c.name).select_from(names)
    rows = db.execute(query.where(case_steps.c.case_id == case_id).order_by(case_steps.c.seq)).all()
    steps = [
        Step(case_id, seq, action, _STATE_OF[before], State(after), actor_id, at, facts, article, behalf)
        for seq, action, before, after, actor_id, at, facts, article, behalf, _ in rows
    ]
    return steps, {row.actor_id: row.name for row in rows if row.name is not None}
