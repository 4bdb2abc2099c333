"""How fast somebody may guess, minute by minute; and that nobody can lock a colleague out."""

import random
from datetime import datetime, timedelta

import pytest

from gridmgmt.domain.throttle import (
    Count,
    Counter,
    Discipline,
    account_key,
    charged,
    counters_of,
    given_back,
    longest_wait,
    network_of,
)
from tests.builders_cases import NOW

DEVICE = b"a device that the account has used before"


class Guessing:
    """Somebody who tries as often as he is let; the counters are kept as the database keeps them."""

    def __init__(self) -> None:
        self.counts: dict[bytes, Count] = {}

    def attempt(self, counters: list[Counter], now: datetime) -> bool:
        if longest_wait(counters, self.counts, now) > timedelta(0):
            return False
        for counter in counters:
            self.counts[counter.key] = charged(counter, self.counts.get(counter.key), now)
        return True

    def was_right(self, counters: list[Counter], now: datetime) -> None:
        for counter in counters:
            left = given_back(counter, self.counts[counter.key], now)
            if left is None:
                del self.counts[counter.key]
            else:
                self.counts[counter.key] = left


def stranger(account: str = "wang", network: str = "10.0.0.0/24") -> list[Counter]:
    return counters_of("password", account, device=None, network=network)


def test_five_failures_are_free_then_the_pause_doubles_to_a_quarter_of_an_hour() -> None:
    guessing, now = Guessing(), NOW
    counters = counters_of("password", "wang", device=DEVICE, network="10.0.0.0/24")
    taken = [at for at in range(3600 * 2) if guessing.attempt(counters, now + timedelta(seconds=at / 2))]
    seconds = [at / 2 for at in taken]
    assert seconds[5:] == [32.0, 92.0, 212.0, 452.0, 932.0, 1832.0, 2732.0]


@pytest.mark.parametrize("seed", range(5))
def test_no_more_than_ten_guesses_at_an_account_in_any_quarter_of_an_hour(seed: int) -> None:
    """Whatever networks they come from, and however they are spaced."""
    rng, guessing, now, taken = random.Random(seed), Guessing(), NOW, []
    for _ in range(4000):
        now += timedelta(seconds=rng.choice([0, 0.1, 1, 5, 20]))
        network = f"10.0.{rng.randrange(200)}.0/24"
        if guessing.attempt(stranger(network=network), now):
            taken.append(now)
    for i, first in enumerate(taken):
        inside = [at for at in taken[i:] if at - first < timedelta(minutes=15)]
        assert len(inside) <= 10
    hours = (taken[-1] - NOW) / timedelta(hours=1)
    assert hours > 1
    assert len(taken) <= 5 + hours * 20 + 1


def test_one_network_cannot_try_a_thousand_accounts() -> None:
    guessing = Guessing()
    tried = sum(guessing.attempt(stranger(f"account-{i}"), NOW) for i in range(10_000))
    assert tried == 30


def test_a_device_that_the_account_knows_is_held_up_by_nobody_else() -> None:
    guessing = Guessing()
    for i in range(1000):
        guessing.attempt(stranger(network=f"10.{i // 250}.{i % 250}.0/24"), NOW)
    assert not guessing.attempt(stranger(network="172.16.0.0/24"), NOW)
    known = counters_of("password", "wang", device=DEVICE, network="10.0.0.0/24")
    assert guessing.attempt(known, NOW)


def test_what_was_right_is_given_back() -> None:
    guessing = Guessing()
    for _ in range(100):
        assert guessing.attempt(stranger(), NOW)
        guessing.was_right(stranger(), NOW)


def test_a_refused_attempt_prolongs_nothing() -> None:
    guessing = Guessing()
    for second in range(3000):
        guessing.attempt(stranger(), NOW + timedelta(seconds=second / 10))
    kept = dict(guessing.counts)
    at = NOW + timedelta(seconds=300)
    waits = longest_wait(stranger(), guessing.counts, at)
    for _ in range(100):
        guessing.attempt(stranger(), at)
    assert (guessing.counts, longest_wait(stranger(), guessing.counts, at)) == (kept, waits)


def test_passwords_and_codes_are_counted_apart() -> None:
    code = counters_of("code", "wang", device=None, network="10.0.0.0/24")
    assert not {c.key for c in code} & {c.key for c in stranger()}
    assert {c.account for c in code[:2]} == {account_key("wang")}


def test_a_name_is_the_same_name_however_it_is_written() -> None:
    assert stranger("Wang ") == stranger("wang")
    assert stranger("wang") != stranger("wan g")


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("::ffff:192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2::7", "2001:db8:1::/48"),
        (None, "local"),
        ("not an address", "local"),
    ],
)
def test_neighbours_share_a_network(address: str | None, network: str) -> None:
    assert network_of(address) == network


def test_a_clock_that_was_set_back_neither_frees_nor_overflows() -> None:
    counter = Counter(b"k", Discipline.BUCKET, 10)
    count = charged(counter, None, NOW)
    earlier = charged(counter, count, NOW - timedelta(days=3))
    assert earlier.level == 8
