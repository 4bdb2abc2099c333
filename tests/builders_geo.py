"""Synthetic plans for tests: seeded, seamless, near 117.65 °E 39.03 °N. No real place is meant."""

import numpy as np
import shapely
from shapely.geometry import Polygon, box

from gridmgmt.domain.cellindex import CellIndex
from gridmgmt.geo.crs import LonLat

CENTRE = LonLat(117.65, 39.03)
DEG_PER_M_LON = 1.0 / 86_500.0
DEG_PER_M_LAT = 1.0 / 111_000.0
COMMUNITY = "120116005001"


def make_box(side_m: float = 600.0, centre: LonLat = CENTRE) -> Polygon:
    """A rectangle of about ``side_m`` by ``side_m`` metres in degrees."""
    half_lon, half_lat = side_m / 2 * DEG_PER_M_LON, side_m / 2 * DEG_PER_M_LAT
    return box(centre.lon - half_lon, centre.lat - half_lat, centre.lon + half_lon, centre.lat + half_lat)


def make_codes(count: int) -> list[str]:
    """15-digit cell codes of one made-up community."""
    return [f"{COMMUNITY}{i + 1:03d}" for i in range(count)]


def make_plan(
    cells: int = 12, seed: int = 7, side_m: float = 600.0, step_m: float = 25.0, jag_m: float = 4.0
) -> list[tuple[str, Polygon]]:
    """A partition of a box into Voronoi-like cells with jagged borders, as (code, polygon) pairs.

    Every shared border is drawn once, cut about every ``step_m`` metres, its inner vertices moved by up
    to ``jag_m``, and the polygons are put together from those lines: neighbours share their vertices bit
    for bit, corners of three and four cells included.
    """
    rng = np.random.default_rng(seed)
    frame = make_box(side_m)
    xmin, ymin, xmax, ymax = frame.bounds
    sites = shapely.multipoints(
        np.column_stack([rng.uniform(xmin, xmax, cells), rng.uniform(ymin, ymax, cells)])
    )
    rough = shapely.get_parts(shapely.voronoi_polygons(sites, extend_to=frame))
    lines = shapely.union_all([*(part.boundary.intersection(frame) for part in rough), frame.boundary])
    jagged = [
        _jagged(line, rng, step_m, jag_m, frame) for line in shapely.get_parts(shapely.line_merge(lines))
    ]
    noded = shapely.node(shapely.multilinestrings(jagged))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    centroids = shapely.centroid(faces)
    order = np.lexsort([-shapely.get_y(centroids), shapely.get_x(centroids)])
    return list(zip(make_codes(len(faces)), faces[order], strict=True))


def _jagged(
    line: shapely.LineString, rng: np.random.Generator, step_m: float, jag_m: float, frame: Polygon
) -> shapely.LineString:
    if jag_m == 0.0 or frame.boundary.covers(line):
        return line
    coords = shapely.get_coordinates(shapely.segmentize(line, step_m * DEG_PER_M_LAT))
    shift = rng.uniform(-jag_m, jag_m, (len(coords), 2)) * (DEG_PER_M_LON, DEG_PER_M_LAT)
    shift[[0, -1]] = 0.0
    return shapely.linestrings(coords + shift)


def owner_by_brute_force(plan: list[tuple[str, Polygon]], point: LonLat) -> str | None:
    """The rule in one line: the smallest code among all cells that touch the point."""
    where = shapely.Point(point)
    return min((code for code, polygon in plan if polygon.intersects(where)), default=None)


def vertices_and_midpoints(plan: list[tuple[str, Polygon]]) -> np.ndarray:
    """All vertices and edge midpoints of a plan, as rows (lon, lat)."""
    rings = shapely.get_rings(np.array([polygon for _, polygon in plan], dtype=object))
    coords, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[1:] == ring[:-1]
    return np.vstack([coords, ((coords[1:] + coords[:-1]) / 2.0)[joined]])


def random_positions(count: int, seed: int = 1, side_m: float = 1000.0) -> np.ndarray:
    """Rows (lon, lat) spread evenly over a box around CENTRE."""
    xmin, ymin, xmax, ymax = make_box(side_m).bounds
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(xmin, xmax, count), rng.uniform(ymin, ymax, count)])


def codes_by_array(index: CellIndex, positions: np.ndarray) -> list[str | None]:
    """What ``codes_at`` answers, as codes."""
    found = index.codes_at(positions[:, 0], positions[:, 1])
    return [index.codes[at] if at >= 0 else None for at in found.tolist()]


def codes_one_by_one(index: CellIndex, positions: np.ndarray) -> list[str | None]:
    """What ``code_at`` answers for each."""
    return [index.code_at(LonLat(lon, lat)) for lon, lat in positions.tolist()]


def codes_by_brute_force(plan: list[tuple[str, Polygon]], positions: np.ndarray) -> list[str | None]:
    """The rule without any index: smallest code of all cells that touch the point."""
    owner = np.full(len(positions), None, dtype=object)
    for code, polygon in sorted(plan, reverse=True):
        owner[shapely.intersects_xy(polygon, positions[:, 0], positions[:, 1])] = code
    return owner.tolist()
