"""Tiles: which there are, what ground they show, and that both matrices agree on it."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridmgmt.geo.tilegrid import MAX_ZOOM, Address, Box, Matrix, bounds, exists, over

TEDA = Box(117.64, 39.02, 117.66, 39.04)


def test_over_a_box_are_the_tiles_that_show_any_of_it_and_no_others() -> None:
    for z in (11, 14, 16):
        found = set(over(TEDA, [z]))
        assert all(bounds(tile).meets(TEDA) for tile in found)
        beside = {Address(z, t.x + dx, t.y + dy) for t in found for dx in (-1, 0, 1) for dy in (-1, 0, 1)}
        assert not any(bounds(tile).meets(TEDA) for tile in beside - found)


@given(st.integers(0, MAX_ZOOM), st.floats(-179.9, 179.9), st.floats(-85.0, 85.0))
def test_every_place_is_in_one_tile_of_each_zoom(z: int, lon: float, lat: float) -> None:
    (tile,) = over(Box(lon, lat, lon, lat), [z])
    west, south, east, north = bounds(tile)
    assert exists(tile)
    assert west - 1e-9 <= lon <= east + 1e-9
    assert south - 1e-9 <= lat <= north + 1e-9


def test_a_column_is_the_same_strip_in_both_matrices() -> None:
    draw = random.Random(4)
    for _ in range(50):
        z = draw.randint(1, MAX_ZOOM)
        tile = Address(z, draw.randrange(2**z), draw.randrange(2 ** (z - 1)))
        a, b = bounds(tile), bounds(tile, Matrix.GEOGRAPHIC)
        assert (a.west, a.east) == (b.west, b.east)
        # Squares of degrees: at the first zoom 0.703125° a pixel.
        assert math.isclose(b.north - b.south, b.east - b.west)
    first = bounds(Address(1, 1, 0), Matrix.GEOGRAPHIC)
    assert (first.east - first.west) / 256 == 0.703125


@pytest.mark.parametrize(
    ("tile", "projected", "geographic"),
    [
        (Address(0, 0, 0), True, True),
        (Address(1, 1, 1), True, False),
        (Address(3, 7, 3), True, True),
        (Address(3, 7, 4), True, False),
        (Address(3, 8, 0), False, False),
        (Address(MAX_ZOOM + 1, 0, 0), False, False),
        (Address(4, -1, 0), False, False),
    ],
)
def test_there_are_so_many_tiles_and_no_more(tile: Address, projected: bool, geographic: bool) -> None:
    assert (projected, geographic) == (exists(tile), exists(tile, Matrix.GEOGRAPHIC))
