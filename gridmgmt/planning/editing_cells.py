"""From the desk back to frames and files: cells with codes, and what ``gridmgmt plan draft`` takes."""

import json
from collections.abc import Collection
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmgmt.domain.grid import CellKind
from gridmgmt.planning.coverage import to_geographic_frame
from gridmgmt.planning.editing_card import CellTable
from gridmgmt.planning.editing_division import Division, name_of
from gridmgmt.planning.editing_ground import Ground
from gridmgmt.planning.numbering import number_cells

DRAFT_COLUMNS: Final = ("community_code", "kind", "name", "households")
"""What a draft takes of each cell; codes are given by the platform."""


def cells_frame(ground: Ground, division: Division, table: CellTable) -> gpd.GeoDataFrame:
    """Return one row a cell, with the columns of :func:`~gridmgmt.planning.propose.propose_cells`.

    Besides: ``code`` (the one before, or a provisional name), ``name`` where the plan before had names and
    the ground is the same, ``changed`` (whether the ground is another than before).
    """
    members = [division.atoms_of(cell) for cell in table.number.tolist()]
    first = np.array([atoms[0] for atoms in members])
    changed = changed_cells(ground, division, table)
    ids = ground.atoms["atom_id"].to_numpy()
    columns: dict[str, Any] = {
        "code": [name_of(ground, division, cell) for cell in table.number.tolist()],
        "community_code": ground.communities["code"].to_numpy()[table.home],
        "community_name": ground.communities["name"].to_numpy()[table.home],
        "kind": np.where(table.duty, CellKind.DUTY.value, CellKind.DEDICATED.value),
        ground.demand: table.demand.astype(ground.atoms[ground.demand].dtype),
        "atoms": [len(atoms) for atoms in members],
        "atom_ids": [tuple(ids[atoms].tolist()) for atoms in members],
        "site_id": None,
        "area_m2": table.area_m2,
        "changed": changed,
    }
    if "site_id" in ground.atoms:
        columns["site_id"] = np.where(table.duty, None, ground.atoms["site_id"].to_numpy(dtype=object)[first])
    if "name" in ground.cells:
        names = ground.cells["name"].to_numpy(dtype=object)
        columns["name"] = [
            None if new else names[cell] for cell, new in zip(table.number.tolist(), changed, strict=True)
        ]
    shapes = [ground.shape(atoms) for atoms in members]
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(shapes, crs=ground.atoms.crs))


def changed_cells(
    ground: Ground, division: Division, table: CellTable
) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Return for each cell of the table whether its ground is another than when it was laid on the desk."""
    was = np.bincount(ground.first_label, minlength=ground.given)
    now = np.bincount(table.index)
    stayed = division.label == ground.first_label
    same = np.bincount(table.index[stayed], minlength=len(table.number))
    old = table.number < ground.given
    before = np.where(old, was[np.where(old, table.number, 0)], -1)
    return np.asarray((same != now) | (same != before), dtype=np.bool_)


def numbered_cells(ground: Ground, cells: gpd.GeoDataFrame, used: Collection[str]) -> gpd.GeoDataFrame:
    """Give codes; those of the plan before survive with their ground and are given to no other."""
    kept = dict(zip(cells["code"], ~cells["changed"], strict=True))
    earlier = cells[cells["code"].map(kept)][["code", "geometry"]]
    numbered = number_cells(cells, used={*used, *ground.codes}, earlier=earlier)
    if "name" in numbered:
        made = [
            name if isinstance(name, str) else f"{str(community).removesuffix('居委会')}第{sequence}网格"
            for name, community, sequence in zip(
                numbered["name"], numbered["community_name"], numbered["sequence"], strict=True
            )
        ]
        numbered["name"] = made
    return numbered


def draft_file(cells: gpd.GeoDataFrame) -> str:
    """Return the cells as the GeoJSON that ``gridmgmt plan draft`` takes.

    Parameters
    ----------
    cells : numbered or not, in a metric zone, with households as the demand.

    Notes
    -----
    CGCS2000 degrees with nine decimals, vertex by vertex, so that what was seamless stays seamless. Codes are
    left out: the platform gives them, and keeps those of unchanged ground.
    """
    degrees = to_geographic_frame(cells)
    columns = [column for column in DRAFT_COLUMNS if column in degrees]
    features = [
        {
            "type": "Feature",
            "properties": {name: _plain(row[name]) for name in columns if not pd.isna(row[name])},
            "geometry": shapely.geometry.mapping(shape),
        }
        for row, shape in zip(degrees[columns].to_dict("records"), degrees.geometry, strict=True)
    ]
    lines = ",\n".join(json.dumps(f, ensure_ascii=False, separators=(",", ":")) for f in features)
    return '{"type": "FeatureCollection", "features": [\n' + lines + "\n]}\n"


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
