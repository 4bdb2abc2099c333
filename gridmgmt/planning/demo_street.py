"""The demo subdistrict 杭州道街道 (120116005): its outline from real roads, everything inside invented.

Real: the roads (© OpenStreetMap contributors, ODbL 1.0), the codes and names of the subdistrict and its 29
communities. Illustrative, not legal: the outline, drawn along roads, and which community lies where.
SYNTHETIC and labelled so in every row: compounds, buildings, households.

``python -m gridmgmt.planning.demo_street ROADS OUT`` writes the files that :mod:`gridmgmt.planning.demo_plan`
reads. They are committed, because everything else rests on them; the same roads and seed give the same files.

All functions are pure; the random generator is an argument.
"""

from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmgmt.errors import Infeasible
from gridmgmt.geo.crs import MetricZone, to_metric
from gridmgmt.planning.allotment import feasible_counts
from gridmgmt.planning.blocks import blocks_from_lines, extend_dead_ends
from gridmgmt.planning.coverage import GRID_M, GeomArray, IntArray, dissolve, noded_faces, shared_borders
from gridmgmt.planning.demo_buildings import STYLES, compound, dedicated
from gridmgmt.planning.demo_grouping import Effort, Region, Weights, divide
from gridmgmt.planning.demo_sites import draw_sites
from gridmgmt.planning.graph import Graph
from gridmgmt.planning.numbering import reading_order

SUBDISTRICT_CODE: Final = "120116005"
SUBDISTRICT_NAME: Final = "杭州道街道"
ZONE: Final = MetricZone.CM_117E

EXTEND_M: Final = 260.0
"""How far a dead end of the drive network is carried on: the extract leaves out the lanes beyond."""

NARROW_M: Final = 40.0
"""Dual carriageways with their verges are narrower than this; the narrowest block is wider."""

CLOSE_M: Final = 70.0
"""Notches of the outline up to twice this wide are filled when they are a junction's slip roads."""

MAIN_ROADS: Final = frozenset({"trunk", "primary", "secondary"})
"""Communities should not lie on both sides of one of these."""

# By hand on the map, a little outside 京山道 (south), 车站北路 (west) and 河北路 (east).
SKETCH: Final = (
    (117.63462, 39.02805), (117.63505, 39.02995), (117.64142, 39.04525),
    (117.65930, 39.04125), (117.65885, 39.03280), (117.65530, 39.02385),
)  # fmt: skip
# The roads northwards all end on one straight line, where the extract leaves out the road that closes them.
NORTH_SIDE: Final = ((117.6395, 39.04573), (117.6605, 39.04088))

SETBACK_M: Final = {"trunk": 26.0, "primary": 20.0, "secondary": 18.0, "tertiary": 13.0}
"""From the middle of a road to the nearest wall of a house; 9 m for lesser roads."""

CELLS_PER_COMMUNITY: Final = (
    8,
    7,
    6,
    6,
    5,
    5,
    5,
    5,
    4,
    4,
    4,
    4,
    4,
    4,
    4,
    3,
    3,
    3,
    3,
    3,
    3,
    2,
    2,
    2,
    2,
    2,
    2,
    1,
    1,
)
"""Communities differ much in size; these shapes are drawn, not taken from anywhere."""


@dataclass(frozen=True, slots=True)
class StreetInputs:
    """What the generator makes: all in the metric zone, ready to be written."""

    outline: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame


def draw_outline(roads: gpd.GeoDataFrame) -> shapely.Polygon:
    """Return the illustrative outline: the faces of the road network inside the sketch.

    Parameters
    ----------
    roads : real roads in the metric zone.
    """
    sketch = to_metric(shapely.Polygon(SKETCH), ZONE)
    north = to_metric(shapely.LineString(NORTH_SIDE), ZONE)
    near = np.asarray(roads.geometry.array, dtype=object)
    near = near[shapely.dwithin(near, sketch, 400.0)]
    faces = noded_faces(extend_dead_ends([*near, north], EXTEND_M))
    covered = shapely.area(shapely.intersection(faces, sketch))
    inside = covered > 0.5 * shapely.area(faces)
    wide = ~shapely.is_empty(shapely.buffer(faces, -NARROW_M / 2.0))
    # Strips between carriageways belong to it only where land lies on both sides: no tails along the edge.
    core = shapely.coverage_union_all(faces[inside & wide])
    closed = shapely.buffer(shapely.buffer(core, CLOSE_M, join_style="mitre"), -CLOSE_M, join_style="mitre")
    between = (shapely.area(shapely.intersection(faces, closed)) > 0.5 * shapely.area(faces)) & ~wide
    land = shapely.coverage_union_all(faces[(inside & wide) | between])
    notches = shapely.get_parts(shapely.difference(closed, land))
    notches = notches[~shapely.is_empty(shapely.buffer(notches, -1.0))]
    filled = shapely.union_all([land, *notches], grid_size=GRID_M)
    opened = shapely.buffer(
        shapely.buffer(filled, -NARROW_M / 2.0, join_style="mitre"), NARROW_M / 2.0, join_style="mitre"
    )
    spurs = shapely.get_parts(shapely.difference(filled, opened))
    spurs = spurs[~shapely.is_empty(shapely.buffer(spurs, -1.0))]
    pieces = shapely.get_parts(shapely.difference(filled, shapely.union_all(spurs), grid_size=GRID_M))
    largest = pieces[np.argmax(shapely.area(pieces))]
    return shapely.set_precision(shapely.Polygon(largest.exterior), GRID_M)


