"""Killed anywhere, a process loses nothing that it acknowledged and leaves nothing that is not swept away."""

from pathlib import Path

import pytest

from gridmgmt.adapters.evidence import faults
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage.db import make_engine, transaction
from gridmgmt.storage.rights.walls import NOBODY
from tests.builders_cases import NOW
from tests.builders_street import Street
from tests.services.killing import kill_everywhere


def test_killed_at_every_named_point_nothing_acknowledged_is_lost(
    own_demo_url: str, tmp_path: Path, acceptor
) -> None:
    tally = kill_everywhere(own_demo_url, tmp_path, acceptor, NOW, times=1, seed=3)
    assert len(faults.POINTS) == tally.kills >= 12
    assert tally.acknowledged == 2 * tally.kills
    assert ([], []) == (tally.lost, tally.differing)
    assert (True, 0) == (tally.orphans_before > 0, tally.orphans_after)


@pytest.fixture
def acceptor(own_demo_url: str):
    engine = make_engine(own_demo_url, pool_size=1)
    with transaction(engine, NOBODY) as db:
        found = Street(db, RuleBooks()).acceptor
    engine.dispose()
    return found
