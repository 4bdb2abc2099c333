"""What a street must be before it is divided: whole, valid, in one CRS, covered by its atoms once.

A gap or an overlap among the atoms would go on into the plan as land of nobody or of two cells, so it is
refused with the atoms beside it, and never closed: which drawing is right is for a person to say.
"""

from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmgmt.errors import Infeasible, InvalidInput, WrongCrs
from gridmgmt.geo.crs import require_metric
from gridmgmt.planning.coverage import FloatArray, IntArray, SharedBorders

NESTING_TOLERANCE_SHARE: Final = 0.01
"""Share of an atom that may lie outside its community: drawings of one line differ a little."""
OUTLINE_TOLERANCE_M: Final = 2.0
"""How far the outer sides of the atoms may lie from the outline of their community, for the same reason."""
_NAMED = 10


def require_frames(
    communities: gpd.GeoDataFrame, atoms: gpd.GeoDataFrame, demand: str, workload: str | None
) -> None:
    """Refuse frames that cannot be divided.

    Raises
    ------
    InvalidInput
        No rows, missing columns, an id given twice, polygons that are none or not valid, demand that is
        missing, negative or no number.
    WrongCrs
        Not one metric CRS.
    """
    crs = require_metric(atoms.crs)
    if not require_metric(communities.crs).equals(crs):
        raise WrongCrs("communities and atoms must be in one CRS", communities=str(communities.crs))
    counted = [demand] if workload is None else [demand, workload]
    missing = [c for c in ("code", "name") if c not in communities]
    missing += [c for c in ("atom_id", *counted) if c not in atoms]
    if missing:
        raise InvalidInput("a column is missing", missing=missing)
    if len(atoms) == 0 or len(communities) == 0:
        raise InvalidInput(
            "there are no atoms or no communities", atoms=len(atoms), communities=len(communities)
        )
    for frame, name in ((communities, "code"), (atoms, "atom_id")):
        _refuse(frame, name, frame[name].duplicated(keep=False).to_numpy(), f"a {name} is given twice")
        shapes = shapes_of(frame)
        # 3 and 6 are Polygon and MultiPolygon; an empty one holds no land.
        polygon = np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_empty(shapes)
        _refuse(frame, name, ~polygon, "a geometry is missing, empty or no polygon")
        _refuse(frame, name, ~shapely.is_valid(shapes), "a polygon is not valid; it is not repaired here")
    for column in counted:
        if not pd.api.types.is_numeric_dtype(atoms[column].dtype):
            raise InvalidInput("a demand column holds no numbers", column=column)
        values = atoms[column].to_numpy(dtype=np.float64, na_value=np.nan)
        wrong = ~np.isfinite(values) | (values < 0)
        _refuse(atoms, "atom_id", wrong, "a demand is missing, negative or not a number", column=column)


def _refuse(
    frame: gpd.GeoDataFrame, name: str, wrong: npt.NDArray[np.bool_], message: str, **facts: Any
) -> None:
    if wrong.any():
        facts[f"{name}s"] = [str(value) for value in frame[name].to_numpy()[wrong][:_NAMED]]
        raise InvalidInput(message, **facts)


def shapes_of(frame: gpd.GeoDataFrame) -> npt.NDArray[np.object_]:
    """Polygons of a frame as an array."""
    return np.asarray(frame.geometry.array, dtype=object)


