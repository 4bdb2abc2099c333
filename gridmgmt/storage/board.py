"""Read models of the command centre: SQL to plain rows, no domain objects.

Every function takes the actor and reads inside his subdistricts only. Lights come from
``domain/worktime.py``; overdue is whoever has to act now and has passed ``stage_due_at``, which is the
unit's deadline while it handles, the last day of a hold, else the desk's own limit. H3 resolution is
lowered with bit arithmetic on the stored index (H3 index layout: resolution in bits 52-55, unused
digits all ones).
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, text

from gridmgmt.domain.case import Case
from gridmgmt.domain.org import Actor
from gridmgmt.storage.db import Db

Row = RowMapping

_OPEN = "c.state not in ('closed', 'rejected', 'merged', 'voided')"
_OVERDUE = f"({_OPEN} and c.stage_due_at < :now)"

_CASE_ROW = """
    c.id, c.number, c.state, c.category, c.community_code, m.name as community_name, c.cell_code, c.source,
    c.reported_at, c.due_at, c.stage_due_at, c.clock_started_at, c.clock_paused_at, c.limit_unit,
    c.handled_at, c.closed_at, c.signed_at,
    c.unit_code, u.name as unit_name, c.worker_id, w.name as worker_name, c.version, c.updated_at,
    st_x(c.place) as lon, st_y(c.place) as lat,
    st_x(coalesce(c.place, st_pointonsurface(g.geom))) as label_lon,
    st_y(coalesce(c.place, st_pointonsurface(g.geom))) as label_lat
"""
_WHOLE = ", ".join(f"c.{f.name} as case_{f.name}" for f in fields(Case))
_CASE_DETAILS = """
    join app.communities m on m.code = c.community_code
    join app.grid_cells g on g.plan_id = c.plan_id and g.code = c.cell_code
    left join app.units u on u.code = c.unit_code
    left join app.people w on w.id = c.worker_id
"""


# Somebody was asked to look on site, and has not said what he found.
_ASKED_TO_CONFIRM = """
    exists (select 1 from app.case_steps asked
             where asked.case_id = c.id and asked.action = 'ask_confirmation'
               and asked.facts ->> 'worker_id' = cast(:me as text)
               and not exists (select 1 from app.case_steps told
                                where told.case_id = c.id and told.action = 'confirm'
                                  and told.seq > asked.seq))
"""


@dataclass(frozen=True, slots=True)
class CaseFilter:
    """What a list of cases is narrowed by; None means no narrowing."""

    state: str | None = None
    cell_code: str | None = None
    category: str | None = None
    mine: bool = False
    updated_after: datetime | None = None
    open_only: bool = False


def list_cases(
    db: Db,
    actor: Actor,
    only: CaseFilter,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None = None,
) -> list[Row]:
    """Cases in the actor's scope, last changed first; ``before`` continues after a row (keyset)."""
    conditions = ["c.subdistrict_code = mine.code"]
    values: dict[str, Any] = {"scope": list(actor.subdistricts), "limit": limit}
    if only.state:
        conditions.append("c.state = :state")
        values["state"] = only.state
    if only.cell_code:
        conditions.append("c.cell_code = :cell")
        values["cell"] = only.cell_code
    if only.category:
        conditions.append("c.category like '%:' || :category")
        values["category"] = only.category
    if only.mine:
        conditions.append(
            "(c.worker_id = :me or (c.unit_code is not null and c.unit_code = :unit)"
            " or (c.state = 'handled' and c.cell_code = any(:cells))"
            f" or (c.state = 'reported' and {_ASKED_TO_CONFIRM}))"
        )
        values |= {"me": actor.id, "unit": actor.unit_code, "cells": sorted(actor.cell_codes)}
    if only.updated_after:
        conditions.append("c.updated_at > :updated_after")
        values["updated_after"] = only.updated_after
    if only.open_only:
        conditions.append(_OPEN)
    if before:
        conditions.append("(c.updated_at, c.id) < (:before_at, :before_id)")
        values |= {"before_at": before[0], "before_id": before[1]}
    # Per subdistrict along the index and no further than the page; details for the page's rows alone. With
    # "= any" PostgreSQL reads every row of the scope and sorts.
    query = text(f"""
        with page as (
            select newest.id
              from unnest(cast(:scope as text[])) as mine(code),
                   lateral (select c.id, c.updated_at from app.cases c
                             where {" and ".join(conditions)}
                             order by c.updated_at desc, c.id desc limit :limit) as newest
             order by newest.updated_at desc, newest.id desc limit :limit)
        select {_CASE_ROW} from page join app.cases c using (id) {_CASE_DETAILS}
         order by c.updated_at desc, c.id desc
    """)  # noqa: S608  fixed fragments
    return [r._mapping for r in db.execute(query, values)]


_FILES = (
    "(select coalesce(array_agg(p.sha256 order by p.position), '{{}}') from app.report_photos p"
    " join app.photos f using (subdistrict_code, sha256)"
    " where p.report_id = r.id and f.media_type {like} 'audio/%')"
)


