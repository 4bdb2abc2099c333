"""The store of tiles: bounded on disk, the oldest used go first, and it never takes what others need."""

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gridmgmt.adapters import tilestore
from gridmgmt.adapters.disks import Room
from gridmgmt.adapters.tilestore import TileStore
from tests.builders_cases import NOW as TODAY

# Ahead of the disk's own clock, so that the traces of reading are the store's and not the disk's.
NOW = TODAY.replace(year=2060)
BLOCK = 4096
HOUR = timedelta(hours=1)


def store_in(directory: Path, *, blocks: int = 10, least_free: int = 0) -> TileStore:
    return TileStore(directory, most_bytes=blocks * BLOCK, least_free_bytes=least_free)


def names(directory: Path) -> list[str]:
    return sorted(p.relative_to(directory).as_posix() for p in directory.rglob("*") if p.is_file())


def filled(store: TileStore, count: int, size: int = BLOCK) -> None:
    """Tiles 0, 1, 2…, each kept an hour after the one before it."""
    for number in range(count):
        store.keep(f"a/{number}", b"x" * size, NOW + number * HOUR)


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Says how many bytes the disk has left; None: nobody can say."""

    def say(left: int | None) -> None:
        monkeypatch.setattr(tilestore, "room_on", lambda _: None if left is None else Room(left, 2**40))

    return say


def test_what_is_kept_comes_back_with_its_time(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    assert store.read("a/1", NOW) is None
    store.keep("a/1", b"tile", NOW)
    for later in (0, 100):
        kept = store.read("a/1", NOW + later * HOUR)
        assert kept is not None
        assert (b"tile", NOW) == (kept.content, kept.at)
    assert names(tmp_path) == ["a/1"]


def test_up_to_its_bound_nothing_goes(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    filled(store, 10)
    assert store.sweep() == 0
    assert len(names(tmp_path)) == 10


def test_beyond_its_bound_the_oldest_used_go_until_it_is_well_below(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    filled(store, 12)
    store.read("a/0", NOW + 100 * HOUR)
    assert store.sweep() == 3
    assert names(tmp_path) == sorted(f"a/{number}" for number in (0, 4, 5, 6, 7, 8, 9, 10, 11))
    assert store.sweep() == 0


def test_that_a_mirror_has_nothing_takes_room_too(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    filled(store, 11, size=0)
    assert store.sweep() == 2


def test_what_was_left_half_written_goes_as_well_and_no_empty_directory_stays(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    (tmp_path / "b").mkdir()
    left = tmp_path / "b" / "tmp12345"
    left.write_bytes(b"half")
    os.utime(left, (0, 0))
    filled(store, 10)
    store.sweep()
    assert not left.parent.exists()


def test_with_too_little_left_on_the_disk_nothing_is_kept(
    tmp_path: Path, free: Callable[[int | None], None]
) -> None:
    store = store_in(tmp_path, least_free=1000)
    for left in (999, None):
        free(left)
        store.keep("a/1", b"tile", NOW)
        assert names(tmp_path) == []
    free(1000)
    store.keep("a/1", b"tile", NOW)
    assert names(tmp_path) == ["a/1"]


def test_with_too_little_left_on_the_disk_kept_tiles_make_room(
    tmp_path: Path, free: Callable[[int | None], None]
) -> None:
    store = store_in(tmp_path, least_free=10 * BLOCK)
    free(10 * BLOCK)
    filled(store, 6)
    free(8 * BLOCK)
    assert store.sweep() == 2
    assert names(tmp_path) == ["a/2", "a/3", "a/4", "a/5"]
    free(0)
    store.sweep()
    assert names(tmp_path) == []


def test_a_sweep_of_nothing_does_nothing(tmp_path: Path) -> None:
    assert store_in(tmp_path / "nowhere").sweep() == 0
