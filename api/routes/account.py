"""One's own account: devices, sessions, another password, recovery codes, and showing the code again."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import Field

from api.answers import Json
from api.cookies import give_session
from api.deps import OneTransaction, SteppedUp, token_hash
from api.models import Model, problems
from api.routes.sign_in import Code, Password
from api.signing import Arrival, rules_of
from gridmgmt.adapters import secrets
from gridmgmt.domain.sessionrules import STEP_UP_FRESH, kind_for
from gridmgmt.errors import GridError
from gridmgmt.services import accounts, signing_in

router = APIRouter(tags=["account"])


class DeviceOut(Model):
    """A device that the person has signed in on."""

    id: UUID
    label: str
    first_seen_at: datetime
    last_seen_at: datetime
    this: bool


class SessionOut(Model):
    """A live session."""

    id: UUID
    kind: str
    device_id: UUID | None
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    this: bool


class AccountOut(Model):
    """The signed-in person's account."""

    login: str
    has_account: bool
    password_changed_at: datetime | None
    recovery_codes_left: int
    step_up_at: datetime | None
    devices: list[DeviceOut]
    sessions: list[SessionOut]


class StepUpIn(Model):
    """The code of the second factor; absent only for the synthetic people of the demo."""

    code: Code | None = None


class StepUpOut(Model):
    """Until when administration and exports are open.

    ``token`` is given only to clients that send a bearer token, which has been replaced by this one.
    """

    until_at: datetime
    token: str | None


class PasswordChange(Model):
    """The present password and another."""

    current_password: Password
    new_password: Annotated[str, Field(min_length=1, max_length=256)]


class RecoveryCodes(Model):
    """New recovery codes, shown once; those before are void."""

    recovery_codes: list[str]


class Ended(Model):
    """How many sessions ended."""

    ended: int


@router.get("/account", response_model=AccountOut, responses=problems())
def own_account(work: OneTransaction) -> Response:
    """Devices, sessions and what is left of the recovery codes."""
    with work.begin(read_only=True) as w:
        body = accounts.overview(w.db, w.session, w.now)
    return Json(body)


@router.delete("/account/devices/{device_id}", status_code=204, responses=problems(404))
def revoke_own_device(device_id: UUID, work: OneTransaction) -> Response:
    """Forget a device; whoever is signed in on it is signed out at once."""
    with work.begin() as w:
        accounts.revoke_device(w.db, w.actor, w.now, device_id)
    return Response(status_code=204)


@router.post("/account/sign-out-others", response_model=Ended, responses=problems())
def sign_out_others(work: OneTransaction) -> Response:
    """End every session of one's own but this one."""
    with work.begin() as w:
        ended = accounts.sign_out_everywhere(w.db, w.session, w.now)
    return Json({"ended": ended})


@router.post("/account/recovery-codes", response_model=RecoveryCodes, responses=problems(404))
def renew_recovery_codes(work: SteppedUp) -> Response:
    """Ten new recovery codes."""
    codes = secrets.new_recovery_codes()
    with work.begin() as w:
        accounts.renew_recovery_codes(w.db, w.actor, w.now, codes)
    return Json({"recovery_codes": codes})


@router.post("/account/password", response_model=Ended, responses=problems(429))
def change_password(body: PasswordChange, work: SteppedUp, visit: Arrival) -> Response:
    """Another password; every session ends, and a new one begins here."""
    parts = work.parts
    with work.begin() as w:
        begun = accounts.begin_password_change(w.db, w.session, w.now, body.new_password, rules_of(parts))
    stored = begun.account.password_hash if begun.account else None
    refusal: GridError | None = None
    if not parts.passwords.verify(body.current_password, stored):
        refusal = signing_in.refuse()
    elif body.new_password == body.current_password:
        refusal = signing_in.same_as_before()
    if refusal is not None:
        visit.record(w.actor, refusal)
        raise refusal
    hashed = parts.passwords.hash(body.new_password)
    with work.begin() as w:
        opened = accounts.change_password(w.db, w.actor, w.now, visit.visitor, begun, hashed, visit.means)
    return visit.welcome(Json({"ended": 1}), opened.limits)


@router.post("/step-up", response_model=StepUpOut, responses=problems(429))
def step_up(body: StepUpIn, work: OneTransaction, visit: Arrival) -> Response:
    """Show the second factor again: administration and exports are open for five minutes.

    The session gets another token. The old one goes on for a few seconds, without what this opened.
    """
    parts, old = work.parts, work.token or ""
    with work.begin() as w:
        demo, now = parts.settings.is_demo, w.now
        limits = parts.settings.session_times.of(kind_for(w.actor.roles))
        refusal = accounts.step_up(w.db, w.session, now, visit.visitor, body.code, visit.means, demo=demo)
        if refusal is None:
            accounts.replace_token(w.db, now, token_hash(old), visit.visitor)
    # Raised only now: that somebody tried stays on the counters.
    if refusal is not None:
        visit.record(w.actor, refusal)
        raise refusal
    answer = {"until_at": now + STEP_UP_FRESH, "token": visit.token if work.by_bearer else None}
    response = Json(answer)
    if not work.by_bearer:
        give_session(response, parts, visit.token, limits)
    return response
