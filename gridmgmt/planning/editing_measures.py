"""What a card needs of each atom and of each pair of neighbours, so that any division is judged by sums.

Every figure of a cell is a sum over its atoms, less what its atoms share:

* area, demand, first moments: plain sums; the centroid follows;
* outline: outlines of the atoms less twice the borders inside;
* second moment about the centroid: Steiner's parallel-axis theorem;
* border on roads, on walls, by class of line: sums over the pairs of neighbours that the division parts.

What no division changes is judged once: gaps, overlaps and ground outside are those of the atoms.
"""

from dataclasses import dataclass
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmgmt.planning import constraints
from gridmgmt.planning.constraints import Verdict
from gridmgmt.planning.coverage import FloatArray, GeomArray, IntArray, dissolve, sums
from gridmgmt.planning.editing_ground import BoolArray, Ground
from gridmgmt.planning.evaluate import LINE_CLASS, NEAR_LINE_M
from gridmgmt.planning.shape import inertia
from gridmgmt.planning.stability import owner_of

NOWHERE: Final = "none"


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """Where people live: (p, 2) ``points``, the ``atom`` of each, and ``weight`` in households."""

    points: FloatArray
    atom: IntArray
    weight: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """Sums' terms.

    Attributes
    ----------
    middle : (n, 2) centroids from ``origin``, where digits are spared. spread : (n,) second polar moments
        about them.
    on_road_m, on_line_m : (m,) metres of each pair's border on roads, and on roads or walls; None when not
        known.
    classes : names of the classes of lines; ``by_class_m`` : (m, c) metres beside each.
    outside_m2 : (n,) ground of an atom outside its community.
    seamless : the verdict on the ground, whoever owns it.
    cut_rows : (b, 2) building and atom of the buildings that lie in several atoms; ``cut_m2`` their areas.
    places : None when nobody knows where people live.
    """

    origin: FloatArray
    middle: FloatArray
    spread: FloatArray
    on_road_m: FloatArray | None
    on_line_m: FloatArray | None
    classes: tuple[str, ...]
    by_class_m: FloatArray
    outside_m2: FloatArray
    seamless: Verdict
    cut_rows: IntArray
    cut_m2: FloatArray
    places: Places | None


def measured(ground: Ground) -> Measures:
    """Measure atoms and borders once."""
    shapes, area = ground.shapes, ground.graph.area
    middle = shapely.get_coordinates(shapely.centroid(shapes))
    origin = middle.mean(axis=0)
    on_road, on_line = _on_lines(ground)
    classes, by_class = _by_class(ground)
    homes = np.asarray(ground.communities.geometry.array, dtype=object)[ground.home]
    cells = gpd.GeoDataFrame(
        {"code": ground.cells["code"]},
        geometry=gpd.GeoSeries(dissolve(shapes, ground.first_label), crs=ground.atoms.crs),
    )
    rows, areas = _buildings_in_several(ground)
    return Measures(
        origin=origin,
        middle=middle - origin,
        spread=area**2 / (2.0 * np.pi * inertia(shapes)),
        on_road_m=_metres(ground, on_road),
        on_line_m=_metres(ground, on_line),
        classes=classes,
        by_class_m=by_class,
        outside_m2=shapely.area(shapely.difference(shapes, homes)),
        seamless=constraints.seamless(cells, ground.communities),
        cut_rows=rows,
        cut_m2=areas,
        places=_places(ground),
    )


def _metres(ground: Ground, side: BoolArray | None) -> FloatArray | None:
    """Metres of each pair's border on the chosen sides."""
    if side is None:
        return None
    borders = ground.borders
    return sums(borders.side_pairs, borders.side_lengths_m * side, len(borders.pairs))


def _on_lines(ground: Ground) -> tuple[BoolArray | None, BoolArray | None]:
    """Which single sides are on a road, and which on a road or wall, as the report card has it."""
    borders, road, wall = ground.borders, None, None
    if ground.lines is not None:
        tree = shapely.STRtree(np.asarray(ground.lines.geometry.array, dtype=object))
        near = tree.query(shapely.points(borders.side_middles), predicate="dwithin", distance=NEAR_LINE_M)[0]
        road = np.bincount(near, minlength=len(borders.side_pairs)) > 0
    elif "block_id" in ground.atoms:
        road = _parts(ground.atoms["block_id"], borders.pairs)[borders.side_pairs]
    if "site_id" in ground.atoms:
        wall = _parts(ground.atoms["site_id"], borders.pairs)[borders.side_pairs]
    if road is None or wall is None:
        return road, wall if road is None else road
    return road, road | wall


def _parts(names: pd.Series, pairs: IntArray) -> BoolArray:
    ends = pd.factorize(names)[0][pairs]
    return np.asarray(ends[:, 0] != ends[:, 1], dtype=np.bool_)


def _by_class(ground: Ground) -> tuple[tuple[str, ...], FloatArray]:
    borders, lines = ground.borders, ground.lines
    if lines is None or LINE_CLASS not in lines or len(lines) == 0 or len(borders.side_middles) == 0:
        return (), np.zeros((len(borders.pairs), 0))
    tree = shapely.STRtree(np.asarray(lines.geometry.array, dtype=object))
    middles: GeomArray = np.asarray(shapely.points(borders.side_middles), dtype=object)
    side, line = tree.query_nearest(middles, max_distance=NEAR_LINE_M, all_matches=False)
    names = np.array([NOWHERE] * len(middles), dtype=object)
    names[side] = lines[LINE_CLASS].fillna("unknown").to_numpy(dtype=object)[line]
    number, classes = pd.factorize(names, sort=True)
    metres = np.zeros((len(borders.pairs), len(classes)))
    np.add.at(metres, (borders.side_pairs, number), borders.side_lengths_m)
    return tuple(str(name) for name in classes), metres


def _buildings_in_several(ground: Ground) -> tuple[IntArray, FloatArray]:
    if ground.buildings is None:
        return np.empty((0, 2), dtype=np.int64), np.empty(0)
    footprints: GeomArray = np.asarray(ground.buildings.geometry.array, dtype=object)
    building, atom = shapely.STRtree(ground.shapes).query(footprints, predicate="intersects")
    area = shapely.area(shapely.intersection(footprints[building], ground.shapes[atom]))
    lying = area > 0.0
    building, atom, area = building[lying], atom[lying], area[lying]
    several = np.bincount(building, minlength=len(footprints))[building] > 1
    return np.column_stack([building, atom])[several].astype(np.int64), area[several]


def _places(ground: Ground) -> Places | None:
    buildings = ground.buildings
    if buildings is None or ground.demand not in buildings:
        return None
    inside = shapely.point_on_surface(np.asarray(buildings.geometry.array, dtype=object))
    points = shapely.get_coordinates(inside)
    atom = owner_of(points, ground.shapes)
    weight = buildings[ground.demand].fillna(0).to_numpy(dtype=np.float64)
    lived_in = (atom >= 0) & (weight > 0)
    return Places(points[lived_in], atom[lived_in], weight[lived_in])
