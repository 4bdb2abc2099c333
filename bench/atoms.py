"""Raw roads to atoms with adjacency: how fast, and what would a plain overlay of hexagons make of them.

``python -m bench.atoms [--roads FILE]``: FILE is a road layer of a whole city, GeoParquet or GeoPackage with
a column ``highway``. The target stands for OpenStreetMap's Wuhan, 92,667 edges (3 MB from the data of
uscuni/neatnet, not in this repository). Its communities are squares of 3 km in the roads' hull: synthetic.

Without FILE, and as the peer's load, the clip of ``data/osm`` serves. The peer is what one writes by hand
with geopandas: polygonise the roads, lay H3 hexagons over them. It has no midlines and no adjacency, and
leaves every scrap. Seconds are the process's own (CPU time on one core), so that other work counts less.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import h3.api.basic_int as h3
import numpy as np
import shapely

from bench.report import Options, Result, Side, in_own_process, main, peak_rss_mb
from gridmgmt.geo.crs import WGS84, MetricZone, metric_zone_for
from gridmgmt.planning.drawing import draw_atoms

DATA = Path(__file__).resolve().parents[1] / "data" / "osm"
TARGET_S = 60.0
LARGEST_M2 = 20_000.0
SQUARE_M = 3_000.0
HEX_RESOLUTION = 10
WUHAN_EDGES = 92_667


def ours(roads: Path, communities: Path | None) -> dict[str, Any]:
    """Seconds and figures of ``draw_atoms``."""
    layer = to_zone(gpd.read_parquet(roads) if roads.suffix == ".parquet" else gpd.read_file(roads))
    land = gpd.read_parquet(communities) if communities else squares(layer)
    start, wall = time.process_time(), time.perf_counter()
    drawn = draw_atoms(land, layer.to_crs(land.crs), largest_m2=LARGEST_M2)
    seconds, wall = time.process_time() - start, time.perf_counter() - wall
    area = drawn.atoms["area_m2"]
    on_line = drawn.adjacency.by_class_m[:, :-1].sum() / max(drawn.adjacency.lengths_m.sum(), 1.0)
    return {
        "edges": len(layer),
        "communities": len(land),
        "blocks": len(drawn.blocks),
        "atoms": len(area),
        "borders": len(drawn.adjacency.pairs),
        "scraps": int((area < LARGEST_M2 / 10).sum()),
        "larger": len(drawn.findings.larger),
        "on_line_share": round(float(on_line), 3),
        "seconds": seconds,
        "wall_s": wall,
        "peak_rss_mb": peak_rss_mb(),
    }


def overlaid(roads: Path, communities: Path) -> dict[str, Any]:
    """The same land by polygonising and an overlay with hexagons."""
    land = gpd.read_parquet(communities)
    layer = gpd.read_parquet(roads).to_crs(land.crs)
    start = time.process_time()
    noded = shapely.union_all([*layer.geometry, *land.boundary])
    faces = gpd.GeoDataFrame(geometry=list(shapely.get_parts(shapely.polygonize([noded]))), crs=land.crs)
    faces = faces[faces.representative_point().within(land.union_all())]
    frame = gpd.GeoSeries([land.union_all().buffer(200)], crs=land.crs).to_crs(WGS84).iloc[0]
    ring = [(lat, lon) for lon, lat in frame.exterior.coords]
    cells = h3.polygon_to_cells(h3.LatLngPoly(ring), HEX_RESOLUTION)
    hexes = gpd.GeoDataFrame(
        geometry=[shapely.Polygon([(x, y) for y, x in h3.cell_to_boundary(c)]) for c in cells],
        crs=WGS84,
    ).to_crs(land.crs)
    large = faces.area > LARGEST_M2
    cut = gpd.overlay(faces[large], hexes, how="intersection").explode(ignore_index=True)
    area = np.concatenate([faces.area[~large], cut.area])
    seconds = time.process_time() - start
    return {
        "atoms": len(area),
        "scraps": int((area < LARGEST_M2 / 10).sum()),
        "seconds": seconds,
        "peak_rss_mb": peak_rss_mb(),
    }


def to_zone(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The layer in the 3° zone of its middle."""
    west, _, east, _ = layer.to_crs(WGS84).total_bounds
    return layer.to_crs(int(MetricZone(metric_zone_for((west + east) / 2.0))))


def squares(layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Squares over the convex hull of the roads."""
    hull = shapely.convex_hull(shapely.multipoints(shapely.get_coordinates(layer.geometry.array)))
    west, south, east, north = hull.bounds
    boxes = [
        shapely.box(x, y, x + SQUARE_M, y + SQUARE_M).intersection(hull)
        for x in np.arange(west, east, SQUARE_M)
        for y in np.arange(south, north, SQUARE_M)
    ]
    boxes = [box for box in boxes if box.area > 100_000.0]
    return gpd.GeoDataFrame({"code": [f"{n:04d}" for n in range(len(boxes))]}, geometry=boxes, crs=layer.crs)


def run(options: Options, roads: Path | None = None) -> Result:
    """Ours on the whole file or the clip; both sides on the clip."""
    clip = DATA / "wuhan_roads.parquet", DATA / "wuhan_communities.parquet"
    small, plain = in_own_process(ours, *clip), in_own_process(overlaid, *clip)
    whole = small if roads is None or options.quick else in_own_process(ours, roads, None)
    sides = (
        Side("draw_atoms, clip of Wuhan", small["atoms"] / small["seconds"], "", small["peak_rss_mb"]),
        Side(
            "polygonize + H3 overlay, same clip",
            plain["atoms"] / plain["seconds"],
            f"{plain['scraps']} of {plain['atoms']} atoms are scraps; no adjacency",
            plain["peak_rss_mb"],
        ),
        Side("draw_atoms, whole file", whole["atoms"] / whole["seconds"], "", whole["peak_rss_mb"]),
    )
    facts = {f"whole_{name}": _short(value) for name, value in whole.items()}
    facts |= {f"clip_{name}": _short(small[name]) for name in ("edges", "atoms", "scraps", "seconds")}
    facts |= {f"overlay_{name}": _short(plain[name]) for name in ("atoms", "scraps", "seconds")}
    goals = {"fewer scraps than the overlay": small["scraps"] < plain["scraps"]}
    if whole["edges"] >= WUHAN_EDGES:
        goals[f"a city of {WUHAN_EDGES:,} edges in under {TARGET_S:.0f} s on one core"] = (
            whole["seconds"] < TARGET_S
        )
    return Result("atoms", "raw roads to atoms with adjacency", "atoms", sides, facts, goals)


def _short(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--roads", type=Path, default=None, help="road layer of a whole city")
    given, rest = parser.parse_known_args()
    sys.exit(main([lambda options: run(options, given.roads)], rest))
