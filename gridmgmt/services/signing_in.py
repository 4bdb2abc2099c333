"""Signing in: password, then the code of a second factor, then at need another password.

Hashing a password takes a quarter of a second and must not hold a connection, so a sign-in is not one
transaction but several, and the edge (``api/signing.py``) hashes between them. Each attempt is charged in
the first, before anything costly; a wrong one stays charged, which is why refusals are *returned* here
where something has to be kept, and raised where nothing has.

Known and unknown names take the same steps and cost the same work; only the outcome differs.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from gridmgmt.adapters import secrets
from gridmgmt.adapters.keyring import KeyRing
from gridmgmt.domain.org import Actor
from gridmgmt.domain.passwordrules import PasswordRules, check_password, has_expired
from gridmgmt.domain.sessionrules import SessionLimits, SessionTimes, kind_for
from gridmgmt.domain.throttle import Counter, counters_of
from gridmgmt.errors import NotSignedIn, SignInRefused, WeakPassword
from gridmgmt.services.records import done
from gridmgmt.storage import accounts, audit, people, sessions, throttle
from gridmgmt.storage.accounts import Account
from gridmgmt.storage.db import Db
from gridmgmt.storage.sessions import NewSession

# From the right password to the right code.
TICKET_LIFETIME = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request comes from.

    ``device_sha256`` is the hash of the device's secret, also of one that was only just made; ``is_new``
    says that it was. ``network`` is as ``domain.throttle.network_of``; ``label`` names browser and system.
    ``token_sha256`` is the hash of the token that a session opened by this request gets.
    """

    device_sha256: bytes
    is_new: bool
    network: str
    label: str
    token_sha256: bytes


@dataclass(frozen=True, slots=True)
class Begun:
    """An attempt that was charged: whose it is, if anybody's, and to which counters."""

    account: Account | None
    counters: list[Counter]


@dataclass(frozen=True, slots=True)
class Opened:
    """A session that was opened; ``limits`` are those of its kind."""

    actor: Actor
    limits: SessionLimits


@dataclass(frozen=True, slots=True)
class Means:
    """What the edge brings: the key ring, the rules of the installation."""

    keys: KeyRing
    rules: PasswordRules
    times: SessionTimes


def begin(db: Db, now: datetime, visitor: Visitor, login: str) -> Begun:
    """Charge an attempt at a password and look for the account.

    Raises
    ------
    TooManyAttempts
        This device, or this account and network, has to wait.
    """
    account = accounts.account_named(db, login)
    counters = _counters(db, "password", visitor, login)
    throttle.charge(db, counters, now)
    return Begun(account, counters)


def password_was_right(db: Db, now: datetime, begun: Begun, account: Account, ticket_sha256: bytes) -> None:
    """Give the charge back and remember that the code comes next."""
    throttle.give_back(db, begun.counters, now)
    accounts.begin_sign_in(
        db, ticket_sha256, account.person_id, "code", created_at=now, expires_at=now + TICKET_LIFETIME
    )


def refuse() -> SignInRefused:
    """The one answer to a wrong name, a wrong password and a wrong code."""
    return SignInRefused("Name, password or code is not right.", article="41", rule="R41c")


def same_as_before() -> WeakPassword:
    """The answer to a new password that is the old one."""
    return WeakPassword(
        "Choose another password than the present one.", article="41", rule="R41c", reasons=["same_as_before"]
    )


