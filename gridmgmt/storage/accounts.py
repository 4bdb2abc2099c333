"""Accounts: password hashes, second factors, recovery codes, devices, one-time links, sign-ins under way."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import accounts, devices, one_time_links, people, recovery_codes, sign_ins


@dataclass(frozen=True, slots=True)
class Account:
    """An account of an active person."""

    person_id: UUID
    login: str
    password_hash: str
    password_changed_at: datetime
    must_change: bool
    totp_sealed: bytes
    totp_last_step: int


def _account(row: RowMapping | None) -> Account | None:
    return Account(**{name: row[name] for name in Account.__slots__}) if row else None


_ACCOUNT = (
    select(accounts, people.c.login).join(people, people.c.id == accounts.c.person_id).where(people.c.active)
)


def account_named(db: Db, login: str) -> Account | None:
    """The account of an active person by login; None when there is none."""
    return _account(db.execute(_ACCOUNT.where(people.c.login == login)).mappings().first())


def account_of(db: Db, person_id: UUID) -> Account | None:
    """The account of an active person; None when he has none yet."""
    return _account(db.execute(_ACCOUNT.where(people.c.id == person_id)).mappings().first())


def set_up_account(
    db: Db, person_id: UUID, password_hash: str, totp_sealed: bytes, step: int, now: datetime
) -> None:
    """Give a person a password and a second factor, in the place of those that he had."""
    values = {
        "password_hash": password_hash,
        "password_changed_at": now,
        "must_change": False,
        "totp_sealed": totp_sealed,
        "totp_last_step": step,
    }
    statement = upsert(accounts).values(person_id=person_id, created_at=now, **values)
    db.execute(statement.on_conflict_do_update(index_elements=["person_id"], set_=values))


def set_password(db: Db, person_id: UUID, password_hash: str, now: datetime) -> None:
    """Another password."""
    db.execute(
        update(accounts)
        .where(accounts.c.person_id == person_id)
        .values(password_hash=password_hash, password_changed_at=now, must_change=False)
    )


def demand_change(db: Db, person_id: UUID) -> bool:
    """Have a person choose another password at his next sign-in; whether he has an account."""
    changed = update(accounts).where(accounts.c.person_id == person_id).values(must_change=True)
    return db.execute(changed).rowcount == 1


def use_step(db: Db, person_id: UUID, step: int) -> bool:
    """Take the code of this time step; False when it, or a later one, was taken before."""
    c = accounts.c
    taken = update(accounts).where(c.person_id == person_id, c.totp_last_step < step)
    return db.execute(taken.values(totp_last_step=step)).rowcount == 1


def replace_recovery_codes(db: Db, person_id: UUID, codes_sha256: Sequence[bytes]) -> None:
    """These codes instead of all that were made before."""
    db.execute(delete(recovery_codes).where(recovery_codes.c.person_id == person_id))
    db.execute(
        insert(recovery_codes), [{"person_id": person_id, "code_sha256": code} for code in codes_sha256]
    )


def use_recovery_code(db: Db, person_id: UUID, code_sha256: bytes, now: datetime) -> bool:
    """Take a recovery code; False when there is no such unused one."""
    c = recovery_codes.c
    taken = update(recovery_codes).where(
        c.person_id == person_id, c.code_sha256 == code_sha256, c.used_at.is_(None)
    )
    return db.execute(taken.values(used_at=now)).rowcount == 1


def recovery_codes_left(db: Db, person_id: UUID) -> int:
    """How many unused recovery codes a person has."""
    c = recovery_codes.c
    query = select(func.count()).where(c.person_id == person_id, c.used_at.is_(None))
    return int(db.execute(query).scalar_one())


def known_device(db: Db, login: str, secret_sha256: bytes) -> UUID | None:
    """The device, if a person of this login has used it before and nobody revoked it."""
    query = (
        select(devices.c.id)
        .join(people, people.c.id == devices.c.person_id)
        .where(people.c.login == login, devices.c.secret_sha256 == secret_sha256)
        .where(devices.c.revoked_at.is_(None))
    )
    return db.execute(query).scalar()


def note_device(db: Db, person_id: UUID, secret_sha256: bytes, label: str, now: datetime) -> UUID:
    """The device of this secret as one of this person, first or once more."""
    statement = upsert(devices).values(
        person_id=person_id, secret_sha256=secret_sha256, label=label, first_seen_at=now, last_seen_at=now
    )
    again = statement.on_conflict_do_update(
        index_elements=["person_id", "secret_sha256"],
        # A device that was revoked and then shown both factors anew is a known device again.
        set_={"last_seen_at": now, "label": label, "revoked_at": None},
    )
    found: UUID = db.execute(again.returning(devices.c.id)).scalar_one()
    return found


def devices_of(db: Db, person_id: UUID) -> list[RowMapping]:
    """A person's devices that were not revoked, the last used first."""
    c = devices.c
    query = select(c.id, c.label, c.first_seen_at, c.last_seen_at)
    return [
        row._mapping
        for row in db.execute(
            query.where(c.person_id == person_id, c.revoked_at.is_(None)).order_by(c.last_seen_at.desc())
        )
    ]


