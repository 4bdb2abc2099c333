"""What pages and peers may see: read models put together from storage rows and the rulebook.

Everything here reads inside the actor's scope and changes nothing. Shapes are those of the HTTP
contract (docs/reference/api.md); times stay datetimes until the edge renders them.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, time, tzinfo
from typing import Any
from uuid import UUID

from gridmgmt.domain import case as case_rules
from gridmgmt.domain.beside import Beside
from gridmgmt.domain.case import Case
from gridmgmt.domain.events import EVENT_NAMES_ZH
from gridmgmt.domain.guards import require_reopenable
from gridmgmt.domain.handover import HAND_OVER, HAND_OVER_NAME_ZH
from gridmgmt.domain.onsite import ON_SITE
from gridmgmt.domain.org import SYSTEM_ACTOR_ID, Actor
from gridmgmt.domain.permissions import Permission, require
from gridmgmt.domain.rulebook import RuleBook
from gridmgmt.domain.windows import Window
from gridmgmt.domain.workflow import (
    ACTION_NAMES_ZH,
    STATE_NAMES_ZH,
    TRANSITIONS,
    Action,
    State,
    legal_actions,
)
from gridmgmt.domain.worktime import Light, LimitUnit, light
from gridmgmt.errors import GridError, NotFound
from gridmgmt.geo import hexes
from gridmgmt.services import overlays
from gridmgmt.services.asking import may_ask
from gridmgmt.services.calendars import coverage
from gridmgmt.services.choices import choices
from gridmgmt.services.clocking import clocks_told, hides, offered_milestone
from gridmgmt.services.handling import clocks_of
from gridmgmt.services.offering import Looking
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import beside, board, cases, outbox, reclockings, requests
from gridmgmt.storage.board import CaseFilter, Row
from gridmgmt.storage.db import Db
from gridmgmt.storage.outbox import OutboxRow

# Lines of a history that no person's action wrote.
_STEP_NAMES_ZH: Mapping[str, str] = {"report": "上报", HAND_OVER: HAND_OVER_NAME_ZH}


def subdistrict_of(actor: Actor) -> str:
    """The subdistrict that a page shows: the actor's own, the smallest code when he has several.

    Raises
    ------
    NotFound
        The actor's roles hold for no subdistrict.
    """
    if not actor.subdistricts:
        raise NotFound("You have no subdistrict.", kind="subdistrict")
    return min(actor.subdistricts)


def day_began_at(now: datetime, zone: tzinfo) -> datetime:
    """Midnight of the street's own day, aware UTC."""
    return datetime.combine(now.astimezone(zone).date(), time(0), zone).astimezone(UTC)


def case_light(row: Row, book: RuleBook, now: datetime) -> Light | None:
    """The light of a case's handling limit; None when it has none or is paused or closed.

    A result that was handed in keeps the light it came with: what the desks take is not the unit's.
    """
    if row["due_at"] is None or row["clock_paused_at"] is not None or row["closed_at"] is not None:
        return None
    return _light(row, book, now)


def _light(row: Row, book: RuleBook, now: datetime) -> Light:
    at, unit = row["handled_at"] or now, LimitUnit(row["limit_unit"])
    return light(row["clock_started_at"], row["due_at"], at, book.calendar, unit)


def routing_facts(routing: Mapping[str, Any], book: RuleBook) -> dict[str, Any]:
    """A stored routing decision with the names that people read."""
    worker, found = routing.get("worker_id"), book.units.get(str(routing.get("unit_code")))
    return {
        **routing,
        "unit_name": found.name if found else None,
        "worker_name": book.people.get(UUID(str(worker))) if worker else None,
        "trace": [
            {"rule_id": rule, "outcome": outcome, "matched": outcome == "matched", "why": why}
            for rule, outcome, why in routing.get("trace", ())
        ],
    }


def category_facts(key: str, book: RuleBook, on: datetime) -> dict[str, str]:
    """Key, code and name of a class; the bare key where the catalogue no longer knows it."""
    category = book.category_or_none(key, on)
    if category is None:
        return {"key": key, "code": key.rsplit(":", 1)[-1], "name": key}
    return {"key": key, "code": category.code, "name": category.name}


