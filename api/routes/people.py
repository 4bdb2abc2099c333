"""People and their way in, for the system administrator and the security administrator, each his own half."""

import re
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import APIRouter, Response
from pydantic import AfterValidator, Field

from api.answers import Json
from api.deps import OneTransaction, SteppedUp
from api.models import Model, problems
from gridmgmt.adapters import secrets
from gridmgmt.domain.org import Role
from gridmgmt.services import administering
from gridmgmt.storage.staff import NewPerson

router = APIRouter(tags=["people"])


def _login(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,62}[a-z0-9]", value):
        raise ValueError("a login has 3 to 64 of a-z, 0-9, dot, dash and underscore")
    return value


Subdistrict = Annotated[str, Field(pattern=r"^\d{9}$")]


class GrantIn(Model):
    """A role in a subdistrict."""

    role: Role
    subdistrict_code: Subdistrict


class PersonIn(Model):
    """Somebody who is to work here."""

    login: Annotated[str, Field(max_length=64), AfterValidator(_login)]
    name: Annotated[str, Field(min_length=1, max_length=80)]
    subdistrict_code: Subdistrict
    unit_code: Annotated[str | None, Field(max_length=40)] = None


class ActiveIn(Model):
    """Whether somebody works here."""

    active: bool


class RolesIn(Model):
    """All roles of a person in the subdistricts of whoever grants them."""

    grants: Annotated[list[GrantIn], Field(max_length=40)]


class StaffOut(Model):
    """A person as his administrators see him; nothing of what he does here."""

    id: UUID
    login: str
    name: str
    unit_code: str | None
    active: bool
    synthetic: bool
    subdistrict_code: str | None
    has_account: bool
    must_change: bool
    grants: list[GrantIn]
    live_sessions: int


class LinkOut(Model):
    """A one-time link; shown once, to be handed over in person or on paper."""

    link: str
    expires_at: str


@router.get("/people", response_model=list[StaffOut], responses=problems())
def list_people(work: OneTransaction) -> Response:
    """Everybody of the administrator's subdistricts, those who left included."""
    with work.begin(read_only=True) as w:
        found = administering.list_staff(w.db, w.actor, w.now)
    return Json(found)


@router.post("/people", status_code=201, response_model=StaffOut, responses=problems(409))
def create_person(body: PersonIn, work: SteppedUp) -> Response:
    """Make a person, without roles and without a way in (system administrator)."""
    person = NewPerson(uuid4(), body.login, body.name, body.subdistrict_code, body.unit_code)
    with work.begin() as w:
        made = administering.create_person(w.db, w.actor, w.now, person)
    return Json(made, status_code=201)


@router.put("/people/{person_id}/active", response_model=StaffOut, responses=problems(404))
def set_active(person_id: UUID, body: ActiveIn, work: SteppedUp) -> Response:
    """Say whether a person works here; whoever does not is signed out at once (system administrator)."""
    with work.begin() as w:
        person = administering.set_active(w.db, w.actor, w.now, person_id, active=body.active)
    return Json(person)


@router.put("/people/{person_id}/roles", response_model=StaffOut, responses=problems(404, 409))
def grant_roles(person_id: UUID, body: RolesIn, work: SteppedUp) -> Response:
    """Give a person these roles instead of those that he has; his sessions end (security administrator)."""
    grants = [(grant.role, grant.subdistrict_code) for grant in body.grants]
    with work.begin() as w:
        person = administering.grant_roles(w.db, w.actor, w.now, person_id, grants)
    return Json(person)


@router.post(
    "/people/{person_id}/link", status_code=201, response_model=LinkOut, responses=problems(404, 409)
)
def make_link(person_id: UUID, work: SteppedUp) -> Response:
    """A one-time link to choose a password and set up an authenticator (security administrator)."""
    token, settings = secrets.new_token(), work.parts.settings
    lifetime = timedelta(hours=settings.link_hours)
    with work.begin() as w:
        until = administering.make_link(w.db, w.actor, w.now, person_id, secrets.digest(token), lifetime)
    return Json({"link": settings.link_to_set_up(token), "expires_at": until}, status_code=201)


@router.delete("/people/{person_id}/sessions", status_code=204, responses=problems(404))
def sign_out(person_id: UUID, work: SteppedUp) -> Response:
    """End every session of a person (security administrator)."""
    return _done(work, administering.sign_out, person_id)


@router.post("/people/{person_id}/unlock", status_code=204, responses=problems(404))
def unlock(person_id: UUID, work: SteppedUp) -> Response:
    """Forget the failures that are counted against a person's name (security administrator)."""
    return _done(work, administering.unlock, person_id)


@router.post("/people/{person_id}/demand-change", status_code=204, responses=problems(404))
def demand_change(person_id: UUID, work: SteppedUp) -> Response:
    """Have a person choose another password at the next sign-in (security administrator)."""
    return _done(work, administering.demand_change, person_id)


@router.get("/people/{person_id}/devices", responses=problems(404))
def devices(person_id: UUID, work: OneTransaction) -> Response:
    """A person's devices (security administrator)."""
    with work.begin(read_only=True) as w:
        found = administering.devices_of(w.db, w.actor, w.now, person_id)
    return Json(found)


@router.delete("/people/{person_id}/devices/{device_id}", status_code=204, responses=problems(404))
def revoke_device(person_id: UUID, device_id: UUID, work: SteppedUp) -> Response:
    """Forget a person's device and end what is signed in on it (security administrator)."""
    return _done(work, administering.revoke_device, person_id, device_id)


def _done(work: SteppedUp, act: Any, *about: UUID) -> Response:
    with work.begin() as w:
        act(w.db, w.actor, w.now, *about)
    return Response(status_code=204)
