"""Streets to divide, drawn anew from a seed; SYNTHETIC.

A square of land is cut in two again and again: first into communities by arterial roads, then by collectors,
then by lanes into blocks. Every block is shared out to its towers (Voronoi), whose households have a heavy
tail. All is bent by smooth waves, so that nothing is square. The class of the line that two atoms share is
the class of the cut that parted them.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from gridmgmt.planning.coverage import noded_faces, shared_borders

BAND = (300.0, 500.0)
TARGET = 400.0
FACTORS = np.array([1.0, 0.65, 0.4, 0.2])
"""Cost of a metre of border: through a block, on a lane, a collector, an arterial road."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A graph with its communities and how many cells each is to have."""

    name: str
    edges: Any
    lengths: Any
    line: Any
    """Class of each edge's border: 0 none, 1 lane, 2 collector, 3 arterial."""
    weights: Any
    groups: Any
    coordinates: Any
    area: Any
    perimeter: Any
    k: dict[int, int]

    def means(self) -> Any:
        """Mean weight of a cell of each atom's community."""
        total = np.bincount(self.groups, self.weights)
        return (total / np.array([self.k[g] for g in range(len(total))]))[self.groups]


def cells_of(households: float) -> int:
    """How many cells bring the mean nearest to the target inside the band."""
    possible = [c for c in range(1, 400) if BAND[0] <= households / c <= BAND[1]]
    if not possible:
        return max(1, round(households / TARGET))
    return min(possible, key=lambda c: abs(households / c - TARGET))


def street(
    name: str, seed: int, *, communities: int, blocks: int, towers: float, households: float
) -> Instance:
    """Draw a street.

    Parameters
    ----------
    towers : mean number of atoms in a block.
    households : mean of an atom; the tail is heavy, up to 440.
    """
    rng = np.random.default_rng(seed)
    side_m = 100.0 * np.sqrt(blocks)
    leaves = _cut(side_m, communities, blocks, rng)
    points, owner = [], []
    for number, (box, _) in enumerate(leaves):
        count = max(1, rng.poisson(towers))
        corner, size = np.array(box[:2]), np.array(box[2:]) - np.array(box[:2])
        points.append(corner + rng.uniform(0.06, 0.94, (count, 2)) * size)
        owner += [number] * count
    seeds, block = np.concatenate(points), np.array(owner)
    faces, block = _faces(leaves, seeds, block)
    faces = shapely.transform(faces, lambda xy: _bent(xy, side_m))
    paths = [path for _, path in leaves]
    group = np.unique([path[0] for path in paths], return_inverse=True)[1][block]
    spread = 1.1
    median = households / np.exp(spread**2 / 2.0)
    weights = np.minimum(440, rng.lognormal(np.log(median), spread, len(faces)).round())
    return assembled(name, faces, weights, group, _classes(paths, block))


def assembled(name: str, faces: Any, weights: Any, group: Any, class_of: Any) -> Instance:
    """Put polygons, households and communities together; ``class_of(pairs)`` gives the lines' classes."""
    borders = shared_borders(faces)
    total = np.bincount(group, weights)
    return Instance(
        name=name,
        edges=borders.pairs,
        lengths=borders.lengths_m,
        line=class_of(borders.pairs),
        weights=weights.astype(np.float64),
        groups=group,
        coordinates=shapely.get_coordinates(shapely.centroid(faces)),
        area=shapely.area(faces),
        perimeter=borders.perimeters_m,
        k={number: cells_of(float(households)) for number, households in enumerate(total)},
    )


def _cut(side_m: float, communities: int, blocks: int, rng: Any) -> list[tuple[Any, tuple[int, int, int]]]:
    """Leaves as (box, (community, quarter, block)): the largest piece is cut across its longer side."""

    def halved(pieces: list[Any], wanted: int) -> list[Any]:
        while len(pieces) < wanted:
            largest = max(range(len(pieces)), key=lambda i: _size(pieces[i]))
            x0, y0, x1, y1 = pieces.pop(largest)
            share = rng.uniform(0.38, 0.62)
            if x1 - x0 > y1 - y0:
                x = x0 + share * (x1 - x0)
                pieces += [(x0, y0, x, y1), (x, y0, x1, y1)]
            else:
                y = y0 + share * (y1 - y0)
                pieces += [(x0, y0, x1, y), (x0, y, x1, y1)]
        return pieces

    leaves: list[Any] = []
    whole = side_m * side_m
    for a, land in enumerate(halved([(0.0, 0.0, side_m, side_m)], communities)):
        for b, quarter in enumerate(halved([land], 4)):
            count = max(1, round(blocks * _size(quarter) / whole))
            leaves += [(box, (a, b, c)) for c, box in enumerate(halved([quarter], count))]
    return leaves


def _size(box: Any) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))


def _faces(leaves: Any, seeds: Any, block: Any) -> tuple[Any, Any]:
    """Voronoi shares of every block, noded together, with the block of each."""
    lines = []
    for number, (box, _) in enumerate(leaves):
        land = shapely.box(*box)
        lines.append(land.exterior)
        own = seeds[block == number]
        if len(own) > 1:
            shares = shapely.voronoi_polygons(shapely.multipoints(own), extend_to=land, only_edges=True)
            lines += list(shapely.get_parts(shapely.intersection(shares, land)))
    faces = noded_faces(lines)
    boxes = shapely.STRtree([shapely.box(*box) for box, _ in leaves])
    face, home = boxes.query(shapely.point_on_surface(faces), predicate="within")
    order = np.argsort(face)
    return faces[face[order]], home[order]


def _bent(xy: Any, side_m: float) -> Any:
    x, y = (xy / side_m * 2.0 * np.pi).T
    bend = np.column_stack([np.sin(2.0 * y + 0.7) + np.sin(x + y), np.sin(2.0 * x) + np.cos(x - y + 0.3)])
    return xy + side_m / 90.0 * bend


def _classes(paths: Any, block: Any) -> Any:
    parts = np.array(paths)[block]

    def of(pairs: Any) -> Any:
        one, other = parts[pairs[:, 0]], parts[pairs[:, 1]]
        differs = one != other
        return np.select([differs[:, 0], differs[:, 1], differs[:, 2]], [3, 2, 1], 0)

    return of
