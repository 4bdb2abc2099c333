"""Vector tiles hold their layer where there is something, and are empty where there is nothing."""

import math
from datetime import timedelta

import pytest
from sqlalchemy import text

from gridmgmt.domain.org import Actor, Role
from gridmgmt.errors import TooLarge
from gridmgmt.geo.crs import LonLat
from gridmgmt.services.rulebooks import RuleBooks
from gridmgmt.storage import grids, tiles
from gridmgmt.storage.db import Db
from tests.builders_cases import ELSEWHERE, NOW, make_actor
from tests.builders_street import Street, found_small_street, inner_point, make_small_plan, outline_of

ZOOM = 16


def tile_of(point: LonLat, zoom: int) -> tuple[int, int, int]:
    """The slippy-map address that holds a position."""
    n = 2**zoom
    latitude = math.radians(point.lat)
    y = (1.0 - math.asinh(math.tan(latitude)) / math.pi) / 2.0
    return zoom, int((point.lon + 180.0) / 360.0 * n), int(y * n)


@pytest.fixture
def reader() -> Actor:
    return make_actor(Role.SHIFT_LEADER)


@pytest.mark.parametrize("layer", tiles.LAYERS)
def test_every_layer_is_in_the_tile_of_the_street(
    db: Db, books: RuleBooks, reader: Actor, layer: str
) -> None:
    cell = Street(db, books).duty_cells[0]
    content = tiles.tile(db, reader, layer, *tile_of(inner_point(cell.polygon), 14), NOW)
    # A layer begins with its version and name (Mapbox vector tile 2.1: field 15 and 1 of Layer).
    assert content[0] == 0x1A
    assert layer.encode() in content


def test_a_cell_is_in_its_tile_with_code_and_name(db: Db, books: RuleBooks, reader: Actor) -> None:
    cell = Street(db, books).duty_cells[0]
    content = tiles.tile(db, reader, "cells", *tile_of(inner_point(cell.polygon), ZOOM), NOW)
    assert cell.code.encode() in content
    assert cell.name.encode() in content


@pytest.mark.parametrize("layer", tiles.LAYERS)
def test_a_tile_far_away_is_empty(db: Db, reader: Actor, layer: str) -> None:
    assert tiles.tile(db, reader, layer, *tile_of(LonLat(2.35, 48.86), ZOOM), NOW) == b""


@pytest.mark.parametrize("zoom", [0, 1, 2, 6, tiles.MAX_ZOOM])
def test_every_zoom_can_be_asked_for(db: Db, books: RuleBooks, reader: Actor, zoom: int) -> None:
    cell = Street(db, books).duty_cells[0]
    content = tiles.tile(db, reader, "communities", *tile_of(inner_point(cell.polygon), zoom), NOW)
    assert b"communities" in content or zoom < 6, "a street is smaller than a pixel of the world"


def test_a_tile_shows_the_readers_own_street_only(db: Db, reader: Actor) -> None:
    plan = found_small_street(db)
    address = tile_of(inner_point(plan.cells[0].polygon), ZOOM)
    foreign = make_actor(Role.SHIFT_LEADER, subdistricts=frozenset({ELSEWHERE}))
    for layer in ("cells", "communities"):
        assert tiles.tile(db, reader, layer, *address, NOW) == b""
        assert layer.encode() in tiles.tile(db, foreign, layer, *address, NOW)


def test_a_tile_shows_the_plan_in_force_at_the_time(db: Db) -> None:
    plan = found_small_street(db)
    foreign = make_actor(Role.SHIFT_LEADER, subdistricts=frozenset({ELSEWHERE}))
    address = tile_of(inner_point(plan.cells[0].polygon), ZOOM)
    before = plan.valid_from - (NOW - plan.valid_from)
    assert tiles.tile(db, foreign, "cells", *address, before) == b""
    assert plan.cells[0].code.encode() in tiles.tile(db, foreign, "cells", *address, plan.valid_from)


def test_tiles_are_stale_when_a_plan_or_a_base_layer_changes(db: Db, reader: Actor) -> None:
    seen = [tiles.revision(db, reader, NOW)]
    for change in ("grid_cells set name = '改名'", "base_features set kind = 'other'"):
        db.execute(text(f"update app.{change}"))
        seen.append(tiles.revision(db, reader, NOW))
    assert len(set(seen)) == 3


def test_tiles_are_stale_the_moment_a_plan_begins_or_ends(db: Db) -> None:
    plan = found_small_street(db)
    foreign = make_actor(Role.SHIFT_LEADER, subdistricts=frozenset({ELSEWHERE}))
    end = NOW + timedelta(hours=1)
    grids.end_plan(db, plan.id, end)
    instants = [plan.valid_from - timedelta.resolution, plan.valid_from, end - timedelta.resolution, end]
    before, began, still, ended = (tiles.revision(db, foreign, at) for at in instants)
    assert began == still
    assert len({before, began, ended}) == 3


def test_the_small_street_is_seamless() -> None:
    plan = make_small_plan()
    assert outline_of(plan).area == pytest.approx(sum(c.polygon.area for c in plan.cells))


def test_a_tile_that_holds_too_much_is_refused_and_not_cut_short(db: Db, monkeypatch) -> None:
    plan = found_small_street(db)
    actor = make_actor(Role.SHIFT_LEADER, subdistricts=frozenset({ELSEWHERE}))
    z, x, y = tile_of(inner_point(plan.cells[0].polygon), ZOOM)
    assert tiles.tile(db, actor, "cells", z, x, y, NOW)
    for limit in ("MOST_BYTES", "MOST_FEATURES"):
        with monkeypatch.context() as lower:
            lower.setattr(tiles, limit, 1)
            with pytest.raises(TooLarge):
                tiles.tile(db, actor, "cells", z, x, y, NOW)