def community_of_atoms(communities: gpd.GeoDataFrame, atoms: gpd.GeoDataFrame) -> IntArray:
    """Return the position of the community that each atom lies in.

    Raises
    ------
    InvalidInput
        An atom lies in no community, or two communities overlap there.
    Infeasible
        More than 1 % of an atom lies in another community, or a community has no atom.
    """
    shapes, polygons = shapes_of(atoms), shapes_of(communities)
    atom, community = shapely.STRtree(polygons).query(
        shapely.point_on_surface(shapes), predicate="intersects"
    )
    found = np.bincount(atom, minlength=len(atoms))
    _refuse(atoms, "atom_id", found != 1, "every atom must lie in exactly one community")
    home = np.empty(len(atoms), dtype=np.int64)
    home[atom] = community
    outside = shapely.area(shapely.difference(shapes, polygons[home]))
    crossing = np.flatnonzero(outside > NESTING_TOLERANCE_SHARE * shapely.area(shapes))
    if len(crossing):
        raise infeasible(
            communities,
            int(home[crossing[0]]),
            "an atom crosses the border of its community",
            "within_community",
            atom_ids=[str(a) for a in atoms["atom_id"].to_numpy()[crossing[:_NAMED]]],
        )
    empty = np.setdiff1d(np.arange(len(communities)), home)
    if len(empty):
        raise infeasible(communities, int(empty[0]), "the community has no atom", "atoms")
    return home


def require_cover(
    communities: gpd.GeoDataFrame, atoms: gpd.GeoDataFrame, home: IntArray, borders: SharedBorders
) -> None:
    """Refuse atoms that do not cover their communities exactly once.

    A side that no other atom shares must lie on the outline of the community: inside it, a side without a
    neighbour is the edge of a gap or of an overlap. Costs what the atoms along the outlines cost.

    Raises
    ------
    InvalidInput
        ``facts["constraint"]`` is ``seamless``; ``atom_ids`` are those beside the gap or in the overlap.
    """
    parts, owner = shapely.get_parts(shapes_of(communities), return_index=True)
    shapes, names = shapes_of(atoms), atoms["atom_id"].to_numpy()
    if len(borders.faults):
        at = shapely.STRtree(shapes).query(shapely.Point(borders.faults[0]), predicate="intersects")
        raise _not_seamless(communities, int(home[at[0]]), names[np.sort(at)])
    inside = shapely.STRtree(shapely.point_on_surface(shapes)).query(parts, predicate="intersects")[0]
    empty = np.setdiff1d(np.arange(len(parts)), inside)
    if len(empty):
        raise _not_seamless(communities, int(owner[empty[0]]), names[:0])
    edge = np.flatnonzero(borders.outer_m > OUTLINE_TOLERANCE_M)
    if len(edge):
        excess = borders.outer_m[edge] - _on_outline_m(communities, shapes[edge], home[edge])
        torn = edge[excess > OUTLINE_TOLERANCE_M]
        if len(torn):
            raise _not_seamless(communities, int(home[torn[0]]), names[torn])


def _on_outline_m(
    communities: gpd.GeoDataFrame, shapes: npt.NDArray[np.object_], home: IntArray
) -> FloatArray:
    """Length of each atom's outline that runs along the outline of its community, in metres."""
    outlines = shapely.buffer(shapely.boundary(shapes_of(communities)), OUTLINE_TOLERANCE_M)
    shapely.prepare(outlines)
    return np.asarray(shapely.length(shapely.intersection(shapely.boundary(shapes), outlines[home])))


def _not_seamless(communities: gpd.GeoDataFrame, row: int, names: npt.NDArray[np.object_]) -> InvalidInput:
    return InvalidInput(
        "the atoms leave a gap or overlap in a community",
        rule="R21a",
        constraint="seamless",
        community_code=str(communities["code"].iloc[row]),
        community_name=str(communities["name"].iloc[row]),
        atom_ids=[str(name) for name in names[:_NAMED]],
        relax="draw the atoms anew from the layers, or mend the drawing where these atoms meet",
    )


def infeasible(
    communities: gpd.GeoDataFrame, row: int, message: str, constraint: str, **facts: Any
) -> Infeasible:
    """The refusal to divide a community, with its code and name."""
    return Infeasible(
        message,
        rule="R21a",
        constraint=constraint,
        community_code=str(communities["code"].iloc[row]),
        community_name=str(communities["name"].iloc[row]),
        **facts,
    )
