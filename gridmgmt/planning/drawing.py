"""From raw layers to atoms: the one door, ``draw_atoms``.

communities + roads, rail, water, walls → faces → blocks (:mod:`~gridmgmt.planning.faces`) → parts no larger
than asked (:mod:`~gridmgmt.planning.cutting`) → borders led around buildings
(:mod:`~gridmgmt.planning.footprints`) → scraps joined (:mod:`~gridmgmt.planning.merging`) → atoms, and who
borders whom along what (:mod:`~gridmgmt.planning.bordering`).

What always holds of the result, on any input that is not refused:

* the atoms are a seamless coverage of the communities on the planning lattice; each is one piece in one
  community;
* no building is cut except by a community's border, and those are listed;
* lengths of borders and outer lengths add up to the perimeters.

What is repaired or left is counted in the :class:`Findings`; nothing is repaired silently. There is no
randomness: the same layers give the same atoms.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely

from gridmgmt.errors import InvalidInput, WrongCrs
from gridmgmt.planning.bordering import Adjacency, bonds, gathered, side_classes
from gridmgmt.planning.coverage import FloatArray, GeomArray, IntArray, SharedBorders, components, sums
from gridmgmt.planning.cutting import Loads, Parts, cut_large
from gridmgmt.planning.drawn import Drawing, Drawn, Findings
from gridmgmt.planning.faces import (
    Blocks,
    blocks_of,
    carried_on,
    distinct_sides,
    faces_of,
    held_by,
    refaced,
    united,
)
from gridmgmt.planning.footprints import CUT_AREA_M2, Footprints, checked_footprints, kept_whole
from gridmgmt.planning.lines import Lines, gather_lines
from gridmgmt.planning.merging import merge_small
from gridmgmt.planning.numbering import reading_order
from gridmgmt.planning.territory import Territory, checked_territory
from gridmgmt.planning.workload import with_households

Progress = Callable[[int, int], None]

STEPS: Final = 6
SCRAP_M2: Final = 20.0
"""Land below this is no place, whatever is asked: it joins a neighbour even beyond the largest size."""

SCRAP_WIDTH_M: Final = 1.0
BESIDE_BUILDINGS: Final = 0.92
"""Blocks with buildings are cut this much finer, since a border that steps around one moves land."""


def draw_atoms(  # noqa: PLR0913  one argument a layer, as planners have them
    communities: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    *,
    rail: gpd.GeoDataFrame | None = None,
    water: gpd.GeoDataFrame | None = None,
    walls: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    demand: gpd.GeoDataFrame | None = None,
    largest_m2: float = 20_000.0,
    smallest_m2: float = 2_000.0,
    how: Drawing | None = None,
    progress: Progress | None = None,
) -> Drawn:
    """Divide communities into atoms along what separates land, never through a building.

    Parameters
    ----------
    communities : ``code`` and polygons in a metric CRS, which all other layers are in too.
    roads, rail, water, walls : lines, or polygons whose outlines count; see
        :func:`~gridmgmt.planning.lines.gather_lines`.
    buildings : footprints, optionally with ``building_id``.
    demand : points or polygons with the column ``how.demand`` (households): it is added up per atom.
    largest_m2 : no atom is larger unless a single building or scrap forces it.
    smallest_m2 : a smaller one joins a neighbour of its community, at most half of ``largest_m2``.
    how : how the layers are read.
    progress : called as ``progress(steps done, steps in all)``.

    Raises
    ------
    WrongCrs, InvalidGeometry, InvalidInput
        Named with layer, ids, place or argument; see the checks of each layer.
    """
    how = how or Drawing()
    step = _stepper(progress)
    _require_sizes(largest_m2, smallest_m2, how)
    territory = checked_territory(communities, keep_holes=how.keep_holes)
    _require_count(territory, largest_m2, how)
    lines = gather_lines(roads, rail, water, walls, crs=territory.crs, road_class=how.road_class)
    _require_near(lines, territory)
    footprints = checked_footprints(buildings, territory.crs)
    if demand is not None and how.demand not in demand:
        raise InvalidInput("the demand lacks its column", argument="demand", column=how.demand)
    step()
    extended = carried_on(np.concatenate([lines.geometry, shapely.boundary(territory.shapes)]), how.extend_m)
    faces = faces_of(np.concatenate([lines.geometry, extended]), territory)
    step()
    blocks = blocks_of(faces, lines, narrower_than_m=how.narrower_than_m, buildings=footprints.clusters)
    step()
    aim = np.where(_with_building(blocks.geometry, footprints), largest_m2 * BESIDE_BUILDINGS, largest_m2)
    parts = cut_large(blocks.geometry, aim, smallest_m2, _loads(footprints, demand, how))
    step()
    pieces = _pieces(blocks, parts, footprints)
    step()
    atom_of, adjacency, joined = _joined(pieces, blocks, lines, largest_m2, smallest_m2)
    atoms, adjacency = _described(pieces, atom_of, adjacency, territory, footprints)
    if demand is not None:
        atoms = with_households(atoms, demand, column=how.demand)
    step()
    findings = replace(
        _found(lines, territory, footprints, pieces),
        carried_on=len(extended),
        dangling=faces.dangles,
        dangling_m=round(faces.dangling_m, 1),
        closed_blocks=len(blocks.geometry),
        strips=len(blocks.strips),
        scraps_joined=joined,
        smaller=tuple(atoms.loc[atoms["area_m2"] < smallest_m2, "atom_id"]),
        larger=tuple(atoms.loc[atoms["area_m2"] > largest_m2, "atom_id"]),
        area_moved_m2=round(float(atoms["area_m2"].sum() - shapely.area(territory.shapes).sum()), 3),
    )
    return Drawn(atoms, adjacency, *_unions(atoms, blocks, territory), findings)


def _found(lines: Lines, territory: Territory, footprints: Footprints, pieces: "_Pieces") -> Findings:
    """What was found in the layers themselves."""
    points = {"buildings: points": footprints.points} if footprints.points else {}
    return Findings(
        left_out=dict(lines.left_out) | points,
        seam_gap_m2=round(territory.seam_m2, 2),
        seam_overlap_m2=round(territory.overlap_m2, 2),
        in_pieces=territory.in_pieces,
        buildings_outside=pieces.outside,
        buildings_overlapping=footprints.overlapping,
        buildings_kept_whole=pieces.entered,
        buildings_across_communities=pieces.across,
    )


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Faces of the last noding: label of the part they belong to, block and community."""

    geometry: GeomArray
    borders: SharedBorders
    label: IntArray
    block: IntArray
    community: IntArray
    entered: int
    across: tuple[str, ...]
    outside: int


