"""Who am I, signing out, and the demo's one-tap sign-in (only where the environment is ``demo``)."""

import secrets
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response

from api.answers import Json
from api.cookies import give_session, take_session
from api.deps import AppParts, OneTransaction, Parts, token_hash
from api.models import Model, problems
from api.told import DemoDefaults, DemoPerson, StreetOfPerson
from gridmgmt.domain.org import Actor
from gridmgmt.domain.sessionrules import kind_for
from gridmgmt.errors import NotFound
from gridmgmt.services import sessions
from gridmgmt.storage.db import Db, act_as, transaction
from gridmgmt.storage.rights.walls import Acting

router = APIRouter(tags=["sessions"])


class Me(Model):
    """The signed-in person and what he may do."""

    id: UUID
    name: str
    login: str
    roles: list[str]
    permissions: list[str]
    subdistrict: StreetOfPerson | None
    unit_code: str | None
    unit_name: str | None
    cell_codes: list[str]
    demo: bool
    map_review_number: str | None


class DemoPeople(Model):
    """The synthetic people of the demo."""

    demo: bool
    label: str
    people: list[DemoPerson]
    defaults: DemoDefaults


class DemoSignIn(Model):
    """Whose part to play."""

    person_id: UUID


def me_of(db: Db, actor: Actor, parts: Parts) -> dict[str, Any]:
    """The signed-in person as a page needs him."""
    return sessions.about(db, actor) | {
        "demo": parts.settings.is_demo,
        "map_review_number": parts.settings.map_review_number,
    }


def welcomed(db: Db, actor: Actor, parts: Parts) -> dict[str, Any]:
    """As :func:`me_of`, for somebody who was let in by this very transaction: from here on it is his."""
    act_as(db, Acting.of(actor))
    return me_of(db, actor, parts)


@router.get("/me", response_model=Me, responses=problems())
def me(work: OneTransaction) -> Response:
    """The signed-in person."""
    with work.begin(read_only=True) as w:
        body = me_of(w.db, w.actor, work.parts)
    return Json(body)


@router.delete("/session", status_code=204, responses=problems())
def sign_out(work: OneTransaction, parts: AppParts) -> Response:
    """End this session at once."""
    with work.begin() as w:
        sessions.end(w.db, w.actor, w.now, token_hash(work.token or ""))
    response = Response(status_code=204)
    take_session(response, parts)
    return response


@router.get("/demo", response_model=DemoPeople, responses=problems(404, session=False))
def demo_people(parts: AppParts) -> Response:
    """The synthetic people whose part a visitor may play; absent outside the demo."""
    _only_in_demo(parts)
    with transaction(parts.engine, Acting.door(), read_only=True) as db:
        body = sessions.demo_people(db)
    return Json(body)


@router.post("/demo/sign-in", response_model=Me, responses=problems(404, session=False))
def demo_sign_in(body: DemoSignIn, parts: AppParts, request: Request) -> Response:
    """Sign in as a synthetic person of the demo; there is no password because there is nothing to protect."""
    _only_in_demo(parts)
    now, token = parts.clock(), secrets.token_urlsafe(32)
    with transaction(parts.engine, Acting.door(request.state.request_id)) as db:
        times = parts.settings.session_times
        actor = sessions.open_demo_session(db, body.person_id, token_hash(token), now, times)
        told = welcomed(db, actor, parts)
    response = Json(told)
    give_session(response, parts, token, times.of(kind_for(actor.roles)))
    return response


def _only_in_demo(parts: Parts) -> None:
    if not parts.settings.is_demo:
        raise NotFound("There is no demo here.", kind="demo")