def revoke_device(db: Db, person_id: UUID, device_id: UUID, now: datetime) -> bool:
    """Forget a device of this person; False when he has no such."""
    c = devices.c
    gone = update(devices).where(c.id == device_id, c.person_id == person_id, c.revoked_at.is_(None))
    return db.execute(gone.values(revoked_at=now)).rowcount == 1


def revoke_devices_of(db: Db, person_id: UUID, now: datetime) -> None:
    """Forget every device of a person."""
    c = devices.c
    db.execute(update(devices).where(c.person_id == person_id, c.revoked_at.is_(None)).values(revoked_at=now))


def add_link(
    db: Db, person_id: UUID, token_sha256: bytes, made_by: UUID | None, now: datetime, expires_at: datetime
) -> None:
    """A one-time link for this person; those made before it are good for nothing any more."""
    c = one_time_links.c
    db.execute(
        update(one_time_links).where(c.person_id == person_id, c.used_at.is_(None)).values(used_at=now)
    )
    db.execute(
        insert(one_time_links).values(
            token_sha256=token_sha256,
            person_id=person_id,
            made_by=made_by,
            created_at=now,
            expires_at=expires_at,
        )
    )


def person_of_link(db: Db, token_sha256: bytes, now: datetime) -> RowMapping | None:
    """Whose link this is, while it is good: person's id, login, name, unit's name."""
    c = one_time_links.c
    query = (
        select(people.c.id, people.c.login, people.c.name)
        .join(people, people.c.id == c.person_id)
        .where(c.token_sha256 == token_sha256, c.used_at.is_(None), c.expires_at > now, people.c.active)
    )
    found = db.execute(query).first()
    return found._mapping if found else None


def use_link(db: Db, token_sha256: bytes, now: datetime) -> bool:
    """Take a link; False when it was taken before or has lapsed."""
    c = one_time_links.c
    taken = update(one_time_links).where(
        c.token_sha256 == token_sha256, c.used_at.is_(None), c.expires_at > now
    )
    return db.execute(taken.values(used_at=now)).rowcount == 1


def begin_sign_in(db: Db, ticket_sha256: bytes, person_id: UUID, step: str, **more: Any) -> None:
    """Remember how far a sign-in or a set-up has come; ``more`` are columns of the table."""
    db.execute(insert(sign_ins).values(ticket_sha256=ticket_sha256, person_id=person_id, step=step, **more))


def sign_in_under_way(db: Db, ticket_sha256: bytes, step: str, now: datetime) -> RowMapping | None:
    """The sign-in of this ticket at this step, locked until the transaction ends; None when there is none."""
    c = sign_ins.c
    query = select(sign_ins).where(
        c.ticket_sha256 == ticket_sha256, c.step == step, c.used_at.is_(None), c.expires_at > now
    )
    found = db.execute(query.with_for_update()).first()
    return found._mapping if found else None


def next_step(db: Db, ticket_sha256: bytes, step: str) -> None:
    """The sign-in of this ticket goes on to another step."""
    db.execute(update(sign_ins).where(sign_ins.c.ticket_sha256 == ticket_sha256).values(step=step))


def end_sign_in(db: Db, ticket_sha256: bytes, now: datetime) -> None:
    """The ticket is good for nothing any more; those that lapsed long ago are swept away."""
    c = sign_ins.c
    db.execute(update(sign_ins).where(c.ticket_sha256 == ticket_sha256).values(used_at=now))
    db.execute(text("delete from app.sign_ins where expires_at < :now - interval '1 day'"), {"now": now})


def end_sign_ins_of(db: Db, person_id: UUID, now: datetime) -> None:
    """Every sign-in of a person that is under way ends."""
    c = sign_ins.c
    db.execute(update(sign_ins).where(c.person_id == person_id, c.used_at.is_(None)).values(used_at=now))
