"""Small planning inputs for tests: lattices to check by hand, seeded random towns. No real place is meant."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmgmt.geo.crs import MetricZone
from gridmgmt.planning.coverage import dissolve

CRS = int(MetricZone.CM_117E)
EAST_M, NORTH_M = 555_000.0, 4_322_000.0
COMMUNITY = "120116005001"


def at(x_m: float, y_m: float) -> tuple[float, float]:
    """A place of the made-up town: metres from its south-west corner."""
    return EAST_M + x_m, NORTH_M + y_m


def make_box(west: float, south: float, east: float, north: float) -> shapely.Polygon:
    """A rectangle, in metres from the corner of the town."""
    return shapely.box(*at(west, south), *at(east, north))


def make_frame(shapes: list[shapely.Geometry], **columns: object) -> gpd.GeoDataFrame:
    """A frame in the metric zone."""
    return gpd.GeoDataFrame(pd.DataFrame(columns), geometry=gpd.GeoSeries(shapes, crs=CRS))


def make_lattice(
    columns: int = 3, rows: int = 3, side_m: float = 100.0, households: list[int] | int = 100
) -> gpd.GeoDataFrame:
    """Square atoms, A01 in the north-west, row by row."""
    squares = [
        make_box(x * side_m, y * side_m, (x + 1) * side_m, (y + 1) * side_m)
        for y in reversed(range(rows))
        for x in range(columns)
    ]
    counts = [households] * len(squares) if isinstance(households, int) else households
    return make_frame(squares, atom_id=[f"A{n:02d}" for n in range(1, len(squares) + 1)], households=counts)


def make_communities(atoms: gpd.GeoDataFrame, members: list[int] | None = None) -> gpd.GeoDataFrame:
    """Communities dissolved from atoms: ``members`` has the number of each atom's community, from 0."""
    labels = np.asarray(members if members is not None else [0] * len(atoms), dtype=np.int64)
    shapes = dissolve(np.asarray(atoms.geometry.array, dtype=object), labels)
    numbers = range(1, len(shapes) + 1)
    return make_frame(
        list(shapes),
        code=[f"120116005{n:03d}" for n in numbers],
        name=[f"合成社区{n}" for n in numbers],
    )


def make_cells(**over: object) -> gpd.GeoDataFrame:
    """Two sound cells of one community, 200 m by 100 m; any column may be replaced."""
    columns = {
        "code": [f"{COMMUNITY}001", f"{COMMUNITY}002"],
        "community_code": [COMMUNITY, COMMUNITY],
        "kind": ["duty", "duty"],
        "households": [380, 420],
        "shapes": [make_box(0, 0, 100, 100), make_box(100, 0, 200, 100)],
    } | over
    shapes = columns.pop("shapes")
    return make_frame(shapes, **columns)  # type: ignore[arg-type]


def make_land(east_m: float = 200.0) -> gpd.GeoDataFrame:
    """The one community that :func:`make_cells` divides."""
    return make_frame([make_box(0, 0, east_m, 100)], code=[COMMUNITY], name=["合成社区1"])


def make_roads(east_m: float, north_m: float, every_m: float) -> gpd.GeoDataFrame:
    """Straight roads through the town, west-east and south-north, a little longer than it."""
    lines = [
        shapely.LineString([at(-20, y), at(east_m + 20, y)]) for y in np.arange(every_m, north_m, every_m)
    ]
    lines += [
        shapely.LineString([at(x, -20), at(x, north_m + 20)]) for x in np.arange(every_m, east_m, every_m)
    ]
    return make_frame(lines, highway=["residential"] * len(lines))


def make_town(seed: int, *, east_m: float = 420.0, north_m: float = 340.0) -> dict[str, gpd.GeoDataFrame]:
    """Random crooked roads and buildings that do not overlap: ``roads``, ``buildings``; and ``outline``."""
    rng = np.random.default_rng(seed)
    lines = [
        shapely.LineString(
            [at(-10, rng.uniform(40, north_m - 40)), at(rng.uniform(100, 300), rng.uniform(60, north_m - 60)),
             at(east_m + 10, rng.uniform(40, north_m - 40))]
        )
        for _ in range(int(rng.integers(1, 4)))
    ]  # fmt: skip
    lines += [
        shapely.LineString(
            [at(rng.uniform(60, east_m - 60), -10), at(rng.uniform(60, east_m - 60), north_m + 10)]
        )
        for _ in range(int(rng.integers(1, 4)))
    ]
    outline = make_box(0, 0, east_m, north_m)
    road_land = shapely.union_all(shapely.buffer(lines, 6.0))
    taken, houses = road_land, []
    for _ in range(60):
        x, y = rng.uniform(8, east_m - 50), rng.uniform(8, north_m - 30)
        house = make_box(x, y, x + rng.uniform(12, 40), y + rng.uniform(9, 16))
        if not house.intersects(taken) and outline.contains(house.buffer(3)):
            houses.append(house)
            taken = taken.union(house.buffer(2.0))
    return {
        "roads": make_frame(lines, highway=["tertiary"] * len(lines)),
        "buildings": make_frame(
            houses,
            building_id=[f"B{n:03d}" for n in range(len(houses))],
            households=rng.integers(0, 90, len(houses)).tolist(),
        ),
        "outline": make_frame([outline]),
    }


def lattice_neighbours(columns: int, rows: int) -> list[list[int]]:
    """Positions beside each square of a lattice, row by row."""
    places = [(row, column) for row in range(rows) for column in range(columns)]
    at = {place: number for number, place in enumerate(places)}
    steps = ((0, 1), (1, 0), (0, -1), (-1, 0))
    return [[at[r + a, c + b] for a, b in steps if (r + a, c + b) in at] for r, c in places]