def _pieces(blocks: Blocks, parts: Parts, footprints: Footprints) -> _Pieces:
    """Node blocks, cuts and the outlines of entered buildings together; label what results."""
    entered = footprints.entered_by(np.concatenate([distinct_sides(blocks.geometry), parts.cuts]))
    outlines = shapely.boundary(footprints.clusters[entered])
    faces, _, borders = refaced(blocks.geometry, outlines, parts.cuts)
    inner = shapely.point_on_surface(faces)
    part = held_by(parts.geometry, inner)
    lost = part < 0
    part[lost] = shapely.STRtree(parts.geometry).nearest(inner[lost])
    block = parts.block[part]
    community = blocks.community[block]
    area = shapely.area(faces)
    cluster = held_by(footprints.clusters[entered], inner)
    label = kept_whole(part, cluster, community, area)
    across = footprints.names(entered[_across(cluster, community, area, len(entered))])
    near = held_by(blocks.geometry, shapely.point_on_surface(footprints.geometry))
    return _Pieces(faces, borders, label, block, community, len(entered), across, int((near < 0).sum()))


def _across(cluster: IntArray, community: IntArray, area: FloatArray, count: int) -> IntArray:
    """Which buildings have ground in two communities."""
    inside = cluster >= 0
    keys, where = np.unique(
        np.column_stack([cluster[inside], community[inside]]), axis=0, return_inverse=True
    )
    real = np.bincount(where.ravel(), area[inside], len(keys)) > CUT_AREA_M2
    return np.flatnonzero(np.bincount(keys[real, 0], minlength=count) > 1).astype(np.int64)


def _joined(
    pieces: _Pieces, blocks: Blocks, lines: Lines, largest_m2: float, smallest_m2: float
) -> tuple[IntArray, Adjacency, int]:
    """Number of the atom of each piece, the atoms' adjacency, and how many scraps were joined."""
    borders = pieces.borders
    one, two = borders.pairs.T
    whole = components(len(pieces.geometry), borders.pairs[pieces.label[one] == pieces.label[two]])
    apart = (whole[one] != whole[two])[borders.side_pairs]
    kinds = side_classes(borders, apart, pieces.block, lines, (blocks.strips, blocks.strip_class))
    before = gathered(borders, kinds, whole)
    n = len(before.perimeters_m)
    area = sums(whole, shapely.area(pieces.geometry), n)
    group = np.empty(n, dtype=np.int64)
    group[whole] = pieces.community
    scrap = (area < SCRAP_M2) | (2.0 * area / before.perimeters_m < SCRAP_WIDTH_M)
    label = merge_small(
        area,
        before.pairs,
        bonds(before),
        group=group,
        smallest_m2=np.full(n, smallest_m2),
        largest_m2=largest_m2,
        must=np.asarray(scrap, dtype=np.bool_),
    )
    after = label[whole]
    return after, gathered(borders, kinds, after), n - int(label.max(initial=-1)) - 1


