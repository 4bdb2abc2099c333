"""Atoms from real OpenStreetMap: the clips of data/osm, which nobody cleaned."""

from pathlib import Path

import geopandas as gpd
import pytest

from gridmgmt.planning.drawing import draw_atoms
from gridmgmt.planning.drawn import Drawn
from tests.planning.test_drawing import require_sound

CLIPS = Path(__file__).resolve().parents[2] / "data" / "osm"


def layer(name: str, land: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    return gpd.read_parquet(CLIPS / f"{name}.parquet").to_crs(land.crs)


def draw(city: str, **layers: gpd.GeoDataFrame) -> tuple[Drawn, gpd.GeoDataFrame]:
    land = gpd.read_parquet(CLIPS / f"{city}_communities.parquet")
    return draw_atoms(land, layer(f"{city}_roads", land), **layers), land


@pytest.mark.parametrize("city", ["wuhan", "tanggu", "porto_alegre"])
def test_real_roads_become_seamless_atoms_of_the_asked_size(city):
    drawn, land = draw(city)
    require_sound(drawn, land, None)
    assert drawn.atoms["area_m2"].max() <= 20_000 or drawn.findings.larger
    assert len(drawn.findings.larger) + len(drawn.findings.smaller) <= len(drawn.atoms) / 100
    assert drawn.findings.strips > 100
    assert {"arterial", "collector", "lane", "none"} <= set(drawn.adjacency.line)


def test_the_bund_with_all_its_layers_cuts_no_building_but_on_a_community_border():
    land = gpd.read_parquet(CLIPS / "bund_communities.parquet")
    buildings = layer("bund_buildings", land)
    drawn, _ = draw(
        "bund",
        rail=layer("bund_rail", land),
        water=layer("bund_water", land),
        walls=layer("bund_walls", land),
        buildings=buildings,
    )
    require_sound(drawn, land, buildings)
    found = drawn.findings
    assert {"rail: underground", "roads: footway", "water: points"} <= set(found.left_out)
    assert found.buildings_overlapping > 100
    assert found.buildings_kept_whole > 50
    assert {"water", "wall", "arterial", "collector", "lane"} <= set(drawn.adjacency.line)