def draw_buildings(
    sites: gpd.GeoDataFrame, roads: gpd.GeoDataFrame, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Build every site up; SYNTHETIC."""
    keep_off = _verges(roads)
    rows = []
    for site_id, use, land in zip(sites["site_id"], sites["use"], sites.geometry, strict=True):
        if use in STYLES:
            built = compound(land, keep_off, STYLES[use], rng)
        elif use == "green":
            built = []
        else:
            built = dedicated(land, keep_off, use, rng)
        rows += [(site_id, b.kind, b.floors, b.households, b.footprint) for b in built]
    frame = gpd.GeoDataFrame(
        [row[:4] for row in rows], columns=["site_id", "kind", "floors", "households"],
        geometry=gpd.GeoSeries([row[4] for row in rows], crs=sites.crs),
    )  # fmt: skip
    frame.insert(0, "building_id", [f"SYN{number:05d}" for number in range(1, len(frame) + 1)])
    return frame.assign(synthetic=True)


def _verges(roads: gpd.GeoDataFrame) -> Any:
    main = roads["highway"].str.replace("_link", "")
    width = main.map(SETBACK_M).fillna(9.0).to_numpy(dtype=float)
    return shapely.union_all(shapely.buffer(roads.geometry.to_numpy(), width, quad_segs=4))


def draw_communities(
    sites: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    register: pd.DataFrame,
    roads: gpd.GeoDataFrame,
    rng: np.random.Generator,
) -> gpd.GeoDataFrame:
    """Return the sites with ``community_code``: one contiguous, illustrative area for each real community.

    Parameters
    ----------
    register : the real ``community_code12`` and ``community``.

    Notes
    -----
    ----- Residential sites are grouped first, so that no dedicated site holds a community together; each
    dedicated site then joins the neighbour it shares most border with.
    """
    households = buildings.groupby("site_id")["households"].sum().reindex(sites["site_id"]).fillna(0.0)
    homes = np.flatnonzero(~sites["dedicated"].to_numpy())
    graph = _site_graph(sites, households.to_numpy(), roads)
    area_of = np.full(len(sites), -1, dtype=np.int64)
    area_of[homes] = _feasible_areas(graph, homes, rng)
    borders = graph.pairs
    for site in np.flatnonzero(area_of < 0):
        length = np.zeros(len(CELLS_PER_COMMUNITY))
        for (a, b), shared in zip(borders, graph.lengths, strict=True):
            other = b if a == site else a
            if site in (a, b) and not sites["dedicated"].iloc[other]:
                length[area_of[other]] += shared
        area_of[site] = int(length.argmax())
    shapes = dissolve(np.asarray(sites.geometry.array, dtype=object), area_of)
    codes = _names_by_place(shapes, register, roads)
    return sites.assign(community_code=np.asarray(codes, dtype=object)[area_of])


def _site_graph(sites: gpd.GeoDataFrame, households: Any, roads: gpd.GeoDataFrame) -> Graph:
    shapes = np.asarray(sites.geometry.array, dtype=object)
    borders = shared_borders(shapes)
    block = pd.factorize(sites["block_id"])[0][borders.pairs]
    wide = roads[roads["highway"].isin(MAIN_ROADS)]
    corridor = shapely.union_all(shapely.buffer(wide.geometry.to_numpy(), 25.0))
    common = shapely.intersection(shapes[borders.pairs[:, 0]], shapes[borders.pairs[:, 1]])
    on_main = shapely.length(shapely.intersection(common, corridor)) > 0.5 * borders.lengths_m
    return Graph(
        pairs=borders.pairs,
        lengths=borders.lengths_m,
        costs=borders.lengths_m * np.select([on_main, block[:, 0] != block[:, 1]], [0.1, 0.6], 1.0),
        weights=households,
        coordinates=shapely.get_coordinates(shapely.centroid(shapes)),
        area=shapely.area(shapes),
        perimeter=borders.perimeters_m,
    )


def _feasible_areas(graph: Graph, homes: IntArray, rng: np.random.Generator) -> IntArray:
    """Group the residential sites so that every area can be divided into cells of 300 to 500 households."""
    total = float(graph.weights[homes].sum())
    sizes = np.asarray(CELLS_PER_COMMUNITY, dtype=np.float64)
    targets = sizes * total / sizes.sum()
    band = [(target * 0.85, target * 1.15) for target in targets]
    terms, effort = (
        Weights(share=2.0, excess=40.0, cut=2.0),
        Effort(starts=6, rounds=24.0),
    )
    for _ in range(20):
        region = _region(graph, homes, len(sizes))
        label = np.asarray(divide(region, targets.tolist(), band, rng=rng, terms=terms, effort=effort))
        weight = np.bincount(label, graph.weights[homes])
        if all(len(feasible_counts(w, (310.0, 480.0))) for w in weight):
            return label.astype(np.int64)
    raise Infeasible(
        "no grouping of the sites keeps every community to the band", constraint="household_band"
    )


def _region(graph: Graph, nodes: IntArray, count: int) -> Region:
    """Return the connected ``nodes`` as the grouping search wants them: a mean area has side 1."""
    local = np.full(graph.count, -1, dtype=np.int64)
    local[nodes] = np.arange(len(nodes))
    inside = (local[graph.pairs] >= 0).all(axis=1)
    side = np.sqrt(float(graph.area[nodes].sum()) / count)
    lengths, costs = graph.lengths[inside] / side, graph.costs[inside] / side
    neighbours: list[list[tuple[int, float, float]]] = [[] for _ in nodes]
    ends = local[graph.pairs[inside]].tolist()
    for (a, b), length, cost in zip(ends, lengths.tolist(), costs.tolist(), strict=True):
        neighbours[a].append((b, length, cost))
        neighbours[b].append((a, length, cost))
    where = np.zeros((len(nodes), 2)) if graph.coordinates is None else graph.coordinates[nodes]
    places = (where - where.mean(axis=0)) / side
    return Region(
        neighbours=neighbours,
        weight=graph.weights[nodes].tolist(),
        area=(graph.area[nodes] / side**2).tolist(),
        perimeter=(graph.perimeter[nodes] / side).tolist(),
        distance_xy=[(float(x), float(y)) for x, y in places],
    )


def _names_by_place(shapes: GeomArray, register: pd.DataFrame, roads: gpd.GeoDataFrame) -> list[str]:
    """Codes for the areas: a community named after a road lies on it, the others follow in reading order."""
    codes: list[str | None] = [None] * len(shapes)
    waiting = []
    for code, name in zip(register["community_code12"], register["community"], strict=True):
        stem = str(name).removesuffix("社区居委会")
        street = roads[roads["name"].fillna("").str.startswith(stem[:2]) & roads["name"].notna()]
        along = shapely.length(
            shapely.intersection(shapes, shapely.union_all(shapely.buffer(street.geometry, 40.0)))
        )
        along[[i for i, taken in enumerate(codes) if taken]] = 0.0
        if len(street) and along.max() > 0:
            codes[int(along.argmax())] = str(code)
        else:
            waiting.append(str(code))
    order = reading_order(
        shapely.get_coordinates(shapely.centroid(shapes)), float(shapely.area(shapes).sum())
    )
    for area in order:
        if codes[area] is None:
            codes[area] = waiting.pop(0)
    return [str(code) for code in codes]


def generate(roads: gpd.GeoDataFrame, register: pd.DataFrame, seed: int) -> StreetInputs:
    """Make outline, compounds and buildings from real roads; the same input gives the same street.

    Parameters
    ----------
    roads : OSM ways in the metric zone, with ``highway`` and ``name``.
    register : the real ``community_code12`` and ``community`` of the subdistrict.
    """
    rng = np.random.default_rng(seed)
    border = draw_outline(roads)
    blocks = blocks_from_lines(roads, border, extend_m=EXTEND_M, narrower_than_m=NARROW_M)
    sites = draw_sites(blocks, rng)
    buildings = draw_buildings(sites, roads, rng)
    sites = draw_communities(sites, buildings, register, roads, rng)
    outline = gpd.GeoDataFrame(
        {
            "code": [SUBDISTRICT_CODE],
            "name": [SUBDISTRICT_NAME],
            "note": ["illustrative, not the legal boundary"],
        },
        geometry=gpd.GeoSeries([border], crs=roads.crs),
    )
    return StreetInputs(outline, sites, buildings)
