"""What somebody does about his own account: devices, signing out everywhere, another password, codes.

Closing a door needs no second factor; opening one does. Password hashes and second factors are looked at by
the wall ``door`` alone, not even by that of the person whose they are; so these functions step back to it.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from gridmgmt.adapters import secrets
from gridmgmt.domain.org import Actor
from gridmgmt.domain.passwordrules import PasswordRules, check_password
from gridmgmt.domain.throttle import counters_of
from gridmgmt.errors import NotFound, SignInRefused
from gridmgmt.services import signing_in
from gridmgmt.services.records import done
from gridmgmt.services.signing_in import Begun, Means, Opened, Visitor
from gridmgmt.storage import accounts, audit, people, sessions, throttle
from gridmgmt.storage.db import Db, acting_as
from gridmgmt.storage.rights.walls import Acting
from gridmgmt.storage.sessions import SignedIn


def overview(db: Db, session: SignedIn, now: datetime) -> dict[str, Any]:
    """Devices and live sessions of the signed-in person, and how many recovery codes he has left."""
    with acting_as(db, Acting.door()):
        me = session.actor.id
        account = accounts.account_of(db, me)
        live = sessions.live_sessions(db, me, now)
        here = {row["device_id"] for row in live if row["id"] == session.session_id}
        return {
            "login": account.login if account else "",
            "has_account": account is not None,
            "password_changed_at": account.password_changed_at if account else None,
            "recovery_codes_left": accounts.recovery_codes_left(db, me),
            "step_up_at": session.step_up_at,
            "devices": [dict(row) | {"this": row["id"] in here} for row in accounts.devices_of(db, me)],
            "sessions": [
                {
                    name: row[name]
                    for name in ("id", "kind", "device_id", "created_at", "seen_at", "expires_at")
                }
                | {"this": row["id"] == session.session_id}
                for row in live
            ],
        }


def revoke_device(db: Db, actor: Actor, now: datetime, device_id: UUID) -> None:
    """Forget a device of one's own, and end what is signed in on it.

    Raises
    ------
    NotFound
        It is nobody's, or somebody else's.
    """
    if not accounts.revoke_device(db, actor.id, device_id, now):
        raise NotFound("No such device.", kind="device")
    sessions.end_sessions_on(db, device_id, now)
    _record(db, actor, now, "device:revoke", device=str(device_id))


def sign_out_everywhere(db: Db, session: SignedIn, now: datetime) -> int:
    """End every other session of one's own at once; how many tokens died."""
    ended = sessions.end_sessions_of(db, session.actor.id, now, but=session.session_id)
    with acting_as(db, Acting.door()):
        accounts.end_sign_ins_of(db, session.actor.id, now)
    _record(db, session.actor, now, "session:end_others", ended=ended)
    return ended


def renew_recovery_codes(db: Db, actor: Actor, now: datetime, codes: list[str]) -> None:
    """These recovery codes instead of those before.

    Raises
    ------
    NotFound
        The person has no account.
    """
    digests = [secrets.digest(secrets.plain_code(code)) for code in codes]
    with acting_as(db, Acting.door()):
        if accounts.account_of(db, actor.id) is None:
            raise NotFound("This person has no account.", kind="account")
        accounts.replace_recovery_codes(db, actor.id, digests)
    _record(db, actor, now, "account:recovery_codes")


def step_up(
    db: Db, session: SignedIn, now: datetime, visitor: Visitor, code: str | None, means: Means, *, demo: bool
) -> SignInRefused | None:
    """Show the second factor again; None when it was right, the refusal when not, with the attempt charged.

    In the demo its synthetic people, who have no account, need no code: there is nothing to protect.

    Raises
    ------
    TooManyAttempts
        This person has to wait.
    """
    actor = session.actor
    with acting_as(db, Acting.door()):
        account = accounts.account_of(db, actor.id)
        if account is not None:
            # Counted against this session: whoever holds it without a device's cookie has no other way round.
            own = session.session_id.bytes
            counters = counters_of("code", account.login, device=own, network=visitor.network)
            throttle.charge(db, counters, now)
            if not signing_in.is_right_code(db, now, account, code or "", means.keys):
                return signing_in.refuse()
            throttle.give_back(db, counters, now)
    if account is None and not (demo and people.is_synthetic(db, actor.id)):
        return signing_in.refuse()
    _record(db, actor, now, "session:step_up" if account else "session:step_up_demo")
    return None


def replace_token(db: Db, now: datetime, old_sha256: bytes, visitor: Visitor) -> None:
    """Give the session another token, whose second factor is fresh."""
    with acting_as(db, Acting.door()):
        sessions.replace_token(db, old_sha256, visitor.token_sha256, now, now)


def begin_password_change(
    db: Db, session: SignedIn, now: datetime, new_password: str, rules: PasswordRules
) -> Begun:
    """Charge an attempt at the present password, after the new one was found good enough.

    Raises
    ------
    WeakPassword, TooManyAttempts
    """
    me = session.actor.id
    check_password(new_password, rules, signing_in.words_about(db, me))
    with acting_as(db, Acting.door()):
        account = accounts.account_of(db, me)
        login = account.login if account else str(me)
        counters = counters_of("password", login, device=session.session_id.bytes, network="")
        throttle.charge(db, counters, now)
    return Begun(account, counters)


def change_password(
    db: Db, actor: Actor, now: datetime, visitor: Visitor, begun: Begun, password_hash: str, means: Means
) -> Opened:
    """Another password; every session of before ends, this one too, and a new one begins."""
    with acting_as(db, Acting.door()):
        throttle.give_back(db, begun.counters, now)
        accounts.set_password(db, actor.id, password_hash, now)
        sessions.end_sessions_of(db, actor.id, now)
        _record(db, actor, now, "account:password")
        return signing_in.open_session(db, now, visitor, actor.id, means.times)


def _record(db: Db, actor: Actor, now: datetime, action: str, **facts: Any) -> None:
    code = min(actor.subdistricts, default="")
    audit.append(db, [done(actor, now, action, "person", str(actor.id), code, **facts)])
