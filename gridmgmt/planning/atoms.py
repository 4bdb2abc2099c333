"""Blocks to atoms: the smallest pieces that cells are made of, none of which cuts a building.

A cell is a union of atoms, so whatever must never be divided is put into one atom here: a building (GB/T
30428.1 and its kin: a component or building is not cut by a grid line), a dedicated site such as a school,
a walled courtyard if the planner says so. Blocks are first cut along the walls of sites; the land inside is
then shared out to its buildings by nearness, so that borders run between rows of houses. Open land larger
than asked gets evenly spaced points of its own.

All borders are noded together once, so the atoms are a seamless coverage; see
:mod:`gridmgmt.planning.coverage`. A building that stands across a border (a bridge house over a road) makes
one atom of both sides: the rule about buildings is the stronger one.

Not done here: households (:mod:`gridmgmt.planning.workload`), communities, cells.
"""

from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from gridmgmt.errors import InvalidGeometry, WrongCrs
from gridmgmt.geo.crs import require_metric
from gridmgmt.planning.coverage import (
    GeomArray,
    IntArray,
    absorb_small,
    components,
    dissolve,
    noded_faces,
)
from gridmgmt.planning.numbering import reading_order
from gridmgmt.planning.tessellation import nearest_borders

SLIVER_AREA_M2: Final = 20.0
"""A face smaller than this is no place: it joins the neighbour it shares most border with."""

SLIVER_WIDTH_M: Final = 1.0
"""A face that is nowhere this wide comes from two drawings of one line."""

CUT_AREA_M2: Final = 0.01
"""A building counts as cut when more of it than this lies in a second atom."""


@dataclass(frozen=True, slots=True)
class _Layer:
    """One input layer as arrays: geometries, their ids and a tree over them."""

    geometry: GeomArray
    ids: npt.NDArray[np.object_]
    tree: shapely.STRtree

    @classmethod
    def of(cls, frame: gpd.GeoDataFrame, id_column: str) -> "_Layer":
        geometry = np.asarray(frame.geometry.array, dtype=object)
        return cls(geometry, frame[id_column].to_numpy(dtype=object), shapely.STRtree(geometry))

    def holding(self, points: GeomArray) -> IntArray:
        """Position of the first geometry that holds each point, -1 for none."""
        found = np.full(len(points), -1, dtype=np.int64)
        point, member = self.tree.query(points, predicate="intersects")
        found[point[::-1]] = member[::-1]
        return found


def atoms_from_buildings(
    blocks: gpd.GeoDataFrame,
    buildings: gpd.GeoDataFrame,
    *,
    sites: gpd.GeoDataFrame | None = None,
    max_area_m2: float = 20_000.0,
    spacing_m: float = 4.0,
    simplify_m: float = 0.6,
) -> gpd.GeoDataFrame:
    """Divide blocks into atoms, at most one building each unless buildings touch.

    Parameters
    ----------
    blocks : ``block_id`` and polygons, a seamless coverage in a metric CRS.
    buildings : ``building_id`` and footprints in the same CRS. Those outside every block are ignored.
    sites : optional parcels with ``site_id`` and a boolean ``dedicated``; their borders are walls. A
        dedicated site, and one without buildings that is not too large, is one atom.
    max_area_m2 : open land farther than half the side of such a square from every building becomes atoms of
        its own. One large building can still make a larger atom.
    spacing_m : precision of the borders between buildings: those with a smaller gap share an atom.
    simplify_m : how far such a border may be moved to make it straight; keep it well under half a gap.

    Returns
    -------
    Columns ``atom_id`` (``A0001`` … in reading order), ``block_id``, ``site_id`` (None outside sites),
    ``dedicated``, ``buildings`` (count), ``area_m2`` and ``geometry``: a seamless coverage of the blocks.

    Raises
    ------
    WrongCrs
        A CRS is missing, not metric, or not that of the blocks.
    InvalidGeometry
        A footprint is empty, invalid or no polygon; sites or blocks overlap so that no coverage results.
    """
    crs = require_metric(blocks.crs)
    for layer in (buildings, sites):
        if layer is not None and not require_metric(layer.crs).equals(crs):
            raise WrongCrs("all layers must be in the CRS of the blocks", crs=str(layer.crs))
    _require_polygons(buildings, "building_id")
    parcels = _parcels(blocks, sites)
    footprints = _Layer.of(buildings, "building_id")
    members, seeds = _seeds(parcels, footprints, max_area_m2)
    lines = [
        nearest_borders(parcel, seeds[members == number], spacing_m=spacing_m, simplify_m=simplify_m)
        for number, parcel in enumerate(parcels.geometry.array)
        if not parcels["dedicated"].iloc[number]
    ]
    faces = noded_faces([*shapely.boundary(parcels.geometry.array), *np.concatenate(lines)])
    faces, parcel_of = _labelled(faces, parcels)
    label = _nearest_seed(faces, parcel_of, members, seeds)
    pieces = shapely.get_parts(dissolve(faces, label))
    atoms = dissolve(pieces, absorb_small(pieces, _is_sliver(pieces)))
    atoms = shapely.get_parts(dissolve(atoms, _joined_by_buildings(atoms, footprints)))
    return _described(atoms, parcels, footprints, crs)