def case_facts(row: Row, book: RuleBook, now: datetime) -> dict[str, Any]:
    """One case as lists show it."""
    state = State(row["state"])
    point = None if row["lon"] is None else {"lon": row["lon"], "lat": row["lat"]}
    shown = case_light(row, book, now)
    return {
        "id": row["id"],
        "number": row["number"],
        "state": state,
        "state_name": STATE_NAMES_ZH[state],
        "category": category_facts(row["category"], book, row["reported_at"]),
        "community_name": row["community_name"],
        "cell_code": row["cell_code"],
        "position": point,
        "place_basis": "point" if point else "cell",
        "label_position": {"lon": row["label_lon"], "lat": row["label_lat"]},
        "source": row["source"],
        "reported_at": row["reported_at"],
        "due_at": row["due_at"],
        "stage_due_at": row["stage_due_at"],
        "light": shown,
        "unit_code": row["unit_code"],
        "unit_name": row["unit_name"],
        "worker_id": row["worker_id"],
        "worker_name": row["worker_name"],
        "signed_at": row["signed_at"],
        "version": row["version"],
        "updated_at": row["updated_at"],
    }


def case_list(
    db: Db,
    actor: Actor,
    now: datetime,
    books: RuleBooks,
    only: CaseFilter,
    *,
    limit: int,
    before: tuple[datetime, UUID] | None,
) -> list[dict[str, Any]]:
    """Cases in scope, last changed first."""
    code = subdistrict_of(actor)
    require(actor, Permission.CASE_READ, code)
    book = books.current(db, code)
    rows = board.list_cases(db, actor, only, limit=limit, before=before)
    return [case_facts(r, book, now) for r in rows]


def case_detail(db: Db, actor: Actor, now: datetime, books: RuleBooks, case_id: UUID) -> dict[str, Any]:
    """One case with its report, reasons, history, requests and what the actor may do next.

    Raises
    ------
    NotFound
        Not in the actor's scope.
    """
    row = board.case_row(db, actor, case_id)
    if row is None:
        raise NotFound("No such case.", kind="case")
    require(actor, Permission.CASE_READ, row["subdistrict_code"])
    book = books.current(db, row["subdistrict_code"])
    case = cases.case_from(row)
    found = beside.survey(db, case.id)
    standing, there = found.standing, found.there
    steps, names = cases.history_with_names(db, case_id)
    recorded = reclockings.of_case(db, case_id) if "recomputed" in there else []
    return case_facts(row, book, now) | {
        "report": {
            "id": row["report_id"],
            "description": row["description"],
            "position": {
                "lon": row["sent_lon"],
                "lat": row["sent_lat"],
                "datum": row["datum"],
                "accuracy_m": row["accuracy_m"],
            },
            "observed_at": row["observed_at"],
            "received_at": row["received_at"],
            "photos": row["photos"],
            "recordings": row["recordings"],
        },
        "routing": routing_facts(row["routing"], book),
        "duty": row["duty"],
        "history": [
            {
                "seq": s.seq,
                "action": s.action,
                "action_name": _STEP_NAMES_ZH.get(s.action) or ACTION_NAMES_ZH[Action(s.action)],
                "from_state": s.from_state,
                "to_state": s.to_state,
                "actor_id": s.actor_id,
                "actor_name": "系统" if s.actor_id == SYSTEM_ACTOR_ID else names.get(s.actor_id, ""),
                "at": s.at,
                "facts": s.facts,
                "article": s.article,
                "on_behalf_of": s.on_behalf_of,
            }
            for s in steps
        ],
        "requests": requests.of_case(db, case_id) if "requests" in there else [],
        "legal": [
            _offer(case, action, actor, now, book, standing)
            for action in legal_actions(case.state)
            if not hides(case, action)
        ],
        "beside": overlays.facts_of(
            db, case, Looking(actor, now, book, {**standing.hands, **case.acted}), there
        ),
        "clocks": clocks_told(book, case, steps, recorded, now),
    }


def _offer(
    case: Case, action: Action, actor: Actor, now: datetime, book: RuleBook, standing: Beside
) -> dict[str, Any]:
    """What the client may show for one legal action: do it, ask for it, or why not."""
    row = TRANSITIONS[case.state, action]
    # Every required fact is taken as given: the offer is about the person, not about the form.
    given = dict.fromkeys(row.requires, "given") | {"master_id": "given", "feedback": "given", "found": True}
    given |= {"milestone": offered_milestone(case), "place_reason": "given"}
    if case.ruled:
        given["unit_code"] = case.unit_code
    offer: dict[str, Any] = {
        "action": action,
        "name": ACTION_NAMES_ZH[action],
        "requires": sorted(row.requires | ({"feedback"} if _asks_feedback(case, action) else set())),
        "needs_request": row.needs_request,
        "on_site": action in ON_SITE,
        "may": None,
        "refusal": None,
        "choices": choices(case, action, now, book),
    }
    try:
        if row.needs_request:
            may_ask(case, action, actor, now, clocks_of(book, case, now))
            offer["may"] = "ask"
        else:
            case_rules.check(case, action, actor, given, beside=standing)
            if action is Action.REOPEN:
                clocks = clocks_of(book, case, now)
                require_reopenable(case.closed_at, clocks.window_end(Window.REOPEN, case.closed_at), now)
            offer["may"] = "do"
    except GridError as refusal:
        offer["refusal"] = {"code": refusal.code, "detail": refusal.message, "article": refusal.article}
    return offer


