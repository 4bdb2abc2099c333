"""Setting up an account from a one-time link: a password, an authenticator, recovery codes.

There is no first password that somebody else knows. Whoever holds the link, once and until it lapses,
chooses; the link comes from the command line for the first administrators, from a security administrator for
everybody else, and again from him when somebody lost what he had.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from gridmgmt.adapters import secrets
from gridmgmt.domain.passwordrules import PasswordRules, check_password
from gridmgmt.domain.throttle import counters_of
from gridmgmt.errors import LinkNotValid, NotSignedIn
from gridmgmt.services import signing_in
from gridmgmt.services.records import done
from gridmgmt.services.signing_in import TICKET_LIFETIME, Means, Opened, Visitor
from gridmgmt.storage import accounts, audit, sessions, throttle
from gridmgmt.storage.db import Db


@dataclass(frozen=True, slots=True)
class Invited:
    """Whose link it is."""

    person_id: UUID
    login: str
    name: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """A password's hash and a new authenticator's secret, for the account that a link is for."""

    link_sha256: bytes
    password_hash: str
    secret: str


@dataclass(frozen=True, slots=True)
class Shown:
    """The authenticator's code, and the recovery codes that were made for the time after."""

    code: str
    recovery_codes: list[str]


def invited(db: Db, now: datetime, link_sha256: bytes) -> Invited:
    """Whose link this is.

    Raises
    ------
    LinkNotValid
        It was used, has lapsed, or never was.
    """
    found = accounts.person_of_link(db, link_sha256, now)
    if found is None:
        raise LinkNotValid("This link is not valid any more.", article="41", rule="R41c")
    return Invited(found["id"], found["login"], found["name"])


def choose_password(
    db: Db, now: datetime, link_sha256: bytes, password: str, rules: PasswordRules
) -> Invited:
    """Whose link this is, after the password was found good enough.

    Raises
    ------
    LinkNotValid, WeakPassword
    """
    who = invited(db, now, link_sha256)
    check_password(password, rules, signing_in.words_about(db, who.person_id))
    return who


def begin_enrolment(db: Db, now: datetime, ticket_sha256: bytes, chosen: Chosen, means: Means) -> None:
    """Keep the chosen password and a new authenticator's secret until a code of it was shown."""
    who = invited(db, now, chosen.link_sha256)
    sealed = means.keys.seal(chosen.secret.encode(), context=signing_in.totp_context(who.person_id))
    accounts.begin_sign_in(
        db,
        ticket_sha256,
        who.person_id,
        "enrol",
        link_sha256=chosen.link_sha256,
        password_hash=chosen.password_hash,
        totp_sealed=sealed,
        created_at=now,
        expires_at=now + TICKET_LIFETIME,
    )


def finish(
    db: Db, now: datetime, visitor: Visitor, ticket_sha256: bytes, shown: Shown, means: Means
) -> Opened | NotSignedIn:
    """The authenticator's first code: the account is set up and its owner signed in.

    What he had before is void: passwords, codes, sessions, devices.

    Returns
    -------
    The opened session; or the refusal of a wrong code, with the attempt charged.

    Raises
    ------
    TooManyAttempts, LinkNotValid
    """
    under_way = accounts.sign_in_under_way(db, ticket_sha256, "enrol", now)
    if under_way is None:
        return signing_in.refuse()
    person_id: UUID = under_way["person_id"]
    counters = counters_of("code", f"enrol:{person_id}", device=None, network=visitor.network)
    throttle.charge(db, counters, now)
    secret = means.keys.open(under_way["totp_sealed"], context=signing_in.totp_context(person_id)).decode()
    step = secrets.totp_step(secret, shown.code.strip(), now)
    if step is None:
        return signing_in.refuse()
    throttle.give_back(db, counters, now)
    if not accounts.use_link(db, under_way["link_sha256"], now):
        raise LinkNotValid("This link is not valid any more.", article="41", rule="R41c")
    accounts.set_up_account(db, person_id, under_way["password_hash"], under_way["totp_sealed"], step, now)
    accounts.replace_recovery_codes(
        db, person_id, [secrets.digest(secrets.plain_code(made)) for made in shown.recovery_codes]
    )
    accounts.end_sign_ins_of(db, person_id, now)
    accounts.revoke_devices_of(db, person_id, now)
    sessions.end_sessions_of(db, person_id, now)
    opened = signing_in.open_session(db, now, visitor, person_id, means.times)
    code_of_street = min(opened.actor.subdistricts, default="")
    audit.append(db, [done(opened.actor, now, "account:set_up", "person", str(person_id), code_of_street)])
    return opened
