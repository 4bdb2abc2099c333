"""The whole card of a plan: rules, balance, shape, walking, roads, stability, and the proof of its seams.

One card fits a plan of our own and an imported one; what cannot be known of a plan is None and noted, not
guessed. :mod:`gridmgmt.viz.plan_card` makes a page of one card or of two side by side.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

from gridmgmt.domain.grid import CellKind
from gridmgmt.errors import InvalidInput, NotFound
from gridmgmt.geo.crs import MetricZone, lonlat, metric_zone_for
from gridmgmt.geo.foreign import carried_to_metric, middle_lonlat, source_crs
from gridmgmt.planning.coverage import dissolve, shapes_on_lattice
from gridmgmt.planning.evaluate import ReportCard, report_card
from gridmgmt.planning.proof import SeamProof, prove_seamless
from gridmgmt.planning.stability import Stability, Walking, stability, walking

NEEDED: Final = ("code", "households")


@dataclass(frozen=True, slots=True)
class PlanFiles:
    """A plan as files have it, in a metric zone.

    Attributes
    ----------
    cells : ``code``, ``community_code``, ``kind``, ``households`` and polygons.
    communities : ``code`` and polygons.
    notes : what was supposed because the file does not say.
    """

    cells: gpd.GeoDataFrame
    communities: gpd.GeoDataFrame
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanCard:
    """Everything that is measured of one plan; ``stability`` is None without a plan before."""

    name: str
    report: ReportCard
    proof: SeamProof
    walking: Walking
    stability: Stability | None
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every hard rule holds and the seams are proved."""
        return self.report.passed and self.proof.holds

    def as_facts(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "name": self.name,
            "passed": self.passed,
            **self.report.as_facts(),
            "seam_proof": self.proof.as_facts(),
            "walking": self.walking.as_facts(),
            "stability": self.stability.as_facts() if self.stability else None,
            "notes": list(self.notes),
        }


def plan_card(
    name: str,
    plan: PlanFiles,
    *,
    atoms: gpd.GeoDataFrame | None = None,
    lines: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    before: PlanFiles | None = None,
    cases: gpd.GeoDataFrame | None = None,
) -> PlanCard:
    """Measure a plan.

    Parameters
    ----------
    name : what the card calls it.
    atoms, lines, buildings : as :func:`~gridmgmt.planning.evaluate.report_card` takes them; buildings with
        ``households`` are also the places where people live.
    before : the plan that it replaces.
    cases : points of open cases, for the stability.
    """
    lived_in = buildings if buildings is not None and "households" in buildings else None
    notes = [*plan.notes]
    notes += [] if atoms is not None else ["no atoms: the lower bounds of balance are not known"]
    notes += [] if lines is not None else ["no roads: the share of borders on them is not known"]
    if lived_in is None:
        notes.append("no places where people live: walking and stability are over ground")
    return PlanCard(
        name,
        report_card(plan.cells, atoms, plan.communities, lines=lines, buildings=buildings),
        prove_seamless(plan.cells, plan.communities),
        walking(plan.cells, lived_in),
        None if before is None else stability(plan.cells, before.cells, places=lived_in, cases=cases),
        tuple(notes),
    )


def read_plan(file: Path, *, communities: Path | None = None, zone: MetricZone | None = None) -> PlanFiles:
    """Read a plan: cells, and communities from their own file, from a layer of that name, or from the cells.

    Parameters
    ----------
    file : with ``code`` and ``households``; ``kind`` and ``community_code`` where they are known.
    zone : the metric zone; the nearest one when None.

    Raises
    ------
    NotFound
        No such file.
    InvalidInput
        A column is missing.
    WrongCrs
        The file does not say which coordinates it has. Foreign files go through
        :mod:`gridmgmt.planning.official` first.
    """
    raw = _read(file, "cells")
    missing = [column for column in NEEDED if column not in raw]
    if missing:
        raise InvalidInput("the plan lacks a column", hint="columns", missing=missing, file=file.name)
    cells = in_zone(raw, zone)
    notes = []
    if "kind" not in cells:
        cells["kind"] = CellKind.DUTY.value
        notes.append("no kinds: every cell is taken as a duty grid")
    if "community_code" not in cells:
        cells["community_code"] = cells["code"].astype(str).str.slice(0, 12)
    cells["households"] = pd.to_numeric(cells["households"]).fillna(0.0)
    cells = cells.sort_values("code", ignore_index=True)
    used = MetricZone(cells.crs.to_epsg())
    if communities is not None:
        land = in_zone(_read(communities, "communities"), used)
    elif _has_layer(file, "communities"):
        land = in_zone(_read(file, "communities"), used)
    else:
        land = _dissolved(cells)
        notes.append("communities dissolved from the cells themselves: within_community says little")
    return PlanFiles(cells, land, tuple(notes))


def in_zone(frame: gpd.GeoDataFrame, zone: MetricZone | None) -> gpd.GeoDataFrame:
    """Return the frame in a metric zone, on the planning lattice."""
    source = source_crs(frame.crs)
    shapes = np.asarray(frame.geometry.array, dtype=object)
    chosen = zone or metric_zone_for(lonlat(*middle_lonlat(shapes, source)).lon)
    metric = shapes_on_lattice(carried_to_metric(shapes, source, chosen))
    return frame.set_geometry(gpd.GeoSeries(metric, index=frame.index, crs=int(chosen)))


def _read(file: Path, layer: str) -> gpd.GeoDataFrame:
    if not file.is_file():
        raise NotFound("no such file", file=file.name)
    return pyogrio.read_dataframe(file, layer=layer if _has_layer(file, layer) else None)


def _has_layer(file: Path, layer: str) -> bool:
    return layer in pyogrio.list_layers(file)[:, 0].tolist()


def _dissolved(cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    labels, codes = pd.factorize(cells["community_code"], sort=True)
    shapes = np.asarray(cells.geometry.array, dtype=object)
    if not shapely.coverage_is_valid(shapes):
        united = [shapely.union_all(shapes[labels == n]) for n in range(len(codes))]
        return gpd.GeoDataFrame({"code": codes}, geometry=gpd.GeoSeries(united, crs=cells.crs))
    land = dissolve(shapes, labels.astype(np.int64))
    return gpd.GeoDataFrame({"code": codes}, geometry=gpd.GeoSeries(land, crs=cells.crs))