def _described(
    pieces: _Pieces, atom_of: IntArray, adjacency: Adjacency, territory: Territory, footprints: Footprints
) -> tuple[gpd.GeoDataFrame, Adjacency]:
    """The atoms in reading order, and the adjacency renumbered alike."""
    shapes = united(pieces.geometry, atom_of)
    area = shapely.area(shapes)
    order = reading_order(shapely.get_coordinates(shapely.centroid(shapes)), float(area.sum()))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    largest = np.lexsort((-shapely.area(pieces.geometry), atom_of))
    first = largest[np.unique(atom_of[largest], return_index=True)[1]]
    home = held_by(shapes, shapely.point_on_surface(footprints.geometry))
    width = max(4, len(str(len(shapes))))
    atoms = gpd.GeoDataFrame(
        {
            "atom_id": [f"A{number:0{width}d}" for number in range(1, len(shapes) + 1)],
            "community_code": territory.codes[pieces.community[first]][order],
            "block_id": block_ids(pieces.block[first][order]),
            "buildings": np.bincount(home[home >= 0], minlength=len(shapes))[order],
            "area_m2": area[order],
        },
        geometry=gpd.GeoSeries(shapes[order], crs=territory.crs),
    )
    pairs = np.sort(rank[adjacency.pairs], axis=1).reshape(-1, 2)
    sort = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return atoms, Adjacency(
        pairs[sort],
        adjacency.lengths_m[sort],
        adjacency.by_class_m[sort],
        adjacency.perimeters_m[order],
        adjacency.outer_m[order],
    )


def block_ids(numbers: IntArray) -> list[str]:
    """Names of blocks by their position."""
    return [f"B{number + 1:05d}" for number in numbers.tolist()]


def _unions(
    atoms: gpd.GeoDataFrame, blocks: Blocks, territory: Territory
) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    at = {code: number for number, code in enumerate(territory.codes)}
    labels = np.asarray([at[code] for code in atoms["community_code"]], dtype=np.int64)
    shapes = united(np.asarray(atoms.geometry.array, dtype=object), labels)
    communities = gpd.GeoDataFrame(
        {"code": territory.codes, "area_m2": shapely.area(shapes)},
        geometry=gpd.GeoSeries(shapes, crs=territory.crs),
    )
    drawn = gpd.GeoDataFrame(
        {
            "block_id": block_ids(np.arange(len(blocks.geometry))),
            "community_code": territory.codes[blocks.community],
            "area_m2": shapely.area(blocks.geometry),
        },
        geometry=gpd.GeoSeries(blocks.geometry, crs=territory.crs),
    )
    return communities, drawn


def _loads(footprints: Footprints, demand: gpd.GeoDataFrame | None, how: Drawing) -> Loads:
    if demand is None or not np.isfinite(how.most_demand):
        return Loads(footprints.clusters, np.empty(0, dtype=object), np.empty(0), np.inf)
    places = shapely.point_on_surface(np.asarray(demand.geometry.array, dtype=object))
    values = demand[how.demand].to_numpy(dtype=np.float64)
    return Loads(footprints.clusters, places, values, how.most_demand)


def _with_building(blocks: GeomArray, footprints: Footprints) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    found = np.zeros(len(blocks), dtype=np.bool_)
    if len(footprints.clusters):
        found[np.unique(shapely.STRtree(blocks).query(footprints.clusters, predicate="intersects")[1])] = True
    return found


def _stepper(progress: Progress | None) -> Callable[[], None]:
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, STEPS)

    return step


def _require_sizes(largest_m2: float, smallest_m2: float, how: Drawing) -> None:
    if not (np.isfinite(largest_m2) and largest_m2 > 0):
        raise InvalidInput("the largest area is greater than 0", argument="largest_m2", value=str(largest_m2))
    if not 0 <= smallest_m2 <= largest_m2 / 2:
        raise InvalidInput(
            "the smallest area is between 0 and half of the largest",
            argument="smallest_m2",
            value=str(smallest_m2),
        )
    for name in ("extend_m", "narrower_than_m"):
        if not (np.isfinite(getattr(how, name)) and getattr(how, name) >= 0):
            raise InvalidInput("a width is finite and at least 0", argument=name)
    if not how.most_demand > 0:
        raise InvalidInput("the largest demand is greater than 0", argument="most_demand")


def _require_count(territory: Territory, largest_m2: float, how: Drawing) -> None:
    expected = int(shapely.area(territory.shapes).sum() / largest_m2)
    if expected > how.most_atoms:
        raise InvalidInput(
            "the atoms would be too many: is largest_m2 in square metres?",
            argument="largest_m2",
            hint="too_many_atoms",
            expected=expected,
            limit=how.most_atoms,
        )


def _require_near(lines: Lines, territory: Territory) -> None:
    """Refuse lines none of which comes near the communities: mostly another zone, or swapped axes."""
    if len(lines.geometry) == 0:
        return
    frame = shapely.box(*shapely.total_bounds(territory.shapes))
    if shapely.intersects(shapely.envelope(lines.geometry), frame).any():
        return
    west, south, east, north = shapely.total_bounds(lines.geometry)
    swapped = shapely.box(south, west, north, east).intersects(frame)
    raise WrongCrs(
        "no line comes near the communities: the layers are in different places",
        hint="axes_swapped" if swapped else "elsewhere",
        lines=[round(float(x), 1) for x in (west, south, east, north)],
        communities=[round(float(x), 1) for x in frame.bounds],
    )