def _asks_feedback(case: Case, action: Action) -> bool:
    return action is Action.CLOSE and case.needs_feedback


def loop_board(db: Db, actor: Actor, now: datetime, books: RuleBooks) -> dict[str, Any]:
    """The state of the loop: counts by state, lights, units, the newest events."""
    code = subdistrict_of(actor)
    require(actor, Permission.BOARD_READ, code)
    book = books.current(db, code)
    plan = book.plan_or_none(now)
    nothing: Mapping[str, int] = {}
    by_state: dict[str, Mapping[str, Any]] = {
        r["state"]: dict(r) for r in board.counts_by_state(db, actor, now)
    }
    today = board.totals(db, actor, now, day_began_at(now, book.timezone))
    states = [
        {
            "state": s,
            "name": STATE_NAMES_ZH[s],
            "count": by_state.get(s, nothing).get("count", 0),
            "overdue": by_state.get(s, nothing).get("overdue", 0),
        }
        for s in State
    ]
    return {
        "at": now,
        "subdistrict": {"code": code, "name": book.subdistrict.name},
        "plan": None
        if plan is None
        else {
            "version": plan.plan.version,
            "valid_from": plan.plan.valid_from,
            "cells": len(plan.plan.cells),
        },
        "totals": {
            "reported_today": today["reported_today"],
            "closed_today": today["closed_today"],
            "open": sum(s["count"] for s in states if not s["state"].is_final),
            "closed": by_state.get("closed", nothing).get("count", 0),
            "overdue": sum(s["overdue"] for s in states),
            "unrouted": today["unrouted"],
        },
        "states": states,
        "lights": _lights(db, actor, book, now),
        "units": [dict(r) for r in board.counts_by_unit(db, actor, now)],
        "recent": [_event_facts(r, book, now) for r in board.recent_events(db, actor)],
        "last_event_id": outbox.last_delivery(db),
        "calendar": coverage(book.calendar_id, book.calendar, book.day_of(now)),
    }


def _lights(db: Db, actor: Actor, book: RuleBook, now: datetime) -> dict[str, int]:
    counted = Counter(_light(r, book, now) for r in board.running_clocks(db, actor))
    return {str(shown): counted[shown] for shown in Light}


def _event_facts(row: Row, book: RuleBook, now: datetime) -> dict[str, Any]:
    category = None if row["category"] is None else category_facts(row["category"], book, now)["name"]
    return {
        "id": row["id"],
        "at": row["at"],
        "kind": row["kind"],
        "kind_name": EVENT_NAMES_ZH.get(row["kind"], row["kind"]),
        "case_id": row["case_id"],
        "number": row["number"],
        "state": row["state"],
        "cell_code": row["cell_code"],
        "category_name": category,
    }


def newest_event(db: Db, actor: Actor) -> int:
    """The delivery number that a live page begins after."""
    require(actor, Permission.BOARD_READ, subdistrict_of(actor))
    return outbox.last_delivery(db)


def events_after(db: Db, actor: Actor, delivery_no: int, *, limit: int) -> list[OutboxRow]:
    """Delivered events of the actor's subdistricts after a number, in order."""
    require(actor, Permission.BOARD_READ, subdistrict_of(actor))
    return outbox.delivered_after(db, delivery_no, actor.subdistricts, limit=limit)


def heat_hexes(
    db: Db,
    actor: Actor,
    resolution: int,
    *,
    since: datetime | None,
    until: datetime | None,
    state: str | None,
) -> Mapping[str, Any]:
    """Cases per H3 hex as GeoJSON; cases whose datum has no point in ours are counted beside it."""
    require(actor, Permission.BOARD_READ, subdistrict_of(actor))
    rows = board.heat(db, actor, resolution, since=since, until=until, state=state)
    features = [
        {
            "type": "Feature",
            "id": r["h3"],
            "geometry": {
                "type": "Polygon",
                "coordinates": [[list(xy) for xy in hexes.hex_polygon(r["h3"]).exterior.coords]],
            },
            "properties": {"h3": f"{r['h3']:x}", "count": r["count"]},
        }
        for r in rows
        if r["h3"] is not None
    ]
    return {
        "type": "FeatureCollection",
        "features": features,
        "resolution": resolution,
        "total": sum(r["count"] for r in rows),
        "without_point": sum(r["count"] for r in rows if r["h3"] is None),
    }
