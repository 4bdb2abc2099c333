"""A line drawn by hand, followed as nearly as whole atoms can: a border redrawn, a cell split.

An atom is on the side of the line that a point inside it is on. What lies on a side without touching the rest
of it, behind a bend say, goes to the other side, so that both are one piece wherever the ground allows it.
"""

from typing import Any, Final

import numpy as np
import shapely

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.coverage import FloatArray, IntArray, noded_faces
from gridmgmt.planning.editing_division import Division, Refusal, held, refusal
from gridmgmt.planning.editing_ground import BoolArray, Ground
from gridmgmt.planning.editing_moves import split_off

LEAST_LINE_M: Final = 1e-6


def redrawn(ground: Ground, division: Division, one: int, two: int, line: Any) -> Division | Refusal:
    """Move the border of two neighbouring cells to a drawn line.

    Parameters
    ----------
    line : (k, 2) places in the CRS of the atoms; its ends are carried on straight.

    Notes
    -----
    Each cell stays on the side where most of its ground was.
    """
    mine, yours = division.atoms_of(one), division.atoms_of(two)
    stuck = held(ground, division, [one, two])
    if stuck is not None:
        return stuck
    both = np.union1d(mine, yours)
    if len(np.unique(ground.home[both])) > 1:
        return refusal(ground, division, "within_community", (one, two))
    if len(ground.pieces(both)) > 1:
        return refusal(ground, division, "adjacent", (one, two))
    left = left_of_line(ground, both, line)
    if left is None:
        return refusal(ground, division, "line", (one, two))
    area = ground.graph.area[both]
    stays = area[left == np.isin(both, mine)].sum()
    to_one = left if 2.0 * stays >= area.sum() else ~left
    return _both_whole(ground, division, both, to_one, (one, two))


def _both_whole(
    ground: Ground, division: Division, both: IntArray, to_one: BoolArray, cells: tuple[int, int]
) -> Division | Refusal:
    for side in (both[to_one], both[~to_one]):
        pieces = ground.pieces(side)
        if len(pieces) != 1:
            constraint = "contiguous" if pieces else "not_empty"
            stray = np.concatenate(pieces[1:]) if pieces else None
            return refusal(ground, division, constraint, cells, stray)
    label = np.where(to_one, *cells)
    if np.array_equal(label, division.label[both]):
        return refusal(ground, division, "nothing_changes", cells)
    return division.relabelled(both[to_one], cells[0]).relabelled(both[~to_one], cells[1])


def split_by_line(ground: Ground, division: Division, cell: int, line: Any) -> Division | Refusal:
    """Split a cell along a drawn line; the lighter side becomes the new cell."""
    atoms = division.atoms_of(cell)
    left = left_of_line(ground, atoms, line)
    if left is None:
        return refusal(ground, division, "line", (cell,))
    weight = ground.graph.weights[atoms]
    lighter = left if weight[left].sum() < weight[~left].sum() else ~left
    return split_off(ground, division, atoms[lighter])


def left_of_line(ground: Ground, atoms: IntArray, line: Any) -> BoolArray | None:
    """Return which atoms lie on one side of a line carried on at its ends, None if it does not divide them.

    Raises
    ------
    InvalidInput
        The line has fewer than two places, or a place that is not finite.
    """
    places = checked_line(line)
    west, south, east, north = shapely.total_bounds([shapely.linestrings(places), *ground.shapes[atoms]])
    reach = 2.0 * float(np.hypot(east - west, north - south)) + 1.0
    begin, end = places[0] - places[1], places[-1] - places[-2]
    far = np.concatenate(
        [
            [places[0] + begin / np.hypot(*begin) * reach],
            places,
            [places[-1] + end / np.hypot(*end) * reach],
        ]
    )
    frame = shapely.box(west - 1.0, south - 1.0, east + 1.0, north + 1.0)
    carried = shapely.linestrings(far)
    faces = noded_faces([frame.boundary, carried])
    if not shapely.is_simple(carried) or len(faces) != 2:
        return None
    left = np.asarray(shapely.intersects_xy(faces[0], *ground.inside[atoms].T), dtype=np.bool_)
    for side in (True, False):
        pieces = sorted(
            ground.pieces(atoms[left == side]), key=lambda piece: (-ground.graph.area[piece].sum(), piece[0])
        )
        for stray in pieces[1:]:
            left[np.isin(atoms, stray)] = not side
    return None if left.all() or not left.any() else left


def checked_line(line: Any) -> FloatArray:
    """Return the places of a line, those that repeat the one before left out."""
    given = np.asarray(
        shapely.get_coordinates(line) if isinstance(line, shapely.LineString) else line, dtype=np.float64
    )
    if given.ndim != 2 or given.shape[1] != 2 or not np.isfinite(given).all():
        raise InvalidInput("a line is a list of finite places", argument="line")
    apart = np.ones(len(given), dtype=np.bool_)
    apart[1:] = np.hypot(*np.diff(given, axis=0).T) > LEAST_LINE_M
    if apart.sum() < 2:
        raise InvalidInput("a line has at least two places", argument="line")
    return np.asarray(given[apart], dtype=np.float64)
