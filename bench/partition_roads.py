"""A street on real roads: blocks of a drawn network, shared out to towers; households SYNTHETIC."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from bench.partition_instances import Instance, assembled
from gridmgmt.geo.crs import MetricZone, metric_zone_for
from gridmgmt.planning.blocks import blocks_from_lines
from gridmgmt.planning.coverage import components, noded_faces, shared_borders
from gridmgmt.planning.partition import partition_graph

SIDE_M = 5_000.0
COMMUNITIES = 18
LARGEST_LIVED_IN_M2 = 600_000.0
HECTARE_M2 = 10_000.0
ATOMS_A_HECTARE = 5.0
HOUSEHOLDS = 24.0


def street_of_roads(path: Path) -> Instance:
    """Divide the middle of a network of roads, metric or in degrees, into atoms and communities.

    Parameters
    ----------
    path : GeoParquet or any file that geopandas reads.
    """
    roads = gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)
    if roads.crs is not None and roads.crs.is_geographic:
        west, _, east, _ = roads.total_bounds
        roads = roads.to_crs(int(MetricZone(metric_zone_for((west + east) / 2.0))))
    middle = np.median(shapely.get_coordinates(shapely.centroid(roads.geometry.array)), axis=0)
    land = shapely.box(*(middle - SIDE_M / 2.0), *(middle + SIDE_M / 2.0))
    near = roads[shapely.intersects(roads.geometry.array, land)]
    # The blocks' CRS is only asked to be metric: places stay where they are.
    lines = gpd.GeoDataFrame(geometry=gpd.GeoSeries(near.geometry.to_numpy(), crs="EPSG:4549"))
    blocks = _lived_in(np.asarray(blocks_from_lines(lines, land, extend_m=60.0).geometry.array, dtype=object))
    rng = np.random.default_rng(4)
    faces, block = _shared_out(blocks, rng)
    weights = np.minimum(700, rng.lognormal(np.log(HOUSEHOLDS) - 0.6, 1.1, len(faces)).round())
    weights[rng.integers(len(weights), size=2)] = 700
    return assembled(
        "roads", faces, weights, _communities(blocks, weights, block),
        lambda pairs: np.where(block[pairs[:, 0]] != block[pairs[:, 1]], 3, 0),
    )  # fmt: skip


def _lived_in(blocks: Any) -> Any:
    """Without the river, the lakes and what they part from the rest: nobody lives there."""
    blocks = blocks[shapely.area(blocks) <= LARGEST_LIVED_IN_M2]
    part = components(len(blocks), shared_borders(blocks).pairs)
    return blocks[part == np.bincount(part).argmax()]


def _shared_out(blocks: Any, rng: np.random.Generator) -> tuple[Any, Any]:
    lines = list(shapely.boundary(blocks))
    for land in blocks:
        count = round(float(land.area) / HECTARE_M2 * ATOMS_A_HECTARE)
        if count < 2:
            continue
        x0, y0, x1, y1 = land.bounds
        spots = shapely.points(rng.uniform((x0, y0), (x1, y1), (20 * count, 2)))
        spots = spots[shapely.contains(land, spots)][:count]
        if len(spots) > 1:
            shares = shapely.voronoi_polygons(shapely.multipoints(spots), extend_to=land, only_edges=True)
            lines += list(shapely.get_parts(shapely.intersection(shares, land)))
    faces = noded_faces(lines)
    face, home = shapely.STRtree(blocks).query(shapely.point_on_surface(faces), predicate="within")
    order = np.argsort(face)
    return faces[face[order]], home[order]


def _communities(blocks: Any, weights: Any, block: Any) -> Any:
    """Connected groups of blocks of like household numbers."""
    borders = shared_borders(blocks)
    label = partition_graph(
        borders.pairs,
        lengths=borders.lengths_m,
        weights=np.bincount(block, weights, len(blocks)),
        k=COMMUNITIES,
        coordinates=shapely.get_coordinates(shapely.centroid(blocks)),
        area=shapely.area(blocks),
        perimeter=borders.perimeters_m,
        seed=1,
    )
    return label[block]
