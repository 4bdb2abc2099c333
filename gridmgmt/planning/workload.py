"""Demand per atom: how many households live there, how many incidents a year fall there.

Units are part of the column name: ``households`` are counts of 户, ``incidents_per_year`` counts a year,
``handling_h_per_year`` hours a year. The band of a duty grid is on households (300 to 500); incidents can
be balanced beside them, added up in hours by :func:`with_workload`, but do not replace them.

A building's households belong to the atom that holds a point inside the building; atoms never cut a
building, so there is only one. An incident on a shared border counts for the first atom in the frame's
order.
"""

from dataclasses import astuple, dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gridmgmt.errors import InvalidInput, WrongCrs
from gridmgmt.geo.crs import require_metric


def with_households(
    atoms: gpd.GeoDataFrame, buildings: gpd.GeoDataFrame, *, column: str = "households"
) -> gpd.GeoDataFrame:
    """Return the atoms with the households of their buildings added up.

    Parameters
    ----------
    atoms, buildings : in one metric CRS. ``buildings`` has ``column``: whole households, at least 0.

    Raises
    ------
    InvalidInput
        A number of households is missing, negative or not whole, or a building with households stands
        outside all atoms: nobody is dropped silently.
    """
    _require_same_crs(atoms, buildings)
    values = pd.to_numeric(buildings[column], errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~np.isfinite(values) | (values < 0) | (values != np.floor(values))
    if wrong.any():
        raise InvalidInput(
            "households must be whole numbers of at least 0", rows=np.flatnonzero(wrong)[:10].tolist()
        )
    home = _atom_of(atoms, shapely.point_on_surface(np.asarray(buildings.geometry.array, dtype=object)))
    lost = (home < 0) & (values > 0)
    if lost.any():
        raise InvalidInput(
            "households stand outside all atoms",
            households=int(values[lost].sum()),
            rows=np.flatnonzero(lost)[:10].tolist(),
        )
    total = np.bincount(home[home >= 0], values[home >= 0], minlength=len(atoms))
    return atoms.assign(**{column: total.astype(np.int64)})


def with_incidents(
    atoms: gpd.GeoDataFrame,
    incidents: gpd.GeoDataFrame,
    *,
    years: float,
    handling_h: str | None = None,
) -> gpd.GeoDataFrame:
    """Return the atoms with incidents a year, and optionally hours of handling a year.

    Parameters
    ----------
    atoms, incidents : in one metric CRS; incidents are points. Those outside all atoms are not counted.
    years : length of the record, greater than 0.
    handling_h : column of ``incidents`` with the hours one took, at least 0.
    """
    _require_same_crs(atoms, incidents)
    if not (np.isfinite(years) and years > 0):
        raise InvalidInput("the length of the record is greater than 0", years=str(years))
    home = _atom_of(atoms, np.asarray(incidents.geometry.array, dtype=object))
    inside = home >= 0
    added = {"incidents_per_year": np.bincount(home[inside], minlength=len(atoms)) / years}
    if handling_h is not None:
        hours = incidents[handling_h].to_numpy(dtype=np.float64)
        if not np.isfinite(hours).all() or (hours < 0).any():
            raise InvalidInput("hours of handling are finite and at least 0", column=handling_h)
        added["handling_h_per_year"] = np.bincount(home[inside], hours[inside], minlength=len(atoms)) / years
    return atoms.assign(**added)


@dataclass(frozen=True, slots=True)
class Norms:
    """What work takes, to add up unlike things in hours a year.

    Attributes
    ----------
    visit_h_per_household : visits, notices and registers for one household a year.
    handling_h_per_incident : used where the record has no hours of its own.
    patrols_per_year : how often every street is walked.
    walking_km_per_h : with eyes open.
    """

    visit_h_per_household: float = 1.0
    handling_h_per_incident: float = 0.5
    patrols_per_year: float = 250.0
    walking_km_per_h: float = 3.0


def with_workload(
    atoms: gpd.GeoDataFrame, *, norms: Norms | None = None, column: str = "workload_h_per_year"
) -> gpd.GeoDataFrame:
    """Return the atoms with hours of work a year: households, incidents × handling time, walking time.

    ::

        households · visit_h_per_household
        + handling_h_per_year, else incidents_per_year · handling_h_per_incident
        + patrols_per_year · (outline of the atom / 2) / walking speed

    Half the outline, because two atoms share each street between them. Walking is then a sum over atoms and
    does not depend on how cells are drawn; the way to the first street and back is not in it. Columns that
    are not there count as 0.

    Raises
    ------
    InvalidInput
        A norm or a value is negative or not finite.
    """
    require_metric(atoms.crs)
    chosen = norms or Norms()
    if not all(np.isfinite(n) and n >= 0 for n in astuple(chosen)) or chosen.walking_km_per_h == 0:
        raise InvalidInput("norms are finite, at least 0, and the speed greater than 0", norms=str(chosen))

    def values(name: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        if name not in atoms:
            return np.zeros(len(atoms))
        found = pd.to_numeric(atoms[name], errors="coerce").to_numpy(dtype=np.float64)
        if not np.isfinite(found).all() or (found < 0).any():
            raise InvalidInput("a value is missing, negative or not a number", column=name)
        return np.asarray(found, dtype=np.float64)

    hours = values("households") * chosen.visit_h_per_household
    if "handling_h_per_year" in atoms:
        hours += values("handling_h_per_year")
    else:
        hours += values("incidents_per_year") * chosen.handling_h_per_incident
    walked_km = atoms.length.to_numpy() / 2000.0
    hours += chosen.patrols_per_year * walked_km / chosen.walking_km_per_h
    return atoms.assign(**{column: hours})


def _atom_of(
    atoms: gpd.GeoDataFrame, points: "np.ndarray[tuple[int], np.dtype[np.object_]]"
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    tree = shapely.STRtree(atoms.geometry.array)
    point, atom = tree.query(points, predicate="intersects")
    home = np.full(len(points), len(atoms), dtype=np.int64)
    np.minimum.at(home, point, atom)
    return np.where(home == len(atoms), -1, home)


def _require_same_crs(atoms: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> None:
    if not require_metric(atoms.crs).equals(require_metric(other.crs)):
        raise WrongCrs("both layers must be in one CRS", atoms=str(atoms.crs), other=str(other.crs))
