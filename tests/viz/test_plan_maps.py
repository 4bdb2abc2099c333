"""Maps ask for nothing outside, say what their colours mean, and refuse what would need the internet."""

import folium
import geopandas as gpd
import pytest
import shapely

from gridmgmt.errors import InvalidInput
from gridmgmt.viz.card_table import card_table
from gridmgmt.viz.offline import page_of, save, side_by_side
from gridmgmt.viz.plan_card import OUTSIDE
from gridmgmt.viz.plan_maps import (
    LIGHTS,
    add_lines,
    add_points,
    by_households,
    by_name,
    by_steps,
    plan_map,
    still_map,
)
from tests.builders_planning import make_cells, make_land


def points() -> gpd.GeoDataFrame:
    cells = make_cells()
    return gpd.GeoDataFrame({"say": ["<b>x", "y"]}, geometry=cells.centroid[:2].tolist(), crs=cells.crs)


def test_a_saved_map_links_nothing(tmp_path):
    drawn = plan_map(make_cells(), make_land(), notice="SYNTHETIC")
    page = save(drawn, tmp_path / "deep" / "map.html").read_text(encoding="utf-8")
    for server in ("jsdelivr", "cdnjs", "jquery.com", "bootstrapcdn", "openstreetmap.org/{z}"):
        assert server not in page
    assert "SYNTHETIC" in page
    assert "Leaflet 1.9.4" in page


@pytest.mark.parametrize(
    "extra",
    [
        lambda: folium.TileLayer("OpenStreetMap"),
        lambda: folium.Element('<img src="https://example.org/logo.png">'),
        lambda: folium.Element('<link rel="stylesheet" href="https://example.org/a.css">'),
    ],
)
def test_a_map_that_would_ask_for_something_is_not_written(extra, tmp_path):
    drawn = plan_map(make_cells())
    added = extra()
    if isinstance(added, folium.TileLayer):
        added.add_to(drawn)
    else:
        drawn.get_root().html.add_child(added)
    with pytest.raises(InvalidInput) as refused:
        save(drawn, tmp_path / "map.html")
    assert refused.value.facts["asks"]
    assert not (tmp_path / "map.html").exists()


def test_what_lies_over_the_cells_is_drawn_and_its_words_are_escaped():
    drawn = plan_map(make_cells())
    add_lines(drawn, make_land().set_geometry(make_land().boundary), dashed=True)
    add_points(drawn, points(), words="say")
    page = page_of(drawn)
    assert "5 5" in page
    assert "&lt;b&gt;x" in page
    assert "<b>x" not in page


def test_a_cell_outside_the_band_is_red_and_the_legend_says_so():
    shading = by_households()
    assert OUTSIDE == shading.colour({"kind": "duty", "households": 501})
    assert OUTSIDE == shading.colour({"kind": "duty", "households": 299})
    assert OUTSIDE not in {shading.colour({"kind": "duty", "households": n}) for n in (300, 401, 500)}
    assert ("outside the band", OUTSIDE) in shading.legend
    assert "outside the band" in page_of(plan_map(make_cells(households=[100, 700])))


def test_steps_go_from_light_to_dark_and_unknown_is_grey():
    values = gpd.pd.Series([1.0, 2.0, 3.0, 4.0, 5.0, None])
    shading = by_steps("load", values)
    shades = [shading.colour({"load": v}) for v in (1.0, 2.0, 3.0, 4.0, 5.0)]
    assert [colour for _, colour in shading.legend] == shades
    assert shading.colour({"load": None}) not in shades


def test_lights_have_their_colours():
    shading = by_name("light", LIGHTS)
    assert LIGHTS["red"] == shading.colour({"light": "red"})
    assert shading.colour({"light": "blue"}) not in LIGHTS.values()


def test_two_maps_stand_side_by_side_with_their_titles():
    page = side_by_side({"old <x>": plan_map(make_cells()), "new": plan_map(make_cells())})
    assert 2 == page.count("<iframe")
    assert "old &lt;x&gt;" in page
    assert "old <x>" not in page


def test_a_still_map_is_drawn_in_the_frames_own_metres():
    import matplotlib as mpl  # noqa: PLC0415  only the notebooks' extra has it

    mpl.use("Agg")
    from matplotlib import pyplot as plt  # noqa: PLC0415

    figure, axes = plt.subplots()
    cells = make_cells()
    still_map(axes, cells, make_land(), title="t")
    assert cells.total_bounds[0] == axes.get_xlim()[0]
    assert len(cells) == len(axes.collections[0].get_facecolors())
    plt.close(figure)


def test_the_table_has_what_the_page_has_and_leaves_out_what_is_unknown():
    cards = [{"name": "a", "gini": 0.25, "walking": {"mean_m": 80.0}}, {"name": "b", "gini": None}]
    table = card_table(cards)
    assert ["a", "b"] == table.columns.tolist()
    assert {"Gini", "straight line to the middle, mean (m)"} == set(table.index.get_level_values("figure"))
    assert 0.25 == table.xs("Gini", level="figure")["a"].item()
    assert table.xs("Gini", level="figure")["b"].isna().all()


def test_the_geometry_may_have_any_name():
    cells = make_cells().rename_geometry("shape")
    assert shapely.get_type_id(cells.geometry.iloc[0]) == 3
    assert "120116005001001" in page_of(plan_map(cells))