def case_row(db: Db, actor: Actor, case_id: UUID) -> Row | None:
    """One case as lists show it and as ``cases.case_from`` reads it, with its report, routing and duty."""
    query = text(
        f"select {_CASE_ROW}, {_WHOLE}, c.routing, c.duty, c.report_id, c.subdistrict_code, r.description,"  # noqa: S608
        " r.lon as sent_lon, r.lat as sent_lat, r.datum, r.accuracy_m, r.observed_at, r.received_at,"
        f" {_FILES.format(like='not like')} as photos, {_FILES.format(like='like')} as recordings"
        f" from app.cases c {_CASE_DETAILS} join app.reports r on r.id = c.report_id"
        " where c.id = :id and c.subdistrict_code = any(:scope)"
    )
    found = db.execute(query, {"id": case_id, "scope": list(actor.subdistricts)}).first()
    return found._mapping if found else None


def names_of(db: Db, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Names of people, for the history of a case that was loaded within scope."""
    wanted = sorted(set(ids))
    if not wanted:
        return {}
    query = text("select id, name from app.people where id = any(:ids)")
    return {r.id: r.name for r in db.execute(query, {"ids": wanted})}


def counts_by_state(db: Db, actor: Actor, now: datetime) -> list[Row]:
    """(state, count, overdue) for every state that has a case."""
    query = text(
        f"select c.state, count(*) as count, count(*) filter (where {_OVERDUE}) as overdue"  # noqa: S608
        " from app.cases c where c.subdistrict_code = any(:scope) group by c.state"
    )
    return [r._mapping for r in db.execute(query, {"scope": list(actor.subdistricts), "now": now})]


def totals(db: Db, actor: Actor, now: datetime, today_began_at: datetime) -> Row:
    """Today's figures: reported_today, closed_today, unrouted."""
    query = text("""
        select count(*) filter (where c.reported_at >= :today) as reported_today,
               count(*) filter (where c.closed_at >= :today) as closed_today,
               count(*) filter (where c.state in ('reported', 'accepted', 'filed')
                                  and c.routing ->> 'unit_code' is null) as unrouted
          from app.cases c where c.subdistrict_code = any(:scope)
    """)
    values = {"scope": list(actor.subdistricts), "now": now, "today": today_began_at}
    return db.execute(query, values).one()._mapping


def running_clocks(db: Db, actor: Actor) -> list[Row]:
    """(clock_started_at, due_at, limit_unit, handled_at) of every open case whose clock is not paused."""
    query = text(
        "select c.clock_started_at, c.due_at, c.limit_unit, c.handled_at from app.cases c"  # noqa: S608
        f" where c.subdistrict_code = any(:scope) and {_OPEN}"
        " and c.due_at is not null and c.clock_paused_at is null"
    )
    return [r._mapping for r in db.execute(query, {"scope": list(actor.subdistricts)})]


def counts_by_unit(db: Db, actor: Actor, now: datetime) -> list[Row]:
    """(unit_code, unit_name, open, overdue, closed), most open first."""
    query = text(
        "select c.unit_code, u.name as unit_name,"  # noqa: S608
        f" count(*) filter (where {_OPEN}) as open, count(*) filter (where {_OVERDUE}) as overdue,"
        " count(*) filter (where c.state = 'closed') as closed"
        " from app.cases c join app.units u on u.code = c.unit_code"
        " where c.subdistrict_code = any(:scope) group by 1, 2 order by 3 desc, 1"
    )
    return [r._mapping for r in db.execute(query, {"scope": list(actor.subdistricts), "now": now})]


def recent_events(db: Db, actor: Actor, *, limit: int = 20) -> list[Row]:
    """The newest events with what the feed shows of their case, newest first."""
    query = text("""
        with newest as (
            select o.*
              from unnest(cast(:scope as text[])) as mine(code),
                   lateral (select o.id, o.at, o.kind, o.case_id, o.facts from app.outbox o
                             where o.subdistrict_code = mine.code and o.kind <> 'inbox_changed'
                             order by o.id desc limit :limit) as o
             order by o.id desc limit :limit)
        select o.id, o.at, o.kind, o.case_id, o.facts ->> 'number' as number, o.facts ->> 'state' as state,
               o.facts ->> 'cell_code' as cell_code, o.facts ->> 'unit_code' as unit_code, c.category
          from newest o left join app.cases c on c.id = o.case_id
         order by o.id desc
    """)
    return [r._mapping for r in db.execute(query, {"scope": list(actor.subdistricts), "limit": limit})]


_PARENT = (
    "((c.h3 & ~(cast(15 as bigint) << 52)) | (cast(:res as bigint) << 52)"
    " | ((cast(1 as bigint) << (3 * (15 - cast(:res as int)))) - 1))"
)


def heat(
    db: Db,
    actor: Actor,
    resolution: int,
    *,
    since: datetime | None,
    until: datetime | None,
    state: str | None,
) -> list[Row]:
    """(h3, count) per hex of ``resolution`` (9 to 12); the row with h3 NULL counts cases without a point."""
    query = text(
        f"select {_PARENT} as h3, count(*) as count from app.cases c"  # noqa: S608  fixed fragments
        " where c.subdistrict_code = any(:scope)"
        " and (cast(:since as timestamptz) is null or c.reported_at >= :since)"
        " and (cast(:until as timestamptz) is null or c.reported_at < :until)"
        " and (cast(:state as text) is null or c.state = :state) group by 1"
    )
    values = {
        "scope": list(actor.subdistricts),
        "res": resolution,
        "since": since,
        "until": until,
        "state": state,
    }
    return [r._mapping for r in db.execute(query, values)]
