"""From the demo files to a numbered plan: the planning path from end to end, in one function.

roads + outline → blocks → (compounds, buildings) atoms → households → communities → duty grids → codes. The
files are in ``data/demo``; how they came about is told by :mod:`gridmgmt.planning.demo_street` and
``data/demo/README.md``. Roads are real (© OpenStreetMap contributors, ODbL 1.0), names and codes are real,
the outline and the communities' areas are illustrative, compounds, buildings and households are SYNTHETIC.

All frames of a plan share their vertices. A road that ends on another adds a vertex to it, which may bend
that line by less than the planning lattice; so outline, blocks and communities are dissolved from the atoms
in the end and differ from the files by millimetres, but not from each other.
"""

from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmgmt.domain.grid import CellKind
from gridmgmt.planning.atoms import atoms_from_buildings
from gridmgmt.planning.blocks import blocks_from_lines
from gridmgmt.planning.coverage import GRID_M, dissolve, to_geographic_frame
from gridmgmt.planning.demo_files import ATTRIBUTION, read_layer, read_register
from gridmgmt.planning.demo_street import EXTEND_M, NARROW_M
from gridmgmt.planning.numbering import number_cells
from gridmgmt.planning.partition import Progress, propose_cells
from gridmgmt.planning.workload import with_households

DEFAULT_SEED: Final = 5

NOTES: Final = (
    ATTRIBUTION,
    "The outline and the communities' areas are illustrative, not the legal boundaries.",
    "Compounds, buildings and households are synthetic.",
)


@dataclass(frozen=True, slots=True)
class DemoStreet:
    """The demo subdistrict with its plan; all frames are in one CRS.

    Attributes
    ----------
    outline : one row: ``code`` (9 digits), ``name``.
    roads : ``osm_id``, ``highway``, ``name``.
    sites : ``site_id``, ``name``, ``use``, ``dedicated``, ``community_code``, ``synthetic``.
    buildings : ``building_id``, ``site_id``, ``kind``, ``floors``, ``households``, ``synthetic``.
    blocks : ``block_id``, ``area_m2``.
    communities : ``code`` (12 digits), ``name``, ``households``, ``area_m2``.
    atoms : as :func:`~gridmgmt.planning.atoms.atoms_from_buildings`, with ``households``,
        ``community_code`` and ``cell_code``.
    cells : ``code`` (15 digits), ``sequence``, ``name``, ``community_code``, ``community_name``, ``kind``,
        ``households``, ``atoms``, ``atom_ids``, ``site_id``, ``area_m2``.
    """

    outline: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame
    sites: gpd.GeoDataFrame
    buildings: gpd.GeoDataFrame
    blocks: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    atoms: gpd.GeoDataFrame
    cells: gpd.GeoDataFrame

    def to_geographic(self) -> "DemoStreet":
        """Return the same in CGCS2000 degrees; what was seamless stays seamless."""
        return replace(self, **{f.name: to_geographic_frame(getattr(self, f.name)) for f in fields(self)})


def build_demo_plan(
    data_dir: Path, *, seed: int = DEFAULT_SEED, progress: Progress | None = None
) -> DemoStreet:
    """Compute the demo plan from the files of ``data/demo``.

    Parameters
    ----------
    data_dir : folder with roads, outline, sites, buildings (GeoJSON) and communities (CSV).
    seed : of the partition; the files are fixed.
    progress : called as ``progress(communities done, communities in all)``.

    Returns
    -------
    All layers in the metric zone of Tianjin.

    Raises
    ------
    NotFound
        A file is missing; ``facts["file"]`` names it.
    """
    roads, outline, sites, buildings = (
        read_layer(data_dir, n) for n in ("roads", "outline", "sites", "buildings")
    )
    register = read_register(data_dir)
    border = shapely.set_precision(outline.geometry.iloc[0], GRID_M)
    blocks = blocks_from_lines(roads, border, extend_m=EXTEND_M, narrower_than_m=NARROW_M)
    atoms = with_households(atoms_from_buildings(blocks, buildings, sites=sites), buildings)
    atoms["community_code"] = atoms["site_id"].map(sites.set_index("site_id")["community_code"])
    communities = _communities(atoms, register)
    cells = number_cells(propose_cells(communities, atoms, seed=seed, progress=progress))
    cells.insert(2, "name", _cell_names(cells, sites))
    home = cells[["code", "atom_ids"]].explode("atom_ids").set_index("atom_ids")["code"]
    return DemoStreet(
        outline=outline.set_geometry(_united(atoms, np.zeros(len(atoms), dtype=np.int64))),
        roads=roads,
        sites=sites,
        buildings=buildings,
        blocks=_blocks(atoms),
        communities=communities,
        atoms=atoms.assign(cell_code=atoms["atom_id"].map(home)),
        cells=cells,
    )


def _united(atoms: gpd.GeoDataFrame, labels: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> gpd.GeoSeries:
    return gpd.GeoSeries(dissolve(np.asarray(atoms.geometry.array, dtype=object), labels), crs=atoms.crs)


def _communities(atoms: gpd.GeoDataFrame, register: pd.DataFrame) -> gpd.GeoDataFrame:
    labels, codes = pd.factorize(atoms["community_code"], sort=True)
    shapes = _united(atoms, labels.astype(np.int64))
    names = register.set_index("community_code12")["community"]
    return gpd.GeoDataFrame(
        {
            "code": codes.to_numpy(),
            "name": names.reindex(codes).to_numpy(),
            "households": np.bincount(labels, atoms["households"]).astype(np.int64),
            "area_m2": shapes.area.to_numpy(),
        },
        geometry=shapes,
    )


def _blocks(atoms: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    labels, ids = pd.factorize(atoms["block_id"], sort=True)
    shapes = _united(atoms, labels.astype(np.int64))
    return gpd.GeoDataFrame({"block_id": ids.to_numpy(), "area_m2": shapes.area.to_numpy()}, geometry=shapes)


def _cell_names(cells: gpd.GeoDataFrame, sites: gpd.GeoDataFrame) -> list[str]:
    site_name = sites.set_index("site_id")["name"]
    return [
        f"{community.removesuffix('居委会')}"
        + (f"第{sequence}网格" if kind == CellKind.DUTY else f"{site_name[site]}专属网格")
        for community, sequence, kind, site in zip(
            cells["community_name"], cells["sequence"], cells["kind"], cells["site_id"], strict=True
        )
    ]
