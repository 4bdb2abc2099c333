"""Signing in by password and code; setting up an account from a one-time link.

A sign-in is several requests and, in the first, two transactions with the hashing between them: nothing
holds a connection while a password is hashed.
"""

from typing import Annotated, Literal

from fastapi import APIRouter, Response
from pydantic import Field

from api.answers import Json
from api.models import Model, problems
from api.routes.sessions import Me, welcomed
from api.signing import Arrival, rules_of
from gridmgmt.adapters import secrets
from gridmgmt.errors import GridError
from gridmgmt.services import setting_up, signing_in
from gridmgmt.services.setting_up import Shown
from gridmgmt.services.signing_in import Opened
from gridmgmt.storage.db import transaction
from gridmgmt.storage.rights.walls import Acting

router = APIRouter(tags=["sign-in"])

Password = Annotated[str, Field(min_length=1, max_length=256)]
Code = Annotated[str, Field(min_length=6, max_length=40)]
Secret = Annotated[str, Field(min_length=20, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]
_ISSUER = "网格化管理"


class SignIn(Model):
    """The first step."""

    login: Annotated[str, Field(min_length=1, max_length=64)]
    password: Password


class ShowCode(Model):
    """The second step: six digits of the authenticator, or a recovery code."""

    ticket: Secret
    code: Code


class ChangeAndSignIn(Model):
    """The third step, where one is asked for."""

    ticket: Secret
    password: Password


class Step(Model):
    """What comes next: ``code``, ``change_password``, or ``done`` with the person."""

    next: Literal["code", "change_password", "done"]
    ticket: str | None
    me: Me | None


class LinkIn(Model):
    """A one-time link's secret part."""

    link: Secret


class LinkAndPassword(Model):
    """A password for the account that the link is for."""

    link: Secret
    password: Password


class Invitation(Model):
    """Whose link it is, and what a password must be like."""

    login: str
    name: str
    minimum_characters: int
    complexity: bool


class Enrolment(Model):
    """What an authenticator is set up with; shown once."""

    ticket: str
    secret: str
    address: str
    qr: str


class SetUpDone(Model):
    """Recovery codes, shown once, and the person, who is signed in now."""

    recovery_codes: list[str]
    me: Me


def _step(next_: str, ticket: str | None = None, me: object = None) -> Json:
    return Json({"next": next_, "ticket": ticket, "me": me})


@router.post("/sign-in", response_model=Step, responses=problems(429))
def sign_in(body: SignIn, visit: Arrival) -> Response:
    """Name and password; a code comes next."""
    parts, now, ticket = visit.parts, visit.parts.clock(), secrets.new_token()
    with visit.refusals_on_record():
        with transaction(parts.engine, Acting.door()) as db:
            begun = signing_in.begin(db, now, visit.visitor, body.login)
        stored = begun.account.password_hash if begun.account else None
        right = parts.passwords.verify(body.password, stored)
        if not right or begun.account is None:
            raise signing_in.refuse()
        with transaction(parts.engine, Acting.door()) as db:
            signing_in.password_was_right(db, now, begun, begun.account, secrets.digest(ticket))
    return _step("code", ticket)


@router.post("/sign-in/code", response_model=Step, responses=problems(429))
def show_code(body: ShowCode, visit: Arrival) -> Response:
    """The second factor; signed in, unless another password is due."""
    now = visit.parts.clock()
    with visit.refusals_on_record():
        with transaction(visit.parts.engine, Acting.door()) as db:
            ticket_sha256 = secrets.digest(body.ticket)
            outcome = signing_in.take_code(db, now, visit.visitor, ticket_sha256, body.code, visit.means)
            me = welcomed(db, outcome.actor, visit.parts) if isinstance(outcome, Opened) else None
        # Raised only now: that somebody tried stays on the counters.
        if isinstance(outcome, GridError):
            raise outcome
    if isinstance(outcome, Opened):
        return visit.welcome(_step("done", me=me), outcome.limits)
    return _step("change_password", body.ticket)


@router.post("/sign-in/password", response_model=Step, responses=problems())
def change_and_sign_in(body: ChangeAndSignIn, visit: Arrival) -> Response:
    """Another password where one was due; signed in."""
    parts, now, ticket_sha256 = visit.parts, visit.parts.clock(), secrets.digest(body.ticket)
    with visit.refusals_on_record():
        with transaction(parts.engine, Acting.door()) as db:
            account = signing_in.demanded_change(db, now, ticket_sha256, body.password, rules_of(parts))
        if parts.passwords.verify(body.password, account.password_hash):
            raise signing_in.same_as_before()
        hashed = parts.passwords.hash(body.password)
        with transaction(parts.engine, Acting.door()) as db:
            opened = signing_in.change_password_and_open(
                db, now, visit.visitor, ticket_sha256, hashed, visit.means.times
            )
            me = welcomed(db, opened.actor, parts)
    return visit.welcome(_step("done", me=me), opened.limits)


@router.post("/set-up", response_model=Invitation, responses=problems(404))
def look_at_link(body: LinkIn, visit: Arrival) -> Response:
    """Whose one-time link this is."""
    with visit.refusals_on_record(), transaction(visit.parts.engine, Acting.door(), read_only=True) as db:
        who = setting_up.invited(db, visit.parts.clock(), secrets.digest(body.link))
    rules = rules_of(visit.parts)
    return Json(
        {
            "login": who.login,
            "name": who.name,
            "minimum_characters": rules.minimum_characters,
            "complexity": rules.complexity,
        }
    )


@router.post("/set-up/password", response_model=Enrolment, responses=problems(404))
def choose_password(body: LinkAndPassword, visit: Arrival) -> Response:
    """A password for the account, answered by what the authenticator needs."""
    parts, now, link_sha256 = visit.parts, visit.parts.clock(), secrets.digest(body.link)
    ticket, secret = secrets.new_token(), secrets.new_totp_secret()
    with visit.refusals_on_record():
        with transaction(parts.engine, Acting.door()) as db:
            who = setting_up.choose_password(db, now, link_sha256, body.password, rules_of(parts))
        hashed = parts.passwords.hash(body.password)
        with transaction(parts.engine, Acting.door()) as db:
            chosen = setting_up.Chosen(link_sha256, hashed, secret)
            setting_up.begin_enrolment(db, now, secrets.digest(ticket), chosen, visit.means)
    address = secrets.totp_address(secret, who.login, _ISSUER)
    return Json({"ticket": ticket, "secret": secret, "address": address, "qr": secrets.qr_picture(address)})


@router.post("/set-up/code", response_model=SetUpDone, responses=problems(404, 429))
def finish_set_up(body: ShowCode, visit: Arrival) -> Response:
    """The authenticator's first code: the account is ready, its owner signed in."""
    codes = secrets.new_recovery_codes()
    with visit.refusals_on_record():
        with transaction(visit.parts.engine, Acting.door()) as db:
            shown = Shown(body.code, codes)
            ticket_sha256 = secrets.digest(body.ticket)
            now = visit.parts.clock()
            outcome = setting_up.finish(db, now, visit.visitor, ticket_sha256, shown, visit.means)
            me = welcomed(db, outcome.actor, visit.parts) if isinstance(outcome, Opened) else None
        if isinstance(outcome, GridError):
            raise outcome
    return visit.welcome(Json({"recovery_codes": codes, "me": me}), outcome.limits)