def _parcels(blocks: gpd.GeoDataFrame, sites: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Cut the blocks along the borders of the sites."""
    block_layer = _Layer.of(blocks, "block_id")
    if sites is None:
        return blocks[["block_id", "geometry"]].assign(site_id=None, dedicated=False)
    faces = noded_faces([*shapely.boundary(block_layer.geometry), *shapely.boundary(sites.geometry.array)])
    faces = faces[block_layer.holding(shapely.point_on_surface(faces)) >= 0]
    faces = dissolve(faces, absorb_small(faces, _is_sliver(faces)))
    inner = shapely.point_on_surface(faces)
    block = block_layer.holding(inner)
    site_layer = _Layer.of(sites, "site_id")
    site = site_layer.holding(inner)
    dedicated = sites["dedicated"].to_numpy(dtype=bool)
    site_id = site_layer.ids[site]
    site_id[site < 0] = None
    return gpd.GeoDataFrame(
        {
            "block_id": block_layer.ids[block],
            "site_id": site_id,
            "dedicated": (site >= 0) & dedicated[site],
        },
        geometry=gpd.GeoSeries(faces, crs=blocks.crs),
    )


def _seeds(parcels: gpd.GeoDataFrame, footprints: _Layer, max_area_m2: float) -> tuple[IntArray, GeomArray]:
    """What land is shared out to: the buildings of each parcel, and points on its open land."""
    ground = np.asarray(parcels.geometry.array, dtype=object)
    tree = shapely.STRtree(ground)
    home = np.full(len(footprints.geometry), -1, dtype=np.int64)
    building, parcel = tree.query(shapely.point_on_surface(footprints.geometry), predicate="intersects")
    home[building] = parcel
    divided = ~parcels["dedicated"].to_numpy(dtype=bool)
    standing = (home >= 0) & divided[home]
    side_m = float(np.sqrt(max_area_m2))
    open_parcel, points = _open_land(ground, np.flatnonzero(divided), footprints, side_m)
    members = np.concatenate([home[standing], open_parcel])
    return members, np.concatenate([footprints.geometry[standing], points])


def _open_land(
    ground: GeomArray, divided: IntArray, footprints: _Layer, side_m: float
) -> tuple[IntArray, GeomArray]:
    """Points on a square lattice, one every ``side_m``, that are half a side away from all buildings."""
    large = divided[shapely.area(ground[divided]) > side_m**2]
    members, points = [np.empty(0, np.int64)], [np.empty(0, dtype=object)]
    for number in large:
        west, south, east, north = shapely.bounds(ground[number])
        x, y = np.meshgrid(
            np.arange(west + side_m / 2.0, east, side_m), np.arange(south + side_m / 2.0, north, side_m)
        )
        candidates = np.asarray(shapely.points(x.ravel(), y.ravel()), dtype=object)
        inside = candidates[shapely.contains(ground[number], candidates)]
        if len(footprints.geometry) and len(inside):
            near = footprints.tree.query(inside, predicate="dwithin", distance=side_m / 2.0)[0]
            inside = np.delete(inside, np.unique(near))
        members.append(np.full(len(inside), number, dtype=np.int64))
        points.append(inside)
    return np.concatenate(members), np.concatenate(points)


def _labelled(faces: GeomArray, parcels: gpd.GeoDataFrame) -> tuple[GeomArray, IntArray]:
    """Keep the faces that lie in a parcel and say in which."""
    tree = shapely.STRtree(parcels.geometry.array)
    face, parcel = tree.query(shapely.point_on_surface(faces), predicate="intersects")
    owner = np.full(len(faces), -1, dtype=np.int64)
    owner[face[::-1]] = parcel[::-1]
    return faces[owner >= 0], owner[owner >= 0]


def _nearest_seed(faces: GeomArray, parcel_of: IntArray, members: IntArray, seeds: GeomArray) -> IntArray:
    """Label each face by the nearest seed of its own parcel; a parcel without seeds is one label."""
    label = np.zeros(len(faces), dtype=np.int64)
    inner = shapely.point_on_surface(faces)
    for parcel in np.unique(parcel_of):
        here = np.flatnonzero(parcel_of == parcel)
        own = np.flatnonzero(members == parcel)
        if len(own) == 0 or len(here) == 1:
            label[here] = -1 - parcel
        else:
            label[here] = own[shapely.STRtree(seeds[own]).nearest(inner[here])]
    return np.unique(label, return_inverse=True)[1].astype(np.int64)


def _is_sliver(faces: GeomArray) -> npt.NDArray[np.bool_]:
    small = shapely.area(faces) < SLIVER_AREA_M2
    thin = shapely.is_empty(shapely.buffer(faces, -SLIVER_WIDTH_M / 2.0))
    return np.asarray(small | thin, dtype=np.bool_)


def _joined_by_buildings(atoms: GeomArray, footprints: _Layer) -> IntArray:
    """Unite atoms that a building stands in together."""
    tree = shapely.STRtree(atoms)
    building, atom = tree.query(footprints.geometry, predicate="intersects")
    shared = np.bincount(building, minlength=len(footprints.geometry))[building] > 1
    building, atom = building[shared], atom[shared]
    overlap = shapely.area(shapely.intersection(footprints.geometry[building], atoms[atom]))
    building, atom = building[overlap > CUT_AREA_M2], atom[overlap > CUT_AREA_M2]
    same = building[1:] == building[:-1]
    return components(len(atoms), np.column_stack([atom[:-1][same], atom[1:][same]]))


def _described(atoms: GeomArray, parcels: gpd.GeoDataFrame, footprints: _Layer, crs: Any) -> gpd.GeoDataFrame:
    area_m2 = shapely.area(atoms)
    order = reading_order(shapely.get_coordinates(shapely.centroid(atoms)), float(area_m2.sum()))
    atoms, area_m2 = atoms[order], area_m2[order]
    tree = shapely.STRtree(atoms)
    _, home = tree.query(shapely.point_on_surface(footprints.geometry), predicate="intersects")
    inner = shapely.point_on_surface(atoms)
    face, parcel = shapely.STRtree(parcels.geometry.array).query(inner, predicate="intersects")
    row = pd.Series(parcel, index=face).groupby(level=0).first().reindex(range(len(atoms))).to_numpy(int)
    width = max(4, len(str(len(atoms))))
    return gpd.GeoDataFrame(
        {
            "atom_id": [f"A{number:0{width}d}" for number in range(1, len(atoms) + 1)],
            "block_id": parcels["block_id"].to_numpy(dtype=object)[row],
            "site_id": parcels["site_id"].to_numpy(dtype=object)[row],
            "dedicated": parcels["dedicated"].to_numpy(dtype=bool)[row],
            "buildings": np.bincount(home, minlength=len(atoms)),
            "area_m2": area_m2,
        },
        geometry=gpd.GeoSeries(atoms, crs=crs),
    )


def _require_polygons(buildings: gpd.GeoDataFrame, id_column: str) -> None:
    shapes = np.asarray(buildings.geometry.array, dtype=object)
    wrong = shapely.is_missing(shapes) | shapely.is_empty(shapes) | ~shapely.is_valid(shapes)
    wrong |= shapely.get_dimensions(shapes) != 2
    if wrong.any():
        raise InvalidGeometry(
            "a building footprint must be a valid, non-empty polygon",
            ids=[str(name) for name in buildings.loc[wrong, id_column].head(10)],
        )
