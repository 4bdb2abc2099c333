"""Counters of failures, in an unlogged table: shared by every server process, emptied by a crash.

The rules are in ``domain/throttle.py``; here they are applied under row locks, so that a thousand guesses
at one moment are counted one after the other.
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from gridmgmt.domain import throttle as rules
from gridmgmt.domain.throttle import Count, Counter
from gridmgmt.errors import TooManyAttempts
from gridmgmt.storage.db import Db
from gridmgmt.storage.tables import throttle

_c = throttle.c


def charge(db: Db, counters: Sequence[Counter], now: datetime) -> None:
    """Charge one attempt to all of these counters, or to none.

    Raises
    ------
    TooManyAttempts
        Some counter says to wait; ``facts["retry_after_s"]`` is how long all of them together do.
    """
    counts = _locked(db, counters, now)
    wait = rules.longest_wait(counters, counts, now)
    if wait > timedelta(0):
        raise TooManyAttempts(
            "Too many attempts; wait a little before the next.",
            article="41",
            rule="R41c",
            retry_after_s=math.ceil(wait.total_seconds()),
        )
    for counter in counters:
        _write(db, counter, rules.charged(counter, counts.get(counter.key), now))


def give_back(db: Db, counters: Sequence[Counter], now: datetime) -> None:
    """Take back what the last attempt was charged with: it was right."""
    counts = _locked(db, counters, now)
    for counter in counters:
        count = counts.get(counter.key)
        left = rules.given_back(counter, count, now) if count else None
        if left is None:
            db.execute(delete(throttle).where(_c.key == counter.key))
        else:
            _write(db, counter, left)
    db.execute(delete(throttle).where(_c.at < now - rules.FORGOTTEN_AFTER))


def forget(db: Db, account: str) -> int:
    """Forget all that is counted against this name; how many counters that were."""
    return db.execute(delete(throttle).where(_c.account == rules.account_key(account))).rowcount


def _locked(db: Db, counters: Sequence[Counter], now: datetime) -> dict[bytes, Count]:
    # Always in one order, or two attempts that share counters could wait for each other.
    keys = sorted(counter.key for counter in counters)
    for key in keys:
        db.execute(text("select pg_advisory_xact_lock(hashtextextended(encode(:k, 'hex'), 0))"), {"k": key})
    found = db.execute(select(throttle).where(_c.key.in_(keys)))
    return {row.key: Count(row.failures, row.level, min(row.at, now), row.until_at) for row in found}


def _write(db: Db, counter: Counter, count: Count) -> None:
    values = {"failures": count.failures, "level": count.level, "at": count.at, "until_at": count.until_at}
    db.execute(
        insert(throttle)
        .values(key=counter.key, account=counter.account, **values)
        .on_conflict_do_update(index_elements=["key"], set_=values)
    )
