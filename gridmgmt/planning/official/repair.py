"""Apply the repairs that a person accepted, and no others.

Repairs of ground are changes of who owns a face: a set of (face, row) claims in, another one out. Because the
cells are united from faces in the end, two repairs cannot contradict each other by a millimetre, and what
nobody accepted stays exactly as it was claimed: an overlap that is left alone is still an overlap.

As soon as one repair of ground is applied the plan is redrawn on the planning lattice (10 mm), communities
with it, and the farthest that any untouched vertex moved is told. That also nodes borders that were not
matched, so it is done only when those are accepted too; until then repairs of ground are *deferred*.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import shapely

from gridmgmt.errors import InvalidInput
from gridmgmt.planning.coverage import GeomArray, dissolve
from gridmgmt.planning.official.defect import Defect, DefectKind, Severity
from gridmgmt.planning.official.faces import NOBODY, Faces
from gridmgmt.planning.official.inspection import OWN_CELLS, Ground

_K = DefectKind
_LEAVING = frozenset({_K.GEOMETRY_MISSING, _K.DUPLICATE_CELL, _K.CELL_OUTSIDE})

OPEN, APPLIED, DEFERRED = "open", "applied", "deferred"


@dataclass(frozen=True, slots=True)
class Accepted:
    """Accepted defects with the chosen value of each, and the state of all."""

    chosen: Mapping[str, str]
    states: tuple[tuple[Defect, str], ...]

    def of(self, *kinds: DefectKind) -> list[tuple[Defect, str]]:
        """Applied defects of some kinds, in their order, each with its chosen value."""
        return [
            (defect, self.chosen[defect.id])
            for defect, state in self.states
            if state == APPLIED and defect.kind in kinds
        ]

    def rows(self, *kinds: DefectKind) -> set[int]:
        """Rows of the applied defects of some kinds."""
        return {row for defect, _ in self.of(*kinds) for row in defect.rows}


def settle(defects: Sequence[Defect], accept: Sequence[str]) -> Accepted:
    """Say which defects are repaired.

    Parameters
    ----------
    defects : all that were found.
    accept : kinds, ids, or ``ID=value`` with one of the defect's ``choices``.

    Raises
    ------
    InvalidInput
        ``hint`` is ``accept``: neither a kind nor an id of this file, a value that is none of the choices, or
        an id without any repair.
    """
    by_id = {defect.id: defect for defect in defects}
    kinds = {kind.value for kind in DefectKind}
    chosen: dict[str, str] = {}
    for token in accept:
        name, _, value = token.partition("=")
        if name in kinds and not value:
            for defect in defects:
                if defect.kind == name and defect.repairable:
                    chosen.setdefault(defect.id, next(iter(defect.choices), ""))
            continue
        named = by_id.get(name)
        if named is None or not named.repairable or (value and value not in named.choices):
            raise InvalidInput(
                "this cannot be accepted: neither a kind, nor a defect of this file that has such a repair",
                article="21-1",
                rule="R21a",
                hint="accept",
                accept=token,
                choices=list(named.choices) if named else [],
            )
        chosen[name] = value or next(iter(named.choices), "")
    return Accepted(chosen, tuple(_states(defects, chosen)))


def _states(defects: Sequence[Defect], chosen: Mapping[str, str]) -> list[tuple[Defect, str]]:
    fatal_open = any(d.severity is Severity.FATAL and d.id not in chosen for d in defects)
    unmatched_open = any(d.kind is _K.BORDER_UNMATCHED and d.id not in chosen for d in defects)
    states = []
    for defect in defects:
        state = OPEN
        if defect.id in chosen:
            ground = bool(defect.faces) or defect.kind is _K.BORDER_UNMATCHED
            waits = (fatal_open and defect.severity is not Severity.FATAL) or (unmatched_open and ground)
            state = DEFERRED if waits else APPLIED
        states.append((defect, state))
    return states


@dataclass(frozen=True, slots=True)
class Drawn:
    """Cells after the repairs of ground.

    Attributes
    ----------
    rows : row of the file each cell comes from.
    added : whether it is a piece that became a cell of its own.
    shapes : metric polygons.
    communities : the communities, redrawn together with the cells or as they were.
    changed_m2 : ground that has another owner than in the file.
    moved_m : the farthest that a vertex of an untouched cell moved.
    """

    rows: list[int]
    added: list[bool]
    shapes: GeomArray
    communities: GeomArray
    changed_m2: float
    moved_m: float


def draw(ground: Ground, accepted: Accepted, communities: GeomArray) -> Drawn:
    """Return the cells with the accepted repairs of ground."""
    leaving = accepted.rows(*_LEAVING)
    mended = accepted.rows(_K.SELF_CROSSING)
    redrawn = any(d.faces or d.kind is _K.BORDER_UNMATCHED for d, s in accepted.states if s == APPLIED)
    shapes = {row: shape for row, shape in enumerate(ground.given) if row not in leaving}
    for row in mended & shapes.keys():
        shapes[row] = ground.sound[row]
    if not redrawn:
        return _drawn(shapes, {}, communities, 0.0, 0.0)
    faces, before = ground.faces, {tuple(claim) for claim in ground.faces.claims.tolist()}
    claims, pieces = _decided(faces, ground.home.tolist(), before, accepted)
    broken = {d.rows[0] for d, s in accepted.states if d.kind is _K.SELF_CROSSING and s != APPLIED}
    owned: dict[int, list[int]] = {}
    for face, row in sorted(claims):
        owned.setdefault(row, []).append(face)
    from_faces = {row for _, row in before if row in shapes and row not in broken}
    for row in from_faces:
        shapes.pop(row)
        if row in owned:
            shapes[row] = _united(faces, owned[row])
    new = {(row, n): _united(faces, group) for n, (row, group) in enumerate(pieces)}
    touched = {row for _, row in before ^ claims} | {row for row, _ in pieces}
    changed = np.asarray(sorted({face for face, _ in before ^ claims}), dtype=np.int64)
    land = dissolve(
        faces.shapes[faces.community != NOBODY], _dense(faces.community[faces.community != NOBODY])
    )
    moved_m = _moved(ground, shapes, from_faces - touched)
    return _drawn(shapes, new, land, float(shapely.area(faces.shapes[changed]).sum()), moved_m)


def _dense(
    labels: "np.ndarray[tuple[int], np.dtype[np.int64]]",
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def _drawn(
    shapes: Mapping[int, shapely.Geometry],
    new: Mapping[tuple[int, int], shapely.Geometry],
    communities: GeomArray,
    changed_m2: float,
    moved_m: float,
) -> Drawn:
    cells = [(row, False, shape) for row, shape in sorted(shapes.items())]
    cells += [(row, True, shape) for (row, _), shape in sorted(new.items())]
    drawn = np.empty(len(cells), dtype=object)
    drawn[:] = [shape for _, _, shape in cells]
    return Drawn([c[0] for c in cells], [c[1] for c in cells], drawn, communities, changed_m2, moved_m)


def _decided(
    faces: Faces, home: list[int], before: set[tuple[int, int]], accepted: Accepted
) -> tuple[set[tuple[int, int]], list[tuple[int, list[int]]]]:
    """Claims after the repairs, and the groups of faces that become cells of their own, each with its row."""
    claims = set(before)
    for defect, _ in accepted.of(_K.OUTSIDE, _K.OUTSIDE_SLIVER):
        claims -= {(face, defect.rows[0]) for face in defect.faces}
    heirs: dict[int, int] = {}
    for defect, heir in accepted.of(_K.CROSSES_COMMUNITY, _K.CROSSES_SLIVER):
        claims -= {(face, defect.rows[0]) for face in defect.faces}
        heirs.update(dict.fromkeys(defect.faces, int(heir)))
    for defect, keeper in accepted.of(_K.OVERLAP, _K.OVERLAP_SLIVER):
        losers = [row for row in defect.rows if str(row) != keeper]
        claims -= {(face, row) for face in defect.faces for row in losers}
    claimed = {face for face, _ in claims}
    claims |= {(face, row) for face, row in heirs.items() if face not in claimed}
    for defect, heir in accepted.of(_K.GAP, _K.GAP_SLIVER):
        claims |= {(face, int(heir)) for face in defect.faces}
    pieces: list[tuple[int, list[int]]] = []
    for defect, choice in accepted.of(_K.MULTIPART):
        row = defect.rows[0]
        mine = [face for face in defect.faces if (face, row) in claims]
        claims -= {(face, row) for face in mine}
        for group in _connected(faces, mine):
            heir_row = None if choice == OWN_CELLS else _neighbour(faces, home, claims, group, row)
            if heir_row is None:
                pieces.append((row, group))
            else:
                claims |= {(face, heir_row) for face in group}
    return claims, pieces


def _connected(faces: Faces, chosen: list[int]) -> list[list[int]]:
    mask = np.zeros(faces.count, dtype=bool)
    mask[chosen] = True
    return [group.tolist() for group in faces.groups(mask, np.zeros(faces.count, dtype=np.int64))]


def _neighbour(
    faces: Faces, home: list[int], claims: set[tuple[int, int]], group: list[int], row: int
) -> int | None:
    owner = np.full(faces.count, NOBODY, dtype=np.int64)
    for face, claimant in claims:
        if claimant != row and home[claimant] == home[row]:
            owner[face] = claimant
    metres = faces.beside(np.asarray(group, dtype=np.int64), owner)
    return min(metres, key=lambda r: (-metres[r], r)) if metres else None


def _united(faces: Faces, members: list[int]) -> shapely.Geometry:
    shape: shapely.Geometry = dissolve(faces.shapes[members], np.zeros(len(members), dtype=np.int64))[0]
    return shape


def _moved(ground: Ground, shapes: Mapping[int, shapely.Geometry], rows: set[int]) -> float:
    moved = 0.0
    for row in sorted(rows & shapes.keys()):
        corners = shapely.points(shapely.get_coordinates(ground.sound[row]))
        moved = max(moved, float(shapely.distance(corners, shapely.boundary(shapes[row])).max(initial=0.0)))
    return moved
