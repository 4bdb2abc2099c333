"""How fast somebody may guess: delays that double and buckets that refill. The counts are stored elsewhere.

Every attempt is charged *before* anything costly happens, to all counters that it falls under, and what
was charged is given back when it was right. Counters are kept apart by who asks:

* a device that the account has used before answers to a counter of its own and to no other, so nobody can
  lock a colleague out by guessing at his name;
* everybody else answers to the pair of account and network, to the account, and to the network.

Figures: five failures are free, then the pause doubles from half a minute to a quarter of an hour. Whoever
comes from ever new networks meets the account's bucket: at most ten guesses in any quarter of an hour.
"""

import hashlib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

FREE_FAILURES = 5
FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(minutes=15)
# A counter that nobody touched for so long begins anew.
FORGOTTEN_AFTER = timedelta(hours=24)
REFILL = timedelta(minutes=15)


class Discipline(StrEnum):
    """How a counter holds people up."""

    DOUBLING = "doubling"
    BUCKET = "bucket"


@dataclass(frozen=True, slots=True)
class Counter:
    """One counter that an attempt falls under; ``capacity`` is a bucket's size, refilled in 15 minutes.

    ``account`` is the hash of the name that it is about, empty for a network's: an administrator who vouches
    for somebody has all that is counted against him forgotten.
    """

    key: bytes
    discipline: Discipline
    capacity: int = 0
    account: bytes = b""


@dataclass(frozen=True, slots=True)
class Count:
    """What is stored of a counter. ``level`` is what is left in a bucket at ``at``."""

    failures: int
    level: float
    at: datetime
    until_at: datetime


# A full bucket and what refills in a quarter of an hour: ten in any quarter of an hour, from wherever.
ACCOUNT_CAPACITY = 5
NETWORK_CAPACITY = 30


def counters_of(what: str, account: str, *, device: bytes | None, network: str) -> list[Counter]:
    """The counters of one attempt.

    Parameters
    ----------
    what : what is guessed at, ``password`` or ``code``: counted apart.
    account : the name as typed; that it exists is not known here.
    device : hash of the secret of a device that this account has used before, else None.
    network : as :func:`network_of`.
    """
    name = account_key(account).hex()
    about = account_key(account)
    if device is not None:
        return [Counter(_key(what, "device", name, device.hex()), Discipline.DOUBLING, account=about)]
    return [
        Counter(_key(what, "pair", name, network), Discipline.DOUBLING, account=about),
        Counter(_key(what, "account", name), Discipline.BUCKET, ACCOUNT_CAPACITY, about),
        Counter(_key(what, "network", network), Discipline.BUCKET, NETWORK_CAPACITY),
    ]


def account_key(account: str) -> bytes:
    """What stands for a name in the counters: a hash, as short for a name that nobody has."""
    return _key(" ".join(account.split()).casefold())


def network_of(address: str | None) -> str:
    """The network that an address belongs to: /24 of IPv4, /48 of IPv6, ``local`` for a socket file."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "local"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    prefix = 24 if found.version == 4 else 48
    return str(ipaddress.ip_network(f"{found}/{prefix}", strict=False))


def _key(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()


def wait_for(counter: Counter, count: Count | None, now: datetime) -> timedelta:
    """How long this counter says to wait; zero when the attempt may be made now."""
    if count is None:
        return timedelta(0)
    if counter.discipline is Discipline.DOUBLING:
        return max(timedelta(0), count.until_at - now)
    lacking = 1.0 - _level(counter, count, now)
    return max(timedelta(0), lacking * REFILL / counter.capacity)


def charged(counter: Counter, count: Count | None, now: datetime) -> Count:
    """The counter after one more attempt, which is taken for a failure until it was right."""
    if counter.discipline is Discipline.BUCKET:
        level = counter.capacity if count is None else _level(counter, count, now)
        return Count(0, level - 1, now, now)
    failures = 1 if count is None or now - count.at > FORGOTTEN_AFTER else count.failures + 1
    doublings = min(failures - FREE_FAILURES, 30)
    pause = timedelta(0) if doublings < 0 else min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE)
    return Count(failures, 0.0, now, now + pause)


def given_back(counter: Counter, count: Count, now: datetime) -> Count | None:
    """The counter after the attempt turned out right; None when nothing is left to remember."""
    if counter.discipline is Discipline.DOUBLING:
        return None
    level = min(float(counter.capacity), _level(counter, count, now) + 1)
    return replace(count, level=level, at=now)


def longest_wait(counters: Sequence[Counter], counts: Mapping[bytes, Count], now: datetime) -> timedelta:
    """How long all the counters together say to wait."""
    return max((wait_for(c, counts.get(c.key), now) for c in counters), default=timedelta(0))


def _level(counter: Counter, count: Count, now: datetime) -> float:
    refilled = max(timedelta(0), now - count.at) / REFILL * counter.capacity
    return min(float(counter.capacity), count.level + refilled)