def take_code(
    db: Db, now: datetime, visitor: Visitor, ticket_sha256: bytes, code: str, means: Means
) -> Opened | bytes | NotSignedIn:
    """The second step: the code of the second factor, or a recovery code.

    Returns
    -------
    The opened session; or the ticket's hash when another password has to be chosen first (the ticket goes
    on); or the refusal, with the attempt charged.

    Raises
    ------
    TooManyAttempts
        As :func:`begin`.
    """
    under_way = accounts.sign_in_under_way(db, ticket_sha256, "code", now)
    account = accounts.account_of(db, under_way["person_id"]) if under_way else None
    if account is None:
        return refuse()
    counters = _counters(db, "code", visitor, account.login)
    throttle.charge(db, counters, now)
    if not is_right_code(db, now, account, code, means.keys):
        return refuse()
    throttle.give_back(db, counters, now)
    if account.must_change or has_expired(account.password_changed_at, means.rules, now):
        accounts.next_step(db, ticket_sha256, "change_password")
        return ticket_sha256
    accounts.end_sign_in(db, ticket_sha256, now)
    return open_session(db, now, visitor, account.person_id, means.times)


def is_right_code(db: Db, now: datetime, account: Account, code: str, keys: KeyRing) -> bool:
    """Whether this is a code of the account's second factor that was not taken before; it is taken now."""
    secret = keys.open(account.totp_sealed, context=totp_context(account.person_id)).decode()
    step = secrets.totp_step(secret, code.strip(), now)
    if step is not None:
        return accounts.use_step(db, account.person_id, step)
    return accounts.use_recovery_code(db, account.person_id, secrets.digest(secrets.plain_code(code)), now)


def totp_context(person_id: UUID) -> str:
    """The place that a second factor's secret is sealed for."""
    return f"accounts|totp|{person_id}"


def demanded_change(
    db: Db, now: datetime, ticket_sha256: bytes, password: str, rules: PasswordRules
) -> Account:
    """Whose password has to be changed before he is let in, after the new one was found good enough.

    Raises
    ------
    SignInRefused
        No sign-in waits for that.
    WeakPassword
        As ``domain.passwordrules.check_password``.
    """
    under_way = accounts.sign_in_under_way(db, ticket_sha256, "change_password", now)
    account = accounts.account_of(db, under_way["person_id"]) if under_way else None
    if account is None:
        raise refuse()
    check_password(password, rules, words_about(db, account.person_id))
    return account


def words_about(db: Db, person_id: UUID) -> list[str]:
    """Words that a person is known by, which his password may not hold."""
    found = people.names_of(db, person_id)
    return [word for name in found for word in (name, *name.replace("-", " ").split())]


def change_password_and_open(
    db: Db, now: datetime, visitor: Visitor, ticket_sha256: bytes, password_hash: str, times: SessionTimes
) -> Opened:
    """The third step: another password; every session that was open before ends.

    Raises
    ------
    SignInRefused
        The ticket was used meanwhile.
    """
    under_way = accounts.sign_in_under_way(db, ticket_sha256, "change_password", now)
    if under_way is None:
        raise refuse()
    person_id: UUID = under_way["person_id"]
    accounts.end_sign_in(db, ticket_sha256, now)
    accounts.set_password(db, person_id, password_hash, now)
    sessions.end_sessions_of(db, person_id, now)
    return open_session(db, now, visitor, person_id, times)


def open_session(db: Db, now: datetime, visitor: Visitor, person_id: UUID, times: SessionTimes) -> Opened:
    """A session of somebody who has just shown all that he had to, on this device."""
    device = accounts.note_device(db, person_id, visitor.device_sha256, visitor.label, now)
    kind = kind_for(people.roles_of(db, person_id))
    session = NewSession(visitor.token_sha256, person_id, kind, times.of(kind), device, step_up_at=now)
    sessions.open_session(db, session, now)
    actor = sessions.actor_of_session(db, visitor.token_sha256, now)
    if actor is None:
        raise refuse()
    code = min(actor.subdistricts, default="")
    audit.append(db, [done(actor, now, "session:open", "person", str(actor.id), code, device=str(device))])
    return Opened(actor, times.of(kind))


def _counters(db: Db, what: str, visitor: Visitor, login: str) -> list[Counter]:
    known = not visitor.is_new and accounts.known_device(db, login, visitor.device_sha256) is not None
    device = visitor.device_sha256 if known else None
    return counters_of(what, login, device=device, network=visitor.network)
